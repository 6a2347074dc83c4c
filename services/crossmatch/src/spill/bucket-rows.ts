import type { Runtime } from '@armilla/gpu-core';
import type { Positions } from '@armilla/sky';
import { ColumnStore, MessageEncoder, packColumn, recordBatch, type SharedColumns } from '@armilla/tables';
import { type Data, type DataType, type Field, type RecordBatch, Schema } from 'apache-arrow';
import type { Astrometry } from '../astrometry/astrometry.js';
import { astrometryOf } from '../astrometry/astrometry-values.js';
import type { Block } from './block.js';
import type { BlockFile } from './block-file.js';
import type { MemoryLoan, SharedMemory } from '../shared-memory.js';
import { workerModule } from '../ops/module.js';
import { joinedData } from '../result/joined-data.js';
import { subSchema } from '../result/payload.js';
import type { LoadTask } from './bucket-load.js';
import type { TableShape } from './table-shape.js';
import { wordsData, wordWidth } from './words.js';

/** Columns that partitioned tables have before all others: right ascension, declination, row number. */
const POSITION_COLUMN_COUNT = 3;

/** Blocks of a table by bucket, in the order of its rows. */
export interface PartitionedTable {
  readonly file: BlockFile;
  readonly rowCount: number;
  readonly blocks: readonly (readonly Block[])[]; // [buckets]
  readonly shape: TableShape;
  /** The table's own columns that went along, as plain columns in its order. */
  readonly schema: Schema;
}

/** Rows of one bucket in memory, in the order of the table. */
export interface BucketRows {
  readonly rowCount: number;
  /** Gone when `positionLoan` ends. */
  readonly pieces: readonly Positions[];
  readonly positionLoan: MemoryLoan;
  /** [rowCount] row numbers of the table, in shared memory; as all that follows gone when `loan` ends. */
  readonly rows: Int32Array;
  readonly astrometry: Astrometry | undefined;
  /** The table's own columns. */
  readonly batch: RecordBatch;
  readonly loan: MemoryLoan;
}

/** Reads all rows of `blocks`, which are of one bucket of `table`. */
export async function readBucket(
  runtime: Runtime,
  table: PartitionedTable,
  blocks: readonly Block[],
  memory: SharedMemory,
  signal: AbortSignal,
): Promise<BucketRows> {
  const loaded = await loadedBucket(runtime, table, blocks, memory);
  signal.throwIfAborted();
  if (loaded) return loaded;
  const loan = memory.loan();
  const batches: RecordBatch[] = [];
  for await (const batch of table.file.read(blocks, loan, { signal })) batches.push(batch);
  return bucketRows(table, batches, loan, memory.loan());
}

/** Files in which a column has nulls: their blocks are joined column by column. */
const withNulls = new WeakSet<BlockFile>();

/** The same in a thread, where all columns are of numbers without nulls; undefined where they are not. */
async function loadedBucket(
  runtime: Runtime,
  table: PartitionedTable,
  blocks: readonly Block[],
  memory: SharedMemory,
): Promise<BucketRows | undefined> {
  const { file } = table;
  const { schema } = file;
  const widths = schema.fields.map(({ type }) => wordWidth(type as DataType));
  if (blocks.length === 0 || widths.includes(0) || withNulls.has(file)) return undefined;
  const rowCount = blocks.reduce((sum, block) => sum + block.rowCount, 0);
  const [positionLoan, loan] = [memory.loan(), memory.loan()];
  const out = widths.map((width, c) => (c + 1 < POSITION_COLUMN_COUNT ? positionLoan : loan).bytes(rowCount * width));
  const schemaHeader = new MessageEncoder(schema).schemaMessage().header;
  const task: LoadTask = { lanes: file.shared.lanes, blocks, schemaHeader, out };
  // Not to be left by a signal: the file stays open until the last read has ended.
  if (!(await runtime.call<boolean>(workerModule(), 'loadBucket', [task]))) {
    positionLoan.end();
    loan.end();
    withNulls.add(file);
    return undefined;
  }
  const [ra, dec, ...columns] = out.map((bytes, c) => wordsData(schema.fields[c].type as DataType, bytes, rowCount));
  const positions = { ra: ra.values as Float64Array, dec: dec.values as Float64Array };
  return rowsOfColumns(table, rowCount, [positions], columns, positionLoan, loan);
}

