import type { Operation } from '../operation/operation.js';
import type { DistanceInput } from './distance/shape.js';
import { type Floats, type Numbers, typeName, valuesOf } from './host/operand.js';
import { asBatch, type BatchedMatmulInput, type MatmulInput, productsOf } from './matmul/shape.js';
import type { ReduceInput } from './reduce/index.js';

export type Result = Numbers | number;

/** What differs between two results of one call beyond what either may be off, in words; undefined: nothing. */
export type Agreement<Input> = (input: Input, a: Result, b: Result) => string | undefined;

type Tolerance = Operation<never, never>['tolerance'];

/** Bit for bit, but for the sign of zero. */
export const exactly: Agreement<unknown> = (_input, a, b) => differing(a, b, () => 0);

/** Within the declared units in the last place; results of subnormal size may be zero on a device. */
export function withinUlps(tolerance: Tolerance): Agreement<unknown> {
  return (_input, a, b) => {
    const f32 = a instanceof Float32Array;
    const ulps = 2 * (f32 ? Math.max(tolerance.f32, tolerance.webgpuF32) : tolerance.f64);
    const [digits, smallest] = f32 ? [24, 2 ** -126] : [53, 0];
    return differing(a, b, (x, y) => {
      const size = Math.max(Math.abs(x), Math.abs(y));
      return ulps * 2 ** (Math.floor(Math.log2(size)) + 1 - digits) + smallest;
    });
  };
}

/** Sums and means by the sum of magnitudes. */
export function withinSum(tolerance: Tolerance, over: 'sum' | 'mean'): Agreement<ReduceInput> {
  return (input, a, b) => {
    const values = valuesOf(input.values);
    let magnitude = 0;
    for (const value of values) magnitude += Math.abs(value);
    if (over === 'mean') magnitude /= values.length;
    const share = typeName(values) === 'f64' ? tolerance.f64 : Math.max(tolerance.f32, tolerance.webgpuF32);
    return differing(a, b, () => 2 * share * magnitude);
  };
}

/** Relative to the distance. */
export function withinDistance(tolerance: Tolerance): Agreement<DistanceInput<Floats>> {
  return ({ coordinateCount }, a, b) => {
    const share = a instanceof Float64Array ? tolerance.f64 : Math.max(tolerance.f32, tolerance.webgpuF32);
    return differing(a, b, (x, y) => 2 * share * (coordinateCount + 4) * Math.max(x, y));
  };
}

/**
 * Products by the lengths of row and column, which bound the sum of magnitudes (Cauchy and Schwarz), times the bound of a sum
 * in any order.
 */
export function withinProduct(tolerance: Tolerance): Agreement<BatchedMatmulInput<Floats>> {
  return (input, a, b) => {
    const unit = a instanceof Float64Array ? tolerance.f64 : tolerance.f32;
    const [left, right] = [valuesOf(input.left), valuesOf(input.right)];
    const allowed = new Float64Array((a as Floats).length);
    for (const { left: l, right: r, out, rowCount, innerCount, columnCount } of productsOf(input.groups)) {
      const rows = lengthsOf(left, l, rowCount, innerCount, innerCount, 1);
      const columns = lengthsOf(right, r, columnCount, innerCount, 1, columnCount);
      // Operands that are rounded to f16 first are longer by 2^-11 at most.
      const share = 2 * unit * (innerCount + 2) * (1 + 2 ** -9);
      for (let i = 0; i < rowCount; i++)
        for (let j = 0; j < columnCount; j++) allowed[out + i * columnCount + j] = share * rows[i] * columns[j];
    }
    return differing(a, b, (_x, _y, i) => allowed[i]);
  };
}

export function withinOneProduct(tolerance: Tolerance): Agreement<MatmulInput<Floats>> {
  const batch = withinProduct(tolerance);
  return (input, a, b) => batch(asBatch(input), a, b);
}

/** Euclidean lengths of `count` vectors of `length` values: vector i begins at `start + i * step`, its values are `stride` apart. */
function lengthsOf(
  values: Floats,
  start: number,
  count: number,
  length: number,
  step: number,
  stride: number,
): Float64Array {
  const result = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    let squares = 0;
    for (let k = 0, at = start + i * step; k < length; k++, at += stride) squares += values[at] * values[at];
    result[i] = Math.sqrt(squares);
  }
  return result;
}

function differing(a: Result, b: Result, allowed: (x: number, y: number, index: number) => number): string | undefined {
  const [first, second] = [a, b].map((result) => (typeof result === 'number' ? Float64Array.of(result) : result));
  if (first.length !== second.length) return `${first.length} and ${second.length} values`;
  let count = 0;
  let example = '';
  for (let i = 0; i < first.length; i++) {
    const [x, y] = [first[i], second[i]];
    if (x === y || (Number.isNaN(x) && Number.isNaN(y))) continue;
    const limit = allowed(x, y, i);
    if (Math.abs(x - y) <= limit) continue;
    if (count++ === 0) example = `value ${i} is ${x} and ${y}, ${limit} apart at most was expected`;
  }
  return count === 0 ? undefined : `${count} of ${first.length} values differ: ${example}`;
}
