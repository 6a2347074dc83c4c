import { fail } from '@armilla/base';
import { compress } from '../codec/codec.js';
import { encodeLevels } from '../encoding/levels.js';
import { CompactWriter } from '../format/compactWriter.js';
import { Codec, Encoding, PageKind, Physical } from '../format/metadata.js';
import { pageChecksum } from '../format/page-checksum.js';
import type { ColumnPiece, ColumnSpec } from './column.js';
import { Bounds } from './statistics.js';
import { isValid, storedValues } from './stored.js';

/** 'auto' stores a column as SNAPPY where that halves it and as it is otherwise. */
export type CodecChoice = 'auto' | 'uncompressed' | 'snappy' | 'gzip' | 'zstd';

/** One column of one row group, ready to be written, and what the footer says of it. */
export interface EncodedColumn {
  /** Bytes in file order; views into the pieces where nothing had to change. */
  readonly parts: readonly Uint8Array[];
  readonly byteLength: number;
  readonly uncompressedByteLength: number;
  readonly codec: number;
  readonly encodings: readonly number[];
  readonly valueCount: number;
  readonly nullCount: number;
  readonly min: Uint8Array | undefined;
  readonly max: Uint8Array | undefined;
}

/** Uncompressed bytes of a page, about. */
const PAGE_BYTES = 1 << 20;
/**
 * The same of columns of 4 or 8 bytes a value: a part of the second-level cache, so that values that are gathered from
 * elsewhere are measured and copied while they are there.
 */
export const WORD_PAGE_BYTES = 1 << 19;
const SAMPLE_BYTES = 1 << 16;

/** Encodes one column of one row group. Knows no other state, so that any thread can do it. */
export function encodeColumnChunk(
  spec: ColumnSpec,
  pieces: readonly ColumnPiece[],
  choice: CodecChoice = 'auto',
): EncodedColumn {
  const bounds = new Bounds(spec);
  const parts: Uint8Array[] = [];
  let codec: number | undefined = choice === 'auto' ? undefined : Codec[choice];
  let byteLength = 0;
  let uncompressedByteLength = 0;
  let valueCount = 0;
  let nullCount = 0;
  for (const page of pagesOf(spec, pieces)) {
    const { body, rowCount, storedCount } = page;
    for (const stored of page.stored) bounds.add(stored.bytes, stored.count);
    codec ??= worthSnappy(body) ? Codec.snappy : Codec.uncompressed;
    const length = body.reduce((sum, part) => sum + part.length, 0);
    const packed = codec === Codec.uncompressed ? body : [new Uint8Array(compress(codec, joined(body, length)))];
    const packedLength = packed.reduce((sum, part) => sum + part.length, 0);
    const header = pageHeader(length, packedLength, rowCount, pageChecksum(packed));
    parts.push(header, ...packed);
    byteLength += header.length + packedLength;
    uncompressedByteLength += header.length + length;
    valueCount += rowCount;
    nullCount += rowCount - storedCount;
  }
  const limits = bounds.result();
  return {
    parts,
    byteLength,
    uncompressedByteLength,
    codec: codec ?? Codec.uncompressed,
    encodings: [Encoding.plain, Encoding.rle],
    valueCount,
    nullCount,
    min: limits?.min,
    max: limits?.max,
  };
}

interface DraftPage {
  readonly body: readonly Uint8Array[];
  readonly stored: readonly { bytes: Uint8Array; count: number }[];
  readonly rowCount: number;
  readonly storedCount: number;
}

function* pagesOf(spec: ColumnSpec, pieces: readonly ColumnPiece[]): Generator<DraftPage> {
  for (const piece of pieces) {
    if (!spec.nullable && piece.nullCount > 0)
      throw fail('COLUMN_TYPE', { where: 'output', column: spec.name, type: 'null', expected: 'a value in every row' });
    for (let from = 0; from < piece.length;) {
      const to = pageEnd(spec, piece, from);
      const bytes = storedValues(spec, piece, from, to);
      const count = countValid(piece, from, to);
      const body = spec.nullable ? [encodeLevels(piece, from, to), bytes] : [bytes];
      yield { body, stored: [{ bytes, count }], rowCount: to - from, storedCount: count };
      from = to;
    }
  }
}

/** The row behind the last one of the page that begins at `from`; a multiple of 8 further on, for the bitmaps' sake. */
function pageEnd(spec: ColumnSpec, piece: ColumnPiece, from: number): number {
  if (spec.physical !== Physical.byteArray) {
    const bytes = spec.byteWidth === 4 || spec.byteWidth === 8 ? WORD_PAGE_BYTES : PAGE_BYTES;
    const rows = Math.max(8, Math.floor(bytes / Math.max(1, spec.byteWidth)) & -8);
    return Math.min(piece.length, from + rows);
  }
  const offsets = piece.offsets as Int32Array;
  const limit = offsets[from] + PAGE_BYTES;
  let to = from;
  while (to < piece.length && (to === from || offsets[Math.min(piece.length, to + 256)] <= limit))
    to = Math.min(piece.length, to + 256);
  return to;
}

function countValid(piece: ColumnPiece, from: number, to: number): number {
  if (piece.nullCount === 0) return to - from;
  if (piece.nullCount === piece.length) return 0;
  let count = 0;
  for (let row = from; row < to; row++) if (isValid(piece, row)) count++;
  return count;
}

/** Measures Snappy on a part of the first page: columns of measured numbers hardly shrink and are stored as they are. */
export function worthSnappy(body: readonly Uint8Array[]): boolean {
  const largest = body.reduce((best, part) => (part.length > best.length ? part : best), body[0]);
  if (largest.length === 0) return false;
  const sample = largest.subarray(0, SAMPLE_BYTES);
  return compress(Codec.snappy, sample).length * 2 <= sample.length;
}

function joined(parts: readonly Uint8Array[], length: number): Uint8Array {
  if (parts.length === 1) return parts[0];
  const out = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** `checksum`: of the page as it is stored (see `pageChecksum`). */
export function pageHeader(length: number, packedLength: number, rowCount: number, checksum: number): Uint8Array {
  const writer = new CompactWriter();
  writer.item(() => {
    writer.i32(1, PageKind.data);
    writer.i32(2, length);
    writer.i32(3, packedLength);
    writer.i32(4, checksum | 0);
    writer.struct(5, () => {
      writer.i32(1, rowCount);
      writer.i32(2, Encoding.plain);
      writer.i32(3, Encoding.rle);
      writer.i32(4, Encoding.rle);
    });
  });
  return writer.bytes();
}
