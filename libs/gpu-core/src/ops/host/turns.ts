import { setImmediate as turn } from 'node:timers/promises';

/** Work between two turns of the event loop, ms. */
const TURN_MS = 20;
/** Steps between two looks at the clock: about a millisecond of multiplications. */
const LOOK_STEPS = 2 ** 18;

/**
 * Gives the event loop its turns while a call computes on this thread. Wherever it may stop a call says
 * `if (turns.due(steps)) await turns.take()`, with the steps since the last time, so short calls neither wait nor ask the clock.
 */
export class Turns {
  #steps = 0;
  /** When the work since the last turn began, or was first looked at. */
  #sinceMs: number | undefined;

  constructor(private readonly signal?: AbortSignal) {}

  /** Whether it is time for a turn; `steps` are additions, multiplications or values copied. */
  due(steps: number): boolean {
    this.#steps += steps;
    if (this.#steps < LOOK_STEPS) return false;
    this.#steps = 0;
    const nowMs = performance.now();
    this.#sinceMs ??= nowMs;
    return nowMs - this.#sinceMs >= TURN_MS;
  }

  /** Timers, messages and other calls have their turn. Throws the reason of the signal. */
  async take(): Promise<void> {
    await turn();
    this.signal?.throwIfAborted();
    this.#sinceMs = performance.now();
  }
}
