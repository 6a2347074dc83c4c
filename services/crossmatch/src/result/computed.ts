import type { Positions } from '@armilla/sky';
import type { SkippedRows } from '@armilla/tables';
import { type Data, Float64, Int32, Int64, makeData } from 'apache-arrow';
import type { RowGroups } from '../groups.js';
import type { Selection } from '../join.js';
import type { JudgedColumn } from '../refine/pair-list.js';
import type { ComputedColumn } from './layout.js';

/** What computed columns are made from, besides the selection. */
export interface ComputedSources {
  readonly rightPositions: Positions | undefined;
  /** Of the left table. */
  readonly groups: RowGroups | undefined;
  /** What was left out of the left table, of whose rows the numbers are. */
  readonly skippedLeft?: SkippedRows;
}

/** The values of a computed column where they lie, to be read before the pairs are released; undefined where they have to be made. */
export function lyingValues(
  name: ComputedColumn,
  { judged, separationArcsec, paired, leftNumber, rightNumber }: Selection,
): Float64Array | BigInt64Array | undefined {
  if (judged?.has(name as JudgedColumn)) return undefined;
  if (name === 'separation_arcsec') return paired ? separationArcsec : undefined;
  return name === 'left_row' ? leftNumber : name === 'right_row' ? rightNumber : undefined;
}

/** One computed column of a selection. */
export function computedData(name: ComputedColumn, selection: Selection, sources: ComputedSources): Data {
  const { count, left, right, paired } = selection;
  const judged = selection.judged?.get(name as JudgedColumn);
  if (name === 'match_flag') return int32Data(count, (i) => orMinusOne(judged?.[i]));
  if (judged) return float64Data(judged.slice());
  switch (name) {
    case 'separation_arcsec':
      return selection.separationArcsec
        ? float64Data(ownValues(selection.separationArcsec, selection), paired)
        : allNull(count);
    case 'rank':
      return int32Data(count, (i) => (right !== undefined && right[i] >= 0 ? (selection.rank?.[i] ?? -1) : -1));
    case 'neighbour_count': {
      const { pairs, blockFrom } = selection;
      const counts = pairs?.neighbourCount;
      return int32Data(count, (i) =>
        counts && pairs && left && pairs.status[left[i] - blockFrom] === 0 ? counts[left[i] - blockFrom] : -1,
      );
    }
    case 'second_separation_arcsec': {
      const seconds = selection.pairs?.secondSeparationArcsec;
      const out = new Float64Array(count).fill(NaN);
      if (seconds && left) for (let i = 0; i < count; i++) out[i] = seconds[left[i] - selection.blockFrom];
      return float64Data(out);
    }
    case 'delta_ra_cosdec_arcsec':
    case 'delta_dec_arcsec':
      return float64Data(deltas(name, selection, selection.rightRows?.positions ?? sources.rightPositions));
    case 'left_row':
      if (sources.skippedLeft) return skippedRowData(count, selection, sources.skippedLeft);
      return selection.leftNumber
        ? int64Data(ownValues(selection.leftNumber, selection))
        : rowData(count, left, selection.part?.firstRow ?? 0, paired);
    case 'right_row':
      return selection.rightNumber
        ? int64Data(ownValues(selection.rightNumber, selection))
        : rowData(count, rowsOfTable(right, selection.rightRows?.rows), 0, paired);
    case 'group_id':
      return rowData(count, groupOf(selection, sources), 0, false);
    case 'group_size': {
      const id = groupOf(selection, sources);
      const size = sources.groups?.size;
      return int32Data(count, (i) => (id && size && id[i] >= 0 ? size[id[i]] : -1));
    }
    default:
      // What only a pair has.
      return allNull(count);
  }
}

/**
 * Right minus left, in arcsec: in right ascension the shorter way around, times the cosine of the left declination; NaN
 * where a side is missing.
 */
function deltas(
  name: 'delta_ra_cosdec_arcsec' | 'delta_dec_arcsec',
  { count, left, right, part }: Selection,
  rightPositions: Positions | undefined,
): Float64Array {
  const out = new Float64Array(count).fill(NaN);
  if (!left || !right || !part || !rightPositions) return out;
  const { ra, dec } = part.positions;
  for (let i = 0; i < count; i++) {
    if (left[i] < 0 || right[i] < 0) continue;
    const leftDec = dec[left[i]];
    if (name === 'delta_dec_arcsec') {
      out[i] = (rightPositions.dec[right[i]] - leftDec) * 3600;
      continue;
    }
    let delta = (rightPositions.ra[right[i]] - ra[left[i]]) % 360;
    if (delta > 180) delta -= 360;
    else if (delta < -180) delta += 360;
    out[i] = delta * Math.cos((leftDec * Math.PI) / 180) * 3600;
  }
  return out;
}

