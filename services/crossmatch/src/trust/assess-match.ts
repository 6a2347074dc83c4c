import type { PreparedMatch } from '../prepared.js';
import type { SideSummary } from '../summary.js';
import { assess, type Assessment } from './assess.js';
import type { LeftSample } from './left-sample.js';
import { indexedNeighbours } from './neighbours.js';
import { AS_THEY_STAND, assessedRight } from './one-epoch.js';

/** Assesses a match in memory by a sample of its left rows; undefined where the right positions are not there. */
export async function assessMatch(
  match: PreparedMatch,
  sample: LeftSample,
  left: SideSummary,
  signal: AbortSignal,
): Promise<Assessment | undefined> {
  const right = assessedRight(match);
  if (!right) return undefined;
  const { radiusArcsec, minRadiusArcsec } = match.options;
  return assess({
    sample: sample.rows(),
    usableRowCount: left.rowCount - left.rejectedRowCount,
    around: indexedNeighbours(right.index, right.positions),
    radiusArcsec,
    minRadiusArcsec,
    notes: right.atOneEpoch ? [] : [AS_THEY_STAND],
    signal,
  });
}
