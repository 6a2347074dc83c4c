import {
  pairBayesFactor,
  type Positions,
  separationKey,
  separationKeyFloor,
  separationKeyLimit,
  separationOfKeyArcsec,
} from '@armilla/sky';
import type { Astrometry, Covariances } from '../astrometry/astrometry.js';
import type { FilteredRows } from '../filter/filtered-rows.js';
import type { PairEpochs } from './epochs.js';

/** What makes two rows a pair, besides being candidates. */
export interface PairRule {
  readonly radiusArcsec: number;
  readonly minRadiusArcsec: number;
  readonly maxSigma: number | undefined;
  /** Row i of the left is row selfFirstRow + i of the right; undefined for two tables. */
  readonly selfFirstRow: number | undefined;
  /** Of a table with itself: each pair once, or every other row of each. */
  readonly eachPairOnce: boolean;
  /** The condition on both rows; undefined where there is none. */
  readonly test: ((i: number, j: number) => boolean) | undefined;
}

export interface JudgedSide {
  readonly positions: Positions; // [rows] right ascension in [0, 360)
  readonly astrometry: Astrometry | undefined;
  /** Rows that the candidates may have although a filter leaves them out. */
  readonly filtered?: FilteredRows;
}

const RADIANS_PER_DEGREE = Math.PI / 180;

/**
 * Looks at candidates one by one: exact separation at the epoch of the pair, radius of its rows, condition on both, and
 * combined error.
 */
export class PairJudge {
  readonly #most: number;
  readonly #least: number;
  readonly #errors: boolean;
  /** Of the last pair that `holds`. */
  key = 0;
  separationArcsec = 0;
  /** Separation in units of the combined error of both rows; NaN without errors. */
  normalisedDistance = NaN;
  /** Of the sum of both covariances, arcsec^4; NaN without errors. */
  #determinant = NaN;
  /** Right minus left at the compared epoch. */
  deltaRaCosDecArcsec = 0;
  deltaDecArcsec = 0;

  /** `epochs`: undefined where positions are compared as they are. */
  constructor(
    private readonly left: JudgedSide,
    private readonly right: JudgedSide,
    private readonly epochs: PairEpochs | undefined,
    private readonly rule: PairRule,
  ) {
    this.#most = separationKeyLimit(rule.radiusArcsec);
    this.#least = rule.minRadiusArcsec > 0 ? separationKeyFloor(rule.minRadiusArcsec) : 0;
    this.#errors = (left.astrometry?.covariances ?? right.astrometry?.covariances) !== undefined;
  }

