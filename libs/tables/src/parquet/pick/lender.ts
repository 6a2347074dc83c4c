/** A fixed number of pieces of shared memory, lent one at a time and made when first needed. */
export class Lender {
  readonly #free: Uint8Array[] = [];
  readonly #waiting: ((bytes: Uint8Array) => void)[] = [];
  #made = 0;

  constructor(
    private readonly count: number,
    private readonly byteLength: number,
  ) {}

  /** Waits until one is there. */
  take(): Promise<Uint8Array> {
    const free = this.#free.pop();
    if (free) return Promise.resolve(free);
    if (this.#made < this.count) {
      this.#made++;
      return Promise.resolve(new Uint8Array(new SharedArrayBuffer(this.byteLength)));
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  give(bytes: Uint8Array): void {
    const next = this.#waiting.shift();
    if (next) next(bytes);
    else this.#free.push(bytes);
  }
}