/** Values that outlive the pairs. */
function ownValues<T extends Float64Array | BigInt64Array>(values: T, { pairs }: Selection): T {
  if (pairs?.release === undefined) return values;
  const bytes = new Uint8Array(values.byteLength);
  bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  return new (values.constructor as new (buffer: ArrayBuffer) => T)(bytes.buffer);
}

function int64Data(values: BigInt64Array): Data<Int64> {
  return makeData({ type: new Int64(), length: values.length, nullCount: 0, data: values });
}

/** NaN becomes null; `complete`: there is none. */
function float64Data(values: Float64Array, complete = false): Data<Float64> {
  let nullCount = 0;
  // NaN alone differs from itself.
  for (let i = 0; !complete && i < values.length; i++) if (values[i] !== values[i]) nullCount++;
  const bitmap = nullCount === 0 ? null : validBits(values.length, (i) => values[i] === values[i]);
  return makeData({ type: new Float64(), length: values.length, nullCount, nullBitmap: bitmap, data: values });
}

/** Negative becomes null. */
function int32Data(length: number, valueOf: (i: number) => number): Data<Int32> {
  const data = new Int32Array(length);
  for (let i = 0; i < length; i++) data[i] = valueOf(i);
  const nullCount = negativeCount(data);
  const bitmap = nullCount === 0 ? null : validBits(length, (i) => data[i] >= 0);
  for (let i = 0; nullCount > 0 && i < length; i++) if (data[i] < 0) data[i] = 0;
  return makeData({ type: new Int32(), length, nullCount, nullBitmap: bitmap, data });
}

/** Row numbers as int64, written as two words: BigInts would cost an allocation each. Negative becomes null; `complete`: there is none. */
function rowData(length: number, rows: Int32Array | undefined, firstRow: number, complete: boolean): Data<Int64> {
  const data = new BigInt64Array(length);
  if (rows === undefined)
    return makeData({ type: new Int64(), length, nullCount: length, nullBitmap: validBits(length, () => false), data });
  const words = new Int32Array(data.buffer);
  const nullCount = complete ? 0 : negativeCount(rows);
  const bitmap = nullCount === 0 ? null : validBits(length, (i) => rows[i] >= 0);
  // Rows of a part are below 2^31: a sum below 2^32 leaves the upper words 0.
  if (nullCount === 0 && firstRow < 2 ** 31) {
    for (let i = 0, w = 0; i < length; i++, w += 2) words[w] = (rows[i] + firstRow) | 0;
    return makeData({ type: new Int64(), length, nullCount, nullBitmap: bitmap, data });
  }
  for (let i = 0; i < length; i++) {
    if (rows[i] < 0) continue;
    const row = rows[i] + firstRow;
    words[2 * i] = row | 0;
    words[2 * i + 1] = Math.floor(row / 2 ** 32);
  }
  return makeData({ type: new Int64(), length, nullCount, nullBitmap: bitmap, data });
}

/** Left rows by their numbers in the whole table. */
function skippedRowData(length: number, { left, leftNumber, part }: Selection, skipped: SkippedRows): Data<Int64> {
  const data = new BigInt64Array(length);
  const rowOf = (i: number): number =>
    leftNumber ? Number(leftNumber[i]) : left && left[i] >= 0 ? left[i] + (part?.firstRow ?? 0) : -1;
  let nullCount = 0;
  for (let i = 0; i < length; i++) {
    const row = rowOf(i);
    if (row < 0) nullCount++;
    else data[i] = BigInt(skipped.numberOf(row));
  }
  const nullBitmap = nullCount === 0 ? null : validBits(length, (i) => rowOf(i) >= 0);
  return makeData({ type: new Int64(), length, nullCount, nullBitmap, data });
}

function allNull(length: number): Data<Float64> {
  return float64Data(new Float64Array(length).fill(NaN));
}

function orMinusOne(value = NaN): number {
  return Number.isNaN(value) ? -1 : value;
}

/** The group of each row; negative where it has none. */
function groupOf({ left, part }: Selection, { groups }: ComputedSources): Int32Array | undefined {
  const firstRow = part?.firstRow ?? 0;
  return left && groups && left.map((row) => groups.id[firstRow + row]);
}

/** Row numbers of the table for rows of a part of it; -1 stays. */
function rowsOfTable(right: Int32Array | undefined, rows: Int32Array | undefined): Int32Array | undefined {
  return right && rows ? right.map((row) => (row < 0 ? row : rows[row])) : right;
}

function negativeCount(values: Int32Array): number {
  let count = 0;
  // The sign bit of each.
  for (let i = 0; i < values.length; i++) count += values[i] >>> 31;
  return count;
}

function validBits(length: number, isValid: (i: number) => boolean): Uint8Array {
  const bitmap = new Uint8Array(Math.ceil(length / 64) * 8);
  for (let i = 0; i < length; i++) if (isValid(i)) bitmap[i >> 3] |= 1 << (i & 7);
  return bitmap;
}