  /** log10 of the Bayes factor that both rows are one source; NaN without errors. */
  get logBayesFactor(): number {
    return pairBayesFactor(this.normalisedDistance, this.#determinant);
  }

  /** Whether left row `i` and right row `j` are a pair; sets the fields above. */
  holds(i: number, j: number): boolean {
    const { left, right, epochs, rule } = this;
    if (rule.selfFirstRow !== undefined) {
      const own = rule.selfFirstRow + i;
      if (rule.eachPairOnce ? j <= own : j === own) return false;
    }
    if (right.filtered?.has(j)) return false;
    let [ra1, dec1, ra2, dec2] = [
      left.positions.ra[i],
      left.positions.dec[i],
      right.positions.ra[j],
      right.positions.dec[j],
    ];
    if (epochs) {
      epochs.compare(i, j);
      ({ leftRa: ra1, leftDec: dec1, rightRa: ra2, rightDec: dec2 } = epochs);
    }
    this.key = separationKey(ra1, dec1, ra2, dec2);
    // Written so that what is not a number never holds.
    if (!(this.key <= this.#most && this.key >= this.#least)) return false;
    this.separationArcsec = separationOfKeyArcsec(this.key);
    const radii = sumOfRadii(left.astrometry?.radiusArcsec?.[i], right.astrometry?.radiusArcsec?.[j]);
    if (!(this.separationArcsec <= radii || this.key <= separationKeyLimit(Math.min(radii, 648_000)))) return false;
    if (rule.test && !rule.test(i, j)) return false;
    const turn = ra2 - ra1;
    const deltaRa = turn > 180 ? turn - 360 : turn < -180 ? turn + 360 : turn;
    this.deltaDecArcsec = (dec2 - dec1) * 3600;
    this.deltaRaCosDecArcsec = deltaRa * Math.cos(dec1 * RADIANS_PER_DEGREE) * 3600;
    if (!this.#errors) return true;
    this.normalisedDistance = this.#normalised(i, j, dec1, dec2, deltaRa);
    return this.normalisedDistance <= (rule.maxSigma ?? Infinity);
  }

  /** sqrt(d' C^-1 d): d from left to right along the great circle, C the sum of both covariances in the frame of the left row. */
  #normalised(i: number, j: number, dec1: number, dec2: number, deltaRa: number): number {
    const [sin1, cos1] = [Math.sin(dec1 * RADIANS_PER_DEGREE), Math.cos(dec1 * RADIANS_PER_DEGREE)];
    const [sin2, cos2] = [Math.sin(dec2 * RADIANS_PER_DEGREE), Math.cos(dec2 * RADIANS_PER_DEGREE)];
    const sinRa = Math.sin(deltaRa * RADIANS_PER_DEGREE);
    const half = Math.sin((deltaRa * RADIANS_PER_DEGREE) / 2);
    const rise = Math.sin((dec2 - dec1) * RADIANS_PER_DEGREE);
    // The direction of the great circle at both ends, from north through east.
    const atLeft = Math.atan2(cos2 * sinRa, rise + 2 * sin1 * cos2 * half * half);
    const atRight = Math.atan2(cos1 * sinRa, rise - 2 * sin2 * cos1 * half * half);
    const across = { east: Math.sin(atLeft), north: Math.cos(atLeft) };
    const there = { east: Math.sin(atRight), north: Math.cos(atRight) };
    // Both covariances along and across the great circle, where they can be added.
    const sum = { along: 0, across: 0, mixed: 0 };
    addTurned(sum, this.left.astrometry, i, this.epochs?.leftYears ?? 0, across);
    addTurned(sum, this.right.astrometry, j, this.epochs?.rightYears ?? 0, there);
    // The separation lies along it: d' C^-1 d = s^2 C_across / det C.
    const determinant = sum.along * sum.across - sum.mixed * sum.mixed;
    this.#determinant = determinant;
    if (Number.isNaN(determinant)) return NaN;
    if (this.separationArcsec === 0) return 0;
    return determinant > 0 ? this.separationArcsec * Math.sqrt(sum.across / determinant) : Infinity;
  }
}

/** Adds the covariance of a row, grown by the error of its motion, in axes along and across a direction. */
function addTurned(
  sum: { along: number; across: number; mixed: number },
  astrometry: Astrometry | undefined,
  row: number,
  years: number,
  { east: e, north: n }: { east: number; north: number },
): void {
  const covariances: Covariances | undefined = astrometry?.covariances;
  const growth = years === 0 ? undefined : astrometry?.motionVariances;
  const east = (covariances?.east[row] ?? 0) + (growth?.east[row] ?? 0) * years * years;
  const north = (covariances?.north[row] ?? 0) + (growth?.north[row] ?? 0) * years * years;
  const cross = covariances?.cross[row] ?? 0;
  sum.along += e * e * east + 2 * e * n * cross + n * n * north;
  sum.across += n * n * east - 2 * e * n * cross + e * e * north;
  sum.mixed += (east - north) * e * n + cross * (n * n - e * e);
}

function sumOfRadii(left: number | undefined, right: number | undefined): number {
  return left === undefined && right === undefined ? Infinity : (left ?? 0) + (right ?? 0);
}
