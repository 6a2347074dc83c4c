import type { Positions } from '@armilla/sky';
import { every } from './chance.js';
import { doubledRadii, firstRadius } from './first-radius.js';
import type { Neighbours } from './neighbours.js';

/** The part of the left table that lies where the right table has rows. */
export interface Footprint {
  /** Rows with a right row within this distance are inside. */
  readonly reachArcsec: number;
  /** Share of left rows inside. */
  readonly insideShare: number;
  /** Share of the rows inside that are matched. */
  readonly matchedShare: number;
}

const PROBE_ROW_COUNT = 2000;
/** Right rows within reach of a typical row that has any: that it has none by luck is out of the question. */
const TYPICAL_COUNT = 12;
const MOST_REACH_ARCSEC = 36_000;

/** The part of `positions` that lies where the right table has rows; `matchedCount` of them turn out to be matched. */
export async function commonFootprint(
  around: Neighbours,
  positions: Positions,
  radiusArcsec: number,
  matchedCount: Promise<number>,
): Promise<Footprint> {
  const rowCount = positions.ra.length;
  const probe = every(positions, Math.ceil(rowCount / PROBE_ROW_COUNT));
  const mostArcsec = Math.max(MOST_REACH_ARCSEC, radiusArcsec);
  const { radiusArcsec: enoughArcsec } = await firstRadius(
    doubledRadii(4 * radiusArcsec, MOST_REACH_ARCSEC),
    around.together,
    async (reach) => (reach < MOST_REACH_ARCSEC ? await typicalCount(around, probe, reach) : Infinity),
    (count) => count >= TYPICAL_COUNT,
  );
  const reachArcsec = Math.min(enoughArcsec, mostArcsec);
  const query = { radiusArcsec: reachArcsec, minRadiusArcsec: 0, find: 'nearest', k: 1, order: 'any' } as const;
  const { pairCount } = await around.match(positions, query);
  return {
    reachArcsec,
    insideShare: pairCount / Math.max(rowCount, 1),
    matchedShare: (await matchedCount) / Math.max(pairCount, 1),
  };
}

/** Median of the numbers of right rows within `reachArcsec`, over the rows that have one; 0 where none has. */
async function typicalCount(around: Neighbours, probe: Positions, reachArcsec: number): Promise<number> {
  const { neighbourCount } = await around.match(probe, {
    radiusArcsec: reachArcsec,
    minRadiusArcsec: 0,
    find: 'nearest',
    k: 1,
    neighbourCount: true,
    order: 'any',
  });
  const counts = (neighbourCount as Int32Array).filter((count) => count > 0).sort();
  return counts.length === 0 ? 0 : counts[counts.length >> 1];
}
