import type { Runtime } from '@armilla/gpu-core';
import { ColumnStore, MessageEncoder, ParquetReader, type TableReader } from '@armilla/tables';
import type { RecordBatch, Schema } from 'apache-arrow';
import { neededColumns, type PositionColumns, sentColumns } from '../columns.js';
import { workerModule } from '../ops/module.js';
import type { RowInspector } from '../positions.js';
import { subSchema } from '../result/payload.js';
import type { Block } from './block.js';
import type { Vector3 } from '../trust/tangent.js';
import type { BlockFile } from './block-file.js';
import type { Buckets } from './buckets.js';
import type { PartitionedRun, RunRows, RunTask } from './partition-run.js';
import type { SortedSide } from './reach.js';
import type { TableShape } from './table-shape.js';

/** What all runs of a table have in common. */
export interface RunSetup {
  readonly reader: TableReader;
  readonly columns: PositionColumns;
  readonly shape: TableShape;
  readonly buckets: Buckets;
  readonly turnArcsec: Vector3 | undefined;
  readonly sorted: SortedSide;
  readonly copyReaches: number;
  readonly file: BlockFile;
}

export interface Partitioning extends RunSetup {
  readonly runtime: Runtime;
  /** Rows that are sorted at a time. */
  readonly runRowCount: number;
  /** The same where a thread reads them by itself. */
  readonly groupRowCount: number;
  readonly inspector: RowInspector;
  readonly signal: AbortSignal;
  readonly onRows: (rowCount: number) => void;
}

/** Consecutive rows of a table. */
interface Run {
  readonly rows: RunRows;
  readonly rowCount: number;
}

/** What came of a table. */
interface Partitioned {
  readonly rowCount: number;
  readonly missingMotionRowCount: number;
  readonly blocks: readonly Block[];
}

/** Smaller row groups than this are put together: each bucket gets a block of every run. */
const LEAST_GROUP_ROWS = 2 ** 15;

/** Reads a table once and writes its rows to the buckets that they belong to, in ascending order within each. */
export async function partitionTable(partitioning: Partitioning): Promise<Partitioned> {
  const { runtime, reader, inspector, signal, onRows } = partitioning;
  const wanted = runSchema(partitioning);
  const blocks: Block[] = [];
  const running: { readonly done: Promise<PartitionedRun>; readonly endRow: number }[] = [];
  let firstRow = 0;
  let missingMotionRowCount = 0;
  const take = async (): Promise<void> => {
    const [{ done, endRow }] = running.splice(0, 1);
    const run = await done;
    inspector.rejectAll(run.unusable);
    missingMotionRowCount += run.missingMotionRowCount;
    for (const block of run.blocks) blocks.push(block);
    onRows(endRow);
  };
  try {
    for await (const { rows, rowCount } of storedRuns(reader, wanted, partitioning) ??
      memoryRuns(reader, wanted, partitioning)) {
      signal.throwIfAborted();
      const task = runTask(partitioning, rows, firstRow);
      // Not to be left by a signal: the file stays open until the last write has ended.
      const done = runtime.call<PartitionedRun>(workerModule(), 'partitionRun', [task]);
      done.catch(() => undefined);
      firstRow += rowCount;
      running.push({ done, endRow: firstRow });
      if (running.length > runtime.workerCount) await take();
    }
    while (running.length > 0) await take();
  } finally {
    await Promise.allSettled(running.map(({ done }) => done));
  }
  return { rowCount: firstRow, missingMotionRowCount, blocks };
}

/** Columns that are read. */
export function runSchema({ reader, columns, shape }: Pick<RunSetup, 'reader' | 'columns' | 'shape'>): Schema {
  return subSchema(reader.schema, [...shape.names, ...neededColumns(columns)]);
}

/** What a thread does with the run of rows that begins with `firstRow`. */
export function runTask(
  { columns, reader, shape, buckets, turnArcsec, sorted, copyReaches, file }: RunSetup,
  rows: RunRows,
  firstRow: number,
): RunTask {
  return {
    rows,
    columns: sentColumns(columns),
    where: reader.where,
    firstRow,
    shape,
    buckets,
    turnArcsec,
    sorted,
    copyReaches,
    file: file.shared,
  };
}

/** The row groups of a Parquet file, which the threads read themselves; undefined where that is not the best way. */
export function storedRuns(
  reader: TableReader,
  schema: Schema,
  { groupRowCount }: Pick<Partitioning, 'groupRowCount'>,
): Run[] | undefined {
  if (!(reader instanceof ParquetReader)) return undefined;
  const groups = reader.storedGroups(schema.fields.map(({ name }) => name));
  if (!groups || groups.some(({ rowCount }) => rowCount > groupRowCount)) return undefined;
  if (groups.length > 1 && reader.rowCount / groups.length < LEAST_GROUP_ROWS) return undefined;
  const schemaHeader = new MessageEncoder(schema).schemaMessage().header;
  return groups.map((group) => ({ rows: { from: 'file', group, schemaHeader }, rowCount: group.rowCount }));
}

/** The rows of any table, copied into shared memory. */
async function* memoryRuns(
  reader: TableReader,
  schema: Schema,
  { runRowCount, signal }: Partitioning,
): AsyncGenerator<Run> {
  const columns = schema.fields.map(({ name }) => name);
  const closed = (store: ColumnStore): Run => ({
    rows: { from: 'memory', columns: store.seal().toShared() },
    rowCount: store.rowCount,
  });
  let store = new ColumnStore(schema, { rowCount: runRowCount });
  for await (const batch of reader.batches({ columns, signal })) {
    for (let from = 0; from < batch.numRows;) {
      const to = Math.min(batch.numRows, from + runRowCount - store.rowCount);
      store.append(from === 0 && to === batch.numRows ? batch : (batch.slice(from, to) as RecordBatch));
      from = to;
      if (store.rowCount < runRowCount) continue;
      yield closed(store);
      store = new ColumnStore(schema, { rowCount: runRowCount });
    }
  }
  if (store.rowCount > 0) yield closed(store);
}
