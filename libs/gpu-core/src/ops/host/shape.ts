import { fail } from '@armilla/base';
import { DeviceArray } from './device-array.js';
import {
  describeOperand,
  type Numbers,
  type NumbersName,
  type Target,
  type Values,
  typeName,
  valuesOf,
} from './operand.js';

/** Types of operations on real numbers. */
export const FLOATS = ['f32', 'f64'] as const;

/** Largest extent of one dimension: kernels count in 32 bits. */
const EXTENT_LIMIT = 2 ** 31 - 1;
/** Values of one array at most (V8 of Node.js 20). */
const MOST_VALUES = 2 ** 32;

/** Throws SHAPE_MISMATCH unless every extent is an integer in [0, 2^31). */
export function checkExtents(operation: string, extents: Readonly<Record<string, number>>): void {
  for (const [operand, extent] of Object.entries(extents)) {
    if (Number.isInteger(extent) && extent >= 0 && extent <= EXTENT_LIMIT) continue;
    throw fail('SHAPE_MISMATCH', { operation, operand, expected: `an integer in [0, ${EXTENT_LIMIT}]`, got: extent });
  }
}

/** Throws SHAPE_MISMATCH unless the operand holds numbers of one of the types. */
export function checkType(operation: string, operand: string, values: unknown, types: readonly NumbersName[]): void {
  const got = describeOperand(values);
  if (types.some((type) => type === got)) return;
  const expected = `numbers of type ${types.join(' or ')}`;
  throw fail('SHAPE_MISMATCH', { operation, operand, expected, got });
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
  const [expected, got] = [typeName(first), describeOperand(second)];
  if (expected !== got) throw fail('SHAPE_MISMATCH', { operation, operand, expected: `${expected} values`, got });
}

/** Throws MEMORY_OVER_LIMIT for a result that no array holds, SHAPE_MISMATCH unless `out` is left out or takes that many values of the type of `left` on the host. */
export function checkOut(
  operation: string,
  left: Values<Numbers>,
  out: Target<Numbers> | undefined,
  expected: number,
  why: string,
): void {
  if (out === undefined) {
    if (expected <= MOST_VALUES) return;
    throw fail('MEMORY_OVER_LIMIT', { needed: `a result of ${expected} values`, limit: `${MOST_VALUES} in one array` });
  }
  if ((out as Values<Numbers>) instanceof DeviceArray) {
    const got = 'one that a device keeps, which cannot be written';
    throw fail('SHAPE_MISMATCH', { operation, operand: 'out', expected: 'an array of the host or of a heap', got });
  }
  checkSameType(operation, left, 'out', out);
  checkLength(operation, 'out', out, expected, why);
}

/**
 * Throws SHAPE_MISMATCH where `out` lies in the memory of an operand: backends write it in different orders. Where `itself` is true it
 * may be an operand as a whole.
 */
export function checkOverlap(
  operation: string,
  out: Target<Numbers> | undefined,
  operands: readonly Values<Numbers>[],
  itself: boolean,
): void {
  if (out === undefined) return;
  const target = valuesOf(out);
  for (const operand of operands) {
    const values = valuesOf(operand);
    if (values.buffer !== target.buffer) continue;
    const [start, end] = [target.byteOffset, target.byteOffset + target.byteLength];
    const apart = start >= values.byteOffset + values.byteLength || end <= values.byteOffset;
    if (apart || (itself && start === values.byteOffset && target.byteLength === values.byteLength)) continue;
    const expected = itself ? 'an operand itself, or apart from them' : 'apart from the operands';
    throw fail('SHAPE_MISMATCH', { operation, operand: 'out', expected, got: 'an array that overlaps one' });
  }
}
