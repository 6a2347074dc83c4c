/** Who waits for a device that may be lost: its promises may never settle then. */
export class Loss {
  readonly #waiters = new Set<(fault: unknown) => void>();
  #fault: { readonly cause: unknown } | undefined;

  /** Ends all that wait, and all that come later, with `fault`. */
  tell(fault: unknown): void {
    this.#fault ??= { cause: fault };
    for (const reject of this.#waiters) reject(fault);
  }

  /** As `work`, unless the device is lost before it settles. A call leaves nothing behind: the device outlives many. */
  async orLost<T>(work: Promise<T>): Promise<T> {
    let leave = (): void => undefined;
    const lost = new Promise<never>((_, reject) => {
      if (this.#fault !== undefined) reject(this.#fault.cause);
      this.#waiters.add(reject);
      leave = () => void this.#waiters.delete(reject);
    });
    try {
      return await Promise.race([work, lost]);
    } finally {
      leave();
    }
  }

  get waiterCount(): number {
    return this.#waiters.size;
  }
}
