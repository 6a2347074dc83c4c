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
