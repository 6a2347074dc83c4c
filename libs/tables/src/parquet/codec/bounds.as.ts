// Smallest and largest of `count` >= 1 values at `source`, written behind one another to `target`. A NaN is passed over: where
// all are, the smallest is above the largest.

export function boundsF64(source: usize, count: u32, target: usize): void {
  let min = f64x2.splat(Infinity);
  let max = f64x2.splat(-Infinity);
  let min2 = min;
  let max2 = max;
  const end = source + ((<usize>count) << 3);
  let s = source;
  for (; s + 32 <= end; s += 32) {
    const a = v128.load(s);
    const b = v128.load(s, 16);
    min = f64x2.pmin(min, a);
    max = f64x2.pmax(max, a);
    min2 = f64x2.pmin(min2, b);
    max2 = f64x2.pmax(max2, b);
  }
  min = f64x2.pmin(min, min2);
  max = f64x2.pmax(max, max2);
  for (; s < end; s += 8) {
    const a = v128.load64_splat(s);
    min = f64x2.pmin(min, a);
    max = f64x2.pmax(max, a);
  }
  store<f64>(target, smaller(f64x2.extract_lane(min, 0), f64x2.extract_lane(min, 1)));
  store<f64>(target, -smaller(-f64x2.extract_lane(max, 0), -f64x2.extract_lane(max, 1)), 8);
}

// @ts-ignore: decorator
@inline
function smaller(a: f64, b: f64): f64 {
  return b < a ? b : a;
}

export function boundsF32(source: usize, count: u32, target: usize): void {
  let min = f32x4.splat(Infinity);
  let max = f32x4.splat(-Infinity);
  let min2 = min;
  let max2 = max;
  const end = source + ((<usize>count) << 2);
  let s = source;
  for (; s + 32 <= end; s += 32) {
    const a = v128.load(s);
    const b = v128.load(s, 16);
    min = f32x4.pmin(min, a);
    max = f32x4.pmax(max, a);
    min2 = f32x4.pmin(min2, b);
    max2 = f32x4.pmax(max2, b);
  }
  min = f32x4.pmin(min, min2);
  max = f32x4.pmax(max, max2);
  for (; s < end; s += 4) {
    const a = v128.load32_splat(s);
    min = f32x4.pmin(min, a);
    max = f32x4.pmax(max, a);
  }
  min = f32x4.pmin(min, v128.shuffle<i32>(min, min, 2, 3, 0, 1));
  min = f32x4.pmin(min, v128.shuffle<i32>(min, min, 1, 0, 3, 2));
  max = f32x4.pmax(max, v128.shuffle<i32>(max, max, 2, 3, 0, 1));
  max = f32x4.pmax(max, v128.shuffle<i32>(max, max, 1, 0, 3, 2));
  store<f32>(target, f32x4.extract_lane(min, 0));
  store<f32>(target, f32x4.extract_lane(max, 0), 4);
}

/** Every value has the bits of `flip` inverted while it is compared: the topmost for unsigned ones. */
export function boundsI32(source: usize, count: u32, target: usize, flip: i32): void {
  const flips = i32x4.splat(flip);
  let min = i32x4.splat(i32.MAX_VALUE);
  let max = i32x4.splat(i32.MIN_VALUE);
  const end = source + ((<usize>count) << 2);
  let s = source;
  for (; s + 16 <= end; s += 16) {
    const a = v128.xor(v128.load(s), flips);
    min = i32x4.min_s(min, a);
    max = i32x4.max_s(max, a);
  }
  for (; s < end; s += 4) {
    const a = v128.xor(v128.load32_splat(s), flips);
    min = i32x4.min_s(min, a);
    max = i32x4.max_s(max, a);
  }
  min = i32x4.min_s(min, v128.shuffle<i32>(min, min, 2, 3, 0, 1));
  min = i32x4.min_s(min, v128.shuffle<i32>(min, min, 1, 0, 3, 2));
  max = i32x4.max_s(max, v128.shuffle<i32>(max, max, 2, 3, 0, 1));
  max = i32x4.max_s(max, v128.shuffle<i32>(max, max, 1, 0, 3, 2));
  store<i32>(target, i32x4.extract_lane(min, 0) ^ flip);
  store<i32>(target, i32x4.extract_lane(max, 0) ^ flip, 4);
}

export function boundsI64(source: usize, count: u32, target: usize, flip: i64): void {
  const flips = i64x2.splat(flip);
  let min = i64x2.splat(i64.MAX_VALUE);
  let max = i64x2.splat(i64.MIN_VALUE);
  const end = source + ((<usize>count) << 3);
  let s = source;
  for (; s + 16 <= end; s += 16) {
    const a = v128.xor(v128.load(s), flips);
    min = v128.bitselect(a, min, i64x2.gt_s(min, a));
    max = v128.bitselect(a, max, i64x2.gt_s(a, max));
  }
  if (s < end) {
    const a = v128.xor(v128.load64_splat(s), flips);
    min = v128.bitselect(a, min, i64x2.gt_s(min, a));
    max = v128.bitselect(a, max, i64x2.gt_s(a, max));
  }
  const a = i64x2.extract_lane(min, 0);
  const b = i64x2.extract_lane(min, 1);
  const c = i64x2.extract_lane(max, 0);
  const d = i64x2.extract_lane(max, 1);
  store<i64>(target, (b < a ? b : a) ^ flip);
  store<i64>(target, (d > c ? d : c) ^ flip, 8);
}
