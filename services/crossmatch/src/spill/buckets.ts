import { scratchBuffer, scratchInts } from './scratch-words.js';

/** Bins of declination that buckets are cut by: 0.6 arcsec each. */
const BIN_COUNT = 2 ** 20;
const BINS_PER_DEGREE = BIN_COUNT / 180;
/** Added to the radius: far above what the separation of a pair may be off (1e-3 mas). */
const MARGIN_DEG = 1e-7;
/** Buckets fit 16 bits, with two numbers to spare. */
export const MOST_BUCKETS = 2 ** 16 - 3;
/** The bucket of declinations that no row of the other table is near. */
export const NO_BUCKET = 0xffff;
const SEVERAL = 0xfffe;
const ZONE_BINS = 2 ** 8;
const ZONES_PER_DEGREE = BINS_PER_DEGREE / ZONE_BINS;
const ZONE_COUNT = BIN_COUNT / ZONE_BINS;
/** The zone of rows that belong to no bucket. */
const NO_ZONE = ZONE_COUNT + 1;

/** Bins [from, to) of declination. */
export interface Interval {
  readonly from: number;
  readonly to: number;
}

/** The sky in declination buckets: a left row belongs to one, a right row also to those that lie within reach of it. */
export interface Buckets {
  /** Ascending, without overlap. */
  readonly intervals: readonly Interval[];
  /** [BIN_COUNT] in shared memory. */
  readonly bucketOfBin: Uint16Array;
  /** [ZONE_COUNT + 2] the bucket of all bins of a zone and of all within reach; SEVERAL where it is not one; then of the pole and of NO_ZONE. Stays in the cache. */
  readonly bucketOfZone: Uint16Array;
}

/** The bin of a declination; never falls where the declination rises. Those beyond the poles are in the last bins. */
export function binOf(decDeg: number): number {
  const bin = ((decDeg + 90) * BINS_PER_DEGREE) | 0;
  return bin < 0 ? 0 : bin >= BIN_COUNT ? BIN_COUNT - 1 : bin;
}

/** The difference in declination that a pair within the radius may have at most. */
export function reachOf(radiusArcsec: number): number {
  return radiusArcsec / 3600 + MARGIN_DEG;
}

/** Counts the rows of a table by declination. */
export class DeclinationCounts {
  /** In shared memory: threads count as well. */
  readonly counts = new Int32Array(new SharedArrayBuffer(4 * BIN_COUNT));
  /** Where no row was counted there is none: all were looked at, and none will be elsewhere when it is matched. */
  isComplete = true;
}

/** Counts every `stride`-th row for `weight` of all, in any thread, but those that `filtered` marks. Rows without a declination fall into a bin as well, which makes its bucket a little smaller. */
export function countDeclinations(
  counts: Int32Array,
  decDeg: Float64Array,
  filtered: Uint8Array | undefined,
  stride: number,
  weight: number,
): void {
  for (let i = 0; i < decDeg.length; i += stride)
    if (!filtered || filtered[i] === 0) Atomics.add(counts, binOf(decDeg[i]), weight);
}

/** How the sky is cut: each bucket with the rows that it will hold, copies included. */
export interface BucketCut {
  readonly intervals: readonly Interval[];
  readonly rowCounts: readonly number[];
}

/**
 * Cuts the sky so that a bucket and what lies within reach of it hold about `wantedRowCount` rows, as far as the reach
 * allows.
 */
export function cutBuckets(
  { counts, isComplete }: DeclinationCounts,
  reachDeg: number,
  wantedRowCount: number,
): BucketCut {
  const margin = marginOf(reachDeg);
  const rowsWithin = rowCounter(counts, margin);
  let cut = cutGreedily(rowsWithin, margin, wantedRowCount);
  // Buckets of one size: the last need not be a small one.
  let low = Math.ceil(wantedRowCount / 2);
  for (let high = wantedRowCount; high - low > wantedRowCount / 64;) {
    const middle = Math.floor((low + high) / 2);
    const even = cutGreedily(rowsWithin, margin, middle);
    if (even.intervals.length > cut.intervals.length) low = middle + 1;
    else {
      high = middle;
      cut = even;
    }
  }
  return !isComplete ? { ...cut, intervals: withoutGaps(cut.intervals) } : cut;
}

/** The most rows that a bucket holds that is as narrow as one may be. */
export function crowdedRowCount({ counts }: DeclinationCounts, reachDeg: number): number {
  const margin = marginOf(reachDeg);
  const rowsWithin = rowCounter(counts, margin);
  let most = 0;
  for (let from = 0; from < BIN_COUNT; from++) {
    const rowCount = rowsWithin(from, from + margin);
    if (rowCount > most) most = rowCount;
  }
  return most;
}

