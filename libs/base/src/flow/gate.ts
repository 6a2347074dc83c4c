import { whenAborted } from './when-aborted.js';

/** Lets `limit` holders through at a time, first come first served; waiting ends with the signal. */
export class Gate {
  #free: number;
  readonly #waiting: { enter: () => void }[] = [];

  constructor(limit: number) {
    this.#free = limit;
  }

  get waitingCount(): number {
    return this.#waiting.length;
  }

  async enter(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (this.#free > 0) {
      this.#free--;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const listening = whenAborted(signal, () => {
        const at = this.#waiting.indexOf(waiter);
        if (at >= 0) this.#waiting.splice(at, 1);
        reject(signal?.reason);
      });
      const waiter = {
        enter: () => {
          listening[Symbol.dispose]();
          resolve();
        },
      };
      this.#waiting.push(waiter);
    });
  }

  leave(): void {
    const next = this.#waiting.shift();
    if (next) next.enter();
    else this.#free++;
  }
}
