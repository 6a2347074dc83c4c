import type { Positions } from '@armilla/sky';

const RADIANS = Math.PI / 180;
const ARCSEC_PER_RADIAN = 3600 / RADIANS;

/** Solid angle of a cap. */
export function capSquareArcsec(radiusArcsec: number): number {
  // 1 - cos loses its digits for small radii.
  return 4 * Math.PI * (Math.sin(radiusArcsec / ARCSEC_PER_RADIAN / 2) * ARCSEC_PER_RADIAN) ** 2;
}

/** Every position moved along a great circle by the same distance, at one position angle (from north through east). */
export function shifted({ ra, dec }: Positions, distanceArcsec: number, angleRad: number): Positions {
  const rowCount = ra.length;
  const out = { ra: new Float64Array(rowCount), dec: new Float64Array(rowCount) };
  const distance = distanceArcsec / ARCSEC_PER_RADIAN;
  const cosDistance = Math.cos(distance);
  const [toNorth, toEast] = [Math.sin(distance) * Math.cos(angleRad), Math.sin(distance) * Math.sin(angleRad)];
  for (let i = 0; i < rowCount; i++) {
    const [sinDec, cosDec] = [Math.sin(dec[i] * RADIANS), Math.cos(dec[i] * RADIANS)];
    // In the plane of the meridian of the row: outwards from the axis, along the parallel, and to the pole.
    const outwards = cosDec * cosDistance - sinDec * toNorth;
    const z = sinDec * cosDistance + cosDec * toNorth;
    out.ra[i] = turn(ra[i] + Math.atan2(toEast, outwards) / RADIANS);
    out.dec[i] = Math.atan2(z, Math.hypot(outwards, toEast)) / RADIANS;
  }
  return out;
}

/** Where the second position lies from the first, to the east and to the north in the tangent plane, in arcsec. */
export function tangentOffset(
  ra1: number,
  dec1: number,
  ra2: number,
  dec2: number,
): readonly [east: number, north: number] {
  const deltaRa = (ra2 - ra1) * RADIANS;
  const cos2 = Math.cos(dec2 * RADIANS);
  const east = cos2 * Math.sin(deltaRa);
  // sin d2 cos d1 - cos d2 sin d1 cos(dra), without the loss of digits for near positions.
  const north = Math.sin((dec2 - dec1) * RADIANS) + 2 * cos2 * Math.sin(dec1 * RADIANS) * Math.sin(deltaRa / 2) ** 2;
  return [east * ARCSEC_PER_RADIAN, north * ARCSEC_PER_RADIAN];
}

export type Vector3 = readonly [x: number, y: number, z: number];

/** Unit vector of a position in degrees. */
export function unitVector(ra: number, dec: number): Vector3 {
  const cosDec = Math.cos(dec * RADIANS);
  return [cosDec * Math.cos(ra * RADIANS), cosDec * Math.sin(ra * RADIANS), Math.sin(dec * RADIANS)];
}

/** Turns every position by `rotationArcsec`, whose direction is the axis and whose length the angle (right-handed). */
export function rotated({ ra, dec, nulls }: Positions, rotationArcsec: Vector3): Positions {
  const angle = Math.hypot(...rotationArcsec) / ARCSEC_PER_RADIAN;
  if (angle === 0) return { ra, dec, nulls };
  const [kx, ky, kz] = rotationArcsec.map((component) => component / (angle * ARCSEC_PER_RADIAN));
  const [sin, versine] = [Math.sin(angle), 2 * Math.sin(angle / 2) ** 2];
  const out = { ra: new Float64Array(ra.length), dec: new Float64Array(ra.length), nulls };
  for (let i = 0; i < ra.length; i++) {
    const [x, y, z] = unitVector(ra[i], dec[i]);
    // Rodrigues: p + sin a (k x p) + (1 - cos a) k x (k x p).
    const [cx, cy, cz] = [ky * z - kz * y, kz * x - kx * z, kx * y - ky * x];
    const px = x + sin * cx + versine * (ky * cz - kz * cy);
    const py = y + sin * cy + versine * (kz * cx - kx * cz);
    const pz = z + sin * cz + versine * (kx * cy - ky * cx);
    const usable = Math.abs(dec[i]) <= 90 && Number.isFinite(ra[i]);
    out.ra[i] = usable ? turn(Math.atan2(py, px) / RADIANS) : ra[i];
    out.dec[i] = usable ? Math.atan2(pz, Math.hypot(px, py)) / RADIANS : dec[i];
  }
  return out;
}

const turn = (ra: number): number => ((ra % 360) + 360) % 360;
