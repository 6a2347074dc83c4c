import type { Body } from './body.js';
import { int32View } from './offsets.js';

/** Values of 12 bytes and fewer stand in the view itself. */
const INLINE_BYTES = 12;
const VIEW_BYTES = 16;

export interface PlainBytes {
  readonly offsets: Int32Array; // [rowCount + 1]
  readonly values: Uint8Array;
}

/**
 * Values of a column of views (utf8_view, binary_view) one behind the other. Null rows become empty.
 * @param views [rowCount] of 16 bytes: length, then the bytes themselves or prefix, buffer and offset
 */
export function gatherViews(
  body: Body,
  views: Uint8Array,
  buffers: readonly Uint8Array[],
  rowCount: number,
  validity: Uint8Array | undefined,
  path: string,
): PlainBytes {
  const words = int32View(views, rowCount * 4);
  const offsets = new Int32Array(rowCount + 1);
  body.spend(offsets.byteLength, `column '${path}'`);
  let total = 0;
  for (let row = 0; row < rowCount; row++) {
    const valid = !validity || ((validity[row >>> 3] >>> (row & 7)) & 1) === 1;
    if (valid) {
      const length = words[4 * row];
      if (length < 0) throw body.bad(`column '${path}' has a value of ${length} bytes at row ${row}`);
      if (length > INLINE_BYTES) {
        const buffer = words[4 * row + 2];
        const offset = words[4 * row + 3];
        if (buffer < 0 || buffer >= buffers.length || offset < 0 || offset + length > buffers[buffer].byteLength) {
          throw body.bad(
            `column '${path}': the view of row ${row} points to bytes ${offset} to ${offset + length} of data buffer ${buffer}`,
          );
        }
      }
      total += length;
      if (total > 0x7fffffff)
        throw body.bad(`column '${path}' has more than 2 GiB in one batch; write smaller batches`);
    }
    offsets[row + 1] = total;
  }
  body.spend(total, `column '${path}'`);
  const values = new Uint8Array(total);
  for (let row = 0; row < rowCount; row++) {
    const to = offsets[row];
    const length = offsets[row + 1] - to;
    if (length <= INLINE_BYTES) {
      const from = row * VIEW_BYTES + 4;
      for (let i = 0; i < length; i++) values[to + i] = views[from + i];
    } else {
      const offset = words[4 * row + 3];
      values.set(buffers[words[4 * row + 2]].subarray(offset, offset + length), to);
    }
  }
  return { offsets, values };
}
