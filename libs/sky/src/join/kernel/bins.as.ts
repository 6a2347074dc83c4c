// Bins of values on an axis: what the grid, the fine grids and the windows agree on.

/** 2^52: a double of this size has no fraction, so adding it rounds, and the low word is then the rounded number. */
const WHOLE: f64 = 4503599627370496;

/**
 * Bins of two values, in the low words of the lanes; values outside, and NaN, go to the first and last bin. Subtraction,
 * multiplication, clamping and rounding are monotone, so the rows between two values lie in the bins between theirs: all
 * the safety the search needs.
 */
// @ts-ignore: decorator
@inline
export function binOf2(value: v128, low: v128, scale: v128, last: v128): v128 {
  const place = f64x2.sub(f64x2.mul(f64x2.sub(value, low), scale), f64x2.splat(0.5));
  return f64x2.add(f64x2.pmin(last, f64x2.pmax(f64x2.splat(0), place)), f64x2.splat(WHOLE));
}

/** The same bin of one value. */
// @ts-ignore: decorator
@inline
export function binOf(value: f64, low: f64, scale: f64, last: f64): i32 {
  return i32x4.extract_lane(binOf2(f64x2.splat(value), f64x2.splat(low), f64x2.splat(scale), f64x2.splat(last)), 0);
}

// The lanes of two positions (ra, dec): both right ascensions, both declinations.

// @ts-ignore: decorator
@inline
export function firsts(a: v128, b: v128): v128 {
  return v128.shuffle<f64>(a, b, 0, 2);
}

// @ts-ignore: decorator
@inline
export function seconds(a: v128, b: v128): v128 {
  return v128.shuffle<f64>(a, b, 1, 3);
}
