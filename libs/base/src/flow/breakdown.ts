/**
 * Ends waits for promises that may never settle once something has broken down: a device that is lost, a signal that aborts.
 * `Promise.race` with one promise for the breakdown would keep what each wait has brought for as long as that promise lives.
 */
export class Breakdown {
  readonly #waiters = new Set<(fault: unknown) => void>();
  #fault: { readonly cause: unknown } | undefined;

  /** Ends all that wait, and all that come later, with `fault`; the first one counts. */
  tell(fault: unknown): void {
    this.#fault ??= { cause: fault };
    for (const reject of this.#waiters) reject(fault);
  }

  /** As `work`, unless the breakdown comes before it settles. A call leaves nothing behind. */
  async orBroken<T>(work: Promise<T>): Promise<T> {
    let leave = (): void => undefined;
    const broken = new Promise<never>((_, reject) => {
      if (this.#fault !== undefined) reject(this.#fault.cause);
      this.#waiters.add(reject);
      leave = () => void this.#waiters.delete(reject);
    });
    try {
      return await Promise.race([work, broken]);
    } finally {
      leave();
    }
  }

  get waiterCount(): number {
    return this.#waiters.size;
  }
}
