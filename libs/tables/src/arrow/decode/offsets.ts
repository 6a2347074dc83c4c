import { countBits } from './bitmap.js';
import { type Body, EMPTY } from './body.js';

/** The buffer as 32-bit words; a buffer's slice is always 8-byte aligned, a decompressed one too. */
export function int32View(bytes: Uint8Array, length: number): Int32Array {
  return new Int32Array(bytes.buffer, aligned(bytes), length);
}

/** Start of a buffer whose words are to be read. */
function aligned(bytes: Uint8Array): number {
  return bytes.byteLength === 0 ? 0 : bytes.byteOffset;
}

/**
 * Offsets of `rowCount` values: ascending, first at least 0, last at most `limit`. 64-bit ones become 32-bit ones.
 * @returns [rowCount + 1]
 */
export function readOffsets(
  body: Body,
  bytes: Uint8Array,
  rowCount: number,
  large: boolean,
  limit: number,
  path: string,
): Int32Array {
  const width = large ? 8 : 4;
  // Writers may leave the offsets of an empty column out.
  if (rowCount === 0 && bytes.byteLength < width) return new Int32Array(1);
  if (bytes.byteLength < (rowCount + 1) * width) {
    throw body.bad(
      `offsets of column '${path}' have ${bytes.byteLength} bytes, ${rowCount} rows need ${(rowCount + 1) * width}`,
    );
  }
  const offsets = large ? narrowOffsets(body, bytes, rowCount, path) : int32View(bytes, rowCount + 1);
  const first = offsets[0];
  const bad = firstDescent(offsets, rowCount);
  if (first < 0 || bad >= 0) {
    const row = first < 0 ? 0 : bad;
    throw body.bad(`offsets of column '${path}' go from ${offsets[row]} to ${offsets[row + 1]} at row ${row}`);
  }
  checkEnd(body, offsets, rowCount, limit, path);
  return offsets;
}

export function checkEnd(body: Body, offsets: Int32Array, rowCount: number, limit: number, path: string): void {
  const last = offsets[rowCount];
  if (last > limit) throw body.bad(`offsets of column '${path}' end at ${last}, there are ${limit} values`);
}

/** First row whose end lies before its start; -1 when there is none. */
function firstDescent(offsets: Int32Array, rowCount: number): number {
  let previous = offsets[0];
  // One flag for a whole run of rows keeps the loop free of exits.
  for (let start = 0; start < rowCount; start += 4096) {
    const end = Math.min(start + 4096, rowCount);
    let descents = 0;
    for (let i = start + 1; i <= end; i++) {
      const next = offsets[i];
      // A negative offset is a descent too; two that are not negative differ by no more than 31 bits.
      descents |= (next - previous) | next;
      previous = next;
    }
    if (descents < 0) {
      for (let i = start; i < end; i++) if (offsets[i + 1] < Math.max(0, offsets[i])) return i;
    }
  }
  return -1;
}

function narrowOffsets(body: Body, bytes: Uint8Array, rowCount: number, path: string): Int32Array {
  const words = int32View(bytes, 2 * (rowCount + 1));
  const offsets = new Int32Array(rowCount + 1);
  body.spend(offsets.byteLength, `column '${path}'`);
  let high = 0;
  for (let i = 0; i <= rowCount; i++) {
    const low = words[2 * i];
    offsets[i] = low;
    high |= words[2 * i + 1] | (low & 0x80000000);
  }
  if (high !== 0)
    throw body.bad(`offsets of column '${path}' are negative or beyond 2 GiB in one batch; write smaller batches`);
  return offsets;
}

/** Validity bitmap of `rowCount` rows, `undefined` without nulls; checks its size and the declared number of nulls. */
export function readValidity(
  body: Body,
  bytes: Uint8Array,
  rowCount: number,
  nullCount: number,
  path: string,
): Uint8Array | undefined {
  const byteCount = (rowCount + 7) >>> 3;
  if (bytes.byteLength === 0) {
    if (nullCount > 0) throw body.bad(`column '${path}' has ${nullCount} nulls but no validity bitmap`);
    return undefined;
  }
  if (bytes.byteLength < byteCount)
    throw body.bad(
      `validity bitmap of column '${path}' has ${bytes.byteLength} bytes, ${rowCount} rows need ${byteCount}`,
    );
  const seen = rowCount - countBits(bytes, rowCount);
  if (seen !== nullCount) throw body.bad(`column '${path}' has ${seen} nulls in its bitmap, ${nullCount} are declared`);
  return seen === 0 ? undefined : bytes.subarray(0, byteCount);
}

/** `rowCount` values of `byteWidth` bytes. */
export function readValues(
  body: Body,
  bytes: Uint8Array,
  rowCount: number,
  byteWidth: number,
  path: string,
): Uint8Array {
  const needed = rowCount * byteWidth;
  if (bytes.byteLength < needed)
    throw body.bad(`values of column '${path}' have ${bytes.byteLength} bytes, ${rowCount} rows need ${needed}`);
  return needed === 0 ? EMPTY : bytes.subarray(0, needed);
}
