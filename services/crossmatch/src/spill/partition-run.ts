import { positionStatuses } from '@armilla/sky';
import {
  ColumnStore,
  MessageDecoder,
  readStoredGroup,
  recordBatch,
  type SharedColumns,
  type StoredGroup,
} from '@armilla/tables';
import { type Data, type DataType, Field, Float64, Int32, makeData, type RecordBatch, Schema } from 'apache-arrow';
import { astrometryValues } from '../astrometry/astrometry-values.js';
import { receivedColumns, type SentColumns } from '../columns.js';
import { readRows, type UnusableRows, unusableRows } from '../positions.js';
import { isWords } from '../result/joined-data.js';
import { missingMotions } from '../refine/epochs.js';
import { plainField, subSchema, takePlain } from '../result/payload.js';
import { type Block, type SharedFile, writeBlocks } from './block.js';
import { type BucketPlaces, type Buckets, placesByBucket } from './buckets.js';
import { rotated, type Vector3 } from '../trust/tangent.js';
import { type SortedSide, sortedRows } from './reach.js';
import { scratchInts } from './scratch-words.js';
import type { TableShape } from './table-shape.js';
import { placeWords } from './words.js';

/** Where the rows of a run are: in shared memory, or in a file that the thread reads. */
export type RunRows =
  | { readonly from: 'memory'; readonly columns: SharedColumns }
  | { readonly from: 'file'; readonly group: StoredGroup; readonly schemaHeader: Uint8Array };

/** A run of consecutive rows of a table on their way to the buckets. */
export interface RunTask {
  readonly rows: RunRows;
  readonly columns: SentColumns;
  readonly where: string;
  /** Row of the table that is the first of the run. */
  readonly firstRow: number;
  readonly shape: TableShape;
  readonly buckets: Buckets;
  /** Turns the positions, about the axes of ICRS. */
  readonly turnArcsec: Vector3 | undefined;
  /** By what rows are sorted. */
  readonly sorted: SortedSide;
  /** Rows go also to the buckets within so many times their reach. */
  readonly copyReaches: number;
  readonly file: SharedFile;
}

/** What became of a run. */
export interface PartitionedRun {
  readonly blocks: readonly Block[];
  /** Usable rows without a motion, where motions go along. */
  readonly missingMotionRowCount: number;
  readonly unusable: UnusableRows;
  /** Of the whole run, and of writing it alone. */
  readonly seconds: number;
  readonly writeSeconds: number;
}

/** Columns that stand before those of the table. */
const POSITION_FIELDS = [
  new Field('ra', new Float64(), true),
  new Field('dec', new Float64(), true),
  new Field('row', new Int32(), true),
];

/** Columns of a partitioned table: right ascension, declination and row number, astrometry, then the table's own as plain columns, in its order. */
export function partitionedSchema(schema: Schema, { astrometry, names }: TableShape): Schema {
  const values = astrometry.map((name) => new Field(name, new Float64(), true));
  const payload = subSchema(schema, names).fields.map((field) => plainField(field, field.name, true));
  // Numbers as names: a column of the table may be called as one of ours.
  return new Schema([...POSITION_FIELDS, ...values, ...payload].map((field, i) => field.clone({ name: String(i) })));
}

/** Writes the rows of a run to their buckets; in a worker. */
export async function partitionRun(task: RunTask): Promise<PartitionedRun> {
  const { firstRow, shape, buckets, file } = task;
  const begun = performance.now();
  let writeSeconds = 0;
  const batch = await rowsOf(task.rows);
  const asRead = await readRows(batch, receivedColumns(task.columns, batch.schema, task.where), task.where);
  const read = task.turnArcsec ? { ...asRead, positions: rotated(asRead.positions, task.turnArcsec) } : asRead;
  const { ra, dec } = read.positions;
  const status = positionStatuses(read.positions);
  const { decDeg, reachDeg } = sortedRows(
    read.positions,
    read.astrometry,
    task.columns.astrometry,
    task.sorted,
    task.copyReaches,
  );
  const places = placesByBucket(buckets, decDeg, status, reachDeg);
  const positions = [ra, dec].map((data) => makeData({ type: new Float64(), length: ra.length, data }));
  const more: Data[] = [
    ...(read.astrometry ? astrometryValues(read.astrometry, shape.astrometry) : []).map((data) =>
      makeData({ type: new Float64(), length: ra.length, data }),
    ),
    ...batch.schema.fields.flatMap(({ name }, i) => (shape.names.includes(name) ? [batch.data.children[i]] : [])),
  ];
  const schema = partitionedSchema(batch.schema, shape);
  const { starts } = places;
  const [raPlaced, decPlaced, ...others] = inPlaces([...positions, ...more], places);
  const placed = [raPlaced, decPlaced, placeRows(firstRow, places), ...others];
  function* parts(): Generator<{ part: number; batch: RecordBatch }> {
    for (let part = 0; part + 1 < starts.length; part++) {
      const [from, count] = [starts[part], starts[part + 1] - starts[part]];
      const slices = placed.map((column) => column.slice(from, count));
      if (count > 0) yield { part, batch: recordBatch(schema, slices, count) };
    }
  }
  const blocks = writeBlocks(file, schema, parts(), (seconds) => (writeSeconds += seconds));
  return {
    blocks,
    missingMotionRowCount: shape.astrometry.includes('pmDec') ? missingMotions(status, read.astrometry?.motions) : 0,
    unusable: unusableRows(read, status, firstRow),
    seconds: (performance.now() - begun) / 1000,
    writeSeconds,
  };
}

async function rowsOf(rows: RunRows): Promise<RecordBatch> {
  if (rows.from === 'memory') {
    const store = ColumnStore.fromShared(rows.columns);
    return recordBatch(store.schema, store.columns, rows.columns.rowCount);
  }
  const decoder = new MessageDecoder({ where: 'run' });
  decoder.decode({ header: rows.schemaHeader, body: [], bodyLength: 0 });
  return readStoredGroup(rows.group, decoder.schema as Schema);
}

/** The numbers of the rows, each in its place. */
function placeRows(firstRow: number, { place, copies, starts }: BucketPlaces): Data {
  const out = scratchInts('run.rows', starts[starts.length - 1]);
  placeNumbers(firstRow, place, out);
  for (let c = 0; c < copies.row.length; c++) out[copies.place[c]] = firstRow + copies.row[c];
  return makeData({ type: new Int32(), length: out.length, nullCount: 0, data: out });
}

/** out[place[i]] = first + i where the place is not negative; alone, so that it stays compiled. */
function placeNumbers(first: number, place: Int32Array, out: Int32Array): void {
  for (let i = 0; i < place.length; i++) if (place[i] >= 0) out[place[i]] = first + i;
}

/** The columns with each row in its place. Numbers are written as streams, one a bucket; other columns are gathered. */
function inPlaces(columns: readonly Data[], { place, copies, starts }: BucketPlaces): Data[] {
  const count = starts[starts.length - 1];
  let rows: Int32Array | undefined;
  const rowsInPlaces = (): Int32Array => {
    const out = new Int32Array(count);
    for (let i = 0; i < place.length; i++) if (place[i] >= 0) out[place[i]] = i;
    for (let c = 0; c < copies.row.length; c++) out[copies.place[c]] = copies.row[c];
    return out;
  };
  return columns.map((column, i) => {
    if (!isWords(column)) return takePlain([column as Data<DataType>], (rows ??= rowsInPlaces()))[0];
    return placeWords(column, i, count, place, copies);
  });
}
