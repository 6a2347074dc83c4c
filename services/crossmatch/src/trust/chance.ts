import type { Positions } from '@armilla/sky';
import { doubledRadii, firstRadius } from './first-radius.js';
import type { Neighbours } from './neighbours.js';
import { capSquareArcsec, shifted } from './tangent.js';

/** A count with its standard error. */
export interface Estimate {
  readonly count: number;
  readonly standardError: number;
}

/** The part of the sky around each left row that tells how dense the right table is there. */
export interface Ring {
  readonly innerArcsec: number;
  readonly outerArcsec: number;
}

/** How many right rows lie in the ring of each left row. */
export interface RingCounts {
  readonly ring: Ring;
  readonly rowCount: number;
  /** Rows by their number of neighbours: `rowsByCount.get(3)` rows have three. */
  readonly rowsByCount: ReadonlyMap<number, number>;
  /** Sum over right rows of the square of the number of rings that they are in. */
  readonly sharedSquares: number;
}

/** Neighbours that all rings together should hold: their count is then good to 1 %. */
const RING_PAIR_COUNT = 20_000;
/** More are not looked at; fewer rows stand for all then. */
const MOST_RING_PAIR_COUNT = 2_000_000;
const PROBE_ROW_COUNT = 4000;
/** Beyond it a ring says nothing of the place that it is around. */
const MOST_OUTER_ARCSEC = 600;
const CONTROL_COUNT = 16;

/** Counts in rings that begin at three radii, where a real counterpart is no longer to be expected. */
export async function countRings(around: Neighbours, positions: Positions, radiusArcsec: number): Promise<RingCounts> {
  const innerArcsec = 3 * radiusArcsec;
  const rowCount = positions.ra.length;
  const probe = every(positions, Math.ceil(rowCount / PROBE_ROW_COUNT));
  const mostArcsec = Math.max(MOST_OUTER_ARCSEC, 5 * radiusArcsec);
  const { radiusArcsec: outerArcsec, value: perRow } = await firstRadius(
    doubledRadii(5 * radiusArcsec, MOST_OUTER_ARCSEC).map((outer) => Math.min(outer, mostArcsec)),
    around.together,
    (outer) => pairsPerRow(around, probe, { innerArcsec, outerArcsec: outer }),
    (pairs) => pairs * rowCount >= RING_PAIR_COUNT,
  );
  const ring = { innerArcsec, outerArcsec };
  const used = every(positions, Math.ceil((perRow * rowCount) / MOST_RING_PAIR_COUNT));
  const { left, right } = await around.match(used, {
    radiusArcsec: outerArcsec,
    minRadiusArcsec: innerArcsec,
    find: 'all',
    k: 1,
    order: 'any',
  });
  const counts = new Int32Array(used.ra.length);
  for (const row of left) counts[row]++;
  const rowsByCount = new Map<number, number>();
  for (const count of counts) rowsByCount.set(count, (rowsByCount.get(count) ?? 0) + 1);
  return { ring, rowCount: counts.length, rowsByCount, sharedSquares: sumOfSquaredRuns(right.slice().sort()) };
}

/**
 * The share of left rows with an unrelated right row between `minRadiusArcsec` and `radiusArcsec`: the mean of
 * 1 - exp(-rho A). Of n rows in a ring of area B, (1 - A/B)^n has exp(-rho A) as its expectation, whatever rho is.
 */
export function chanceShare({ ring, rowCount, rowsByCount }: RingCounts, minArcsec: number, arcsec: number): number {
  const part = areaShare(ring, minArcsec, arcsec);
  let sum = 0;
  for (const [count, rows] of rowsByCount) sum += rows * -Math.expm1(count * Math.log1p(-part));
  return rowCount === 0 ? 0 : sum / rowCount;
}