/** Bins within reach of a bin. */
function marginOf(reachDeg: number): number {
  return Math.min(BIN_COUNT, Math.ceil(reachDeg * BINS_PER_DEGREE) + 1);
}

/** Counts the rows in bins [from, to) and within `margin` of them. */
function rowCounter(counts: Int32Array, margin: number): (from: number, to: number) => number {
  const before = new Float64Array(BIN_COUNT + 1);
  for (let bin = 0; bin < BIN_COUNT; bin++) before[bin + 1] = before[bin] + counts[bin];
  return (from, to) =>
    before[to + margin < BIN_COUNT ? to + margin : BIN_COUNT] - before[from > margin ? from - margin : 0];
}

/** The same intervals, but all of the sky belongs to one. */
function withoutGaps(intervals: readonly Interval[]): Interval[] {
  return intervals.map((interval, i) => ({
    from: i === 0 ? 0 : intervals[i - 1].to,
    to: i === intervals.length - 1 ? BIN_COUNT : interval.to,
  }));
}

function cutGreedily(
  rowsWithin: (from: number, to: number) => number,
  margin: number,
  wantedRowCount: number,
): BucketCut {
  const intervals: Interval[] = [];
  const rowCounts: number[] = [];
  for (let from = nextUsed(rowsWithin, 0); from < BIN_COUNT; from = nextUsed(rowsWithin, intervals.at(-1)?.to ?? 0)) {
    let fits = from;
    for (let low = from + 1, high = BIN_COUNT; low <= high;) {
      const to = (low + high) >>> 1;
      if (rowsWithin(from, to) > wantedRowCount) high = to - 1;
      else {
        fits = to;
        low = to + 1;
      }
    }
    // Narrower than the reach, a bucket is mostly copies.
    const wide = Math.max(fits, from + margin);
    const to = Math.min(BIN_COUNT, wide, lastUsed(rowsWithin, from, wide) + 2 * margin);
    intervals.push({ from, to });
    rowCounts.push(rowsWithin(from, to));
  }
  return { intervals, rowCounts };
}

