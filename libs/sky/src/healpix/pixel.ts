import { normaliseRa } from '../separation/separation.js';
import { cosDeg, sinAbsDeg } from '../separation/trigonometry.js';

/** The finest order: 2^29 pixels along the side of each of the 12 base pixels, 0.4 mas each. */
export const MAX_ORDER = 29;
/** Levels of the hierarchy below `high`: a pixel of order 29 is `high` (order 13) and 16 levels in `low`. */
const LOW_LEVELS = 16;
const SIDE = 2 ** MAX_ORDER;

/**
 * A pixel of order 29 in nested numbering, as two words: its number is high * 2^32 + low. All of it is integer
 * arithmetic, since a double does not hold 62 bits and a BigInt is slow in a loop.
 */
export interface Pixel {
  /** Number of the pixel of order 13 that holds it, in [0, 12 * 4^13). */
  high: number;
  /** What is below, in [0, 2^32). */
  low: number;
}

/**
 * Sets `out` to the pixel of order 29 of a position in degrees; dec in [-90, 90]. Gorski et al. 2005, ApJ 622, 759,
 * section 5.1 and appendix; nested numbering. Near the poles 1 - |z| comes from the cosine, which keeps its digits.
 */
export function pixelOf(raDeg: number, decDeg: number, out: Pixel): void {
  // Right ascension in quarter turns.
  const turn = normaliseRa(raDeg) / 90;
  const height = sinAbsDeg(decDeg);
  let face: number;
  let x: number;
  let y: number;
  if (3 * height <= 2) {
    const z = decDeg < 0 ? -height : height;
    const middle = SIDE * (0.5 + turn);
    const slope = SIDE * 0.75 * z;
    // Numbers of the lines that rise and that fall, counted from the pixel's own.
    const falling = Math.floor(middle - slope);
    const rising = Math.floor(middle + slope);
    const [faceFalling, faceRising] = [Math.floor(falling / SIDE), Math.floor(rising / SIDE)];
    // Modulo 4: the last digits before a whole turn may round up to it.
    const [f, r] = [faceFalling & 3, faceRising & 3];
    face = faceFalling === faceRising ? f + 4 : faceFalling < faceRising ? f : r + 8;
    x = rising - faceRising * SIDE;
    y = SIDE - 1 - (falling - faceFalling * SIDE);
  } else {
    const quarter = Math.min(3, Math.floor(turn));
    const within = turn - quarter;
    const cos = cosDeg(decDeg);
    // SIDE * sqrt(3 (1 - |z|))
    const scale = SIDE * cos * Math.sqrt(3 / (1 + height));
    const rising = Math.min(SIDE - 1, Math.floor(within * scale));
    const falling = Math.min(SIDE - 1, Math.floor((1 - within) * scale));
    if (decDeg >= 0) {
      face = quarter;
      x = SIDE - 1 - falling;
      y = SIDE - 1 - rising;
    } else {
      face = quarter + 8;
      x = rising;
      y = falling;
    }
  }
  out.high = face * 2 ** 26 + spread(x >>> LOW_LEVELS) + 2 * spread(y >>> LOW_LEVELS);
  out.low = (spread(x & 0xffff) | (spread(y & 0xffff) << 1)) >>> 0;
}

/** Puts a zero before each of 16 bits; the result stays below 2^31. */
function spread(bits: number): number {
  let v = bits;
  v = (v | (v << 8)) & 0x00ff00ff;
  v = (v | (v << 4)) & 0x0f0f0f0f;
  v = (v | (v << 2)) & 0x33333333;
  return (v | (v << 1)) & 0x55555555;
}

/** The inverse of `spread`. */
function gather(bits: number): number {
  let v = bits & 0x55555555;
  v = (v | (v >>> 1)) & 0x33333333;
  v = (v | (v >>> 2)) & 0x0f0f0f0f;
  v = (v | (v >>> 4)) & 0x00ff00ff;
  return (v | (v >>> 8)) & 0x0000ffff;
}

/** Number of the pixel of `order` of a position in degrees, nested. */
export function pixelNumber(order: number, raDeg: number, decDeg: number): bigint {
  const pixel = { high: 0, low: 0 };
  pixelOf(raDeg, decDeg, pixel);
  return ((BigInt(pixel.high) << 32n) | BigInt(pixel.low)) >> BigInt(2 * (MAX_ORDER - order));
}

/** Pixels of `order` on the whole sky. */
export function pixelCount(order: number): bigint {
  return 12n << BigInt(2 * order);
}

/** The centre of a pixel of `order` (at most 13), in degrees; the inverse of Gorski et al. 2005, equations 4 to 9. */
export function pixelCentre(order: number, number: number): { ra: number; dec: number } {
  const side = 2 ** order;
  const face = Math.floor(number / side ** 2);
  const within = number - face * side ** 2;
  const x = gather(within);
  const y = gather(within >>> 1);
  // Ring from the north pole, in [1, 4 side).
  const ring = (Math.floor(face / 4) + 2) * side - x - y - 1;
  const turns = face < 4 || face >= 8 ? 2 * (face % 4) + 1 : 2 * (face % 4);
  const [z, ringSide] =
    ring < side
      ? [1 - ring ** 2 / (3 * side ** 2), ring]
      : ring > 3 * side
        ? [(4 * side - ring) ** 2 / (3 * side ** 2) - 1, 4 * side - ring]
        : [(2 * (2 * side - ring)) / (3 * side), side];
  const ra = ((turns * ringSide + x - y) * 45) / ringSide;
  return { ra: normaliseRa(ra), dec: (Math.asin(z) * 180) / Math.PI };
}

/** No point of a pixel of `order` is farther than this from its centre, in degrees: the widest pixels touch the caps. */
export function pixelRadiusDeg(order: number): number {
  const side = 2 ** order;
  // Centre and lowest corner of the pixel at the edge of the polar cap, on its border (as in Healpix_Base::max_pixrad).
  const top = 1 - (1 - 1 / side) ** 2 / 3;
  const a = vector(2 / 3, Math.PI / (4 * side));
  const b = vector(top, 0);
  const [dx, dy, dz] = [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
  // A bound with room for rounding.
  return ((2 * Math.asin(Math.min(1, Math.hypot(dx, dy, dz) / 2)) * 180) / Math.PI) * (1 + 1e-9);
}

function vector(z: number, phi: number): readonly [number, number, number] {
  const r = Math.sqrt((1 - z) * (1 + z));
  return [r * Math.cos(phi), r * Math.sin(phi), z];
}