/** Expected chance matches of `leftRowCount` rows, from the density around them. */
export function localChance(counts: RingCounts, minArcsec: number, arcsec: number, leftRowCount: number): Estimate {
  const { ring, rowCount, rowsByCount, sharedSquares } = counts;
  const share = chanceShare(counts, minArcsec, arcsec);
  if (rowCount === 0) return { count: 0, standardError: 0 };
  const part = areaShare(ring, minArcsec, arcsec);
  // What one more neighbour adds, on average over the neighbours; and the spread of the rows.
  let [slope, pairs, squares] = [0, 0, 0];
  for (const [count, rows] of rowsByCount) {
    const own = -Math.expm1(count * Math.log1p(-part));
    squares += rows * (own - share) ** 2;
    if (count === 0) continue;
    pairs += rows * count;
    slope += rows * count * part * (1 - part) ** (count - 1);
  }
  const counting = pairs === 0 ? 0 : (slope / pairs) * Math.sqrt(sharedSquares);
  const sampling = Math.sqrt(squares * Math.max(0, 1 - rowCount / Math.max(leftRowCount, 1)));
  const scale = leftRowCount / rowCount;
  return { count: share * leftRowCount, standardError: scale * Math.hypot(counting, sampling) };
}

/** What the same rows match when they are moved to where they do not belong. */
export interface Controls extends Estimate {
  readonly controlCount: number;
  readonly shiftArcsec: number;
}

/** The left rows, moved by the mean distance of the ring in several directions, each time matched as a whole. */
export async function shiftedChance(
  around: Neighbours,
  positions: Positions,
  { innerArcsec, outerArcsec }: Ring,
  minRadiusArcsec: number,
  radiusArcsec: number,
  leftRowCount: number,
): Promise<Controls> {
  const shiftArcsec = Math.sqrt((innerArcsec ** 2 + outerArcsec ** 2) / 2);
  const query = { radiusArcsec, minRadiusArcsec, find: 'nearest', k: 1, order: 'any' } as const;
  const matched = await Promise.all(
    Array.from({ length: CONTROL_COUNT }, async (_, control) => {
      const moved = shifted(positions, shiftArcsec, (2 * Math.PI * (control + 0.5)) / CONTROL_COUNT);
      return (await around.match(moved, query)).pairCount;
    }),
  );
  const mean = matched.reduce((sum, count) => sum + count, 0) / CONTROL_COUNT;
  const spread = matched.reduce((sum, count) => sum + (count - mean) ** 2, 0) / (CONTROL_COUNT - 1);
  const scale = leftRowCount / Math.max(positions.ra.length, 1);
  return {
    count: scale * mean,
    // Few controls can agree by luck, on nothing even: they are no better than counting is.
    standardError: scale * Math.sqrt(Math.max(spread, mean + 1 / CONTROL_COUNT) / CONTROL_COUNT),
    controlCount: CONTROL_COUNT,
    shiftArcsec,
  };
}

/** Every so many rows. */
export function every({ ra, dec }: Positions, step: number): Positions {
  if (step <= 1) return { ra, dec };
  const pick = (_: unknown, i: number): boolean => i % step === 0;
  return { ra: ra.filter(pick), dec: dec.filter(pick) };
}

/** Area between two radii over that of a ring. */
function areaShare({ innerArcsec, outerArcsec }: Ring, minArcsec: number, arcsec: number): number {
  return (
    (capSquareArcsec(arcsec) - capSquareArcsec(minArcsec)) /
    (capSquareArcsec(outerArcsec) - capSquareArcsec(innerArcsec))
  );
}

async function pairsPerRow(around: Neighbours, probe: Positions, ring: Ring): Promise<number> {
  if (probe.ra.length === 0) return 0;
  const { neighbourCount } = await around.match(probe, {
    radiusArcsec: ring.outerArcsec,
    minRadiusArcsec: ring.innerArcsec,
    find: 'nearest',
    k: 1,
    neighbourCount: true,
    order: 'any',
  });
  return (neighbourCount as Int32Array).reduce((sum, count) => sum + count, 0) / probe.ra.length;
}

function sumOfSquaredRuns(sorted: Int32Array): number {
  let [sum, run] = [0, 0];
  for (let i = 0; i < sorted.length; i++) {
    run++;
    if (sorted[i + 1] === sorted[i]) continue;
    sum += run * run;
    run = 0;
  }
  return sum;
}
