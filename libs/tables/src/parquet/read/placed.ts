import { readSync } from 'node:fs';
import { decodeValidity } from '../encoding/hybrid.js';
import { type ColumnValues, type Leaf, strideOf } from '../format/leaf.js';
import { Codec, type ColumnChunk, Encoding, PageKind, Physical } from '../format/metadata.js';
import { readPageHeader } from '../format/page.js';
import { pageChecksum } from '../format/page-checksum.js';

/** Bytes that hold the header and the levels of a page without nulls. */
const HEAD_BYTES = 1024;

const head = new Uint8Array(HEAD_BYTES);

/**
 * Reads the first `rowLimit` rows of a column chunk whose pages hold the values as they are in memory, without nulls, straight to `target`. Undefined
 * where one is of another kind or not as it should be: to be decoded, or refused, in the usual way. A page that the limit cuts is not
 * held against its checksum.
 */
export function readPlaced(
  fd: number,
  chunk: ColumnChunk,
  leaf: Leaf,
  target: Uint8Array,
  rowLimit = chunk.valueCount,
): ColumnValues | undefined {
  const { layout, physical } = leaf;
  if (chunk.codec !== Codec.uncompressed || physical === Physical.boolean) return undefined;
  if (layout.kind !== 'fixed' || layout.convert !== 'none') return undefined;
  try {
    for (let row = 0, at = 0; row < rowLimit;) {
      const page = readPage(fd, chunk, at, row, leaf, target, rowLimit);
      if (page === undefined) return undefined;
      row += page.rowCount;
      at += page.byteLength;
    }
  } catch {
    // What is wrong is said by who decodes it.
    return undefined;
  }
  return { rowCount: rowLimit, nullCount: 0, validity: undefined, values: target, offsets: undefined };
}

function readPage(
  fd: number,
  chunk: ColumnChunk,
  at: number,
  row: number,
  leaf: Leaf,
  target: Uint8Array,
  rowLimit: number,
): { rowCount: number; byteLength: number } | undefined {
  const left = chunk.byteLength - at;
  const known = Math.min(HEAD_BYTES, left);
  if (!readFully(fd, head.subarray(0, known), chunk.offset + at)) return undefined;
  const header = readPageHeader(head.subarray(0, known), 0, left);
  const { headerLength, compressedLength, valueCount: rowCount } = header;
  const isPlain =
    header.kind === PageKind.data && header.encoding === Encoding.plain && header.definitionEncoding === Encoding.rle;
  if (!isPlain || rowCount === 0 || rowCount > chunk.valueCount - row) return undefined;
  let start = headerLength;
  if (leaf.maxDefinition > 0) {
    start += 4 + new DataView(head.buffer).getUint32(headerLength, true);
    if (start > known || decodeValidity(head, headerLength + 4, start, undefined, row, rowCount) !== rowCount)
      return undefined;
  }
  const stride = strideOf(leaf);
  const end = headerLength + compressedLength;
  if (header.uncompressedLength !== compressedLength || end - start !== rowCount * stride) return undefined;
  const wanted = Math.min(rowCount, rowLimit - row) * stride;
  const here = Math.min(known - start, wanted);
  target.set(head.subarray(start, start + here), row * stride);
  const rest = target.subarray(row * stride + here, row * stride + wanted);
  if (!readFully(fd, rest, chunk.offset + at + start + here)) return undefined;
  if (header.crc32 !== undefined && wanted === rowCount * stride) {
    const values = target.subarray(row * stride, row * stride + wanted);
    if (pageChecksum([head.subarray(headerLength, start), values]) !== header.crc32) return undefined;
  }
  return { rowCount, byteLength: end };
}

function readFully(fd: number, bytes: Uint8Array, offset: number): boolean {
  for (let done = 0; done < bytes.length;) {
    const count = readSync(fd, bytes, done, bytes.length - done, offset + done);
    if (count === 0) return false;
    done += count;
  }
  return true;
}
