import { MAX_CELLS } from './layout.js';

/** How the sky of a table is cut: declination buckets of about equal counts, each cut in right ascension likewise. */
export interface GridPlan {
  readonly decMin: number; // degrees
  readonly decScale: number; // bins per degree
  readonly bucketOfBin: Uint16Array; // [decBins]
  readonly buckets: readonly BucketPlan[];
  readonly cells: readonly CellPlan[];
}

export interface BucketPlan {
  readonly raMin: number; // degrees
  readonly raScale: number; // bins per degree
  readonly cellOfBin: Uint16Array; // [raBins]
  readonly firstCell: number;
  readonly cellCount: number;
}

/** A position strictly between low and high, in both coordinates, belongs to the cell. */
export interface CellPlan {
  readonly raLow: number;
  readonly raHigh: number;
  readonly decLow: number;
  readonly decHigh: number;
}

const DEC_BINS = 4096;
const RA_BINS = 1024;
/** Extents below this (a nanoarcsecond is 3e-13 degrees) are one bin: scales stay finite. */
const LEAST_EXTENT_DEG = 1e-12;

/** A cell and its fine grid fit the second-level cache; at most this many rows. */
const CELL_ROWS = 8000;
/** Smaller tables have smaller cells: with few, a row's counter is often the one of a row just before, and waits for it. */
const USUAL_CELLS = 256;
const LEAST_CELL_ROWS = 1000;

/** Cells that a table of `rowCount` rows is cut into, about; `cellRowCount`: rows of a cell, where they are asked for. */
export function usualCellCount(rowCount: number, cellRowCount?: number): number {
  const cellRows = cellRowCount ?? Math.min(CELL_ROWS, Math.max(LEAST_CELL_ROWS, rowCount / USUAL_CELLS));
  return Math.max(1, Math.min(MAX_CELLS / 2, Math.round(rowCount / cellRows)));
}

/** Cuts the sky by a sample of positions (ra in [0, 360), dec in [-90, 90]); about `cellCount` cells. */
export function planGrid(ra: Float64Array, dec: Float64Array, cellCount: number): GridPlan {
  const wanted = Math.max(1, Math.min(MAX_CELLS, Math.round(cellCount)));
  const decAxis = axisOf(dec, 0, dec.length, DEC_BINS);
  const raAll = axisOf(ra, 0, ra.length, RA_BINS);
  const middle = Math.cos((((decAxis.low + decAxis.high) / 2) * Math.PI) / 180);
  const across = Math.max((raAll.high - raAll.low) * Math.max(middle, 0.05), LEAST_EXTENT_DEG);
  const aspect = Math.max(decAxis.high - decAxis.low, LEAST_EXTENT_DEG) / across;
  const bucketCount = Math.max(1, Math.min(wanted, DEC_BINS / 2, Math.round(Math.sqrt(wanted * aspect))));
  const decBins = new Uint16Array(dec.length);
  const parts = cut(histogram(dec, 0, dec.length, decAxis, decBins), bucketCount);

  const byBucket = new Float64Array(ra.length);
  const starts = sortByPart(ra, decBins, parts, byBucket);
  const buckets: BucketPlan[] = [];
  const cells: CellPlan[] = [];
  for (let b = 0; b < parts.count; b++) {
    const [from, to] = [starts[b], starts[b + 1]];
    const axis = axisOf(byBucket, from, to, RA_BINS);
    const share = Math.max(1, Math.round((wanted * (to - from)) / Math.max(1, dec.length)));
    const { partOfBin, firstBin, count } = cut(histogram(byBucket, from, to, axis), Math.min(share, RA_BINS / 2));
    const firstCell = cells.length;
    const [decLow, decHigh] = rangeOf(parts.firstBin, b, parts.count, decAxis, -Infinity, Infinity);
    for (let c = 0; c < count; c++) {
      // Windows over ra 0 or 360 take the general way.
      const [raLow, raHigh] = rangeOf(firstBin, c, count, axis, 0, 360);
      cells.push({ raLow, raHigh, decLow, decHigh });
    }
    for (let bin = 0; bin < partOfBin.length; bin++) partOfBin[bin] += firstCell;
    buckets.push({ raMin: axis.low, raScale: axis.scale, cellOfBin: partOfBin, firstCell, cellCount: count });
  }
  return { decMin: decAxis.low, decScale: decAxis.scale, bucketOfBin: parts.partOfBin, buckets, cells };
}

