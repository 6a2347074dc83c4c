import { asinSqrt, cosDeg, DEGREES_PER_RADIAN, sinAbsDeg } from './trigonometry.js';

/** Largest radius: half the sphere's circumference, in arcsec. */
export const MAX_RADIUS_ARCSEC = 648_000;

/** Membership is inclusive: separations that equal the radius up to rounding belong to it. Relative, on the key. */
const ALLOWANCE = 1e-14;

/** Right ascension in [0, 360) degrees; the remainder is exact. NaN and infinities give NaN. */
export function normaliseRa(raDeg: number): number {
  if (raDeg >= 0 && raDeg < 360) return raDeg;
  const rest = raDeg % 360;
  const positive = rest < 0 ? rest + 360 : rest;
  // -1e-20 + 360 rounds to 360, which is 0.
  return positive >= 360 ? 0 : positive;
}

/**
 * The one expression that decides membership and ties. Degrees in (ra in [0, 360), dec in [-90, 90]); grows with the
 * separation: up to 90 degrees it is the haversine h (0 to 1/2), beyond it 1/g (2 to infinity) with g the haversine of
 * the distance to the antipode of the second position, which keeps full accuracy up to 180 degrees. Symmetric in the
 * two positions, bit for bit.
 *
 * Differences are taken in degrees, where they are exact for near positions (Sterbenz), also across ra 0/360.
 */
export function separationKey(ra1Deg: number, dec1Deg: number, ra2Deg: number, dec2Deg: number): number {
  const straight = ra2Deg - ra1Deg;
  const deltaRa = straight > 180 ? ra2Deg - 360 - ra1Deg : straight < -180 ? ra2Deg - (ra1Deg - 360) : straight;
  const sinDec = sinAbsDeg((dec2Deg - dec1Deg) * 0.5);
  const sinRa = sinAbsDeg(deltaRa * 0.5);
  const cosines = cosDeg(dec1Deg) * cosDeg(dec2Deg);
  const h = sinDec * sinDec + cosines * (sinRa * sinRa);
  if (h <= 0.5) return h;
  const sinSum = sinAbsDeg((dec1Deg + dec2Deg) * 0.5);
  const sinRest = sinAbsDeg((180 - Math.abs(deltaRa)) * 0.5);
  return 1 / (sinSum * sinSum + cosines * (sinRest * sinRest));
}

/** Separation in arcsec of a key. */
export function separationOfKeyArcsec(key: number): number {
  if (key <= 1) return 2 * asinSqrt(key) * DEGREES_PER_RADIAN * 3600;
  return (180 - 2 * asinSqrt(1 / key) * DEGREES_PER_RADIAN) * 3600;
}

/** Separation in arcsec of two positions in degrees; 1e-6 mas accurate below one degree, 1e-3 mas everywhere. */
export function separationArcsec(ra1Deg: number, dec1Deg: number, ra2Deg: number, dec2Deg: number): number {
  return separationOfKeyArcsec(separationKey(normaliseRa(ra1Deg), dec1Deg, normaliseRa(ra2Deg), dec2Deg));
}

/** Pairs within the radius are those with key <= this. 0 <= radius <= 648,000. */
export function separationKeyLimit(radiusArcsec: number): number {
  return keyOfRadius(radiusArcsec, 1 + ALLOWANCE);
}

/** Pairs at least this far apart are those with key >= this. */
export function separationKeyFloor(minRadiusArcsec: number): number {
  return keyOfRadius(minRadiusArcsec, 1 - ALLOWANCE);
}

function keyOfRadius(radiusArcsec: number, factor: number): number {
  if (radiusArcsec <= 324_000) {
    const sin = sinAbsDeg(radiusArcsec / 7200);
    const key = sin * sin * factor;
    // The values next to 1/2 and next to 2 mean the same separation.
    return key <= 0.5 ? key : 2 * factor;
  }
  const sin = sinAbsDeg((MAX_RADIUS_ARCSEC - radiusArcsec) / 7200);
  const key = (1 / (sin * sin)) * factor;
  return key >= 2 ? key : 0.5 * factor;
}
