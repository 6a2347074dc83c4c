import type { Positions, SkyIndex } from '@armilla/sky';
import type { PositionColumns } from '../columns.js';
import type { PreparedMatch } from '../prepared.js';
import { comparesEpochs, moved, movingSide } from '../refine/epochs.js';
import { withinTurn } from '../refine/refined-finder.js';
import type { Move } from './left-sample.js';

/** The right table as left rows are assessed with it. */
export interface AssessedRight {
  readonly index: SkyIndex;
  readonly positions: Positions;
  /** Whether it, or else the sample of the left rows, stands at the epoch of the other table. */
  readonly atOneEpoch: boolean;
}

/** The note where rows are assessed at different epochs. */
export const AS_THEY_STAND = 'positions are assessed as they stand in the tables, whatever their epochs';

/** Where the sample of the left table has to be moved: its rows move, those of the right one stay. */
export function moveOfLeft({
  leftColumns,
  right,
}: {
  readonly leftColumns: PositionColumns;
  readonly right: { readonly columns: PositionColumns };
}): Move | undefined {
  const [left, other] = [leftColumns.astrometry, right.columns.astrometry];
  if (!comparesEpochs(left, other) || other.motion || !other.epoch || !('year' in other.epoch)) return undefined;
  return { year: other.epoch.year, columns: left };
}

/** Whether right rows, or else the sample of the left ones, can be taken to the epoch of the other table. */
export function standAtOneEpoch(sides: Parameters<typeof moveOfLeft>[0]): boolean {
  const [left, other] = [sides.leftColumns.astrometry, sides.right.columns.astrometry];
  if (!comparesEpochs(left, other)) return true;
  const hasYear = left.epoch !== undefined && 'year' in left.epoch;
  return (other.motion !== undefined && hasYear) || moveOfLeft(sides) !== undefined;
}

/** The right table at the epoch of the left one where its rows move, as it is where they stay; undefined without positions. */
export function assessedRight(match: PreparedMatch): AssessedRight | undefined {
  const { right, leftColumns, candidates } = match;
  const { index, positions, columns, astrometry } = right;
  if (!index || !positions) return undefined;
  const { epoch } = leftColumns.astrometry;
  const compares = comparesEpochs(leftColumns.astrometry, columns.astrometry);
  const there = candidates?.onlyIndex;
  if (compares && columns.astrometry.motion && epoch && 'year' in epoch && there) {
    const side = movingSide(withinTurn(positions), astrometry, columns.astrometry);
    return { index: there, positions: moved(side, epoch.year), atOneEpoch: true };
  }
  return { index, positions, atOneEpoch: !compares || moveOfLeft(match) !== undefined };
}
