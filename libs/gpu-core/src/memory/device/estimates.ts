/** The share of past calls that an estimate would have covered. */
const COVERED = 0.95;
const KEPT = 64;

/**
 * What calls of an operation really took, by the size of their work, so that the next one can be promised its room
 * before it runs.
 */
export class Estimates {
  /** Bytes per unit of work of the last calls, by operation and power of two of the work. */
  readonly #ratios = new Map<string, Map<number, number[]>>();

  observe(operation: string, work: number, peakBytes: number): void {
    if (!(work > 0 && peakBytes >= 0)) return;
    let buckets = this.#ratios.get(operation);
    if (!buckets) this.#ratios.set(operation, (buckets = new Map()));
    const bucket = Math.floor(Math.log2(work));
    let ratios = buckets.get(bucket);
    if (!ratios) buckets.set(bucket, (ratios = []));
    ratios.push(peakBytes / work);
    if (ratios.length > KEPT) ratios.shift();
  }

  /** Bytes that nineteen calls in twenty of such work did with; undefined where there is no history. */
  predict(operation: string, work: number): number | undefined {
    const buckets = this.#ratios.get(operation);
    if (!buckets) return undefined;
    const wanted = Math.log2(Math.max(work, Number.MIN_VALUE));
    let nearest: number | undefined;
    for (const bucket of buckets.keys()) {
      // The middle of a bucket lies half an octave above its start.
      if (nearest === undefined || Math.abs(bucket + 0.5 - wanted) < Math.abs(nearest + 0.5 - wanted)) nearest = bucket;
    }
    const sorted = buckets.get(nearest!)!.toSorted((a, b) => a - b);
    return Math.ceil(sorted[Math.ceil(COVERED * sorted.length) - 1] * work);
  }
}
