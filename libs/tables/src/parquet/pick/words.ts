import { copyBytes } from '../../table/copyBytes.js';
import { compress } from '../codec/codec.js';
import { BlockKernel } from '../codec/kernel.js';
import { encodeLevels } from '../encoding/levels.js';
import { Codec, Encoding, Physical } from '../format/metadata.js';
import { pageChecksum } from '../format/page-checksum.js';
import { type CodecChoice, type EncodedColumn, pageHeader, WORD_PAGE_BYTES, worthSnappy } from '../write/chunk.js';
import type { ColumnPiece, ColumnSpec } from '../write/column.js';
import { Bounds } from '../write/statistics.js';

/** Whether a column is of numbers of 4 or 8 bytes that are stored as they are. */
export function isWords(spec: ColumnSpec): boolean {
  const { physical, byteWidth, conversion, logical } = spec;
  const number = [Physical.int32, Physical.int64, Physical.float, Physical.double].some((one) => one === physical);
  return number && conversion === 'none' && logical?.kind !== 'null' && (byteWidth === 4 || byteWidth === 8);
}

/** Bytes that `encodeWords` may need for `rowCount` values, whatever they are. */
export function encodedWordsLimit(rowCount: number, byteWidth: number): number {
  const length = rowCount * byteWidth;
  return length + Math.ceil(length / 6) + 128 * (Math.ceil(length / WORD_PAGE_BYTES) + 1);
}

/** Values of 4 or 8 bytes that are only moved. */
export type Words = Int32Array | BigInt64Array;

/** `bytes`, aligned to `byteWidth`, as words of that width. */
export function wordsOf({ buffer, byteOffset, byteLength }: ArrayBufferView, byteWidth: number): Words {
  return byteWidth === 4
    ? new Int32Array(buffer, byteOffset, byteLength >> 2)
    : new BigInt64Array(buffer, byteOffset, byteLength >> 3);
}

/** out[at + i] = from[rows[i] - base]. */
export function gatherWords(from: Words, rows: Int32Array, base: number, out: Words, at: number): void {
  // One loop for each width, so that each is compiled for its own.
  if (from instanceof Int32Array) gather4(from, rows, base, out as Int32Array, at);
  else gather8(from, rows, base, out as BigInt64Array, at);
}

function gather4(from: Int32Array, rows: Int32Array, base: number, out: Int32Array, at: number): void {
  for (let i = 0; i < rows.length; i++) out[at + i] = from[rows[i] - base];
}

function gather8(from: BigInt64Array, rows: Int32Array, base: number, out: BigInt64Array, at: number): void {
  for (let i = 0; i < rows.length; i++) out[at + i] = from[rows[i] - base];
}

/** out[slots[i]] = from[rows[i]]. */
export function moveWords(from: Words, rows: Int32Array, slots: Int32Array, out: Words): void {
  if (from instanceof Int32Array) move4(from, rows, slots, out as Int32Array);
  else move8(from, rows, slots, out as BigInt64Array);
}

function move4(from: Int32Array, rows: Int32Array, slots: Int32Array, out: Int32Array): void {
  for (let i = 0; i < rows.length; i++) out[slots[i]] = from[rows[i]];
}

function move8(from: BigInt64Array, rows: Int32Array, slots: Int32Array, out: BigInt64Array): void {
  for (let i = 0; i < rows.length; i++) out[slots[i]] = from[rows[i]];
}

/**
 * A column chunk of `rowCount` values without nulls, written to `out` in one run of bytes.
 * @param words [rowCount]
 * @param place where each value stands in `words`; in order when left out
 */
export function encodeWords(
  spec: ColumnSpec,
  words: Words,
  place: Int32Array | undefined,
  rowCount: number,
  choice: CodecChoice | undefined,
  out: Uint8Array,
): EncodedColumn {
  const pageRows = WORD_PAGE_BYTES / spec.byteWidth;
  const kernel = BlockKernel.get();
  const page = kernel.page(WORD_PAGE_BYTES);
  const pageWords = wordsOf(page, spec.byteWidth);
  const bounds = new Bounds(spec);
  let codec: number | undefined = choice === undefined || choice === 'auto' ? undefined : Codec[choice];
  let at = 0;
  let uncompressedByteLength = 0;
  for (let from = 0; from < rowCount; from += pageRows) {
    const count = Math.min(pageRows, rowCount - from);
    if (place) gatherWords(words, place.subarray(from, from + count), 0, pageWords, 0);
    else pageWords.set(words.subarray(from, from + count) as never);
    const bytes = page.subarray(0, count * spec.byteWidth);
    bounds.addPage(kernel, bytes, count);
    const levels = spec.nullable ? encodeLevels(NO_NULLS, 0, count) : NOTHING;
    codec ??= worthSnappy([bytes]) ? Codec.snappy : Codec.uncompressed;
    const length = levels.length + bytes.length;
    const stored = codec === Codec.uncompressed ? [levels, bytes] : [compress(codec, joined(levels, bytes))];
    const storedLength = stored.reduce((sum, part) => sum + part.length, 0);
    const header = pageHeader(length, storedLength, count, pageChecksum(stored));
    at = put(out, at, header);
    for (const part of stored) at = put(out, at, part);
    uncompressedByteLength += header.length + length;
  }
  BlockKernel.release();
  const limits = bounds.result();
  return {
    parts: [out.subarray(0, at)],
    byteLength: at,
    uncompressedByteLength,
    codec: codec ?? Codec.uncompressed,
    encodings: [Encoding.plain, Encoding.rle],
    valueCount: rowCount,
    nullCount: 0,
    min: limits?.min,
    max: limits?.max,
  };
}

const NOTHING = new Uint8Array(0);
/** Levels of pages without nulls need no more of a piece than that. */
const NO_NULLS: ColumnPiece = {
  length: 0,
  nullCount: 0,
  validity: undefined,
  bitOffset: 0,
  values: NOTHING,
  offsets: undefined,
};

function put(out: Uint8Array, at: number, bytes: Uint8Array): number {
  copyBytes(bytes, out, at);
  return at + bytes.length;
}

function joined(levels: Uint8Array, bytes: Uint8Array): Uint8Array {
  if (levels.length === 0) return bytes;
  const out = new Uint8Array(levels.length + bytes.length);
  out.set(levels);
  out.set(bytes, levels.length);
  return out;
}
