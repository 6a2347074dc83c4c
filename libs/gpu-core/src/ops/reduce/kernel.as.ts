// Sums and extremes of the values of an item; the host combines the items. Parameters, words of 4 bytes: address of the
// values, of one f64 an item for the results, number of values, values of an item (a power of two of blocks).

// One block is summed by 8 lanes, blocks in pairs; ../plain.ts does the same, and gives the same bits.
const BLOCK: u32 = 256;

export function sumF32(params: usize, item: u32, _control: usize, _slot: u32): void {
  const count = countOf(params, item);
  store<f64>(resultOf(params, item), tree<f32>(valuesOf<f32>(params, item), count));
}

export function sumF64(params: usize, item: u32, _control: usize, _slot: u32): void {
  const count = countOf(params, item);
  store<f64>(resultOf(params, item), tree<f64>(valuesOf<f64>(params, item), count));
}

export function maxF32(params: usize, item: u32, _control: usize, _slot: u32): void {
  extreme<f32>(params, item, true);
}

export function maxF64(params: usize, item: u32, _control: usize, _slot: u32): void {
  extreme<f64>(params, item, true);
}

export function minF32(params: usize, item: u32, _control: usize, _slot: u32): void {
  extreme<f32>(params, item, false);
}

export function minF64(params: usize, item: u32, _control: usize, _slot: u32): void {
  extreme<f64>(params, item, false);
}

// @ts-ignore: decorator
@inline
function countOf(params: usize, item: u32): u32 {
  const itemLength = load<u32>(params, 12);
  return min(itemLength, load<u32>(params, 8) - item * itemLength);
}

// @ts-ignore: decorator
@inline
function valuesOf<T>(params: usize, item: u32): usize {
  return <usize>load<u32>(params) + <usize>item * load<u32>(params, 12) * sizeof<T>();
}

// @ts-ignore: decorator
@inline
function resultOf(params: usize, item: u32): usize {
  return <usize>load<u32>(params, 4) + <usize>item * 8;
}

function tree<T>(at: usize, count: u32): f64 {
  if (count <= BLOCK) return block<T>(at, count);
  const blocks = (count + BLOCK - 1) / BLOCK;
  // The largest power of two below the number of blocks.
  const left = (<u32>1 << (31 - clz(blocks - 1))) * BLOCK;
  return tree<T>(at, left) + tree<T>(at + <usize>left * sizeof<T>(), count - left);
}

function block<T>(at: usize, count: u32): f64 {
  let s0 = f64x2.splat(0), s1 = f64x2.splat(0), s2 = f64x2.splat(0), s3 = f64x2.splat(0);
  const end = at + <usize>(count & ~7) * sizeof<T>();
  for (; at < end; at += 8 * sizeof<T>()) {
    if (sizeof<T>() == 8) {
      s0 = f64x2.add(s0, v128.load(at));
      s1 = f64x2.add(s1, v128.load(at, 16));
      s2 = f64x2.add(s2, v128.load(at, 32));
      s3 = f64x2.add(s3, v128.load(at, 48));
    } else {
      s0 = f64x2.add(s0, f64x2.promote_low_f32x4(v128.load64_zero(at)));
      s1 = f64x2.add(s1, f64x2.promote_low_f32x4(v128.load64_zero(at, 8)));
      s2 = f64x2.add(s2, f64x2.promote_low_f32x4(v128.load64_zero(at, 16)));
      s3 = f64x2.add(s3, f64x2.promote_low_f32x4(v128.load64_zero(at, 24)));
    }
  }
  const rest = count & 7;
  if (rest > 0) s0 = f64x2.add(s0, pair<T>(at, rest, 0));
  if (rest > 2) s1 = f64x2.add(s1, pair<T>(at, rest, 2));
  if (rest > 4) s2 = f64x2.add(s2, pair<T>(at, rest, 4));
  if (rest > 6) s3 = f64x2.add(s3, pair<T>(at, rest, 6));
  const sum = f64x2.add(f64x2.add(s0, s2), f64x2.add(s1, s3));
  return f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1);
}

// Two values, of which the second may lie beyond the end: then it is 0.
// @ts-ignore: decorator
@inline
function pair<T>(at: usize, rest: u32, first: u32): v128 {
  const second: f64 = rest > first + 1 ? <f64>load<T>(at + <usize>(first + 1) * sizeof<T>()) : 0;
  return f64x2.replace_lane(f64x2.splat(<f64>load<T>(at + <usize>first * sizeof<T>())), 1, second);
}

// NaN where one of them is, -0 below +0, as Math.max and Math.min.
// @ts-ignore: decorator
@inline
function extreme<T>(params: usize, item: u32, largest: bool): void {
  const count = countOf(params, item);
  let at = valuesOf<T>(params, item);
  const end = at + <usize>count * sizeof<T>();
  let best: T = load<T>(at);
  if (count >= 64 / sizeof<T>()) {
    let b0 = v128.load(at), b1 = v128.load(at, 16), b2 = v128.load(at, 32), b3 = v128.load(at, 48);
    for (at += 64; at + 64 <= end; at += 64) {
      b0 = pick<T>(b0, v128.load(at), largest);
      b1 = pick<T>(b1, v128.load(at, 16), largest);
      b2 = pick<T>(b2, v128.load(at, 32), largest);
      b3 = pick<T>(b3, v128.load(at, 48), largest);
    }
    const b = pick<T>(pick<T>(b0, b1, largest), pick<T>(b2, b3, largest), largest);
    if (sizeof<T>() == 8) {
      best = <T>choose<f64>(f64x2.extract_lane(b, 0), f64x2.extract_lane(b, 1), largest);
    } else {
      const low = choose<f32>(f32x4.extract_lane(b, 0), f32x4.extract_lane(b, 1), largest);
      best = <T>choose<f32>(low, choose<f32>(f32x4.extract_lane(b, 2), f32x4.extract_lane(b, 3), largest), largest);
    }
  }
  for (; at < end; at += sizeof<T>()) best = choose<T>(best, load<T>(at), largest);
  store<f64>(resultOf(params, item), <f64>best);
}

// @ts-ignore: decorator
@inline
function pick<T>(a: v128, b: v128, largest: bool): v128 {
  return largest ? v128.max<T>(a, b) : v128.min<T>(a, b);
}

// @ts-ignore: decorator
@inline
function choose<T>(a: T, b: T, largest: bool): T {
  return largest ? max<T>(a, b) : min<T>(a, b);
}
