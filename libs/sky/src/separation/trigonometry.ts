// Sine, cosine and arcsine from + - * / and sqrt alone, so that every engine and the kernel give the same bits.
// Coefficients: Chebyshev interpolation in 50 digits (fixtures/generate/sky.py); errors below 3e-17 relative.

export const RADIANS_PER_DEGREE = 0.017453292519943295;
export const DEGREES_PER_RADIAN = 57.29577951308232;
const HALF_PI = 1.5707963267948966;

const S1 = -0.16666666666666666;
const S2 = 0.008333333333330948;
const S3 = -0.00019841269836756774;
const S4 = 2.7557316101617874e-6;
const S5 = -2.5051131650235178e-8;
const S6 = 1.5915118263265747e-10;

const C1 = 0.041666666666666664;
const C2 = -0.0013888888888887398;
const C3 = 2.480158729876456e-5;
const C4 = -2.7557317271145144e-7;
const C5 = 2.087614614655861e-9;
const C6 = -1.1382623647474462e-11;

const A1 = 0.16666666666666669;
const A2 = 0.07499999999998425;
const A3 = 0.04464285714637338;
const A4 = 0.030381944137085216;
const A5 = 0.0223721730020056;
const A6 = 0.0173523912659092;
const A7 = 0.013971235301124917;
const A8 = 0.011478952690254089;
const A9 = 0.010324318288763578;
const A10 = 0.005450878187643824;
const A11 = 0.017419357965078285;
const A12 = -0.0148814093931001;
const A13 = 0.02877844261277394;

/** sin(r), 0 <= r <= pi/4 radians. */
function sinSmall(r: number): number {
  const z = r * r;
  return r + r * (z * (S1 + z * (S2 + z * (S3 + z * (S4 + z * (S5 + z * S6))))));
}

/** cos(r), 0 <= r <= pi/4 radians. */
function cosSmall(r: number): number {
  const z = r * r;
  return 1 - (0.5 * z - z * z * (C1 + z * (C2 + z * (C3 + z * (C4 + z * (C5 + z * C6))))));
}

/** sin|x|, |x| <= 90 degrees. 90 - |x| is exact there, so nothing is lost near 90. */
export function sinAbsDeg(x: number): number {
  const t = Math.abs(x);
  return t > 45 ? cosSmall((90 - t) * RADIANS_PER_DEGREE) : sinSmall(t * RADIANS_PER_DEGREE);
}

/** cos x, |x| <= 90 degrees; exactly 0 at 90. */
export function cosDeg(x: number): number {
  const t = Math.abs(x);
  return t > 45 ? sinSmall((90 - t) * RADIANS_PER_DEGREE) : cosSmall(t * RADIANS_PER_DEGREE);
}

/** asin(x) in radians, 0 <= x <= 1/2. */
function asinSmall(x: number): number {
  const z = x * x;
  const high = A7 + z * (A8 + z * (A9 + z * (A10 + z * (A11 + z * (A12 + z * A13)))));
  return x + x * (z * (A1 + z * (A2 + z * (A3 + z * (A4 + z * (A5 + z * (A6 + z * high)))))));
}

/** asin(sqrt(h)) in radians, 0 <= h <= 1. */
export function asinSqrt(h: number): number {
  const x = Math.sqrt(h);
  return x <= 0.5 ? asinSmall(x) : HALF_PI - 2 * asinSmall(Math.sqrt(0.5 * (1 - x)));
}
