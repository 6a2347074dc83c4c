import type { Runtime } from '@armilla/gpu-core';
import { ParquetReader, type TableReader } from '@armilla/tables';
import type { PositionColumns } from '../columns.js';
import { countDeclinations, type DeclinationCounts } from './buckets.js';
import { type GroupTask, rowsOfGroup, scanTable } from './stored-scan.js';

/** Rows of one row group that are to be counted by declination. */
interface CountGroupTask extends GroupTask {
  /** In shared memory; threads add to it. */
  readonly counts: Int32Array;
  readonly stride: number;
  /** Rows that each counted one stands for. */
  readonly weight: number;
}

/** Rows of larger tables are counted by a sample of at least so many. */
const SAMPLE_ROWS = 2 ** 21;
/** Of a table of so many row groups the first part of each is read, at least one row in so many. */
const LEAST_GROUPS = 128;
const MOST_SKIPPED = 8;

/** Counts the rows of a table by their declination, without those that a filter leaves out; gives how many there are in all. */
export async function countRows(
  reader: TableReader,
  columns: PositionColumns,
  into: DeclinationCounts,
  runtime: Runtime,
  signal: AbortSignal | undefined,
): Promise<number> {
  const { counts } = into;
  const nothing = { epoch: undefined, motion: undefined, error: undefined, radius: undefined };
  const rowsPerSample = Math.max(1, Math.floor((reader.rowCount ?? 0) / SAMPLE_ROWS));
  const groupCount = reader instanceof ParquetReader ? (reader.storedGroups([columns.dec])?.length ?? 0) : 0;
  const oneIn = groupCount >= LEAST_GROUPS ? Math.min(MOST_SKIPPED, rowsPerSample) : 1;
  const stride = Math.floor(rowsPerSample / oneIn);
  const weight = stride * oneIn;
  if (weight > 1) into.isComplete = false;
  let rowCount = 0;
  await scanTable<void>(
    {
      reader,
      columns: { ...columns, astrometry: nothing },
      runtime,
      signal,
      oneIn,
      task: { name: 'countGroup', more: { counts, stride, weight } },
      here: ({ positions, filtered }) => countDeclinations(counts, positions.dec, filtered, stride, weight),
    },
    (_, count) => (rowCount += count),
  );
  return rowCount;
}

/** In a worker. */
export async function countGroup(task: CountGroupTask): Promise<void> {
  const { positions, filtered } = await rowsOfGroup(task);
  countDeclinations(task.counts, positions.dec, filtered, task.stride, task.weight);
}
