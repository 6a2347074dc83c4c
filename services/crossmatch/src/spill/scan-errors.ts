import type { TableReader } from '@armilla/tables';
import type { PositionColumns } from '../columns.js';
import type { MatchContext } from '../match.js';
import { type LargeErrors, largeErrors } from '../refine/warnings.js';
import { type GroupTask, rowsOfGroup, scanTable } from './stored-scan.js';

interface ErrorGroupTask extends GroupTask {
  readonly radiusArcsec: number;
}

/** Reads the errors of a table for those that reach beyond the radius. */
export async function scanErrors(
  reader: TableReader,
  columns: PositionColumns,
  radiusArcsec: number,
  { runtime, signal }: MatchContext,
): Promise<LargeErrors> {
  let [count, largestArcsec] = [0, 0];
  await scanTable<LargeErrors>(
    {
      reader,
      columns,
      runtime,
      signal,
      task: { name: 'errorGroup', more: { radiusArcsec } },
      here: ({ astrometry }) => largeErrors(astrometry, radiusArcsec),
    },
    (found) => {
      count += found.count;
      largestArcsec = Math.max(largestArcsec, found.largestArcsec);
    },
  );
  return { count, largestArcsec };
}

/** In a worker. */
export async function errorGroup(task: ErrorGroupTask): Promise<LargeErrors> {
  return largeErrors((await rowsOfGroup(task)).astrometry, task.radiusArcsec);
}