/** The first bin from `bin` on that has rows within reach. */
function nextUsed(rowsWithin: (from: number, to: number) => number, bin: number): number {
  let low = bin;
  let high = BIN_COUNT;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (rowsWithin(bin, middle + 1) > 0) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The least end of an interval that begins with `from` and has the same rows within reach as [from, to). */
function lastUsed(rowsWithin: (from: number, to: number) => number, from: number, to: number): number {
  const all = rowsWithin(from, to);
  let low = from + 1;
  let high = to;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (rowsWithin(from, middle) === all) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** `mostReachDeg`: how far rows are copied at most. */
export function bucketsOf(intervals: readonly Interval[], mostReachDeg: number): Buckets {
  const bucketOfBin = new Uint16Array(new SharedArrayBuffer(2 * BIN_COUNT)).fill(NO_BUCKET);
  intervals.forEach(({ from, to }, bucket) => bucketOfBin.fill(bucket, from, to));
  const margin = marginOf(mostReachDeg);
  const bucketOfZone = new Uint16Array(new SharedArrayBuffer(2 * (ZONE_COUNT + 2)));
  // Where the bucket of `from` ends, which ascends with the zones, however wide the margin is.
  let end = 0;
  for (let zone = 0; zone < ZONE_COUNT; zone++) {
    const from = Math.max(0, zone * ZONE_BINS - margin);
    const to = Math.min(BIN_COUNT, (zone + 1) * ZONE_BINS + margin);
    const bucket = bucketOfBin[from];
    if (end <= from) for (end = from + 1; end < BIN_COUNT && bucketOfBin[end] === bucket;) end++;
    bucketOfZone[zone] = end >= to ? bucket : SEVERAL;
  }
  bucketOfZone[ZONE_COUNT] = bucketOfZone[ZONE_COUNT - 1];
  bucketOfZone[NO_ZONE] = NO_BUCKET;
  return { intervals, bucketOfBin, bucketOfZone };
}

/** Where the rows of a run go: by bucket, ascending within each. In memory that the next run uses again. */
export interface BucketPlaces {
  /** [rows] place of each row; -1 of rows that belong to no bucket. */
  readonly place: Int32Array;
  /** Rows that are also in other buckets, and their places there. */
  readonly copies: { readonly row: Int32Array; readonly place: Int32Array };
  /** [buckets + 1] the places of each bucket. */
  readonly starts: Int32Array;
}

/** The places of the rows whose `status` is 0; with a reach, of all or of each, also of their copies in the buckets within it. */
export function placesByBucket(
  buckets: Buckets,
  decDeg: Float64Array,
  status: Uint8Array,
  reachDeg: number | Float64Array,
): BucketPlaces {
  const rowCount = decDeg.length;
  const bucketCount = buckets.intervals.length;
  const own = new Uint16Array(scratchBuffer('bucket.own', 2 * rowCount), 0, rowCount);
  const border = scratchInts('bucket.border', rowCount);
  const borderRows = border.subarray(0, assignZones(decDeg, status, buckets.bucketOfZone, own, border));
  const copies = assignBorder(buckets, decDeg, reachDeg, borderRows, own);
  const starts = new Int32Array(bucketCount + 1);
  countBuckets(own, starts);
  for (const bucket of copies.bucket) starts[bucket + 1]++;
  for (let b = 0; b < bucketCount; b++) starts[b + 1] += starts[b];
  const place = scratchInts('bucket.place', rowCount);
  const copyPlace = new Int32Array(copies.row.length);
  numberRows(own, starts.slice(), place, copies.row, copies.bucket, copyPlace);
  return { place, copies: { row: copies.row, place: copyPlace }, starts };
}

// The loops over all rows are functions of their own, without anything behind them: a run is too short to be compiled anew.

/** The bucket of each row, but of those that are near a border; these are listed in `border`, and counted. */
function assignZones(
  decDeg: Float64Array,
  status: Uint8Array,
  bucketOfZone: Uint16Array,
  own: Uint16Array,
  border: Int32Array,
): number {
  let borderCount = 0;
  for (let i = 0; i < own.length; i++) {
    // The zone of `binOf`: a power of two between the scales changes no digit, and there is a zone more for the pole.
    const zone = status[i] !== 0 ? NO_ZONE : ((decDeg[i] + 90) * ZONES_PER_DEGREE) | 0;
    const bucket = bucketOfZone[zone];
    own[i] = bucket;
    border[borderCount] = i;
    if (bucket === SEVERAL) borderCount++;
  }
  return borderCount;
}

/** Rows, ascending, and the buckets besides their own that they are copied to. */
interface Copies {
  readonly row: Int32Array;
  readonly bucket: Uint16Array;
}

/** The buckets of the rows near a border. */
function assignBorder(
  { bucketOfBin, intervals }: Buckets,
  decDeg: Float64Array,
  reachDeg: number | Float64Array,
  rows: Int32Array,
  own: Uint16Array,
): Copies {
  const copyRow: number[] = [];
  const copyBucket: number[] = [];
  for (const row of rows) {
    const dec = decDeg[row];
    const bucket = bucketOfBin[binOf(dec)];
    own[row] = bucket;
    const reach = typeof reachDeg === 'number' ? reachDeg : reachDeg[row];
    if (!(reach > 0)) continue;
    const [low, high] = [binOf(dec - reach), binOf(dec + reach)];
    // Between two bins of one bucket there is no other.
    if (bucketOfBin[low] === bucket && bucketOfBin[high] === bucket) continue;
    const [first, end] = bucketsWithin(intervals, low, high);
    for (let other = first; other < end; other++) {
      if (other === bucket) continue;
      copyRow.push(row);
      copyBucket.push(other);
    }
  }
  return { row: Int32Array.from(copyRow), bucket: Uint16Array.from(copyBucket) };
}

/** Adds the rows of each bucket to the number after it. */
function countBuckets(own: Uint16Array, counts: Int32Array): void {
  for (let i = 0; i < own.length; i++) if (own[i] !== NO_BUCKET) counts[own[i] + 1]++;
}

/** Gives rows and copies their places, ascending by row; `next` is the first of each bucket. */
function numberRows(
  own: Uint16Array,
  next: Int32Array,
  place: Int32Array,
  copyRow: Int32Array,
  copyBucket: Uint16Array,
  copyPlace: Int32Array,
): void {
  let copy = 0;
  for (let i = 0; i < own.length; i++) {
    for (; copy < copyRow.length && copyRow[copy] === i; copy++) copyPlace[copy] = next[copyBucket[copy]]++;
    place[i] = own[i] === NO_BUCKET ? -1 : next[own[i]]++;
  }
}

/** The buckets [first, end) that have one of the bins [low, high]. */
function bucketsWithin(intervals: readonly Interval[], low: number, high: number): [number, number] {
  let first = 0;
  let end = intervals.length;
  while (first < end) {
    const middle = (first + end) >>> 1;
    if (intervals[middle].to > low) end = middle;
    else first = middle + 1;
  }
  while (end < intervals.length && intervals[end].from <= high) end++;
  return [first, end];
}
