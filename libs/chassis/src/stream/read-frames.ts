import { type Readable } from 'node:stream';
import { fail, toProblem } from '@armilla/base';
import { abortProblem } from '../errors/abort-reason.js';
import { statusToProblem } from '../errors/revive.js';
import { Undecodable } from './undecodable.js';

/** Messages that a gRPC stream reads ahead: Node's default of 16 would hold 16 MiB of frames per call. */
const READ_AHEAD = 2;

/**
 * The messages of a gRPC stream, either side, pulled one by one. Ends at the peer's half-close (server) or at status OK
 * (client); any other end throws its Problem. Leaving the loop early leaves the call open, so that the other direction
 * goes on. `signal` ends the wait with its reason; so does a wait of `idleMs` for one message, with DEADLINE_EXCEEDED
 * (0: any wait is fine).
 */
export async function* readFrames<T>(
  call: Readable,
  signal?: AbortSignal,
  idleMs = 0,
): AsyncGenerator<T, void, undefined> {
  setReadAhead(call);
  let wake = (): void => undefined;
  let failure: unknown;
  let ended = false;
  const onReadable = (): void => wake();
  const onEnd = (): void => {
    ended = true;
    wake();
  };
  const onError = (error: unknown): void => {
    failure ??= error;
    wake();
  };
  const onClose = (): void => {
    if (!ended && failure === undefined) failure = fail('CANCELLED');
    wake();
  };
  const onAbort = (): void => {
    failure = signal && abortProblem(signal);
    wake();
  };
  // One timer for all waits, set forward at each; it may ring while the reader works on a message.
  let idleTimer: NodeJS.Timeout | undefined;
  let waiting = false;
  const onIdle = (): void => {
    if (!waiting) return;
    failure ??= fail('DEADLINE_EXCEEDED', { elapsed: `${idleMs / 1000} s without a message of the client` });
    wake();
  };
  call.on('readable', onReadable).on('end', onEnd).on('error', onError).on('close', onClose);
  signal?.addEventListener('abort', onAbort, { once: true });
  if (signal?.aborted) onAbort();
  try {
    for (;;) {
      if (failure !== undefined) throw reasonOf(failure);
      const message: unknown = call.read();
      if (message instanceof Undecodable) {
        // On a server the chassis ends the call before its handler sees this; a client has to.
        if ('cancel' in call && typeof call.cancel === 'function') call.cancel();
        throw message.problem;
      }
      if (message !== null) {
        yield message as T;
        continue;
      }
      if (ended || call.readableEnded) {
        // On the client, 'end' comes with the trailers; a bad status follows as 'error' in the same turn.
        await new Promise(setImmediate);
        if (failure !== undefined) throw reasonOf(failure);
        return;
      }
      if (call.destroyed) throw fail('CANCELLED');
      waiting = true;
      if (idleMs > 0) idleTimer = idleTimer?.refresh() ?? setTimeout(onIdle, idleMs);
      await new Promise<void>((resolve) => (wake = resolve));
      waiting = false;
    }
  } finally {
    clearTimeout(idleTimer);
    call.off('readable', onReadable).off('end', onEnd).off('error', onError).off('close', onClose);
    signal?.removeEventListener('abort', onAbort);
    // A late failure of an abandoned call has nobody to tell; unheard it would end the process.
    if (call.listenerCount('error') === 0) call.on('error', () => undefined);
  }
}

function reasonOf(failure: unknown): Error {
  return isServiceError(failure) ? statusToProblem(failure) : toProblem(failure);
}

const isServiceError = (error: unknown): error is Parameters<typeof statusToProblem>[0] =>
  error instanceof Error && 'code' in error && typeof error.code === 'number' && 'metadata' in error;

/** grpc-js builds its streams with Node's default and offers no option; guarded by a test. */
function setReadAhead(call: Readable): void {
  const state = (call as unknown as { _readableState?: { highWaterMark: number } })._readableState;
  if (state) state.highWaterMark = READ_AHEAD;
}
