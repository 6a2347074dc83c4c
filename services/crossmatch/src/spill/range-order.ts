import { ColumnStore, concatData, MessageDecoder, packColumn, type PackedColumn, recordBatch } from '@armilla/tables';
import { type Data, type DataType, Field, type RecordBatch, Schema } from 'apache-arrow';
import { isWords } from '../result/joined-data.js';
import { takePlain } from '../result/payload.js';
import { type Block, readBlock, readFully, type SharedFile } from './block.js';
import type { KeptPairs } from './one-to-one.js';
import { scratchBuffer, scratchInts } from './scratch-words.js';
import { moveWords, type Words, wordsData, wordsOf } from './words.js';

/** Pairs of a range of left rows that are to be put in their order. */
export interface RangeTask {
  readonly lanes: SharedFile['lanes'];
  /** In the order of the buckets. */
  readonly blocks: readonly Block[];
  /** The schema of the blocks as an Arrow message. */
  readonly schemaHeader: Uint8Array;
  readonly firstRow: number;
  readonly rowCount: number;
  readonly range: number;
  /** All pairs when undefined. */
  readonly kept: KeptPairs | undefined;
  /** Where left rows and the other columns go that are of numbers without nulls, each with room for all pairs. */
  readonly out: readonly Uint8Array[];
}

/** The same pairs by left row; all in shared memory. */
export interface OrderedRange {
  /** [pairs] from the first row of the range. */
  readonly left: Int32Array;
  /** The columns of the blocks but the left row, by number. */
  readonly columns: readonly PackedColumn[];
}

/** Left rows whose pairs are put in order at a time: all that is written meanwhile stays in the second-level cache. */
const STRETCH_ROWS = 2 ** 14;

/** Puts the pairs of a range in order; those of one left row stay as they are, since they are of one bucket. In a worker. */
export function orderRange(task: RangeTask): OrderedRange {
  const batches = readBlocks(task);
  const { firstRow, rowCount, out } = task;
  const pieces = piecesOf(batches, task);
  const left = wordsOf(out[0].buffer, out[0].byteOffset, 4, out[0].byteLength / 4) as Int32Array;
  const columns = Array.from({ length: batches[0]?.data.children.length ?? 0 }, (_, c) =>
    batches.map(({ data }) => data.children[c] as Data<DataType>),
  ).slice(1);
  const moves = columns.map((column, c) => (column.every(isWords) ? wordMove(column, out[c + 1]) : undefined));
  const words = moves.filter((move) => move !== undefined);
  const pairCount = placeStretches(pieces, words, left, firstRow, rowCount);
  const packed = columns.map((column, c) => {
    const data = moves[c] ? wordsData(column[0].type, out[c + 1], pairCount) : gathered(column, pieces, pairCount);
    return packColumn(data, { dictionaries: false });
  });
  return { left: left.subarray(0, pairCount), columns: packed };
}

/**
 * Gives all pairs their places, their left rows and the columns of words theirs; how many they are. Apart from what is
 * done once a range, so that the compiler sees loops alone: a range is too short to compile them anew.
 */
function placeStretches(
  pieces: readonly Piece[],
  moves: readonly WordMove[],
  left: Int32Array,
  firstRow: number,
  rowCount: number,
): number {
  const next = scratchInts('range.next', STRETCH_ROWS + 1);
  let pairCount = 0;
  for (let from = 0; from < rowCount; from += STRETCH_ROWS) {
    const count = Math.min(rowCount - from, STRETCH_ROWS);
    next.fill(0);
    for (const piece of pieces) {
      takeStretch(piece, firstRow + from + count);
      countPairs(piece.rows, piece.place, piece.begin, piece.end, firstRow + from, next);
    }
    pairCount = sumUp(next, pairCount, count);
    for (const { rows, place, begin, end } of pieces) placePairs(rows, place, begin, end, firstRow, from, next, left);
    for (const move of moves)
      for (let b = 0; b < pieces.length; b++) {
        const { place, begin, end } = pieces[b];
        moveWords(move.from[b], place, move.to, begin, end);
      }
  }
  return pairCount;
}

/** Pairs of one block. */
interface Piece {
  /** [pairs] left rows, ascending. */
  readonly rows: Int32Array;
  /** [pairs] where each goes; -1 of those that do not stay. */
  readonly place: Int32Array;
  /** The pairs [begin, end) are those that are being placed. */
  begin: number;
  end: number;
}

