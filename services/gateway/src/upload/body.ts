import { fail } from '@armilla/base';
import type { Readable } from 'node:stream';
import { Pace } from './pace.js';

export interface BodyLimits {
  readonly maxBytes: number;
  /** A sender that gives less while we wait for it is refused. */
  readonly minBytesPerSecond: number;
  readonly paceSeconds: number;
}

const QUEUE_BYTES = 256 << 10;

/**
 * The bytes of a request as they come. Ends with MESSAGE_TOO_LARGE, SENDER_TOO_SLOW, CANCELLED (the client went away)
 * or the signal's reason. Leaving it early lets go of the request, which stays open and paused: its answer still has
 * to go out on the same socket.
 */
export async function* bodyChunks(
  body: Readable,
  limits: BodyLimits,
  signal: AbortSignal,
  onBytes?: (byteCount: number) => void,
): AsyncGenerator<Buffer, void, undefined> {
  const reader = new BodyReader(body);
  const onAbort = (): void => reader.stop(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  const pace = new Pace(limits.minBytesPerSecond, limits.paceSeconds * 1000, (rate) =>
    reader.stop(
      fail('SENDER_TOO_SLOW', { rate: Math.round(rate), limit: limits.minBytesPerSecond, seconds: limits.paceSeconds }),
    ),
  );
  let byteCount = 0;
  try {
    for (;;) {
      pace.waiting();
      const chunk = await reader.next();
      if (chunk === undefined) return;
      pace.moved(chunk.length);
      byteCount += chunk.length;
      onBytes?.(chunk.length);
      if (byteCount > limits.maxBytes) {
        throw fail('MESSAGE_TOO_LARGE', {
          where: 'request body',
          got: `more than ${limits.maxBytes}`,
          limit: limits.maxBytes,
        });
      }
      yield chunk;
    }
  } finally {
    pace.stop();
    signal.removeEventListener('abort', onAbort);
    reader.release();
  }
}

/** Pulls chunks out of a stream by its events: a stream's own iterator cannot be left while it waits. */
class BodyReader {
  readonly #queue: Buffer[] = [];
  #queuedBytes = 0;
  #end: { error?: unknown } | undefined;
  #wake: (() => void) | undefined;

  readonly #onData = (chunk: Buffer): void => {
    this.#queue.push(chunk);
    this.#queuedBytes += chunk.length;
    if (this.#queuedBytes >= QUEUE_BYTES) this.body.pause();
    this.#wake?.();
  };
  readonly #onEnd = (): void => this.#finish({});
  readonly #onGone = (cause?: unknown): void =>
    this.#finish({ error: fail('CANCELLED', {}, cause === undefined ? undefined : { cause }) });

  constructor(private readonly body: Readable) {
    if (body.readableEnded) this.#end = {};
    else if (body.destroyed) this.#onGone();
    body.on('data', this.#onData).on('end', this.#onEnd).on('error', this.#onGone).on('close', this.#onGone);
  }

  /** Undefined at the end. What came before a failure is given out first, except after `stop`. */
  async next(): Promise<Buffer | undefined> {
    for (;;) {
      const chunk = this.#queue.shift();
      if (chunk !== undefined) {
        this.#queuedBytes -= chunk.length;
        return chunk;
      }
      if (this.#end !== undefined) {
        if ('error' in this.#end) throw this.#end.error;
        return undefined;
      }
      this.body.resume();
      await new Promise<void>((resolve) => (this.#wake = resolve));
      this.#wake = undefined;
    }
  }

  stop(reason: unknown): void {
    this.#queue.length = 0;
    this.#end = { error: reason };
    this.#wake?.();
  }

  release(): void {
    this.body.off('data', this.#onData).off('end', this.#onEnd).off('error', this.#onGone).off('close', this.#onGone);
    this.body.pause();
  }

  #finish(end: { error?: unknown }): void {
    this.#end ??= end;
    this.#wake?.();
  }
}
