/** A measured call: features and time. */
export interface Sample {
  readonly chunkCount: number;
  readonly work: number;
  readonly bytesToMove: number;
  /** Time on the device without waiting for it. */
  readonly ms: number;
}

/** Samples kept for each bucket. */
const DEPTH = 9;
/** Below this many the median says too little. */
const FEWEST = 3;
/** Octaves to the next bucket that may stand for one without. */
const REACH = 8;
/** A correction mends the shape of the curve, not a wrong model. */
const LARGEST = 16;
/** Of another size: what small calls wait for others is no share of large ones. */
const LARGEST_OF_ANOTHER = 4;

interface Bucket {
  readonly samples: Sample[];
  factor: number;
  /** Revision of the model that the factor belongs to. */
  revision: number;
}

/**
 * Median of measured by predicted time for each power of two of the work: caches, tails and tiles are not linear. Samples
 * are kept, not ratios: when small calls bend the line, the correction of large ones bends back.
 */
export class BucketCorrection {
  readonly #buckets = new Map<number, Bucket>();

  /**
   * Factor for a prediction, in [1/16, 16], of that bucket; or of the nearest that is known (caches end for all larger sizes
   * at once), in [1/4, 4]; 1 where none is near. `lineMs` is the model of that revision.
   */
  factor(bucket: number, revision: number, lineMs: (sample: Sample) => number): number {
    if (this.#buckets.size === 0) return 1;
    for (let distance = 0; distance <= REACH; distance++) {
      const one = this.#known(bucket - distance) ?? this.#known(bucket + distance);
      if (one === undefined) continue;
      const factor = factorOf(one, revision, lineMs);
      return distance === 0 ? factor : Math.max(1 / LARGEST_OF_ANOTHER, Math.min(LARGEST_OF_ANOTHER, factor));
    }
    return 1;
  }

  add(sample: Sample): void {
    const bucket = bucketOf(sample.work);
    let one = this.#buckets.get(bucket);
    if (one === undefined) this.#buckets.set(bucket, (one = { samples: [], factor: 1, revision: -1 }));
    one.samples.push(sample);
    if (one.samples.length > DEPTH) one.samples.shift();
    one.revision = -1;
  }

  /** Buckets that have a factor, in order. */
  known(): number[] {
    return [...this.#buckets]
      .flatMap(([bucket, { samples }]) => (samples.length < FEWEST ? [] : [bucket]))
      .sort(byValue);
  }

  /** Stands for the samples of a bucket of which only the factor was kept. */
  restore(bucket: number, factor: number, lineMs: (sample: Sample) => number): void {
    const sample = { chunkCount: 1, work: bucket < 0 ? 0 : 1.5 * 2 ** bucket, bytesToMove: 0, ms: 0 };
    for (let i = 0; i < FEWEST; i++) this.add({ ...sample, ms: factor * lineMs(sample) });
  }

  clear(): void {
    this.#buckets.clear();
  }

  #known(bucket: number): Bucket | undefined {
    const one = this.#buckets.get(bucket);
    return one !== undefined && one.samples.length >= FEWEST ? one : undefined;
  }
}

function factorOf(one: Bucket, revision: number, lineMs: (sample: Sample) => number): number {
  if (one.revision !== revision) {
    const ratios = one.samples.map((sample) => sample.ms / lineMs(sample)).sort(byValue);
    const middle = ratios.length >> 1;
    const median = ratios.length % 2 === 1 ? ratios[middle] : (ratios[middle - 1] + ratios[middle]) / 2;
    one.factor = Math.max(1 / LARGEST, Math.min(LARGEST, median));
    one.revision = revision;
  }
  return one.factor;
}

/** Power of two of the work, -1 below 1. */
export function bucketOf(work: number): number {
  return work < 1 ? -1 : Math.floor(Math.log2(work));
}

const byValue = (a: number, b: number): number => a - b;
