import { ARCSEC_PER_RADIAN, arcsine, cosDegrees, RADIANS_PER_DEGREE, sinDegrees } from './trigonometry.js';

/** Right ascension in [0, 360) degrees. NaN stays NaN. */
export function normaliseRa(raDeg: number): number {
  if (raDeg >= 0 && raDeg < 360) return raDeg;
  const turned = raDeg - 360 * Math.floor(raDeg / 360);
  return turned >= 360 ? 0 : turned;
}

/**
 * The one f64 expression that decides membership and ties. Degrees in (right ascensions in [0, 360), declinations in
 * [-90, 90]); the result only grows with the separation and is the same for both orders of the rows, bit for bit.
 *
 * Up to 90 degrees it is the haversine h = sin2(dDec/2) + cos(dec1) cos(dec2) sin2(dRa/2) of differences taken in
 * degrees (no rounding is lost to the conversion); beyond, 1/g, where g is the haversine of the distance to the
 * antipode of the second row. So it lies in [0, 0.5] or [2, Infinity].
 */
export function separationKey(ra1: number, dec1: number, ra2: number, dec2: number): number {
  let dRa = ra2 - ra1;
  // x - 360 is exact for x in [180, 360): no rounding across the seam.
  if (dRa > 180) dRa = ra2 - 360 - ra1;
  else if (dRa < -180) dRa = ra2 - (ra1 - 360);
  const a = sinDegrees((dec2 - dec1) * 0.5);
  const b = sinDegrees(dRa * 0.5);
  const cosines = cosDegrees(dec1) * cosDegrees(dec2);
  const h = a * a + cosines * (b * b);
  if (h <= 0.5) return h;
  const c = sinDegrees((dec1 + dec2) * 0.5);
  const d = sinDegrees((180 - Math.abs(dRa)) * 0.5);
  return 1 / (c * c + cosines * (d * d));
}

/** Separation of a key, arcsec in [0, 648000]. */
export function separationOfKeyArcsec(key: number): number {
  if (key <= 0.5) return 2 * arcsine(Math.sqrt(key)) * ARCSEC_PER_RADIAN;
  return 648000 - 2 * arcsine(Math.sqrt(1 / key)) * ARCSEC_PER_RADIAN;
}

/** Separation of two rows, arcsec in [0, 648000]; any right ascension. */
export function separationArcsec(ra1: number, dec1: number, ra2: number, dec2: number): number {
  return separationOfKeyArcsec(separationKey(normaliseRa(ra1), dec1, normaliseRa(ra2), dec2));
}

/** Rounding of coordinates and expression must not cost a pair that stands exactly on the radius. */
const ALLOWANCE = 1e-14;

/** Largest key of a pair within `radiusArcsec`, inclusive: membership is `separationKey(...) <= limit`. */
export function separationKeyLimit(radiusArcsec: number): number {
  const degrees = radiusArcsec / 3600;
  if (degrees >= 180) return Infinity;
  if (degrees <= 90) {
    const s = sinDegrees(degrees * 0.5);
    return s * s * (1 + ALLOWANCE);
  }
  const c = sinDegrees((180 - degrees) * 0.5);
  return (1 / (c * c)) * (1 + ALLOWANCE);
}

/** Smallest key of a pair at least `minRadiusArcsec` apart, inclusive. */
export function separationKeyFloor(minRadiusArcsec: number): number {
  return minRadiusArcsec <= 0 ? 0 : separationKeyLimit(minRadiusArcsec) * ((1 - ALLOWANCE) / (1 + ALLOWANCE));
}

/** Largest difference in right ascension, degrees, that a row within `radiusDeg` of declination `decDeg` can have. */
export function raReachDegrees(decDeg: number, radiusDeg: number): number {
  // A hair more than the radius: the reach only rejects, the key decides.
  const padded = radiusDeg * (1 + 1e-9) + 1e-11;
  if (padded >= 90 || Math.abs(decDeg) + padded >= 90) return 180;
  const ratio = Math.sin(padded * RADIANS_PER_DEGREE) / Math.cos(decDeg * RADIANS_PER_DEGREE);
  return ratio >= 1 ? 180 : (Math.asin(ratio) / RADIANS_PER_DEGREE) * (1 + 1e-9) + 1e-11;
}
