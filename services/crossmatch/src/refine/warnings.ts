import type { Astrometry } from '../astrometry/astrometry.js';
import type { AstrometryColumns } from '../astrometry/astrometry-columns.js';

// Share of 1,000 Gaia DR3 sources taken at random (median G 19.4) whose proper motion is above so many mas a year.
const FASTER_SHARES: readonly (readonly [number, number])[] = [
  [1, 0.972],
  [2, 0.899],
  [3, 0.794],
  [5, 0.611],
  [7, 0.355],
  [10, 0.138],
  [15, 0.045],
  [20, 0.02],
  [30, 0.007],
  [50, 0.002],
  [70, 0.001],
];

/** What to say of tables whose epochs differ and whose motions are not known. */
export function epochWarnings(left: AstrometryColumns, right: AstrometryColumns, radiusArcsec: number): string[] {
  if (!left.epoch || !right.epoch || left.motion || right.motion) return [];
  const years =
    'year' in left.epoch && 'year' in right.epoch ? Math.abs(left.epoch.year - right.epoch.year) : undefined;
  if (years === 0) return [];
  const what = 'the epochs differ and neither table has proper motions';
  if (years === undefined) return [`${what}: stars that moved more than the radius between the epochs are not matched`];
  const limit = (radiusArcsec * 1000) / years;
  return [
    `${what} (${years.toFixed(2)} years apart): stars faster than ${limit.toPrecision(3)} mas/yr are not matched, ` +
      `about ${(fasterShare(limit) * 100).toPrecision(2)} % of Gaia's`,
  ];
}

/** Rows whose position errors reach beyond the radius, and the largest error of all. */
export interface LargeErrors {
  readonly count: number;
  readonly largestArcsec: number;
}

export function largeErrors(rows: Astrometry | undefined, radiusArcsec: number): LargeErrors {
  const { east, north } = rows?.covariances ?? {};
  let [largestArcsec, count] = [0, 0];
  if (!east || !north) return { count, largestArcsec };
  for (let row = 0; row < east.length; row++) {
    const error = Math.sqrt(Math.max(east[row], north[row]));
    if (error > largestArcsec) largestArcsec = error;
    if (error > radiusArcsec) count++;
  }
  return { count, largestArcsec };
}

/** What to say of probabilities where the errors of the right table reach as far as the radius. */
export function errorWarnings({ count, largestArcsec }: LargeErrors): string[] {
  if (count === 0) return [];
  return [
    `${count} rows of the right table have position errors beyond the radius (up to ${largestArcsec.toPrecision(3)} arcsec): ` +
      'their counterparts are not found; probabilities need a radius of several times the errors',
  ];
}

/** Share of Gaia's sources that move faster, interpolated in the logarithm of the speed. */
function fasterShare(masPerYear: number): number {
  if (masPerYear <= FASTER_SHARES[0][0]) return 1 - (1 - FASTER_SHARES[0][1]) * masPerYear;
  for (let i = 1; i < FASTER_SHARES.length; i++) {
    const [[slow, more], [fast, fewer]] = [FASTER_SHARES[i - 1], FASTER_SHARES[i]];
    if (masPerYear > fast) continue;
    return more + ((fewer - more) * Math.log(masPerYear / slow)) / Math.log(fast / slow);
  }
  // Beyond what the sample shows, the number of fast stars falls with the cube of the speed.
  const [fastest, share] = FASTER_SHARES[FASTER_SHARES.length - 1];
  return share * (fastest / masPerYear) ** 3;
}
