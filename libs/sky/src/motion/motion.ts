import { DEGREES_PER_RADIAN, RADIANS_PER_DEGREE } from '../separation/trigonometry.js';

/** A speed of one au a Julian year in km/s, and that of light in au a Julian year (au of IAU 2012 B2). */
const KM_PER_S_PER_AU_PER_YEAR = 149_597_870.7 / (365.25 * 86_400);
const LIGHT_AU_PER_YEAR = 299_792.458 / KM_PER_S_PER_AU_PER_YEAR;
const RADIANS_PER_MAS = RADIANS_PER_DEGREE / 3_600_000;

/** How the stars of a table move. NaN: not known, which counts as zero. Row i of each column is that of the position. */
export interface Motions {
  /** Proper motion in right ascension, cos(dec) included, as the catalogues of Gaia and Hipparcos give it; mas a year. */
  readonly pmRaCosDec: Float64Array; // [rows]
  /** Proper motion in declination; mas a year. */
  readonly pmDec: Float64Array; // [rows]
  /** Parallax in mas; it matters only where it is positive and the radial velocity is known. */
  readonly parallax?: Float64Array; // [rows]
  /** Radial velocity in km/s, positive away from us. */
  readonly radialVelocity?: Float64Array; // [rows]
}

/** Whether row `i` has a proper motion, be it zero. */
export function hasMotion({ pmRaCosDec, pmDec }: Motions, i: number): boolean {
  return Number.isFinite(pmRaCosDec[i]) && Number.isFinite(pmDec[i]);
}

/**
 * The positions `years` Julian years later, in degrees: uniform space motion, rigorous at any distance from the pole
 * (ESA 1997, The Hipparcos and Tycho Catalogues, vol. 1, section 1.5.5). Where parallax and radial velocity are known,
 * the time that light takes is counted as well (Stumpff 1985, A&A 144, 232), else motions are taken as they are seen.
 * Rows without motion stay where they are, to the bit; rows without position stay without.
 */
export function moveForward(
  ra: Float64Array, // [rows]
  dec: Float64Array, // [rows]
  motions: Motions,
  years: number | Float64Array, // [rows] when each row has its own
  outRa: Float64Array, // [rows], filled in place
  outDec: Float64Array, // [rows], filled in place
): void {
  const { pmRaCosDec, pmDec, parallax, radialVelocity } = motions;
  const each = typeof years === 'number' ? undefined : years;
  const all = typeof years === 'number' ? years : 0;
  const shift = { east: 0, north: 0, away: 1 };
  for (let i = 0; i < ra.length; i++) {
    const t = each ? each[i] : all;
    outRa[i] = ra[i];
    outDec[i] = dec[i];
    if (!hasMotion(motions, i) || !Number.isFinite(t) || t === 0) continue;
    // Offsets in the tangent frame of the position, in parts of the distance: east, north and along the line of sight.
    shift.east = pmRaCosDec[i] * RADIANS_PER_MAS * t;
    shift.north = pmDec[i] * RADIANS_PER_MAS * t;
    shift.away = 1;
    if (shift.east === 0 && shift.north === 0) continue;
    if (parallax && radialVelocity && parallax[i] > 0 && Number.isFinite(radialVelocity[i]))
      throughSpace(shift, parallax[i] * RADIANS_PER_MAS, radialVelocity[i] / KM_PER_S_PER_AU_PER_YEAR, t);
    const sin = Math.sin(dec[i] * RADIANS_PER_DEGREE);
    const cos = Math.cos(dec[i] * RADIANS_PER_DEGREE);
    // The inverse of a gnomonic projection; `radial` < 0 once the star has passed the pole.
    const radial = shift.away * cos - shift.north * sin;
    const turned = ra[i] + Math.atan2(shift.east, radial) * DEGREES_PER_RADIAN;
    outRa[i] = turned < 0 ? turned + 360 : turned >= 360 ? turned - 360 : turned;
    outDec[i] = Math.atan2(shift.away * sin + shift.north * cos, Math.hypot(shift.east, radial)) * DEGREES_PER_RADIAN;
  }
}

/** Replaces offsets as seen by those of the motion through space, whose light arrives `years` later. */
function throughSpace(
  shift: { east: number; north: number; away: number },
  parallaxRad: number,
  radialAuPerYear: number,
  years: number,
): void {
  const distance = 1 / parallaxRad; // au
  const seenRadial = radialAuPerYear / LIGHT_AU_PER_YEAR;
  const seenAcross = (Math.hypot(shift.east, shift.north) * distance) / years / LIGHT_AU_PER_YEAR;
  // Speeds in parts of that of light: seen ones are those in space, divided by the Doppler factor.
  let [doppler, slower] = [1, 0];
  for (let n = 0; n < 20; n++) {
    const radial = doppler * seenRadial + slower;
    const across = doppler * seenAcross;
    const [nextDoppler, nextSlower] = [1 + radial, Math.sqrt(1 - radial * radial - across * across) - 1];
    // Faster than light: no motion through space, but an error of the catalogue; it is moved as seen.
    if (!(nextDoppler > 0 && nextSlower > -0.5)) return;
    const settled = Math.abs(nextDoppler - doppler) + Math.abs(nextSlower - slower) < 1e-17;
    [doppler, slower] = [nextDoppler, nextSlower];
    if (settled) break;
  }
  const radial = (doppler * seenRadial + slower) * LIGHT_AU_PER_YEAR; // au a year
  const across = Math.abs(doppler * seenAcross * LIGHT_AU_PER_YEAR);
  // Light that is seen now left `delay` ago; light that will be seen left later by what its way has grown.
  const delay = distance / LIGHT_AU_PER_YEAR;
  const then = years + delay;
  const along = distance + radial * then;
  const dot = along * radial + across * across * then;
  const away2 = along * along + across * across * then * then;
  const light2 = LIGHT_AU_PER_YEAR ** 2 - radial * radial - across * across;
  const nextDelay = (Math.sqrt(dot * dot + light2 * away2) - dot) / light2;
  const flight = years + (delay - nextDelay);
  shift.away = 1 + (radial * flight) / distance;
  shift.east *= (doppler * flight) / years;
  shift.north *= (doppler * flight) / years;
}
