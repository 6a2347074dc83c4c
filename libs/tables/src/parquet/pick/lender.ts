/** A fixed number of pieces of memory, lent one at a time and made when first needed. */
export class Lender {
  readonly #free: Uint8Array<ArrayBuffer>[] = [];
  readonly #waiting: ((bytes: Uint8Array<ArrayBuffer>) => void)[] = [];
  #lent = 0;

  constructor(
    private readonly count: number,
    private readonly byteLength: number,
  ) {}

  /** Waits until one is there. */
  take(): Promise<Uint8Array<ArrayBuffer>> {
    if (this.#lent === this.count) return new Promise((resolve) => this.#waiting.push(resolve));
    this.#lent++;
    return Promise.resolve(this.#free.pop() ?? this.#make());
  }

  /** Ends a loan; undefined when the memory is lost. */
  give(bytes: Uint8Array<ArrayBuffer> | undefined): void {
    const next = this.#waiting.shift();
    if (next) return next(bytes ?? this.#make());
    this.#lent--;
    if (bytes) this.#free.push(bytes);
  }

  #make(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.byteLength);
  }
}
