const WASM_PAGE = 65536;

/**
 * A fixed number of pieces of memory, lent one at a time. They are shared: memory that moves between threads is new to
 * the garbage collector each time, which then runs for nothing.
 */
export class Lender {
  readonly #free: Uint8Array[];
  readonly #waiting: ((bytes: Uint8Array) => void)[] = [];

  constructor(count: number, byteLength: number) {
    // Memory of WebAssembly begins at a page of the system, and so does each piece; the system gives pages when they are used.
    const stride = WASM_PAGE * Math.ceil(byteLength / WASM_PAGE);
    const pageCount = (count * stride) / WASM_PAGE;
    const { buffer } = new WebAssembly.Memory({ initial: pageCount, maximum: pageCount, shared: true });
    this.#free = Array.from({ length: count }, (_, i) => new Uint8Array(buffer, i * stride, byteLength));
  }

  /** Waits until one is there. */
  take(): Promise<Uint8Array> {
    const bytes = this.#free.pop();
    return bytes ? Promise.resolve(bytes) : new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Ends a loan. */
  give(bytes: Uint8Array): void {
    const next = this.#waiting.shift();
    if (next) next(bytes);
    else this.#free.push(bytes);
  }
}
