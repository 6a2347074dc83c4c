/** Looks in a limit: a host that was asleep meanwhile counts one of them, not the whole night. */
const LOOKS = 4;

export interface SilenceOptions<Key> {
  /** How long nothing may come of something, ms; Infinity: it is never too long. */
  readonly limitMs: number;
  /** Told of those of which nothing came; they are watched no longer. */
  readonly onSilent: (keys: readonly Key[]) => void;
  /** Calls `look` each so many ms until it is disposed of; default: a timer that keeps no process alive. */
  readonly every?: (ms: number, look: () => void) => Disposable;
}

interface Owed {
  readonly progress: () => number;
  last: number;
  quiet: number;
}

/** Watches what is owed by somebody who may never answer: each has to get on within the limit, whatever becomes of the others. */
export class Silence<Key> implements Disposable {
  readonly #owed = new Map<Key, Owed>();
  #looking: Disposable | undefined;

  constructor(private readonly options: SilenceOptions<Key>) {}

  /** `progress` gives a number that changes whenever it has got on. */
  begin(key: Key, progress: () => number): void {
    const { limitMs, every = onTimer } = this.options;
    if (limitMs === Infinity) return;
    this.#owed.set(key, { progress, last: progress(), quiet: 0 });
    this.#looking ??= every(limitMs / LOOKS, () => this.#look());
  }

  end(key: Key): void {
    this.#owed.delete(key);
    if (this.#owed.size === 0) this[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    this.#owed.clear();
    this.#looking?.[Symbol.dispose]();
    this.#looking = undefined;
  }

  #look(): void {
    const silent: Key[] = [];
    for (const [key, one] of this.#owed) {
      const now = one.progress();
      one.quiet = now === one.last ? one.quiet + 1 : 0;
      one.last = now;
      // The first look may come right after it began.
      if (one.quiet > LOOKS) silent.push(key);
    }
    if (silent.length === 0) return;
    for (const key of silent) this.end(key);
    this.options.onSilent(silent);
  }
}

function onTimer(ms: number, look: () => void): Disposable {
  const timer = setInterval(look, ms).unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