/** The rows of `blocks` in parts of about `partRowCount`. */
export async function* bucketParts(
  runtime: Runtime,
  table: PartitionedTable,
  blocks: readonly Block[],
  partRowCount: number,
  memory: SharedMemory,
  signal: AbortSignal,
): AsyncGenerator<BucketRows, void, undefined> {
  let part: Block[] = [];
  let rowCount = 0;
  for (const block of blocks) {
    if (rowCount > 0 && rowCount + block.rowCount > partRowCount) {
      yield await readBucket(runtime, table, part, memory, signal);
      part = [];
      rowCount = 0;
    }
    part.push(block);
    rowCount += block.rowCount;
  }
  if (rowCount > 0) yield await readBucket(runtime, table, part, memory, signal);
}

/** Some of the table's own columns, for threads. */
export function sharedColumns({ batch, rowCount }: BucketRows, names: readonly string[]): SharedColumns {
  const schema = subSchema(batch.schema, names);
  return {
    schemaHeader: new MessageEncoder(new Schema(schema.fields)).schemaMessage().header,
    rowCount,
    columns: batch.schema.fields.flatMap(({ name }, i) =>
      names.includes(name) ? [packColumn(batch.data.children[i] as Data<DataType>, { dictionaries: false })] : [],
    ),
  };
}

/** A copy in one piece, which threads read without another. */
export function sharedPositions(pieces: readonly Positions[]): Positions {
  const rowCount = pieces.reduce((sum, { ra }) => sum + ra.length, 0);
  const ra = new Float64Array(new SharedArrayBuffer(8 * rowCount));
  const dec = new Float64Array(new SharedArrayBuffer(8 * rowCount));
  let at = 0;
  for (const piece of pieces) {
    ra.set(piece.ra, at);
    dec.set(piece.dec, at);
    at += piece.ra.length;
  }
  return { ra, dec };
}

function bucketRows(
  table: PartitionedTable,
  batches: readonly RecordBatch[],
  positionLoan: MemoryLoan,
  loan: MemoryLoan,
): BucketRows {
  const rowCount = batches.reduce((sum, { numRows }) => sum + numRows, 0);
  const pieces = batches.map(({ data: { children } }): Positions => {
    const [ra, dec] = children.map(({ values }) => values as Float64Array);
    return { ra, dec };
  });
  const columns = table.file.schema.fields.slice(POSITION_COLUMN_COUNT - 1).map((field, c) =>
    batches.length === 0
      ? emptyColumn(field)
      : joinedData(
          batches.map(({ data }) => data.children[POSITION_COLUMN_COUNT - 1 + c]),
          loan,
        ),
  );
  return rowsOfColumns(table, rowCount, pieces, columns, positionLoan, loan);
}

/** `columns`: row numbers, astrometry, then the table's own. */
function rowsOfColumns(
  { shape, schema }: PartitionedTable,
  rowCount: number,
  pieces: readonly Positions[],
  [rows, ...more]: readonly Data<DataType>[],
  positionLoan: MemoryLoan,
  loan: MemoryLoan,
): BucketRows {
  const values = more.splice(0, shape.astrometry.length).map((column) => column.values as Float64Array);
  return {
    rowCount,
    pieces,
    positionLoan,
    rows: rows.values as Int32Array,
    astrometry: shape.astrometry.length > 0 ? astrometryOf(shape.astrometry, values) : undefined,
    batch: recordBatch(schema, more, rowCount),
    loan,
  };
}

function emptyColumn(field: Field): Data<DataType> {
  return new ColumnStore(new Schema([field])).seal().columns[0];
}
