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

/** Cuts the sky by a sample of positions (ra in [0, 360), dec in [-90, 90]); about `cellCount` cells. */
export function planGrid(ra: Float64Array, dec: Float64Array, cellCount: number): GridPlan {
  const wanted = Math.max(1, Math.min(MAX_CELLS, Math.round(cellCount)));
  const decAxis = axisOf(dec, DEC_BINS);
  const raAll = axisOf(ra, RA_BINS);
  const middle = Math.cos((((decAxis.low + decAxis.high) / 2) * Math.PI) / 180);
  const across = Math.max((raAll.high - raAll.low) * Math.max(middle, 0.05), LEAST_EXTENT_DEG);
  const aspect = Math.max(decAxis.high - decAxis.low, LEAST_EXTENT_DEG) / across;
  const bucketCount = Math.max(1, Math.min(wanted, DEC_BINS / 2, Math.round(Math.sqrt(wanted * aspect))));
  const { partOfBin: bucketOfBin, partCount } = partition(histogram(dec, decAxis), bucketCount);

  const members: number[][] = Array.from({ length: partCount }, () => []);
  for (let i = 0; i < dec.length; i++) members[bucketOfBin[binOf(dec[i], decAxis)]].push(i);
  const buckets: BucketPlan[] = [];
  const cells: CellPlan[] = [];
  for (let b = 0; b < partCount; b++) {
    const bucketRa = Float64Array.from(members[b], (i) => ra[i]);
    const axis = axisOf(bucketRa, RA_BINS);
    const share = Math.max(1, Math.round((wanted * members[b].length) / Math.max(1, dec.length)));
    const { partOfBin, partCount: count } = partition(histogram(bucketRa, axis), Math.min(share, RA_BINS / 2));
    const firstCell = cells.length;
    const [decLow, decHigh] = rangeOf(bucketOfBin, b, decAxis, -Infinity, Infinity);
    for (let c = 0; c < count; c++) {
      // Windows over ra 0 or 360 take the general way.
      const [raLow, raHigh] = rangeOf(partOfBin, c, axis, 0, 360);
      cells.push({ raLow, raHigh, decLow, decHigh });
    }
    buckets.push({
      raMin: axis.low,
      raScale: axis.scale,
      cellOfBin: partOfBin.map((part) => firstCell + part),
      firstCell,
      cellCount: count,
    });
  }
  return { decMin: decAxis.low, decScale: decAxis.scale, bucketOfBin, buckets, cells };
}

interface Axis {
  readonly low: number;
  readonly high: number;
  readonly scale: number;
  readonly bins: number;
}

function axisOf(values: Float64Array, bins: number): Axis {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (!(high - low > LEAST_EXTENT_DEG))
    return { low: values.length > 0 ? low : 0, high: values.length > 0 ? high : 0, scale: 0, bins };
  return { low, high, scale: bins / (high - low), bins };
}

function binOf(value: number, axis: Axis): number {
  // Half to even or up does not matter here: the ranges of cells keep away from the borders.
  return Math.min(axis.bins - 1, Math.max(0, Math.floor((value - axis.low) * axis.scale)));
}

function histogram(values: Float64Array, axis: Axis): Uint32Array {
  const counts = new Uint32Array(axis.bins);
  for (const value of values) counts[binOf(value, axis)]++;
  return counts;
}

/** Cuts a histogram into at most `partCount` runs of bins with about equal counts; none is empty, if any bin is not. */
function partition(counts: Uint32Array, partCount: number): { partOfBin: Uint16Array; partCount: number } {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const partOfBin = new Uint16Array(counts.length);
  let seen = 0;
  let part = 0;
  let held = 0;
  for (let bin = 0; bin < counts.length; bin++) {
    // The next part begins where its share does, by the middle of the bin.
    const due = Math.floor(((seen + counts[bin] / 2) * partCount) / Math.max(1, total));
    if (counts[bin] > 0 && held > 0 && due > part && part + 1 < partCount) {
      part++;
      held = 0;
    }
    partOfBin[bin] = part;
    seen += counts[bin];
    held += counts[bin];
  }
  return { partOfBin, partCount: part + 1 };
}

/** The values that surely fall into the bins of a part; the outermost parts reach to `least` and `most`. */
function rangeOf(partOfBin: Uint16Array, part: number, axis: Axis, least: number, most: number): [number, number] {
  if (axis.scale === 0) return [least, most];
  const margin = 1e-9 * (axis.high - axis.low) + 1e-12;
  const first = partOfBin.indexOf(part);
  const last = partOfBin.lastIndexOf(part);
  const low = first === 0 ? least : axis.low + first / axis.scale + margin;
  const high = last === axis.bins - 1 ? most : axis.low + (last + 1) / axis.scale - margin;
  return [low, high];
}
