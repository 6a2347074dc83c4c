import { isUtf8 } from 'node:buffer';
import { decompress, MAX_PAGE_BYTES } from '../codec/codec.js';
import { BlockKernel } from '../codec/kernel.js';
import { decodeLiterals, firstLiteral } from '../codec/literals.js';
import { decodeValidity } from '../encoding/hybrid.js';
import { ParquetFault, parquetProblem, unsupported } from '../format/fault.js';
import { type ColumnValues, type Leaf, strideOf } from '../format/leaf.js';
import { Codec, type ColumnChunk, Encoding, PageKind, Physical } from '../format/metadata.js';
import { type PageHeader, readPageHeader } from '../format/page.js';
import { pageChecksum } from '../format/page-checksum.js';
import { convertValues, packBits } from './convert.js';
import { FixedColumn } from './fixed.js';
import { allocate } from './memory.js';
import { VariableColumn } from './variable.js';

/** Memory of the caller that a column of fixed width is decoded into, so that many threads fill one array. */
export interface ColumnTarget {
  /** [>= at + rowCount] of the width of the column (Float64Array for DOUBLE ...); may be shared. */
  readonly values: Float64Array | Float32Array | Int32Array | Uint32Array | BigInt64Array | BigUint64Array;
  /** First row to fill. */
  readonly at: number;
  /** [>= at + rowCount] set to 1 where the value is null, else left alone. */
  readonly nulls?: Uint8Array;
}

/**
 * Decodes one column of one row group from its bytes in the file (`chunk.offset`, `chunk.byteLength`). Knows no other
 * state, so that any thread can do it; `prepareCodecs` must have run there. `where` names file and column in problems;
 * `shared` asks for shared memory. With `target`, [valueCount * byteWidth] of 8-byte aligned memory, values of fixed width go there.
 */
export function decodeColumnChunk(
  bytes: Uint8Array,
  chunk: ColumnChunk,
  leaf: Leaf,
  where: string,
  shared = false,
  target?: Uint8Array,
): ColumnValues {
  try {
    return leaf.layout.kind === 'variable'
      ? decodeVariable(bytes, chunk, leaf, shared)
      : decodeFixed(bytes, chunk, leaf, shared, target);
  } catch (error) {
    throw parquetProblem(error, `${where}, row group ${chunk.rowGroup}`);
  } finally {
    BlockKernel.release();
  }
}

/** The same into the arrays of `target`; returns the number of nulls. Columns of 4 or 8 byte numbers only. */
export function decodeColumnChunkInto(
  bytes: Uint8Array,
  chunk: ColumnChunk,
  leaf: Leaf,
  where: string,
  target: ColumnTarget,
): number {
  try {
    const { values, at, nulls } = target;
    if (leaf.layout.kind !== 'fixed' || leaf.layout.convert !== 'none' || strideOf(leaf) !== values.BYTES_PER_ELEMENT) {
      throw new TypeError(`column '${leaf.name}' does not fit into ${values.constructor.name}`);
    }
    if (at + chunk.valueCount > values.length)
      throw new TypeError(`${chunk.valueCount} rows from ${at} on do not fit into ${values.length}`);
    const stride = values.BYTES_PER_ELEMENT;
    const column = new FixedColumn(
      leaf,
      new Uint8Array(values.buffer, values.byteOffset + at * stride, chunk.valueCount * stride),
    );
    const { nullCount, valid } = fillFixed(new PageWalk(bytes, chunk, leaf, column), column);
    if (nulls && valid) for (let i = 0; i < chunk.valueCount; i++) if (valid[i] === 0) nulls[at + i] = 1;
    return nullCount;
  } catch (error) {
    throw parquetProblem(error, `${where}, row group ${chunk.rowGroup}`);
  } finally {
    BlockKernel.release();
  }
}

function decodeFixed(
  bytes: Uint8Array,
  chunk: ColumnChunk,
  leaf: Leaf,
  shared: boolean,
  target: Uint8Array | undefined,
): ColumnValues {
  const rowCount = chunk.valueCount;
  const asStored = leaf.layout.kind === 'fixed' && leaf.layout.convert === 'none';
  const column = new FixedColumn(
    leaf,
    asStored && target ? target : allocate(rowCount * strideOf(leaf), shared && asStored),
  );
  const { nullCount, valid } = fillFixed(new PageWalk(bytes, chunk, leaf, column), column);
  const converted = convertValues(leaf, column.bytes, rowCount);
  if (target && !asStored) target.set(converted);
  const values = target ?? inMemory(converted, shared);
  return {
    rowCount,
    nullCount,
    validity: valid && inMemory(packBits(valid, rowCount), shared),
    values,
    offsets: undefined,
  };
}