interface Axis {
  readonly low: number;
  readonly high: number;
  readonly scale: number;
  readonly bins: number;
}

/** The axis of values [from, to). */
function axisOf(values: Float64Array, from: number, to: number, bins: number): Axis {
  let low = Infinity;
  let high = -Infinity;
  for (let i = from; i < to; i++) {
    const value = values[i];
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (high - low > LEAST_EXTENT_DEG) return { low, high, scale: bins / (high - low), bins };
  return { low: to > from ? low : 0, high: to > from ? high : 0, scale: 0, bins };
}

/** Counts values [from, to) by bin; tells the bin of each where `binOfValue` is given. */
function histogram(values: Float64Array, from: number, to: number, axis: Axis, binOfValue?: Uint16Array): Uint32Array {
  const { low, scale, bins } = axis;
  const counts = new Uint32Array(bins);
  for (let i = from; i < to; i++) {
    // The kernel rounds halves to even: that does not matter, since the ranges of cells keep away from the borders.
    const bin = Math.min(bins - 1, ((values[i] - low) * scale) | 0);
    counts[bin]++;
    if (binOfValue) binOfValue[i] = bin;
  }
  return counts;
}

interface Parts {
  readonly partOfBin: Uint16Array; // [bins]
  readonly firstBin: readonly number[]; // [count]
  readonly count: number;
}

/** Cuts a histogram into at most `most` runs of bins with about equal counts; none is empty, if any bin is not. */
function cut(counts: Uint32Array, most: number): Parts {
  let total = 0;
  for (let bin = 0; bin < counts.length; bin++) total += counts[bin];
  const partsPerValue = most / Math.max(1, total);
  const partOfBin = new Uint16Array(counts.length);
  const firstBin = [0];
  let seen = 0;
  let part = 0;
  let held = 0;
  for (let bin = 0; bin < counts.length; bin++) {
    const count = counts[bin];
    // The next part begins where its share does, by the middle of the bin.
    if (count > 0 && held > 0 && part + 1 < most && (seen + count / 2) * partsPerValue >= part + 1) {
      firstBin[++part] = bin;
      held = 0;
    }
    partOfBin[bin] = part;
    seen += count;
    held += count;
  }
  return { partOfBin, firstBin, count: part + 1 };
}

/** Values by the part of their bin, in `out`; gives where each part starts. */
function sortByPart(
  values: Float64Array,
  bins: Uint16Array,
  { partOfBin, count }: Parts,
  out: Float64Array,
): Int32Array {
  const starts = new Int32Array(count + 1);
  for (let i = 0; i < bins.length; i++) starts[partOfBin[bins[i]] + 1]++;
  for (let p = 0; p < count; p++) starts[p + 1] += starts[p];
  const next = starts.slice();
  for (let i = 0; i < bins.length; i++) out[next[partOfBin[bins[i]]]++] = values[i];
  return starts;
}

/** The values that surely fall into the bins of a part; the outermost parts reach to `least` and `most`. */
function rangeOf(
  firstBin: readonly number[],
  part: number,
  count: number,
  axis: Axis,
  least: number,
  most: number,
): [number, number] {
  if (axis.scale === 0) return [least, most];
  const margin = 1e-9 * (axis.high - axis.low) + 1e-12;
  const low = part === 0 ? least : axis.low + firstBin[part] / axis.scale + margin;
  const high = part === count - 1 ? most : axis.low + firstBin[part + 1] / axis.scale - margin;
  return [low, high];
}
