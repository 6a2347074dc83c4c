// exp(x) = 2^k exp(r) with k = round(x / ln 2), so |r| <= ln 2 / 2 = 0.3466, and exp(r) by its Taylor polynomial.

const LOG2_E: f64 = 1.4426950408889634;
// ln 2 in two parts: the first has 20 trailing zero bits, so its product with k (11 bits) is exact.
const LN2_HIGH: f64 = 0.6931471803691238;
const LN2_LOW: f64 = 1.9082149292705877e-10;
// 1.5 * 2^52: adding it rounds to an integer, which then is the low bits of the sum.
const ROUND: f64 = 6755399441055744;
// Beyond these the result is infinite, or rounds to zero, whatever the rest says.
const LARGEST: f64 = 710;
const SMALLEST: f64 = -746;

/**
 * Two values of f64, in units of the last place (ulp) off by less than 1. The polynomial ends at r^13 / 13!: what is cut
 * off is below 0.3466^14 / 14! = 4.2e-18 (0.04 ulp of a result in [0.7, 1)). Rounding: half an ulp for the last sum, a
 * quarter for 1 + (r + ...) when the result lies in [0.7, 1), an eighth for the terms of second order. The error of r,
 * `rest`, is added where it no longer costs accuracy. Scaling by 2^k is exact, or rounds once (subnormal results).
 */
// @ts-ignore: decorator
@inline
export function expTwo(x: v128): v128 {
  // min and max keep NaN.
  const clamped = f64x2.max(f64x2.min(x, f64x2.splat(LARGEST)), f64x2.splat(SMALLEST));
  const shifted = f64x2.add(f64x2.mul(clamped, f64x2.splat(LOG2_E)), f64x2.splat(ROUND));
  const k = f64x2.sub(shifted, f64x2.splat(ROUND));
  const high = f64x2.sub(clamped, f64x2.mul(k, f64x2.splat(LN2_HIGH)));
  const low = f64x2.mul(k, f64x2.splat(LN2_LOW));
  const r = f64x2.sub(high, low);
  const rest = f64x2.sub(f64x2.sub(high, r), low);
  const r2 = f64x2.mul(r, r);
  const r4 = f64x2.mul(r2, r2);
  // (exp(r) - 1 - r) / r^2, in pairs and pairs of pairs.
  const p01 = f64x2.add(f64x2.splat(1.0 / 2), f64x2.mul(r, f64x2.splat(1.0 / 6)));
  const p23 = f64x2.add(f64x2.splat(1.0 / 24), f64x2.mul(r, f64x2.splat(1.0 / 120)));
  const p45 = f64x2.add(f64x2.splat(1.0 / 720), f64x2.mul(r, f64x2.splat(1.0 / 5040)));
  const p67 = f64x2.add(f64x2.splat(1.0 / 40320), f64x2.mul(r, f64x2.splat(1.0 / 362880)));
  const p89 = f64x2.add(f64x2.splat(1.0 / 3628800), f64x2.mul(r, f64x2.splat(1.0 / 39916800)));
  const pab = f64x2.add(f64x2.splat(1.0 / 479001600), f64x2.mul(r, f64x2.splat(1.0 / 6227020800)));
  const q0 = f64x2.add(p01, f64x2.mul(r2, p23));
  const q1 = f64x2.add(p45, f64x2.mul(r2, p67));
  const q2 = f64x2.add(p89, f64x2.mul(r2, pab));
  const q = f64x2.add(q0, f64x2.mul(r4, f64x2.add(q1, f64x2.mul(r4, q2))));
  const tail = f64x2.add(f64x2.mul(r2, q), rest);
  const value = f64x2.add(f64x2.splat(1), f64x2.add(r, tail));
  // 2^k is not always a number: two factors are.
  const bits = i64x2.sub(shifted, f64x2.splat(ROUND));
  const half = i64x2.shr_s(bits, 1);
  return f64x2.mul(f64x2.mul(value, power(half)), power(i64x2.sub(bits, half)));
}

/**
 * exp of two values of f32 that were made f64, as f32 in the lower half: as above up to r^8 / 8!, of which 0.3466^9 / 9! =
 * 2e-10 is cut off, 0.003 ulp of f32; so the result is that of the exact value but for 1 in some hundred of roundings.
 */
// @ts-ignore: decorator
@inline
export function expTwoF32(x: v128): v128 {
  const clamped = f64x2.max(f64x2.min(x, f64x2.splat(90)), f64x2.splat(-105));
  const shifted = f64x2.add(f64x2.mul(clamped, f64x2.splat(LOG2_E)), f64x2.splat(ROUND));
  const r = f64x2.sub(clamped, f64x2.mul(f64x2.sub(shifted, f64x2.splat(ROUND)), f64x2.splat(0.6931471805599453)));
  const r2 = f64x2.mul(r, r);
  const p01 = f64x2.add(f64x2.splat(1), r);
  const p23 = f64x2.add(f64x2.splat(1.0 / 2), f64x2.mul(r, f64x2.splat(1.0 / 6)));
  const p45 = f64x2.add(f64x2.splat(1.0 / 24), f64x2.mul(r, f64x2.splat(1.0 / 120)));
  const p67 = f64x2.add(f64x2.splat(1.0 / 720), f64x2.mul(r, f64x2.splat(1.0 / 5040)));
  const q0 = f64x2.add(p01, f64x2.mul(r2, p23));
  const q1 = f64x2.add(p45, f64x2.mul(r2, f64x2.add(p67, f64x2.mul(r2, f64x2.splat(1.0 / 40320)))));
  const value = f64x2.add(q0, f64x2.mul(f64x2.mul(r2, r2), q1));
  return f32x4.demote_f64x2_zero(f64x2.mul(value, power(i64x2.sub(shifted, f64x2.splat(ROUND)))));
}

/** 2^k of two integers in [-1022, 1023]. */
// @ts-ignore: decorator
@inline
function power(k: v128): v128 {
  return i64x2.shl(i64x2.add(k, i64x2.splat(1023)), 52);
}
