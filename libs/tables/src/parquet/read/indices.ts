import { decodeHybrid } from '../encoding/hybrid.js';
import { ParquetFault } from '../format/fault.js';

let scratch = new Int32Array(0);

/** The `count` dictionary indices of a page, each below `size`; the array is used again by the next call. */
export function readDictionaryIndices(page: Uint8Array, count: number, size: number): Int32Array {
  if (scratch.length < count) scratch = new Int32Array(Math.max(count, 1 << 16));
  const indices = scratch;
  if (count === 0) return indices;
  if (page.length === 0) throw new ParquetFault('a page of dictionary indices is empty');
  decodeHybrid(page, 1, page.length, page[0], indices, count);
  let over = 0;
  for (let i = 0; i < count; i++) over |= indices[i] >>> 0 < size ? 0 : 1;
  if (over !== 0) {
    const wrong = indices.subarray(0, count).find((index) => index >>> 0 >= size);
    throw new ParquetFault(`a page refers to dictionary entry ${wrong === undefined ? '?' : wrong >>> 0} of ${size}`);
  }
  return indices;
}

/** Gives back the scratch memory of an unusually large page. */
export function releaseIndices(): void {
  if (scratch.length > 1 << 22) scratch = new Int32Array(0);
}