function fillFixed(pages: PageWalk, column: FixedColumn): { nullCount: number; valid: Uint8Array | undefined } {
  for (const page of pages) {
    if (page.dictionary) {
      column.setDictionary(page.values, page.rowCount);
      continue;
    }
    if (!page.placed) column.readPage(page.values, page.encoding, page.row, page.count);
    if (page.count < page.rowCount) column.spread(pages.valid as Uint8Array, page.row, page.rowCount, page.count);
  }
  return { nullCount: pages.nullCount, valid: pages.valid };
}

function decodeVariable(bytes: Uint8Array, chunk: ColumnChunk, leaf: Leaf, shared: boolean): ColumnValues {
  const rowCount = chunk.valueCount;
  const column = new VariableColumn(rowCount, Math.min(chunk.uncompressedByteLength, bytes.length * 4), shared);
  const pages = new PageWalk(bytes, chunk, leaf);
  for (const page of pages) {
    if (page.dictionary) column.setDictionary(page.values, page.rowCount);
    else
      column.readPage(
        page.values,
        page.encoding,
        page.rowCount,
        page.count,
        page.count < page.rowCount ? pages.valid : undefined,
      );
  }
  const values = column.bytes.subarray(0, column.byteLength);
  if (leaf.layout.kind === 'variable' && leaf.layout.utf8) checkUtf8(values, column.offsets);
  const validity = pages.valid && inMemory(packBits(pages.valid, rowCount), shared);
  return { rowCount, nullCount: pages.nullCount, validity, values, offsets: column.offsets };
}

/** `bytes`, moved to shared memory where that is wanted and they are not there. */
function inMemory(bytes: Uint8Array, shared: boolean): Uint8Array {
  if (!shared || bytes.buffer instanceof SharedArrayBuffer) return bytes;
  const moved = allocate(bytes.length, true);
  moved.set(bytes);
  return moved;
}

/** Text must be UTF-8, and no string may begin in the middle of a character. */
function checkUtf8(values: Uint8Array, offsets: Int32Array): void {
  if (!isUtf8(values)) throw new ParquetFault('text is not valid UTF-8');
  for (let i = 1; i < offsets.length; i++) {
    if ((values[offsets[i]] & 0xc0) === 0x80)
      throw new ParquetFault(`the text of row ${i} of a row group is not valid UTF-8`);
  }
}

/** Compressed over decompressed bytes from which on a page is tried as literals. */
const LITERAL_SHARE = 0.97;

interface Page {
  readonly dictionary: boolean;
  readonly encoding: number;
  /** The decompressed values behind the levels; valid until the next page. */
  readonly values: Uint8Array;
  /** First row of the page within the chunk, and how many there are. */
  readonly row: number;
  readonly rowCount: number;
  /** Values that are not null. */
  readonly count: number;
  /** They stand in the column already. */
  readonly placed?: boolean;
}

/** Walks the pages of a chunk of a flat column and decodes its definition levels on the way. */
class PageWalk implements Iterable<Page> {
  /** [rowCount] 1 = value, 0 = null; undefined while no null was met. */
  valid: Uint8Array | undefined;
  nullCount = 0;

  constructor(
    private readonly bytes: Uint8Array,
    private readonly chunk: ColumnChunk,
    private readonly leaf: Leaf,
    /** Where values of a fixed width go. */
    private readonly column?: FixedColumn,
  ) {}

  *[Symbol.iterator](): Iterator<Page> {
    const { bytes, chunk } = this;
    let at = 0;
    let row = 0;
    while (row < chunk.valueCount) {
      if (at >= bytes.length) throw new ParquetFault(`the column ends after ${row} of ${chunk.valueCount} rows`);
      const header = readPageHeader(bytes, at);
      const pageOffset = chunk.offset + at;
      at += header.headerLength;
      const block = bytes.subarray(at, at + header.compressedLength);
      at += header.compressedLength;
      if (header.uncompressedLength > MAX_PAGE_BYTES)
        throw new ParquetFault(`a page claims ${header.uncompressedLength} bytes`);
      if (header.crc32 !== undefined && header.crc32 !== pageChecksum([block]))
        throw new ParquetFault(`the checksum of the page at byte ${pageOffset} is wrong: its bytes were changed`);
      if (header.kind === PageKind.index) continue;
      if (header.kind === PageKind.dictionary) {
        const values = decompress(chunk.codec, block, header.uncompressedLength);
        yield {
          dictionary: true,
          encoding: Encoding.plain,
          values,
          row,
          rowCount: header.valueCount,
          count: header.valueCount,
        };
        continue;
      }
      if (header.valueCount > chunk.valueCount - row) {
        throw new ParquetFault(`a page claims ${header.valueCount} rows, ${chunk.valueCount - row} are left`);
      }
      const page =
        header.kind === PageKind.data ? this.#dataPage(header, block, row) : this.#dataPageV2(header, block, row);
      if (header.valueCount > 0) yield page;
      row += header.valueCount;
    }
  }

