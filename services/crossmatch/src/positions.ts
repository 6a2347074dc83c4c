import { fail, type RowReason } from '@armilla/base';
import { eachRejected, type Positions, RowStatus } from '@armilla/sky';
import { DataType, type RecordBatch, type Vector } from 'apache-arrow';
import type { PositionColumns } from './columns.js';

/** An input row without a usable position. */
export interface RejectedRow {
  readonly table: 'left' | 'right';
  /** From 0. */
  readonly row: number;
  readonly reason: RowReason;
  readonly column: string;
  /** What was seen, as text. */
  readonly value: string;
}

/** Positions of `batch` in degrees; Float64 columns are viewed, other numbers are converted. */
export function positionsOf(batch: RecordBatch, columns: PositionColumns): Positions {
  const ra = batch.getChild(columns.ra) as Vector;
  const dec = batch.getChild(columns.dec) as Vector;
  const nulls = ra.nullCount + dec.nullCount === 0 ? undefined : new Uint8Array(batch.numRows);
  if (nulls) {
    markNulls(ra, nulls);
    markNulls(dec, nulls);
  }
  return { ra: degrees(ra, batch.numRows), dec: degrees(dec, batch.numRows), nulls };
}

/** Counts the unusable rows of the pieces of one table by reason, lists them, or refuses the first (`strict`). */
export class RowInspector {
  readonly rejectedByReason: Partial<Record<RowReason, number>> = {};
  rejectedRowCount = 0;
  #row = 0;

  constructor(
    private readonly table: 'left' | 'right',
    private readonly where: string,
    private readonly columns: PositionColumns,
    private readonly strict: boolean,
    private readonly onRejected?: (row: RejectedRow) => void,
  ) {}

  inspect({ ra, dec, nulls }: Positions): void {
    const n = ra.length;
    for (let i = 0; i < n; i++) {
      const d = dec[i];
      // ra - ra is 0 for finite values only.
      if (d >= -90 && d <= 90 && ra[i] - ra[i] === 0 && (nulls === undefined || nulls[i] === 0)) continue;
      this.reject(this.#row + i, ra[i], d, nulls?.[i] === 1);
    }
    this.#row += n;
  }

  /** Inspects rows [firstRow, firstRow + status.length), which lie in `pieces`, by the states that the kernel gave them. */
  inspectJudged(pieces: readonly Positions[], status: Uint8Array, firstRow: number): void {
    let p = 0;
    let start = 0;
    eachRejected(status, (i) => {
      while (i >= start + pieces[p].ra.length) start += pieces[p++].ra.length;
      this.reject(
        firstRow + i,
        pieces[p].ra[i - start],
        pieces[p].dec[i - start],
        status[i] === RowStatus.POSITION_NULL,
      );
    });
  }

  /** Takes over what another inspection of the same table found. */
  adopt({ rejectedByReason, rejectedRowCount }: Pick<RowInspector, 'rejectedByReason' | 'rejectedRowCount'>): void {
    Object.assign(this.rejectedByReason, rejectedByReason);
    this.rejectedRowCount = rejectedRowCount;
  }

  /** Takes an unusable row of the table. */
  reject(row: number, ra: number, dec: number, isNull: boolean): void {
    const reason: RowReason = isNull
      ? 'POSITION_NULL'
      : Number.isNaN(ra) || Number.isNaN(dec)
        ? 'POSITION_NAN'
        : Number.isFinite(ra) && Number.isFinite(dec)
          ? 'DECLINATION_OUT_OF_RANGE'
          : 'POSITION_INFINITE';
    const inDec =
      reason === 'DECLINATION_OUT_OF_RANGE' ||
      (reason === 'POSITION_NAN' ? !Number.isNaN(ra) : reason === 'POSITION_INFINITE' && Number.isFinite(ra));
    const column = isNull ? `${this.columns.ra}, ${this.columns.dec}` : inDec ? this.columns.dec : this.columns.ra;
    const value = isNull ? 'null' : String(inDec ? dec : ra);
    if (this.strict) throw fail('BAD_ROW', { where: this.where, row, reason, column, got: value });
    this.rejectedByReason[reason] = (this.rejectedByReason[reason] ?? 0) + 1;
    this.rejectedRowCount++;
    this.onRejected?.({ table: this.table, row, reason, column, value });
  }
}

function degrees(vector: Vector, rowCount: number): Float64Array {
  const { type } = vector;
  // A column known to hold nothing: its nulls are marked already.
  if (DataType.isNull(type) || (DataType.isUtf8(type) && vector.nullCount === rowCount))
    return new Float64Array(rowCount);
  if (DataType.isUtf8(type))
    throw fail('COLUMN_TYPE', { where: 'position', column: '?', type: String(type), expected: 'a number (degrees)' });
  if (DataType.isFloat(type) && type.precision === 2 && vector.data.length === 1)
    return vector.data[0].values.subarray(0, rowCount) as Float64Array;
  const out = new Float64Array(rowCount);
  let at = 0;
  for (const data of vector.data) {
    if (DataType.isDecimal(type)) {
      decimals(data.values as Uint32Array, type.bitWidth / 32, type.scale, out.subarray(at, at + data.length));
    } else if (DataType.isFloat(type) && type.precision === 0) {
      for (let i = 0; i < data.length; i++) out[at + i] = halfFloat((data.values as Uint16Array)[i]);
    } else if (DataType.isInt(type) && type.bitWidth === 64) {
      const values = data.values as BigInt64Array | BigUint64Array;
      for (let i = 0; i < data.length; i++) out[at + i] = Number(values[i]);
    } else {
      out.set((data.values as Float64Array | Float32Array | Int32Array).subarray(0, data.length), at);
    }
    at += data.length;
  }
  return out;
}

/** Two's complement little-endian words to doubles. */
function decimals(words: Uint32Array, wordCount: number, scale: number, out: Float64Array): void {
  for (let i = 0; i < out.length; i++) {
    let value = 0n;
    for (let w = wordCount - 1; w >= 0; w--) value = (value << 32n) | BigInt(words[i * wordCount + w]);
    value = BigInt.asIntN(wordCount * 32, value);
    // By text, so that 12.345 becomes the double nearest to 12.345.
    const digits = (value < 0n ? -value : value).toString().padStart(scale + 1, '0');
    const text = scale > 0 ? `${digits.slice(0, -scale)}.${digits.slice(-scale)}` : `${digits}e${-scale}`;
    out[i] = value < 0n ? -Number(text) : Number(text);
  }
}

/** IEEE 754 binary16. */
function halfFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

function markNulls(vector: Vector, out: Uint8Array): void {
  if (DataType.isNull(vector.type)) {
    out.fill(1);
    return;
  }
  let at = 0;
  for (const data of vector.data) {
    if (data.nullCount > 0) {
      for (let i = 0; i < data.length; i++) {
        const bit = data.offset + i;
        if ((data.nullBitmap[bit >> 3] & (1 << (bit & 7))) === 0) out[at + i] = 1;
      }
    }
    at += data.length;
  }
}
