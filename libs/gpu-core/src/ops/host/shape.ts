import { fail } from '@armilla/base';
import { DeviceArray } from './device-array.js';
import { type Numbers, type Target, type Values, typeName } from './operand.js';

/** Largest extent of one dimension: kernels count in 32 bits. */
const EXTENT_LIMIT = 2 ** 31 - 1;

/** Throws SHAPE_MISMATCH unless every extent is an integer in [0, 2^31). */
export function checkExtents(operation: string, extents: Readonly<Record<string, number>>): void {
  for (const [operand, extent] of Object.entries(extents)) {
    if (Number.isInteger(extent) && extent >= 0 && extent <= EXTENT_LIMIT) continue;
    throw fail('SHAPE_MISMATCH', { operation, operand, expected: `an integer in [0, ${EXTENT_LIMIT}]`, got: extent });
  }
}

/** Throws SHAPE_MISMATCH unless the operand has that many values; `why` is the expression ("rowCount * innerCount"). */
export function checkLength(
  operation: string,
  operand: string,
  values: Values<Numbers>,
  expected: number,
  why: string,
): void {
  if (values.length === expected) return;
  throw fail('SHAPE_MISMATCH', {
    operation,
    operand,
    expected: `${expected} values (${why})`,
    got: `${values.length}`,
  });
}

/** Throws SHAPE_MISMATCH unless both operands hold numbers of one type. */
export function checkSameType(
  operation: string,
  first: Values<Numbers>,
  operand: string,
  second: Values<Numbers>,
): void {
  const [expected, got] = [typeName(first), typeName(second)];
  if (expected !== got) throw fail('SHAPE_MISMATCH', { operation, operand, expected: `${expected} values`, got });
}

/** Throws SHAPE_MISMATCH unless `out` is left out or takes that many values of the type of `left` on the host. */
export function checkOut(
  operation: string,
  left: Values<Numbers>,
  out: Target<Numbers> | undefined,
  expected: number,
  why: string,
): void {
  if (out === undefined) return;
  if ((out as Values<Numbers>) instanceof DeviceArray) {
    const got = 'one that a device keeps, which cannot be written';
    throw fail('SHAPE_MISMATCH', { operation, operand: 'out', expected: 'an array of the host or of a heap', got });
  }
  checkSameType(operation, left, 'out', out);
  checkLength(operation, 'out', out, expected, why);
}

/** Throws SHAPE_MISMATCH unless the operand holds f32 numbers. */
export function checkF32(operation: string, operand: string, values: Values<Numbers>): void {
  const got = typeName(values);
  if (got !== 'f32') throw fail('SHAPE_MISMATCH', { operation, operand, expected: 'f32 values', got });
}