  #dataPage(header: PageHeader, block: Uint8Array, row: number): Page {
    const placed = this.#placedPage(header, block, row);
    if (placed) return placed;
    const body = decompress(this.chunk.codec, block, header.uncompressedLength);
    const rowCount = header.valueCount;
    let at = 0;
    let count = rowCount;
    if (this.leaf.maxDefinition > 0) {
      if (header.definitionEncoding !== Encoding.rle)
        throw unsupported('definition levels are in the outdated BIT_PACKED encoding');
      if (body.length < 4) throw new ParquetFault(`a page of ${body.length} bytes has no room for its levels`);
      const length = (body[0] | (body[1] << 8) | (body[2] << 16) | (body[3] << 24)) >>> 0;
      if (length > body.length - 4)
        throw new ParquetFault(`a page of ${body.length} bytes claims ${length} bytes of levels`);
      at = 4 + length;
      count = this.#readLevels(body, 4, at, row, rowCount);
    }
    return { dictionary: false, encoding: header.encoding, values: body.subarray(at), row, rowCount, count };
  }

  /** A page of plain numbers that Snappy could not shrink, decoded to its place; undefined for all others. */
  #placedPage(header: PageHeader, block: Uint8Array, row: number): Page | undefined {
    const { column, leaf, chunk } = this;
    const length = header.uncompressedLength;
    if (
      !column ||
      leaf.physical === Physical.boolean ||
      chunk.codec !== Codec.snappy ||
      header.encoding !== Encoding.plain
    )
      return undefined;
    if (header.definitionEncoding !== Encoding.rle || block.length < length * LITERAL_SHARE) return undefined;
    const rowCount = header.valueCount;
    let prefix = 0;
    if (leaf.maxDefinition > 0) {
      const head = firstLiteral(block, length, 4);
      if (!head) return undefined;
      prefix = 4 + ((head[0] | (head[1] << 8) | (head[2] << 16) | (head[3] << 24)) >>> 0);
    }
    const levels = firstLiteral(block, length, prefix);
    const from = row * column.stride;
    if (!levels || length - prefix > rowCount * column.stride) return undefined;
    if (!decodeLiterals(block, length, prefix, column.bytes.subarray(from, from + length - prefix))) return undefined;
    const count = prefix > 0 ? this.#readLevels(levels, 4, prefix, row, rowCount) : rowCount;
    if (count * column.stride !== length - prefix)
      throw new ParquetFault(`${count} values of ${column.stride} bytes in a page of ${length - prefix}`);
    return { dictionary: false, encoding: header.encoding, values: levels, row, rowCount, count, placed: true };
  }

  #dataPageV2(header: PageHeader, block: Uint8Array, row: number): Page {
    const levels = header.repetitionByteLength + header.definitionByteLength;
    if (levels > block.length || levels > header.uncompressedLength)
      throw new ParquetFault(`a page of ${block.length} bytes claims ${levels} bytes of levels`);
    const rowCount = header.valueCount;
    let count = rowCount;
    if (this.leaf.maxDefinition > 0)
      count = this.#readLevels(block, header.repetitionByteLength, levels, row, rowCount);
    const codec = header.compressed ? this.chunk.codec : Codec.uncompressed;
    const length = header.uncompressedLength - levels;
    // A page of nulls only has no values to compress.
    const values = count === 0 ? block.subarray(0, 0) : decompress(codec, block.subarray(levels), length);
    return { dictionary: false, encoding: header.encoding, values, row, rowCount, count };
  }

  /** Returns how many of the rows are values. */
  #readLevels(bytes: Uint8Array, at: number, end: number, row: number, rowCount: number): number {
    if (!this.valid) {
      const count = decodeValidity(bytes, at, end, undefined, row, rowCount);
      if (count >= 0) return count;
      this.valid = new Uint8Array(this.chunk.valueCount).fill(1, 0, row);
    }
    const count = decodeValidity(bytes, at, end, this.valid, row, rowCount);
    this.nullCount += rowCount - count;
    return count;
  }
}
