import type { Clock } from './clock.js';

const HALF_LIFE_MS = 10_000;
const LEAST_SECONDS = 0.1;
const MOST_SECONDS = 60;

/** How fast memory comes back, averaged with weights that halve every ten seconds. */
export class ReleaseRate {
  #bytes = 0;
  #atMs = 0;

  constructor(private readonly clock: Clock) {}

  add(byteLength: number): void {
    this.#bytes = this.#decayed() + byteLength;
    this.#atMs = this.clock.now();
  }

  /** Seconds until so many bytes have come back at this rate, in [0.1, 60]; undefined where none ever has. */
  secondsFor(byteLength: number): number | undefined {
    // Under a constant rate r the weighted sum is r · half-life / ln 2.
    const bytesPerSecond = (this.#decayed() * Math.LN2 * 1000) / HALF_LIFE_MS;
    if (!(bytesPerSecond > 0)) return undefined;
    const seconds = Math.min(MOST_SECONDS, Math.max(LEAST_SECONDS, byteLength / bytesPerSecond));
    return Math.round(seconds * 10) / 10;
  }

  #decayed(): number {
    return this.#bytes * 2 ** ((this.#atMs - this.clock.now()) / HALF_LIFE_MS);
  }
}
