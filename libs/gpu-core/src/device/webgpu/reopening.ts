import { fail } from '@armilla/base';
import { setTimeout as sleep } from 'node:timers/promises';

/** Time, as tests replace it. */
export interface ReopenClock {
  /** Of any origin, ms. */
  readonly now: () => number;
  /** Resolves after so many ms, or rejects when the signal aborts. */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** Before each try, ms: a driver that was reset takes its time. */
export const REOPEN_PAUSES_MS: readonly number[] = [0, 100, 400, 1600];
/** A device that could not be opened again is left alone for so long, ms. */
export const GONE_MS = 10_000;

/** Opens a device again whose thread has ended, when a call wants it: a few tries, then it is gone for a while. */
export class Reopening {
  #running: Promise<void> | undefined;
  #gone: { readonly fault: unknown; readonly untilMs: number } | undefined;
  readonly #stop = new AbortController();

  constructor(
    private readonly open: () => Promise<unknown>,
    private readonly clock: ReopenClock = systemClock,
  ) {}

  /** Resolves when the device is there; one run at a time. Throws why it is gone, at once while that was found lately; DRAINING. */
  run(): Promise<void> {
    this.#running ??= this.#tryAll().finally(() => (this.#running = undefined));
    return this.#running;
  }

  /** No further try. */
  stop(): void {
    this.#stop.abort();
  }

  async #tryAll(): Promise<void> {
    const { now, pause } = this.clock;
    if (this.#gone !== undefined && now() < this.#gone.untilMs) throw this.#gone.fault;
    const { signal } = this.#stop;
    let fault: unknown;
    // One try for a device that was gone already: whoever asks waits for it.
    for (const pauseMs of this.#gone === undefined ? REOPEN_PAUSES_MS : [0]) {
      try {
        if (pauseMs > 0) await pause(pauseMs, signal);
        signal.throwIfAborted();
        await this.open();
        this.#gone = undefined;
        return;
      } catch (error) {
        if (signal.aborted) throw fail('DRAINING', {}, { cause: error });
        fault = error;
      }
    }
    this.#gone = { fault, untilMs: now() + GONE_MS };
    throw fault;
  }
}

const systemClock: ReopenClock = {
  now: () => performance.now(),
  pause: (ms, signal) => sleep(ms, undefined, { signal }),
};
