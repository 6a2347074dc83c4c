import { DEGREES_PER_RADIAN, RADIANS_PER_DEGREE } from '../separation/trigonometry.js';

/**
 * Frames that positions may come in: `fk5` of the equinox J2000, `fk4` of B1950 (observed then), `galactic` (l, b), and
 * `ecliptic`, the mean one of J2000 from the barycentre.
 */
export const FRAMES = ['icrs', 'fk5', 'fk4', 'galactic', 'ecliptic'] as const;
export type Frame = (typeof FRAMES)[number];

type Matrix = readonly number[]; // [9] by rows

const RADIANS_PER_ARCSEC = RADIANS_PER_DEGREE / 3600;

// FK5 J2000 against ICRS: eta0, xi0 and d alpha0 of Mignard & Froeschle 2000, A&A 354, 732, in mas.
const FK5_OF_ICRS = product(
  aboutX(0.0199 * RADIANS_PER_ARCSEC),
  aboutY(0.0091 * RADIANS_PER_ARCSEC),
  aboutZ(-0.0229 * RADIANS_PER_ARCSEC),
);

// The galactic pole of Blaauw et al. 1960 (192.25, 27.4 in B1950; longitude of the pole 123 degrees) in FK5 J2000, as
// the transformation of Murray 1989 gives it.
const GALACTIC_OF_FK5 = product(
  aboutZ((180 - 122.9319185680026) * RADIANS_PER_DEGREE),
  aboutY((90 - 27.12825118085622) * RADIANS_PER_DEGREE),
  aboutZ(192.8594812065348 * RADIANS_PER_DEGREE),
);

// Frame bias and obliquity of IAU 2006 at J2000 (Capitaine, Wallace & Chapront 2003, A&A 412, 567): gamma, phi, psi.
const ECLIPTIC_OF_ICRS = product(
  aboutZ(0.041775 * RADIANS_PER_ARCSEC),
  aboutX(84381.412819 * RADIANS_PER_ARCSEC),
  aboutZ(-0.052928 * RADIANS_PER_ARCSEC),
);

// B1950 to J2000 without the terms of elliptic aberration: Murray 1989, A&A 218, 325, eq. 28 (position part).
const FK5_OF_FK4: Matrix = [
  0.9999256794956877, -0.0111814832204662, -0.0048590038153592, 0.0111814832391717, 0.9999374848933135,
  -0.0000271625947142, 0.0048590037723143, -0.000027170293744, 0.9999881946023742,
];
// Elliptic aberration at B1950 (Explanatory Supplement 1961, section 2D): e, obliquity and perigee of the sun.
const ABERRATION = ellipticAberration();

const TO_ICRS: Readonly<Record<Exclude<Frame, 'icrs'>, Matrix>> = {
  fk5: transposed(FK5_OF_ICRS),
  fk4: product(transposed(FK5_OF_ICRS), FK5_OF_FK4),
  galactic: product(transposed(FK5_OF_ICRS), transposed(GALACTIC_OF_FK5)),
  ecliptic: transposed(ECLIPTIC_OF_ICRS),
};

/** Right ascension and declination in ICRS, in degrees, of positions in `frame`; positions that are none become NaN. */
export function toIcrs(
  frame: Frame,
  longitude: Float64Array, // [rows] degrees
  latitude: Float64Array, // [rows] degrees, in [-90, 90]
  outRa: Float64Array, // [rows], filled in place; may be `longitude`
  outDec: Float64Array, // [rows], filled in place; may be `latitude`
): void {
  if (frame === 'icrs') {
    outRa.set(longitude);
    outDec.set(latitude);
    return;
  }
  const [xx, xy, xz, yx, yy, yz, zx, zy, zz] = TO_ICRS[frame];
  const [ex, ey, ez] = frame === 'fk4' ? ABERRATION : [0, 0, 0];
  for (let i = 0; i < longitude.length; i++) {
    const [lon, lat] = [longitude[i] * RADIANS_PER_DEGREE, latitude[i] * RADIANS_PER_DEGREE];
    const cos = Math.cos(lat);
    let x = cos * Math.cos(lon);
    let y = cos * Math.sin(lon);
    let z = Math.sin(lat);
    if (frame === 'fk4') {
      const along = x * ex + y * ey + z * ez;
      x += along * x - ex;
      y += along * y - ey;
      z += along * z - ez;
    }
    const [rx, ry, rz] = [xx * x + xy * y + xz * z, yx * x + yy * y + yz * z, zx * x + zy * y + zz * z];
    const ra = Math.atan2(ry, rx) * DEGREES_PER_RADIAN;
    outRa[i] = ra < 0 ? ra + 360 : ra;
    outDec[i] = Math.atan2(rz, Math.hypot(rx, ry)) * DEGREES_PER_RADIAN;
  }
}

function ellipticAberration(): readonly [number, number, number] {
  const kappa = 20.49552 * RADIANS_PER_ARCSEC;
  const eccentricity = 0.01673011;
  const perigee = 282.0805 * RADIANS_PER_DEGREE;
  const obliquity = 23.4457889 * RADIANS_PER_DEGREE;
  const size = eccentricity * kappa;
  return [
    size * Math.sin(perigee),
    -size * Math.cos(perigee) * Math.cos(obliquity),
    -size * Math.cos(perigee) * Math.sin(obliquity),
  ];
}

function aboutX(angle: number): Matrix {
  const [s, c] = [Math.sin(angle), Math.cos(angle)];
  return [1, 0, 0, 0, c, s, 0, -s, c];
}

function aboutY(angle: number): Matrix {
  const [s, c] = [Math.sin(angle), Math.cos(angle)];
  return [c, 0, -s, 0, 1, 0, s, 0, c];
}

function aboutZ(angle: number): Matrix {
  const [s, c] = [Math.sin(angle), Math.cos(angle)];
  return [c, s, 0, -s, c, 0, 0, 0, 1];
}

function product(...matrices: readonly Matrix[]): Matrix {
  return matrices.reduce((a, b) =>
    Array.from({ length: 9 }, (_, at) => {
      const [row, column] = [3 * Math.floor(at / 3), at % 3];
      return a[row] * b[column] + a[row + 1] * b[3 + column] + a[row + 2] * b[6 + column];
    }),
  );
}

function transposed(m: Matrix): Matrix {
  return [m[0], m[3], m[6], m[1], m[4], m[7], m[2], m[5], m[8]];
}
