/** Ratios kept for each bucket. */
const DEPTH = 9;
/** Below this many the median says too little. */
const FEWEST = 3;
/** A correction mends the shape of the curve, not a wrong model. */
const LARGEST = 4;

/** Median of measured by predicted time for each power of two of the work: caches, tails and tiles are not linear. */
export class BucketCorrection {
  readonly #ratios = new Map<number, number[]>();
  readonly #medians = new Map<number, number>();

  /** Factor for a prediction, in [1/4, 4]; 1 where too little is known. */
  factor(bucket: number): number {
    return this.#medians.get(bucket) ?? 1;
  }

  add(bucket: number, ratio: number): void {
    let ratios = this.#ratios.get(bucket);
    if (ratios === undefined) this.#ratios.set(bucket, (ratios = []));
    ratios.push(ratio);
    if (ratios.length > DEPTH) ratios.shift();
    if (ratios.length < FEWEST) return;
    const sorted = Float64Array.from(ratios).sort();
    const middle = sorted.length >> 1;
    const median = sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    this.#medians.set(bucket, Math.max(1 / LARGEST, Math.min(LARGEST, median)));
  }

  /** Of the current factors, for storing. */
  entries(): [bucket: number, factor: number][] {
    return [...this.#medians].sort(([a], [b]) => a - b);
  }

  set(bucket: number, factor: number): void {
    this.#medians.set(bucket, Math.max(1 / LARGEST, Math.min(LARGEST, factor)));
    this.#ratios.set(
      bucket,
      Array.from({ length: FEWEST }, () => factor),
    );
  }

  clear(): void {
    this.#ratios.clear();
    this.#medians.clear();
  }
}

/** Power of two of the work, -1 below 1. */
export function bucketOf(work: number): number {
  return work < 1 ? -1 : Math.floor(Math.log2(work));
}
