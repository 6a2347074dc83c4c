import { concatPositions, type SkyIndex } from '@armilla/sky';
import type { PairCondition } from '@armilla/tables';
import { Schema } from 'apache-arrow';
import type { AstrometryColumns } from '../astrometry/astrometry-columns.js';
import type { LeftPart } from '../parts.js';
import { numbersOrNaN } from '../probability/pair-probabilities.js';
import type { JudgedSearch } from '../refine/match-finder.js';
import { candidatesAmong, refinedFinder } from '../refine/match-finder.js';
import type { RefinedFinder } from '../refine/refined-finder.js';
import { Payload } from '../result/payload.js';
import type { JoinSetup } from './bucket-join.js';
import { type BucketRows, sharedPositions } from './bucket-rows.js';

/** What pairs are judged by that a radius alone does not decide. */
export interface Judging {
  readonly leftColumns: AstrometryColumns;
  readonly rightColumns: AstrometryColumns;
  readonly condition: PairCondition | undefined;
  /** Right columns that probabilities depend on. */
  readonly magnitudes: readonly string[];
}

/** The finder of pairs in a bucket whose right rows `index` has. */
export async function bucketJudge(
  { runtime, options, layout, cellRowCount, usableRightRowCount, signal }: JoinSetup,
  { leftColumns, rightColumns, condition }: Judging,
  right: BucketRows,
  index: SkyIndex,
  search: JudgedSearch,
): Promise<RefinedFinder> {
  const positions = sharedPositions(right.pieces);
  const tables = { right: { positions, astrometry: right.astrometry }, leftColumns, rightColumns };
  const candidates = await candidatesAmong(runtime, index, tables, { cellRowCount, signal });
  const holds = condition && { holds: condition, rightRows: () => right.batch };
  const weighed = {
    usableRowCount: () => usableRightRowCount,
    magnitudes: (column: string) => numbersOrNaN(right.batch, column),
  };
  return refinedFinder({ ...tables, options, layout, condition: holds, weighed }, candidates, search);
}

/** Rows of a bucket as those of a left table. */
export function bucketPart({ rowCount, pieces, astrometry, batch }: BucketRows): LeftPart {
  let whole: LeftPart['positions'] | undefined;
  let payload = Payload.empty(new Schema([]));
  if (batch.schema.fields.length > 0) {
    payload = Payload.create(batch.schema, { rowCount });
    payload.append(batch);
    payload.seal();
  }
  return {
    firstRow: 0,
    rowCount,
    pieces,
    get positions() {
      return (whole ??= concatPositions(pieces));
    },
    payload,
    astrometry,
    faults: undefined,
    filtered: undefined,
  };
}
