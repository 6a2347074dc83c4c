/**
 * A bounded queue between one producer and one consumer. `send` waits while `limit` items are unread; closing with an
 * error throws it at the reader after the items sent before it.
 */
export class Channel<T> implements AsyncIterable<T> {
  readonly #items: T[] = [];
  #closed = false;
  #error: unknown;
  #readerGone = false;
  #wakeReader: (() => void) | undefined;
  readonly #wakeSenders: (() => void)[] = [];

  constructor(private readonly limit: number) {}

  /** Resolves when there is room again; false when the reader has gone and nothing more is wanted. */
  async send(item: T): Promise<boolean> {
    if (this.#readerGone) return false;
    if (this.#closed) throw new TypeError('send on a closed channel');
    this.#items.push(item);
    this.#wakeReader?.();
    while (this.#items.length >= this.limit && !this.#readerGone) {
      await new Promise<void>((resolve) => this.#wakeSenders.push(resolve));
    }
    return !this.#readerGone;
  }

  close(error?: unknown): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#error = error;
    this.#wakeReader?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    try {
      for (;;) {
        if (this.#items.length > 0) {
          const item = this.#items.shift() as T;
          this.#wakeSenders.shift()?.();
          yield item;
        } else if (this.#closed) {
          if (this.#error !== undefined) throw this.#error;
          return;
        } else {
          await new Promise<void>((resolve) => (this.#wakeReader = resolve));
          this.#wakeReader = undefined;
        }
      }
    } finally {
      this.#readerGone = true;
      this.#items.length = 0;
      for (const wake of this.#wakeSenders.splice(0)) wake();
    }
  }
}
