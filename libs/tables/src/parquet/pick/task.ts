import { prepareCodecs } from '../codec/codec.js';
import type { ColumnValues } from '../format/leaf.js';
import { decodeColumnChunk } from '../read/chunk.js';
import { readPlaced } from '../read/placed.js';
import { readRange, trimRange } from '../read/range.js';
import { type CodecChoice, type EncodedColumn, encodeColumnChunk } from '../write/chunk.js';
import type { ColumnPiece, ColumnSpec } from '../write/column.js';
import { GatheredColumn } from './gathered.js';
import type { RowOrder } from './order.js';
import type { StoredColumn } from './picks.js';
import { encodeWords, gatherWords, isWords, moveWords, type Words, wordsOf } from './words.js';

/** One column of a row group to gather and to encode. */
export interface PickTask {
  readonly kind: 'pick';
  readonly spec: ColumnSpec;
  readonly source: PickSource;
  readonly rows: Int32Array;
  readonly codec: CodecChoice | undefined;
  /** Shared memory for the encoded bytes of numbers; other columns come in memory of their own. */
  readonly out: Uint8Array;
}

/** How the rows of a column in memory are fetched; undefined where some may be -1. */
export type MemoryOrder = RowOrder | 'consecutive' | undefined;

export type PickSource =
  | { readonly from: 'memory'; readonly column: ColumnPiece; readonly order: MemoryOrder }
  | { readonly from: 'file'; readonly column: StoredColumn };

/** Buffers above this size are not kept between tasks. */
const KEEP_BYTES = 32 << 20;

let gathered = new Uint8Array(0);
let decoded = new Uint8Array(0);

export async function encodePicked(task: PickTask): Promise<EncodedColumn> {
  try {
    const { source } = task;
    return source.from === 'memory' ? fromMemory(task, source) : await fromFile(task, source.column);
  } finally {
    trimRange();
    if (gathered.length > KEEP_BYTES) gathered = new Uint8Array(0);
    if (decoded.byteLength > KEEP_BYTES) decoded = new Uint8Array(0);
  }
}

function fromMemory(
  { spec, rows, codec, out }: PickTask,
  { column, order }: PickSource & { from: 'memory' },
): EncodedColumn {
  const { values } = column;
  if (order && isWords(spec) && column.nullCount === 0 && values.byteOffset % spec.byteWidth === 0) {
    const lying = wordsOf(values, spec.byteWidth);
    if (order === 'consecutive')
      return encodeWords(spec, lying.subarray(rows[0], rows[0] + rows.length), undefined, rows.length, codec, out);
    const words = scratchWords(rows.length, spec.byteWidth);
    moveWords(lying, order.sorted, order.slot, words);
    return encodeWords(spec, words, order.place, rows.length, codec, out);
  }
  const whole = new GatheredColumn(spec, rows.length);
  whole.append(column, rows);
  return encodeColumnChunk(spec, [whole.piece()], codec);
}

/** Chunk by chunk, each decoded into memory that stays in the cache. */
async function fromFile(
  { spec, rows, codec, out }: PickTask,
  { fd, where, leaf, chunks }: StoredColumn,
): Promise<EncodedColumn> {
  const wanted = chunks.filter(
    ({ chunk, firstRow }) => lowerBound(rows, firstRow) < lowerBound(rows, firstRow + chunk.valueCount),
  );
  await prepareCodecs(wanted.map(({ chunk }) => chunk.codec));
  const asStored = leaf.layout.kind === 'fixed' && leaf.layout.convert === 'none';
  const words = isWords(spec) && asStored ? scratchWords(rows.length, spec.byteWidth) : undefined;
  let whole: GatheredColumn | undefined;
  for (const { chunk, firstRow } of wanted) {
    const start = lowerBound(rows, firstRow);
    const picked = rows.subarray(start, lowerBound(rows, firstRow + chunk.valueCount));
    const target = words && scratchBytes(chunk.valueCount * spec.byteWidth);
    const placed = target && readPlaced(fd, chunk, leaf, target);
    const values = placed ?? decodeColumnChunk(readRange(fd, chunk, where), chunk, leaf, where, false, target);
    if (words && !whole && values.nullCount === 0) {
      gatherWords(wordsOf(values.values, spec.byteWidth), picked, firstRow, words, start);
      continue;
    }
    whole ??= startedWith(spec, words, start, rows.length);
    whole.append(pieceOf(values), picked, firstRow);
  }
  if (!whole && words) return encodeWords(spec, words, undefined, rows.length, codec, out);
  return encodeColumnChunk(spec, [(whole ?? new GatheredColumn(spec, rows.length)).piece()], codec);
}

/** A column whose first `count` values stand in `words`: the first null turned up behind them. */
function startedWith(spec: ColumnSpec, words: Words | undefined, count: number, rowCount: number): GatheredColumn {
  const whole = new GatheredColumn(spec, rowCount);
  if (words && count > 0) {
    const values = new Uint8Array(words.buffer, words.byteOffset, count * spec.byteWidth);
    const rows = Int32Array.from({ length: count }, (_, i) => i);
    whole.append({ length: count, nullCount: 0, validity: undefined, bitOffset: 0, values, offsets: undefined }, rows);
  }
  return whole;
}

function pieceOf({ rowCount, nullCount, validity, values, offsets }: ColumnValues): ColumnPiece {
  return { length: rowCount, nullCount, validity: nullCount > 0 ? validity : undefined, bitOffset: 0, values, offsets };
}

/** How many of the ascending `rows` are below `row`. */
function lowerBound(rows: Int32Array, row: number): number {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (rows[middle] < row) low = middle + 1;
    else high = middle;
  }
  return low;
}

function scratchWords(count: number, byteWidth: number): Words {
  const byteLength = count * byteWidth;
  if (gathered.length < byteLength) gathered = new Uint8Array(8 * Math.ceil(byteLength / 8));
  return wordsOf(gathered.subarray(0, byteLength), byteWidth);
}

function scratchBytes(byteLength: number): Uint8Array {
  if (decoded.length < byteLength) decoded = new Uint8Array(8 * Math.ceil(byteLength / 8));
  return decoded.subarray(0, byteLength);
}
