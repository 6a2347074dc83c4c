import { ColumnStore, concatData, MessageDecoder, packColumn, type PackedColumn, recordBatch } from '@armilla/tables';
import { type Data, type DataType, Field, makeData, type RecordBatch, Schema } from 'apache-arrow';
import { isWords } from '../result/joined-data.js';
import { takePlain } from '../result/payload.js';
import { type Block, readBlock, readFully, type SharedFile } from './block.js';
import type { KeptPairs } from './one-to-one.js';
import { scratchBuffer, scratchInts } from './scratch-words.js';
import { moveWords, wordsOf } from './words.js';

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

/** Puts the pairs of a range in order; those of one left row stay as they are, since they are of one bucket. In a worker. */
export function orderRange(task: RangeTask): OrderedRange {
  const batches = readBlocks(task);
  const { place, left } = placesByRow(batches, task);
  const schema = batches.length > 0 ? batches[0].schema : undefined;
  const columns = (schema?.fields ?? []).slice(1).map((_, i) =>
    packColumn(
      inPlaces(
        batches.map(({ data }) => data.children[i + 1]),
        place,
        left.length,
        task.out[i + 1],
      ),
      { dictionaries: false },
    ),
  );
  return { left, columns };
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

/** Where each pair of the batches goes, -1 for those that do not stay; and the left rows in order. */
function placesByRow(
  batches: readonly RecordBatch[],
  { firstRow, rowCount, range, kept, out: memory }: RangeTask,
): { readonly place: readonly Int32Array[]; readonly left: Int32Array } {
  const next = scratchInts('range.next', rowCount + 1).fill(0);
  const place = batches.map(({ numRows }, b) => scratchInts(`range.place.${b}`, numRows));
  let pair = kept?.firstPair[range] ?? 0;
  batches.forEach(({ data }, b) => {
    const rows = data.children[0].values as Int32Array;
    const out = place[b];
    for (let i = 0; i < rows.length; i++, pair++) {
      const stays = !kept || (kept.words[pair >>> 5] & (1 << (pair & 31))) !== 0;
      out[i] = stays ? 0 : -1;
      if (stays) next[rows[i] - firstRow + 1]++;
    }
  });
  for (let row = 0; row < rowCount; row++) next[row + 1] += next[row];
  const left = new Int32Array(memory[0].buffer, memory[0].byteOffset, next[rowCount]);
  batches.forEach(({ data }, b) => {
    const rows = data.children[0].values as Int32Array;
    const out = place[b];
    for (let i = 0; i < rows.length; i++) {
      if (out[i] < 0) continue;
      const row = rows[i] - firstRow;
      const at = next[row]++;
      out[i] = at;
      left[at] = row;
    }
  });
  return { place, left };
}

/** A column with each pair in its place. */
function inPlaces(pieces: readonly Data[], place: readonly Int32Array[], count: number, memory: Uint8Array): Data {
  const [{ type }] = pieces;
  if (pieces.every(isWords)) {
    const { values } = pieces[0] as { values: Float64Array };
    const width = values.BYTES_PER_ELEMENT;
    const out = memory.buffer;
    const to = wordsOf(out, 0, width, count);
    pieces.forEach((piece, b) => {
      const { buffer: bytes, byteOffset } = piece.values as Float64Array;
      moveWords(wordsOf(bytes, byteOffset, width, piece.length), place[b], to);
    });
    const Kind = values.constructor as new (buffer: ArrayBufferLike, offset: number, length: number) => Float64Array;
    return makeData({ type, length: count, nullCount: 0, data: new Kind(out, 0, count) } as never);
  }
  const rows = new Int32Array(count);
  let base = 0;
  for (const places of place) {
    for (let i = 0; i < places.length; i++) if (places[i] >= 0) rows[places[i]] = base + i;
    base += places.length;
  }
  const taken = takePlain([concatData(pieces as Data<DataType>[]) as Data<DataType>], rows)[0];
  const schema = new Schema([new Field('0', type, true)]);
  const store = new ColumnStore(schema, { rowCount: count });
  store.append(recordBatch(schema, [taken], count));
  return store.seal().columns[0];
}
