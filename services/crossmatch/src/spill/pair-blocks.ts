import { ColumnStore, recordBatch, type SharedColumns } from '@armilla/tables';
import { type Data, type DataType, Field, Float64, Int32, makeData, type RecordBatch, Schema } from 'apache-arrow';
import type { RowSet } from '../join.js';
import type { ResolvedOptions } from '../options.js';
import { type JudgedColumn, judgedColumns } from '../refine/pair-list.js';
import { isWords } from '../result/joined-data.js';
import type { ResultLayout } from '../result/layout.js';
import { plainField, subSchema, takePlain } from '../result/payload.js';
import { type Block, type SharedFile, writeBlocks } from './block.js';
import { scratchInts } from './scratch-words.js';
import { fetch4, wordsAt } from './words.js';

/** The columns of pairs in a scratch file besides left row and separation, in this order. */
export interface PairShape {
  /** Only where somebody asks for it: to fetch the numbers of rows from all over a bucket costs as much as a column. */
  readonly rightRow: boolean;
  readonly key: boolean;
  readonly rank: boolean;
  readonly judged: readonly JudgedColumn[];
  /** The position of the right row. */
  readonly positions: boolean;
  /** Columns of the right table, as plain types. */
  readonly payload: readonly Field[];
}

/** Pairs of one block, ascending by left row. */
export interface PairTask {
  readonly left: Int32Array; // [pairs] in `leftRows`
  readonly right: Int32Array; // [pairs] in `rightRows`, `positions` and `payload`
  readonly separationArcsec: Float64Array; // [pairs]
  readonly key: Float64Array | undefined; // [pairs]
  readonly rank: Int32Array | undefined; // [pairs]
  readonly judged: readonly Float64Array[]; // [pairs] each
  /** Row numbers of the tables. */
  readonly leftRows: Int32Array;
  readonly rightRows: Int32Array | undefined;
  readonly positions: { readonly ra: Float64Array; readonly dec: Float64Array } | undefined;
  readonly payload: SharedColumns;
  /** [rightRows] 1 where a pair uses the row; in shared memory. */
  readonly used: Uint8Array | undefined;
  /** Left rows are marked there as well, from this one on, where they are of the same table. */
  readonly leftFrom: number | undefined;
  readonly rangeRowCount: number;
  readonly file: SharedFile;
}

/** Rows of a bucket that its pairs use. All in shared memory. */
export interface MarkTask {
  readonly bucket: number;
  /** Row numbers of the table, ascending. */
  readonly rows: Int32Array;
  readonly used: Uint8Array; // [rows]
  /** Row r is bit r % 32 of word floor(r / 32); nobody else writes there meanwhile. */
  readonly into: Int32Array;
  /** Where the same is kept for a later process. */
  readonly file: SharedFile;
}

/** What was counted for left rows, in their order. */
export interface CountTask {
  readonly left: Int32Array; // [rows]
  readonly neighbourCount: Int32Array; // [rows]
  readonly secondSeparationArcsec: Float64Array; // [rows] NaN where there is none
  readonly rangeRowCount: number;
  readonly file: SharedFile;
}

/** What is kept of the pairs of a match; `judges`: more than the radius decides. */
export function pairShape(
  { find, selfMatch }: Pick<ResolvedOptions, 'find' | 'selfMatch'>,
  layout: ResultLayout,
  right: Schema,
  judges: boolean,
): PairShape {
  const isGroups = selfMatch === 'groups';
  return {
    rightRow: isGroups || find === 'one-to-one' || layout.has('right_row'),
    key: find === 'one-to-one',
    rank: find === 'k-nearest',
    judged: judges && !isGroups ? judgedColumns(layout) : [],
    positions: !isGroups && !judges && (layout.has('delta_ra_cosdec_arcsec') || layout.has('delta_dec_arcsec')),
    payload: subSchema(right, layout.rightNames).fields.map((field) => plainField(field, field.name, true)),
  };
}

/** Whether neighbours of left rows are counted. */
export function isCounted(layout: ResultLayout): boolean {
  return layout.has('neighbour_count') || layout.has('second_separation_arcsec');
}

export function pairSchema({
  rightRow,
  key,
  rank,
  judged,
  positions,
  payload,
}: Omit<PairShape, 'judged'> & { readonly judged: readonly unknown[] }): Schema {
  const types: DataType[] = [
    new Int32(),
    new Float64(),
    ...(rightRow ? [new Int32()] : []),
    ...(key ? [new Float64()] : []),
    ...(rank ? [new Int32()] : []),
    ...judged.map(() => new Float64()),
    ...(positions ? [new Float64(), new Float64()] : []),
    ...payload.map(({ type }) => type as DataType),
  ];
  return new Schema(types.map((type, i) => new Field(String(i), type, true)));
}

export const COUNT_SCHEMA = new Schema(
  [new Int32(), new Int32(), new Float64()].map((type, i) => new Field(String(i), type, true)),
);

