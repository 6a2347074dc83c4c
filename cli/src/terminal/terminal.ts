const QUIET_INTERVAL_MS = 10_000;
const TTY_INTERVAL_MS = 100;
const CLEAR_LINE = '\r\x1b[2K';

/** Messages and progress, on standard error: standard output is for results. */
export class Terminal {
  readonly isTty: boolean;
  readonly #colour: boolean;
  readonly #started = performance.now();
  #shown = false;
  #last = -Infinity;

  constructor(
    private readonly stream: NodeJS.WriteStream = process.stderr,
    env: NodeJS.ProcessEnv = process.env,
  ) {
    this.isTty = stream.isTTY === true && env.TERM !== 'dumb';
    // https://no-color.org: any value that is not empty.
    this.#colour = this.isTty && (env.NO_COLOR ?? '') === '';
  }

  line(text: string): void {
    this.clear();
    this.stream.write(`${text}\n`);
  }

  error(text: string): void {
    this.line(`${this.#colour ? '\x1b[31marmilla:\x1b[0m' : 'armilla:'} ${text}`);
  }

  /** Text that stands out on a terminal with colours. */
  strong(text: string): string {
    return this.#colour ? `\x1b[1m${text}\x1b[0m` : text;
  }

  /** Shows how far the work has come: in place on a terminal, else one line per 10 seconds, the first after 10 seconds. */
  progress(text: () => string): void {
    const now = performance.now();
    if (this.isTty) {
      if (now - this.#last < TTY_INTERVAL_MS) return;
      this.#last = now;
      this.#shown = true;
      this.stream.write(`${CLEAR_LINE}${text().slice(0, (this.stream.columns ?? 80) - 1)}`);
    } else if (now - Math.max(this.#last, this.#started) >= QUIET_INTERVAL_MS) {
      this.#last = now;
      this.stream.write(`${text()}\n`);
    }
  }

  clear(): void {
    if (this.#shown) this.stream.write(CLEAR_LINE);
    this.#shown = false;
  }
}
