// One value of the result from each value of one or two arrays. Parameters, words of 4 bytes: addresses of left, right and
// result, number of values, values of an item. The arrays start at multiples of 64 bytes and own their bytes up to the
// next one, so the last vector needs no special case.
import { expTwoF32, expTwo } from './kernel/exp.as';

const ADD = 0;
const MULTIPLY = 1;
const SQUARE = 2;
const SQRT = 3;
const EXP = 4;

// @ts-ignore: decorator
@inline
function mapF32(params: usize, item: u32, operation: i32): void {
  const left = <usize>load<u32>(params);
  const right = <usize>load<u32>(params, 4);
  const out = <usize>load<u32>(params, 8);
  const from = <usize>item * load<u32>(params, 16) * 4;
  const end = min(from + <usize>load<u32>(params, 16) * 4, <usize>load<u32>(params, 12) * 4);
  for (let at = from; at < end; at += 16) {
    const a = v128.load(left + at);
    let value = a;
    if (operation == ADD) value = f32x4.add(a, v128.load(right + at));
    if (operation == MULTIPLY) value = f32x4.mul(a, v128.load(right + at));
    if (operation == SQUARE) value = f32x4.mul(a, a);
    if (operation == SQRT) value = f32x4.sqrt(a);
    if (operation == EXP)
      value = v128.shuffle<i64>(
        expTwoF32(f64x2.promote_low_f32x4(a)),
        expTwoF32(f64x2.promote_low_f32x4(v128.shuffle<i64>(a, a, 1, 1))),
        0,
        2,
      );
    v128.store(out + at, value);
  }
}

// @ts-ignore: decorator
@inline
function mapF64(params: usize, item: u32, operation: i32): void {
  const left = <usize>load<u32>(params);
  const right = <usize>load<u32>(params, 4);
  const out = <usize>load<u32>(params, 8);
  const from = <usize>item * load<u32>(params, 16) * 8;
  const end = min(from + <usize>load<u32>(params, 16) * 8, <usize>load<u32>(params, 12) * 8);
  for (let at = from; at < end; at += 16) {
    const a = v128.load(left + at);
    let value = a;
    if (operation == ADD) value = f64x2.add(a, v128.load(right + at));
    if (operation == MULTIPLY) value = f64x2.mul(a, v128.load(right + at));
    if (operation == SQUARE) value = f64x2.mul(a, a);
    if (operation == SQRT) value = f64x2.sqrt(a);
    if (operation == EXP) value = expTwo(a);
    v128.store(out + at, value);
  }
}

export function addF32(params: usize, item: u32, _control: usize, _slot: u32): void {
  mapF32(params, item, ADD);
}

export function multiplyF32(params: usize, item: u32, _control: usize, _slot: u32): void {
  mapF32(params, item, MULTIPLY);
}

export function squareF32(params: usize, item: u32, _control: usize, _slot: u32): void {
  mapF32(params, item, SQUARE);
}

export function sqrtF32(params: usize, item: u32, _control: usize, _slot: u32): void {
  mapF32(params, item, SQRT);
}

export function expF32(params: usize, item: u32, _control: usize, _slot: u32): void {
  mapF32(params, item, EXP);
}

export function addF64(params: usize, item: u32, _control: usize, _slot: u32): void {
  mapF64(params, item, ADD);
}

export function multiplyF64(params: usize, item: u32, _control: usize, _slot: u32): void {
  mapF64(params, item, MULTIPLY);
}

export function squareF64(params: usize, item: u32, _control: usize, _slot: u32): void {
  mapF64(params, item, SQUARE);
}

export function sqrtF64(params: usize, item: u32, _control: usize, _slot: u32): void {
  mapF64(params, item, SQRT);
}

export function expF64(params: usize, item: u32, _control: usize, _slot: u32): void {
  mapF64(params, item, EXP);
}
