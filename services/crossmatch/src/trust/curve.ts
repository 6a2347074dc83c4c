import { chanceShare, type RingCounts } from './chance.js';

/** Shares of the left rows at one radius, from 0 to 1. */
export interface CurvePoint {
  readonly radiusArcsec: number;
  /** Rows whose nearest right row is within the radius. */
  readonly matchedShare: number;
  /** Rows with an unrelated right row within it. */
  readonly chanceShare: number;
  /** Rows that are matched with their counterpart, over those that have one within twice the radius of the match. */
  readonly completeness: number;
  /** Rows that are matched with their counterpart, over those that are matched. */
  readonly purity: number;
}

/** How many rows are matched within each radius, and how many of them rightly. All arrays [step + 1], from radius 0. */
export interface MatchCurve {
  readonly radiusArcsec: Float64Array;
  readonly matched: Float64Array;
  readonly chance: Float64Array;
  /** Share of rows with a counterpart within the radius. */
  readonly counterpart: Float64Array;
  /** Share of rows whose nearest row is their counterpart. */
  readonly right: Float64Array;
}

/** Steps up to the radius of the match, finer towards 0; as many, even ones, lead from there to twice the radius. */
const HALF_STEP_COUNT = 200;
const STEP_COUNT = 2 * HALF_STEP_COUNT;
const POINT_COUNT = 40;
/** Radii whose scores differ by less are equally good; the smallest of them is advised. */
const EQUAL_SCORE = 0.001;
const LEAST_COUNTERPART_COUNT = 10;

/**
 * Counts, from the separations of `rowCount` rows to their nearest neighbours, up to twice the radius of the match. Of rows that have a
 * counterpart within s with probability q(s) and an unrelated row with c(s), a share H = 1 - (1 - q)(1 - c) is matched, so
 * q = 1 - (1 - H) / (1 - c); and a counterpart at s is the nearest with probability 1 - c(s).
 */
export function matchCurve(
  separations: Float64Array,
  rowCount: number,
  rings: RingCounts,
  minArcsec: number,
  radiusOfMatchArcsec: number,
): MatchCurve {
  const sorted = separations.slice().sort();
  const zeros = (): Float64Array => new Float64Array(STEP_COUNT + 1);
  const [radiusArcsec, matched, chance, counterpart, right] = [zeros(), zeros(), zeros(), zeros(), zeros()];
  let seen = 0;
  for (let i = 0; i <= STEP_COUNT; i++) {
    const radius = radiusOfStep(i, minArcsec, radiusOfMatchArcsec);
    while (seen < sorted.length && sorted[seen] <= radius) seen++;
    radiusArcsec[i] = radius;
    matched[i] = seen / Math.max(rowCount, 1);
    chance[i] = chanceShare(rings, minArcsec, radius);
    counterpart[i] = 1 - (1 - matched[i]) / (1 - chance[i]);
    if (i === 0) {
      right[0] = counterpart[0];
      continue;
    }
    const alone = 1 - (chance[i] + chance[i - 1]) / 2;
    right[i] = right[i - 1] + (counterpart[i] - counterpart[i - 1]) * alone;
  }
  return { radiusArcsec, matched, chance, counterpart, right };
}

/** The curve at some radii. */
export function curvePoints(curve: MatchCurve): CurvePoint[] {
  const stride = STEP_COUNT / POINT_COUNT;
  return Array.from({ length: POINT_COUNT }, (_, p) => pointAt(curve, (p + 1) * stride));
}

/** The point at the radius of the match. */
export function pointOfMatch(curve: MatchCurve): CurvePoint {
  return pointAt(curve, HALF_STEP_COUNT);
}

/**
 * The smallest radius at which the harmonic mean of completeness and purity is as good as it gets; undefined where hardly
 * any row has a counterpart.
 */
export function advisedRadius(curve: MatchCurve, rowCount: number, standardError: number): number | undefined {
  const all = curve.right[STEP_COUNT];
  if (all * rowCount < LEAST_COUNTERPART_COUNT || all < 5 * standardError) return undefined;
  const scores = Array.from({ length: STEP_COUNT }, (_, i) => {
    const { completeness, purity } = pointAt(curve, i + 1);
    return completeness + purity === 0 ? 0 : (2 * completeness * purity) / (completeness + purity);
  });
  const best = Math.max(...scores);
  return curve.radiusArcsec[1 + scores.findIndex((score) => score >= best - EQUAL_SCORE)];
}

function radiusOfStep(step: number, minArcsec: number, radiusArcsec: number): number {
  const part = step / HALF_STEP_COUNT;
  return part <= 1 ? minArcsec + (radiusArcsec - minArcsec) * part * part : radiusArcsec * part;
}

function pointAt({ radiusArcsec, matched, chance, counterpart, right }: MatchCurve, step: number): CurvePoint {
  const all = counterpart[STEP_COUNT];
  return {
    radiusArcsec: radiusArcsec[step],
    matchedShare: matched[step],
    chanceShare: chance[step],
    completeness: all > 0 ? within01(right[step] / all) : 0,
    purity: matched[step] > 0 ? within01(right[step] / matched[step]) : 0,
  };
}

const within01 = (share: number): number => Math.max(0, Math.min(1, share));
