import { fail, isProblem } from '@armilla/base';

/** Joins of buckets side by side; one after the other, from anew, once memory has been too short for two. */
export class JoinTurns {
  readonly #together = new Set<Promise<unknown>>();
  #last: Promise<unknown> = Promise.resolve();
  #alone = false;

  constructor(private readonly limitText: string) {}

  /** What `first` gives or, where memory was short, `again`. Throws MEMORY_OVER_LIMIT where it is too short for one bucket. */
  async run<T>(first: () => Promise<T>, again: () => Promise<T>): Promise<T> {
    if (!this.#alone) {
      const join = first();
      this.#together.add(join);
      try {
        return await join;
      } catch (error) {
        if (!isExhausted(error)) throw error;
        this.#alone = true;
      } finally {
        this.#together.delete(join);
      }
    }
    const turn = this.#last.then(async () => {
      await Promise.allSettled(this.#together);
      return again();
    });
    this.#last = turn.catch(() => undefined);
    return turn.catch((error: unknown) => {
      if (!isExhausted(error)) throw error;
      // Nobody else holds anything: no later try would find more.
      const needed = `more than ${this.limitText}`;
      throw fail('MEMORY_OVER_LIMIT', { needed, limit: this.limitText }, { cause: error });
    });
  }

  /** When no join runs any more, whatever became of them. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#together);
    await this.#last;
  }
}

function isExhausted(error: unknown): boolean {
  return isProblem(error) && error.reason === 'MEMORY_EXHAUSTED';
}