/** Writes pairs to the ranges of their left rows, each with the columns of its right row; in a worker. */
export function writePairs(task: PairTask): Block[] {
  const { separationArcsec, key, rank, judged, positions, used, leftFrom } = task;
  const left = rowsAt(task.leftRows, task.left, 'pairs.left');
  const right = task.rightRows && rowsAt(task.rightRows, task.right, 'pairs.right');
  if (used) markAt(used, task.right);
  if (used && leftFrom !== undefined) markAt(used.subarray(leftFrom), task.left);
  const payload = ColumnStore.fromShared(task.payload);
  const schema = pairSchema({
    rightRow: right !== undefined,
    key: key !== undefined,
    rank: rank !== undefined,
    judged,
    positions: positions !== undefined,
    payload: payload.schema.fields,
  });
  const columns: Data[] = [
    ints(left),
    floats(separationArcsec),
    ...(right ? [ints(right)] : []),
    ...(key ? [floats(key)] : []),
    ...(rank ? [ints(rank)] : []),
    ...judged.map(floats),
  ];
  const ofRight: Data[] = [...(positions ? [floats(positions.ra), floats(positions.dec)] : []), ...payload.columns];
  // Words are fetched at once, in memory that the next task uses again; other columns range by range.
  const words = ofRight.map((column, i) => (isWords(column) ? wordsAt(column, i, task.right) : undefined));
  function* parts(): Generator<{ part: number; batch: RecordBatch }> {
    for (const { part, from, to } of ranges(left, task.rangeRowCount)) {
      const own = columns.map((column) => column.slice(from, to - from));
      const taken = ofRight.map(
        (column, i) => words[i]?.slice(from, to - from) ?? takePlain([column], task.right.subarray(from, to))[0],
      );
      yield { part, batch: recordBatch(schema, [...own, ...taken], to - from) };
    }
  }
  return writeBlocks(task.file, schema, parts());
}

export const USED_SCHEMA = new Schema([new Field('0', new Int32(), true)]);

/** The row numbers of the used rows as bits of `into`, and a block of a bit for each row of the bucket; in a worker. */
export function markRows({ bucket, rows, used, into, file }: MarkTask): Block[] {
  for (let i = 0; i < rows.length; i++) into[rows[i] >>> 5] |= used[i] << (rows[i] & 31);
  const words = new Int32Array((rows.length + 31) >>> 5);
  for (let i = 0; i < used.length; i++) words[i >>> 5] |= used[i] << (i & 31);
  const batch = recordBatch(USED_SCHEMA, [ints(words)], words.length);
  return writeBlocks(file, USED_SCHEMA, [{ part: bucket, batch }]);
}

/** Adds the rows of a bucket whose bits are set to `into`. */
export function addUsed(words: Int32Array, rows: Int32Array, into: RowSet): void {
  for (let i = 0; i < rows.length; i++) if ((words[i >>> 5] & (1 << (i & 31))) !== 0) into.add(rows[i]);
}

/** All threads store the same, so that none need wait. */
function markAt(used: Uint8Array, at: Int32Array): void {
  for (let p = 0; p < at.length; p++) used[at[p]] = 1;
}

function rowsAt(rows: Int32Array, at: Int32Array, label: string): Int32Array {
  const out = scratchInts(label, at.length);
  fetch4(rows, at, out);
  return out;
}

/** Writes counts to the ranges of their left rows; in a worker. */
export function writeCounts(task: CountTask): Block[] {
  const { left, neighbourCount, secondSeparationArcsec } = task;
  const columns = [ints(left), ints(neighbourCount), floats(secondSeparationArcsec)];
  function* parts(): Generator<{ part: number; batch: RecordBatch }> {
    for (const { part, from, to } of ranges(left, task.rangeRowCount)) {
      const own = columns.map((column) => column.slice(from, to - from));
      yield { part, batch: recordBatch(COUNT_SCHEMA, own, to - from) };
    }
  }
  return writeBlocks(task.file, COUNT_SCHEMA, parts());
}

/** The runs of ascending `rows` that fall into one range each. */
function* ranges(rows: Int32Array, rangeRowCount: number): Generator<{ part: number; from: number; to: number }> {
  for (let from = 0; from < rows.length;) {
    const part = Math.floor(rows[from] / rangeRowCount);
    const end = (part + 1) * rangeRowCount;
    let low = from + 1;
    let high = rows.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (rows[middle] < end) low = middle + 1;
      else high = middle;
    }
    yield { part, from, to: low };
    from = low;
  }
}

function ints(data: Int32Array): Data<Int32> {
  return makeData({ type: new Int32(), length: data.length, nullCount: 0, data });
}

function floats(data: Float64Array): Data<Float64> {
  return makeData({ type: new Float64(), length: data.length, nullCount: 0, data });
}
