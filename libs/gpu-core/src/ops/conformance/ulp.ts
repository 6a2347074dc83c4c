import type { Floats } from '../host/operand.js';

/**
 * Steps from one f32 or f64 number to another among the numbers of that type, as an f64. NaN and NaN are 0 apart, NaN and a
 * number infinitely far.
 */
export function ulpsApart(a: number, b: number, type: 'f32' | 'f64'): number {
  if (a === b || (Number.isNaN(a) && Number.isNaN(b))) return 0;
  if (Number.isNaN(a) || Number.isNaN(b)) return Infinity;
  const difference = ordinal(a, type) - ordinal(b, type);
  return Number(difference < 0n ? -difference : difference);
}

/** Largest distance of two arrays in steps. */
export function mostUlpsApart(a: Floats, b: Floats): number {
  const type = a instanceof Float32Array ? 'f32' : 'f64';
  let most = 0;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) most = Math.max(most, ulpsApart(a[i], b[i], type));
  return most;
}

/** Integers in the order of the numbers; both zeros are 0. */
function ordinal(x: number, type: 'f32' | 'f64'): bigint {
  const view = new DataView(new ArrayBuffer(8));
  if (type === 'f32') view.setFloat32(0, x);
  else view.setFloat64(0, x);
  const bits = type === 'f32' ? BigInt(view.getInt32(0)) : view.getBigInt64(0);
  const lowest = type === 'f32' ? -(2n ** 31n) : -(2n ** 63n);
  return bits >= 0n ? bits : lowest - bits;
}