function piecesOf(batches: readonly RecordBatch[], { range, kept }: RangeTask): Piece[] {
  let pair = kept?.firstPair[range] ?? 0;
  return batches.map(({ data, numRows }, b) => {
    const place = scratchInts(`range.place.${b}`, numRows).fill(0);
    if (kept)
      for (let i = 0; i < numRows; i++, pair++) if ((kept.words[pair >>> 5] & (1 << (pair & 31))) === 0) place[i] = -1;
    return { rows: data.children[0].values as Int32Array, place, begin: 0, end: 0 };
  });
}

/** The blocks in one buffer, which the next call uses again. */
function readBlocks({ lanes, blocks, schemaHeader }: RangeTask): RecordBatch[] {
  const decoder = new MessageDecoder({ where: 'scratch' });
  decoder.decode({ header: schemaHeader, body: [], bodyLength: 0 });
  const byteLength = blocks.reduce((sum, { headerLength, bodyLength }) => sum + headerLength + bodyLength, 0);
  const buffer = new Uint8Array(scratchBuffer('range.blocks', byteLength));
  let at = 0;
  return blocks.map((block) => {
    const bytes = buffer.subarray(at, at + block.headerLength + block.bodyLength);
    at += bytes.length;
    const { fd, path } = lanes[block.lane];
    readFully(fd, bytes, block.offset, path);
    return readBlock(bytes, block, decoder, path);
  });
}

/** The next pairs of a block, up to those of left row `endRow`. */
function takeStretch(piece: Piece, endRow: number): void {
  const { rows } = piece;
  let { end } = piece;
  piece.begin = end;
  while (end < rows.length && rows[end] < endRow) end++;
  piece.end = end;
}

/** Adds the pairs of each row, the first of which is `firstRow`, to the number after it. */
function countPairs(
  rows: Int32Array,
  place: Int32Array,
  begin: number,
  end: number,
  firstRow: number,
  next: Int32Array,
): void {
  for (let i = begin; i < end; i++) if (place[i] >= 0) next[rows[i] - firstRow + 1]++;
}

/** Makes places of the counts, from `first` on; where those of `count` rows end. */
function sumUp(next: Int32Array, first: number, count: number): number {
  next[0] = first;
  for (let row = 0; row < count; row++) next[row + 1] += next[row];
  return next[count];
}

/** Gives the pairs [begin, end) their places, and the left rows theirs, counted from `firstRow`; next[0] is of row `from`. */
function placePairs(
  rows: Int32Array,
  place: Int32Array,
  begin: number,
  end: number,
  firstRow: number,
  from: number,
  next: Int32Array,
  left: Int32Array,
): void {
  for (let i = begin; i < end; i++) {
    if (place[i] < 0) continue;
    const row = rows[i] - firstRow;
    const at = next[row - from]++;
    place[i] = at;
    left[at] = row;
  }
}

/** The pieces of a column of words, and where all of them go. */
interface WordMove {
  readonly from: readonly Words[];
  readonly to: Words;
}

function wordMove(pieces: readonly Data[], out: Uint8Array): WordMove {
  const { BYTES_PER_ELEMENT: width } = pieces[0].values as Float64Array;
  const from = pieces.map(({ values, length }) => {
    const { buffer, byteOffset } = values as Float64Array;
    return wordsOf(buffer, byteOffset, width, length);
  });
  return { from, to: wordsOf(out.buffer, out.byteOffset, width, out.byteLength / width) };
}

/** A column with each pair in its place. */
function gathered(column: readonly Data<DataType>[], pieces: readonly Piece[], count: number): Data {
  const rows = new Int32Array(count);
  let base = 0;
  for (const { place } of pieces) {
    for (let i = 0; i < place.length; i++) if (place[i] >= 0) rows[place[i]] = base + i;
    base += place.length;
  }
  const taken = takePlain([concatData(column) as Data<DataType>], rows)[0];
  const schema = new Schema([new Field('0', column[0].type, true)]);
  const store = new ColumnStore(schema, { rowCount: count });
  store.append(recordBatch(schema, [taken], count));
  return store.seal().columns[0];
}
