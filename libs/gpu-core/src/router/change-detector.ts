/** A single outlier, for example a collection of garbage, counts at most this much: two in a row are a change. */
const LARGEST_STEP = 6;
/** Steps below this many sigma are noise. */
const SLACK = 1;
const THRESHOLD = 9;
/** Steps above this many sigma are no noise. */
const CLEAR_STEP = 3;

/**
 * Two-sided cumulative sum (Page 1954) of the log ratio of measured to predicted time, in units of its spread. Reports
 * the factor that the device has become slower (> 1) or faster (< 1).
 */
export class ChangeDetector {
  #slower = 0;
  #faster = 0;
  /** Log ratio that the running excursion agrees on: the one nearest to zero, so that an outlier does not set it. */
  #slowerLog = Infinity;
  #fasterLog = -Infinity;

  /**
   * The factor of the change, or undefined while there is none. `sigma` is the spread of the log ratio; in units of it a
   * sample counts at most `largestStep`.
   */
  add(logRatio: number, sigma: number, largestStep = LARGEST_STEP): number | undefined {
    const step = Math.max(-LARGEST_STEP, Math.min(largestStep, logRatio / sigma));
    this.#slower = Math.max(0, this.#slower + step - SLACK);
    this.#faster = Math.max(0, this.#faster - step - SLACK);
    this.#slowerLog = this.#slower === 0 ? Infinity : agreed(this.#slowerLog, logRatio, sigma);
    this.#fasterLog = this.#faster === 0 ? -Infinity : -agreed(-this.#fasterLog, -logRatio, sigma);
    if (this.#slower > THRESHOLD) return this.#report(this.#slowerLog);
    if (this.#faster > THRESHOLD) return this.#report(this.#fasterLog);
    return undefined;
  }

  /** Another operation saw this device change in that direction: one sample that agrees will do. */
  suspect(slower: boolean): void {
    if (slower) this.#slower = Math.max(this.#slower, THRESHOLD - (LARGEST_STEP - SLACK) / 2);
    else this.#faster = Math.max(this.#faster, THRESHOLD - (LARGEST_STEP - SLACK) / 2);
  }

  reset(): void {
    this.#slower = this.#faster = 0;
    this.#slowerLog = Infinity;
    this.#fasterLog = -Infinity;
  }

  #report(log: number): number {
    this.reset();
    return Math.exp(log);
  }
}

/** What an excursion agrees on after one more sample; noise that began it says nothing of a clear change. */
function agreed(sofar: number, logRatio: number, sigma: number): number {
  if (logRatio <= SLACK * sigma) return sofar;
  return logRatio > CLEAR_STEP * sigma && sofar < CLEAR_STEP * sigma ? logRatio : Math.min(sofar, logRatio);
}
