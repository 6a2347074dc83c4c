/**
 * Sine, cosine and arcsine from + - * / and sqrt alone, so that JavaScript, scalar WebAssembly and WebAssembly SIMD give
 * the same bits. Polynomials: the minimax coefficients of fdlibm (Sun Microsystems 1993, k_sin, k_cos, e_asin), accurate
 * to under one unit in the last place on their intervals.
 */
export const RADIANS_PER_DEGREE = Math.PI / 180;
export const ARCSEC_PER_RADIAN = (180 / Math.PI) * 3600;

const S1 = -1.66666666666666324348e-1;
const S2 = 8.33333333332248946124e-3;
const S3 = -1.98412698298579493134e-4;
const S4 = 2.75573137070700676789e-6;
const S5 = -2.50507602534068634195e-8;
const S6 = 1.58969099521155010221e-10;

const C1 = 4.16666666666666019037e-2;
const C2 = -1.38888888888741095749e-3;
const C3 = 2.48015872894767294178e-5;
const C4 = -2.75573143513906633035e-7;
const C5 = 2.08757232129817482790e-9;
const C6 = -1.13596475577881948265e-11;

const P0 = 1.66666666666666657415e-1;
const P1 = -3.25565818622400915405e-1;
const P2 = 2.01212532134862925881e-1;
const P3 = -4.00555345006794114027e-2;
const P4 = 7.91534994289814532176e-4;
const P5 = 3.47933107596021167570e-5;
const Q1 = -2.40339491173441421878;
const Q2 = 2.02094576023350569471;
const Q3 = -6.88283971605453293030e-1;
const Q4 = 7.70381505559019352791e-2;

/** Sine of x radians, |x| <= pi/4. */
function sinSmall(x: number): number {
  const z = x * x;
  return x + z * x * (S1 + z * (S2 + z * (S3 + z * (S4 + z * (S5 + z * S6)))));
}

/** Cosine of x radians, |x| <= pi/4. */
function cosSmall(x: number): number {
  const z = x * x;
  const half = 0.5 * z;
  const w = 1 - half;
  return w + (1 - w - half + z * z * (C1 + z * (C2 + z * (C3 + z * (C4 + z * (C5 + z * C6))))));
}

/** Sine of x degrees, |x| <= 90. Odd in x, bit for bit. */
export function sinDegrees(x: number): number {
  const a = Math.abs(x);
  const value = a <= 45 ? sinSmall(a * RADIANS_PER_DEGREE) : cosSmall((90 - a) * RADIANS_PER_DEGREE);
  return x < 0 ? -value : value;
}

/** Cosine of x degrees, |x| <= 90. Even in x, bit for bit; exactly 0 at 90. */
export function cosDegrees(x: number): number {
  const a = Math.abs(x);
  return a <= 45 ? cosSmall(a * RADIANS_PER_DEGREE) : sinSmall((90 - a) * RADIANS_PER_DEGREE);
}

/** Arcsine in radians, 0 <= x <= 1. */
export function arcsine(x: number): number {
  if (x < 0.5) return x + x * rational(x * x);
  const z = (1 - x) * 0.5;
  const s = Math.sqrt(z);
  return Math.PI / 2 - 2 * (s + s * rational(z));
}

function rational(t: number): number {
  const p = t * (P0 + t * (P1 + t * (P2 + t * (P3 + t * (P4 + t * P5)))));
  return p / (1 + t * (Q1 + t * (Q2 + t * (Q3 + t * Q4))));
}
