import type { Runtime } from '@armilla/gpu-core';
import type { TableReader } from '@armilla/tables';
import type { PositionColumns } from '../columns.js';
import { countDeclinations, type DeclinationCounts } from './buckets.js';
import { type GroupTask, rowsOfGroup, scanTable } from './stored-scan.js';

/** Rows of one row group that are to be counted by declination. */
interface CountGroupTask extends GroupTask {
  /** In shared memory; threads add to it. */
  readonly counts: Int32Array;
  readonly stride: number;
}

/** Rows of larger tables are counted by a sample of at least so many. */
const SAMPLE_ROWS = 2 ** 21;

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
  const stride = Math.max(1, Math.floor((reader.rowCount ?? 0) / SAMPLE_ROWS));
  if (stride > 1) into.isComplete = false;
  let rowCount = 0;
  await scanTable<void>(
    {
      reader,
      columns: { ...columns, astrometry: nothing },
      runtime,
      signal,
      task: { name: 'countGroup', more: { counts, stride } },
      here: ({ positions, filtered }) => countDeclinations(counts, positions.dec, filtered, stride),
    },
    (_, count) => (rowCount += count),
  );
  return rowCount;
}

/** In a worker. */
export async function countGroup(task: CountGroupTask): Promise<void> {
  const { positions, filtered } = await rowsOfGroup(task);
  countDeclinations(task.counts, positions.dec, filtered, task.stride);
}
