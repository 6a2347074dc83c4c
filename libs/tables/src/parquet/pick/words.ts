import { compress } from '../codec/codec.js';
import { encodeLevels } from '../encoding/levels.js';
import { Codec, Encoding, Physical } from '../format/metadata.js';
import { type CodecChoice, type EncodedColumn, pageHeader, worthSnappy } from '../write/chunk.js';
import type { ColumnPiece, ColumnSpec } from '../write/column.js';
import { Bounds } from '../write/statistics.js';

/** Bytes of a page: a part of the second-level cache, so that it is gathered, measured and copied while it is there. */
const PAGE_BYTES = 1 << 19;

const page = new Int32Array(PAGE_BYTES >> 2);

/** Whether a column is of numbers of 4 or 8 bytes that are stored as they are. */
export function isWords(spec: ColumnSpec): boolean {
  const { physical, byteWidth, conversion, logical } = spec;
  const number = [Physical.int32, Physical.int64, Physical.float, Physical.double].some((one) => one === physical);
  return number && conversion === 'none' && logical?.kind !== 'null' && (byteWidth === 4 || byteWidth === 8);
}

/** Bytes that `encodeWords` may need for `rowCount` values, whatever they are. */
export function encodedWordsLimit(rowCount: number, byteWidth: number): number {
  const length = rowCount * byteWidth;
  return length + Math.ceil(length / 6) + 128 * (Math.ceil(length / PAGE_BYTES) + 1);
}

/** out[at + i] = from[rows[i] - base] for values of one or two words. */
export function gatherWords(
  from: Int32Array,
  wordCount: number,
  rows: Int32Array,
  base: number,
  out: Int32Array,
  at: number,
): void {
  if (wordCount === 1) {
    for (let i = 0; i < rows.length; i++) out[at + i] = from[rows[i] - base];
    return;
  }
  for (let i = 0, to = 2 * at; i < rows.length; i++, to += 2) {
    const row = 2 * (rows[i] - base);
    out[to] = from[row];
    out[to + 1] = from[row + 1];
  }
}

/** out[slots[i]] = from[rows[i]] for values of one or two words. */
export function moveWords(
  from: Int32Array,
  wordCount: number,
  rows: Int32Array,
  slots: Int32Array,
  out: Int32Array,
): void {
  if (wordCount === 1) {
    for (let i = 0; i < rows.length; i++) out[slots[i]] = from[rows[i]];
    return;
  }
  for (let i = 0; i < rows.length; i++) {
    const row = 2 * rows[i];
    const to = 2 * slots[i];
    out[to] = from[row];
    out[to + 1] = from[row + 1];
  }
}

/**
 * A column chunk of `rowCount` values without nulls, written to `out` in one run of bytes.
 * @param words [rowCount * byteWidth / 4]
 * @param place where each value stands in `words`; in order when left out
 */
export function encodeWords(
  spec: ColumnSpec,
  words: Int32Array,
  place: Int32Array | undefined,
  rowCount: number,
  choice: CodecChoice | undefined,
  out: Uint8Array,
): EncodedColumn {
  const wordCount = spec.byteWidth >> 2;
  const pageRows = page.length / wordCount;
  const bounds = new Bounds(spec);
  let codec: number | undefined = choice === undefined || choice === 'auto' ? undefined : Codec[choice];
  let at = 0;
  let uncompressedByteLength = 0;
  for (let from = 0; from < rowCount; from += pageRows) {
    const count = Math.min(pageRows, rowCount - from);
    let values = words.subarray(from * wordCount, (from + count) * wordCount);
    if (place) {
      gatherWords(words, wordCount, place.subarray(from, from + count), 0, page, 0);
      values = page.subarray(0, count * wordCount);
    }
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    bounds.add(bytes, count);
    const levels = spec.nullable ? encodeLevels(NO_NULLS, 0, count) : NOTHING;
    codec ??= worthSnappy([bytes]) ? Codec.snappy : Codec.uncompressed;
    const length = levels.length + bytes.length;
    if (codec === Codec.uncompressed) {
      at = put(out, at, pageHeader(length, length, count));
      at = put(out, at, levels);
      at = put(out, at, bytes);
    } else {
      const packed = compress(codec, joined(levels, bytes));
      at = put(out, at, pageHeader(length, packed.length, count));
      at = put(out, at, packed);
    }
    uncompressedByteLength += pageHeader(length, length, count).length + length;
  }
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
  out.set(bytes, at);
  return at + bytes.length;
}

function joined(levels: Uint8Array, bytes: Uint8Array): Uint8Array {
  if (levels.length === 0) return bytes;
  const out = new Uint8Array(levels.length + bytes.length);
  out.set(levels);
  out.set(bytes, levels.length);
  return out;
}
