import type { Data, DataType } from 'apache-arrow';
import type { Body } from './body.js';
import { ClearedRows, isValid, type Nulls, type Reachable } from './reachable.js';

/** Two's complement integers of 4 or 8 bytes as such of 16 bytes. */
export function widenDecimals(body: Body, source: Uint8Array, sourceByteWidth: number, path: string): Uint8Array {
  const rowCount = source.byteLength / sourceByteWidth;
  body.spend(16 * rowCount, `column '${path}'`);
  const wide = new Uint8Array(16 * rowCount);
  for (let row = 0; row < rowCount; row++) {
    const from = row * sourceByteWidth;
    const to = row * 16;
    for (let i = 0; i < sourceByteWidth; i++) wide[to + i] = source[from + i];
    if (source[from + sourceByteWidth - 1] >= 128) wide.fill(255, to + sourceByteWidth, to + 16);
  }
  return wide;
}

type IndexArray = Int8Array | Int16Array | Int32Array | Uint8Array | Uint16Array | Uint32Array;

export interface CheckedIndices extends Nulls {
  readonly indices: IndexArray;
}

/**
 * Dictionary indices, checked where the row is not null; 64-bit ones become 32-bit ones. Rows under a null of the parent
 * whose index is none become null themselves.
 */
export function checkIndices(
  body: Body,
  raw: IndexArray | BigInt64Array | BigUint64Array,
  { validity, nullCount }: Nulls,
  valueCount: number,
  reachable: Reachable,
  path: string,
): CheckedIndices {
  const indices = raw instanceof BigInt64Array || raw instanceof BigUint64Array ? narrowIndices(body, raw, path) : raw;
  const rowCount = indices.length;
  let low = 0;
  let high = -1;
  for (let i = 0; i < rowCount; i++) {
    const index = indices[i];
    if (index > high) high = index;
    if (index < low) low = index;
  }
  if (low >= 0 && high < valueCount) return { indices, validity, nullCount };
  const cleared = new ClearedRows(validity, nullCount, rowCount);
  for (let row = 0; row < rowCount; row++) {
    const index = indices[row];
    if ((index >= 0 && index < valueCount) || !isValid(validity, row)) continue;
    if (!reachable || reachable(row)) {
      throw body.bad(
        `column '${path}' has dictionary index ${raw[row]} at row ${row}, the dictionary has ${valueCount} values`,
      );
    }
    cleared.clear(row);
  }
  return { indices, validity: cleared.validity, nullCount: cleared.nullCount };
}

function narrowIndices(body: Body, raw: BigInt64Array | BigUint64Array, path: string): Int32Array {
  body.spend(4 * raw.length, `column '${path}'`);
  const indices = new Int32Array(raw.length);
  for (let i = 0; i < raw.length; i++) {
    const index = raw[i];
    // No dictionary has as many values; under a null row anything may stand.
    indices[i] = index >= 0n && index < 0x7fffffffn ? Number(index) : -1;
  }
  return indices;
}

/** Checks type ids, and for a dense union (with `offsets`) that each row lies inside its child. */
export function checkUnion(
  body: Body,
  typeIds: Int8Array,
  offsets: Int32Array | undefined,
  known: readonly number[],
  children: readonly Data<DataType>[],
  path: string,
): void {
  const lengths = new Float64Array(128).fill(-1);
  known.forEach((id, i) => (lengths[id] = children[i].length));
  for (let row = 0; row < typeIds.length; row++) {
    const id = typeIds[row];
    const length = id < 0 ? -1 : lengths[id];
    if (length < 0)
      throw body.bad(`column '${path}' has union type ${id} at row ${row}; there are ${known.join(', ')}`);
    if (offsets && (offsets[row] < 0 || offsets[row] >= length)) {
      throw body.bad(
        `column '${path}' takes value ${offsets[row]} of union type ${id} at row ${row}, there are ${length}`,
      );
    }
  }
}

/** The run in which each of `rowCount` rows lies. */
export function runRows(
  body: Body,
  ends: Data<DataType>,
  runCount: number,
  rowCount: number,
  path: string,
): Int32Array {
  if (ends.nullCount > 0) throw body.bad(`run ends of column '${path}' have nulls`);
  if (ends.length !== runCount) throw body.bad(`column '${path}' has ${ends.length} run ends for ${runCount} values`);
  const rows = new Int32Array(rowCount);
  let row = 0;
  let previous = 0;
  for (let run = 0; run < runCount; run++) {
    const end = Number(ends.values[run]);
    if (end <= previous) throw body.bad(`run ends of column '${path}' go from ${previous} to ${end} at run ${run}`);
    const to = Math.min(end, rowCount);
    rows.fill(run, row, to);
    row = to;
    previous = end;
  }
  if (row < rowCount) throw body.bad(`the runs of column '${path}' end at row ${row} of ${rowCount}`);
  return rows;
}
