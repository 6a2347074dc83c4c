/** Looks in a limit: a host that was asleep meanwhile counts one of them, not the whole night. */
const LOOKS = 4;

export interface SilenceOptions {
  /** How long nothing may come of it, ms; Infinity: it is never too long. */
  readonly limitMs: number;
  /** A number that changes whenever the other side has got on with something. */
  readonly progress: () => number;
  readonly onSilent: () => void;
  /** Calls `look` each so many ms until it is disposed of; default: a timer that keeps no process alive. */
  readonly every?: (ms: number, look: () => void) => Disposable;
}

/** Tells when somebody who owes answers has got on with nothing for too long. */
export class Silence implements Disposable {
  #looking: Disposable | undefined;

  constructor(private readonly options: SilenceOptions) {}

  /** Whether answers are owed; those that come later begin with the whole time. */
  owed(anything: boolean): void {
    if (!anything) this[Symbol.dispose]();
    else this.#looking ??= this.#look();
  }

  [Symbol.dispose](): void {
    this.#looking?.[Symbol.dispose]();
    this.#looking = undefined;
  }

  #look(): Disposable | undefined {
    const { limitMs, progress, onSilent, every = onTimer } = this.options;
    if (limitMs === Infinity) return undefined;
    let last = progress();
    let quiet = 0;
    return every(limitMs / LOOKS, () => {
      const now = progress();
      quiet = now === last ? quiet + 1 : 0;
      last = now;
      if (quiet < LOOKS) return;
      this[Symbol.dispose]();
      onSilent();
    });
  }
}

function onTimer(ms: number, look: () => void): Disposable {
  const timer = setInterval(look, ms).unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
