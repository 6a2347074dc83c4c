/**
 * Judges a peer by the bytes it moved in the time that we waited for it, so that our own slowness is never held
 * against it. `onTooSlow` is called once, with the rate in bytes/s.
 */
export class Pace {
  readonly #timer: NodeJS.Timeout;
  #waitingSinceMs: number | undefined;
  #waitedMs = 0;
  #bytes = 0;

  constructor(
    private readonly minBytesPerSecond: number,
    private readonly windowMs: number,
    private readonly onTooSlow: (bytesPerSecond: number) => void,
  ) {
    this.#timer = setInterval(() => this.#judge(), Math.min(1000, windowMs / 4));
    this.#timer.unref();
  }

  /** From now on it is the peer's turn. */
  waiting(): void {
    this.#waitingSinceMs ??= performance.now();
  }

  /** The peer moved `bytes`; the wait is over. */
  moved(bytes: number): void {
    if (this.#waitingSinceMs !== undefined) this.#waitedMs += performance.now() - this.#waitingSinceMs;
    this.#waitingSinceMs = undefined;
    this.#bytes += bytes;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #judge(): void {
    const waitedMs =
      this.#waitedMs + (this.#waitingSinceMs === undefined ? 0 : performance.now() - this.#waitingSinceMs);
    if (waitedMs < this.windowMs) return;
    const rate = (this.#bytes / waitedMs) * 1000;
    this.#bytes = 0;
    this.#waitedMs = 0;
    if (this.#waitingSinceMs !== undefined) this.#waitingSinceMs = performance.now();
    if (rate >= this.minBytesPerSecond) return;
    this.stop();
    this.onTooSlow(rate);
  }
}
