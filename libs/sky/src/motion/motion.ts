import { DEGREES_PER_RADIAN, RADIANS_PER_DEGREE } from '../separation/trigonometry.js';

/** A speed of one au a Julian year in km/s, and that of light in au a Julian year (au of IAU 2012 B2). */
const KM_PER_S_PER_AU_PER_YEAR = 149_597_870.7 / (365.25 * 86_400);
const LIGHT_AU_PER_YEAR = 299_792.458 / KM_PER_S_PER_AU_PER_YEAR;
const RADIANS_PER_MAS = RADIANS_PER_DEGREE / 3_600_000;
/** What light's way and second-order terms may add to a move, generously. */
const MARGIN = 1.01;

/** How the stars of a table move. NaN: not known, which counts as zero. Row i of each column is that of the position. */
export interface Motions {
  /** Proper motion in right ascension, cos(dec) included, as the catalogues of Gaia and Hipparcos give it; mas a year. */
  readonly pmRaCosdec: Float64Array; // [rows]
  /** Proper motion in declination; mas a year. */
  readonly pmDec: Float64Array; // [rows]
  /** Parallax in mas; it matters only where it is positive and the radial velocity is known. */
  readonly parallax?: Float64Array; // [rows]
  /** Radial velocity in km/s, positive away from us. */
  readonly radialVelocity?: Float64Array; // [rows]
}

/** Whether row `i` has a proper motion, be it zero. */
export function hasMotion({ pmRaCosdec, pmDec }: Motions, i: number): boolean {
  return Number.isFinite(pmRaCosdec[i]) && Number.isFinite(pmDec[i]);
}

/**
 * The position of row `i` after `years` Julian years, in degrees, to `out` (0: ra, 1: dec): uniform space motion, rigorous
 * at any distance from the pole (ESA 1997, The Hipparcos and Tycho Catalogues, vol. 1, section 1.5.5). Where parallax and
 * radial velocity are known, the time that light takes is counted as well (Stumpff 1985, A&A 144, 232), else motions are
 * taken as they are seen. A row without motion stays where it is, to the bit; one without position stays without.
 */
export function moveRow(
  raDeg: number,
  decDeg: number,
  motions: Motions,
  i: number,
  years: number,
  out: Float64Array, // [2], filled in place
): void {
  const { pmRaCosdec, pmDec, parallax, radialVelocity } = motions;
  out[0] = raDeg;
  out[1] = decDeg;
  if (!hasMotion(motions, i) || !Number.isFinite(years) || years === 0) return;
  // Offsets in the tangent frame of the position, in parts of the distance: east, north and along the line of sight.
  const east = pmRaCosdec[i] * RADIANS_PER_MAS * years;
  const north = pmDec[i] * RADIANS_PER_MAS * years;
  if (east === 0 && north === 0) return;
  let [across, away] = [1, 1];
  if (parallax && radialVelocity && parallax[i] > 0 && Number.isFinite(radialVelocity[i]))
    [across, away] = throughSpace(
      Math.hypot(east, north),
      parallax[i] * RADIANS_PER_MAS,
      radialVelocity[i] / KM_PER_S_PER_AU_PER_YEAR,
      years,
    );
  const sin = Math.sin(decDeg * RADIANS_PER_DEGREE);
  const cos = Math.cos(decDeg * RADIANS_PER_DEGREE);
  // The inverse of a gnomonic projection; `radial` < 0 once the star has passed the pole.
  const radial = away * cos - across * north * sin;
  const turned = raDeg + Math.atan2(across * east, radial) * DEGREES_PER_RADIAN;
  out[0] = turned < 0 ? turned + 360 : turned >= 360 ? turned - 360 : turned;
  out[1] = Math.atan2(away * sin + across * north * cos, Math.hypot(across * east, radial)) * DEGREES_PER_RADIAN;
}

/** `moveRow` of all rows. */
export function moveForward(
  ra: Float64Array, // [rows]
  dec: Float64Array, // [rows]
  motions: Motions,
  years: number | Float64Array, // [rows] when each row has its own
  outRa: Float64Array, // [rows], filled in place
  outDec: Float64Array, // [rows], filled in place
): void {
  const moved = new Float64Array(2);
  for (let i = 0; i < ra.length; i++) {
    moveRow(ra[i], dec[i], motions, i, typeof years === 'number' ? years : years[i], moved);
    outRa[i] = moved[0];
    outDec[i] = moved[1];
  }
}

/**
 * An angle in arcsec that star `i` moves at most in `years`, by its proper motion and what its approach adds to it; no part of
 * that time sees it move faster than this divided by `years`.
 */
export function largestMove(motions: Motions, i: number, years: number): number {
  if (!hasMotion(motions, i) || years === 0) return 0;
  const { pmRaCosdec, pmDec, parallax, radialVelocity } = motions;
  const seen = (Math.hypot(pmRaCosdec[i], pmDec[i]) / 1000) * Math.abs(years);
  if (!parallax || !radialVelocity || !(parallax[i] > 0) || !Number.isFinite(radialVelocity[i])) return seen * MARGIN;
  // Parts of the distance that the star comes nearer meanwhile: its motion grows with the inverse.
  const nearer =
    Math.abs((radialVelocity[i] / KM_PER_S_PER_AU_PER_YEAR) * parallax[i] * RADIANS_PER_MAS * years) * MARGIN;
  return nearer < 0.5 ? (seen / (1 - nearer) ** 2) * MARGIN : 648_000;
}

/** Factors of the offsets as seen, across and along the line of sight, of the motion through space whose light arrives `years` later. */
function throughSpace(
  seenRad: number,
  parallaxRad: number,
  radialAuPerYear: number,
  years: number,
): readonly [number, number] {
  const distance = 1 / parallaxRad; // au
  const seenRadial = radialAuPerYear / LIGHT_AU_PER_YEAR;
  const seenAcross = (seenRad * distance) / Math.abs(years) / LIGHT_AU_PER_YEAR;
  // Speeds in parts of that of light: those seen are those in space, divided by the Doppler factor.
  let [doppler, slower] = [1, 0];
  for (let n = 0; n < 20; n++) {
    const radial = doppler * seenRadial + slower;
    const across = doppler * seenAcross;
    const [nextDoppler, nextSlower] = [1 + radial, Math.sqrt(1 - radial * radial - across * across) - 1];
    // Nearly as fast as light: no motion through space, but an error of the catalogue; it is moved as seen.
    if (!(nextDoppler > 0 && nextSlower > -0.5)) return [1, 1];
    const settled = Math.abs(nextDoppler - doppler) + Math.abs(nextSlower - slower) < 1e-17;
    [doppler, slower] = [nextDoppler, nextSlower];
    if (settled) break;
  }
  const radial = (doppler * seenRadial + slower) * LIGHT_AU_PER_YEAR; // au a year
  const across = doppler * seenAcross * LIGHT_AU_PER_YEAR;
  // Light that is seen now left `delay` ago; light that will be seen left later by what its way has grown.
  const delay = distance / LIGHT_AU_PER_YEAR;
  const then = years + delay;
  const along = distance + radial * then;
  const dot = along * radial + across * across * then;
  const away2 = along * along + across * across * then * then;
  const light2 = LIGHT_AU_PER_YEAR ** 2 - radial * radial - across * across;
  const nextDelay = (Math.sqrt(dot * dot + light2 * away2) - dot) / light2;
  const flight = years + (delay - nextDelay);
  return [(doppler * flight) / years, 1 + (radial * flight) / distance];
}
