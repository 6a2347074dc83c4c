import { type Writable } from 'node:stream';
import { fail } from '@armilla/base';
import { abortProblem } from '../errors/abort-reason.js';
import { messageByteLength } from './frame.js';

/** Bytes handed to a call and not yet taken by the transport, beyond which `writeFrame` waits. */
const IN_FLIGHT_BYTES = 4 * 1024 * 1024;

/** What one call has sent and how its reader keeps up. */
export interface WriteState {
  inFlightBytes: number;
  /** Bytes that the transport has taken; grows only. */
  takenBytes: number;
  /** The call has ended: nothing more is taken. */
  gone: boolean;
  watched: AbortSignal | undefined;
  readonly wakers: Set<() => void>;
}

const states = new WeakMap<Writable, WriteState>();

export function writeStateOf(call: Writable): WriteState {
  let state = states.get(call);
  if (!state) {
    state = makeState(call);
    states.set(call, state);
  }
  return state;
}

/**
 * Writes one frame (or another message of a stream); resolves when there is room for the next (at most 4 MiB are under
 * way), rejects with the signal's reason or CANCELLED when the peer is gone: it never waits for a dead reader.
 */
export async function writeFrame<Message>(call: Writable, frame: Message, signal?: AbortSignal): Promise<void> {
  const state = writeStateOf(call);
  if (signal?.aborted) throw abortProblem(signal);
  if (state.gone || call.destroyed || call.writableEnded) throw fail('CANCELLED');
  // A small constant for the object itself keeps endless empty frames countable.
  const size = messageByteLength(frame) + 64;
  state.inFlightBytes += size;
  call.write(frame, () => {
    state.inFlightBytes -= size;
    state.takenBytes += size;
    wakeAll(state);
  });
  if (state.inFlightBytes <= IN_FLIGHT_BYTES) return;
  watchAbort(state, signal);
  while (state.inFlightBytes > IN_FLIGHT_BYTES) {
    await new Promise<void>((resolve) => state.wakers.add(resolve));
    if (signal?.aborted) throw abortProblem(signal);
    if (state.gone) throw fail('CANCELLED');
  }
}

/** One listener per call, not one per wait. */
function watchAbort(state: WriteState, signal: AbortSignal | undefined): void {
  if (!signal || state.watched === signal) return;
  state.watched = signal;
  signal.addEventListener('abort', () => wakeAll(state), { once: true });
}

function wakeAll(state: WriteState): void {
  for (const wake of state.wakers) wake();
  state.wakers.clear();
}

function makeState(call: Writable): WriteState {
  const state: WriteState = {
    inFlightBytes: 0,
    takenBytes: 0,
    gone: false,
    watched: undefined,
    wakers: new Set(),
  };
  // grpc-js never calls back the writes of an ended call, so its end has to wake whoever waits; 'status' is all that a
  // client stream with a single response says.
  const onGone = (): void => {
    state.gone = true;
    wakeAll(state);
  };
  for (const event of ['close', 'cancelled', 'error', 'status']) call.once(event, onGone);
  return state;
}
