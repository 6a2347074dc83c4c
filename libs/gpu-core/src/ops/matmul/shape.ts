import { fail } from '@armilla/base';
import { checkExtents, checkLength, checkOut, checkOverlap, checkSameType, checkType, FLOATS } from '../host/shape.js';
import type { Floats, Target, Values } from '../host/operand.js';

/** `batchCount` products of one shape. */
export interface MatmulGroup {
  readonly batchCount: number;
  readonly rowCount: number;
  /** Columns of the left and rows of the right matrix. */
  readonly innerCount: number;
  readonly columnCount: number;
}

/** Products of left and right matrices, row-major, one behind the other: equal shapes are one group, ragged ones several. */
export interface BatchedMatmulInput<T extends Floats> {
  readonly left: Values<T>; // for each group [batchCount, rowCount, innerCount]
  readonly right: Values<T>; // for each group [batchCount, innerCount, columnCount]
  readonly groups: readonly MatmulGroup[];
  /** Where the result goes; default a new array. */
  readonly out?: Target<T>; // for each group [batchCount, rowCount, columnCount]
}

export interface MatmulInput<T extends Floats> {
  readonly left: Values<T>; // [rowCount, innerCount], row-major
  readonly right: Values<T>; // [innerCount, columnCount]
  readonly rowCount: number;
  readonly innerCount: number;
  readonly columnCount: number;
  /** Where the result goes; default a new array. */
  readonly out?: Target<T>; // [rowCount, columnCount]
}

/** One product of a batch: first values of its matrices, and its shape. */
export interface Product {
  readonly left: number;
  readonly right: number;
  readonly out: number;
  readonly rowCount: number;
  readonly innerCount: number;
  readonly columnCount: number;
}

/** Throws SHAPE_MISMATCH for a product that is none. */
export function checkProduct({ name }: { readonly name: string }, input: MatmulInput<Floats>): void {
  checkMatmul(name, asBatch(input));
  if (name === 'gpu.halfMatmul') checkType(name, 'left', input.left, ['f32']);
}

/** Values of the result. Throws SHAPE_MISMATCH for shapes that are none or that the operands do not have. */
export function checkMatmul(operation: string, input: BatchedMatmulInput<Floats>): number {
  let [left, right, out] = [0, 0, 0];
  if (!Array.isArray(input.groups)) {
    const got = typeof input.groups;
    throw fail('SHAPE_MISMATCH', { operation, operand: 'groups', expected: 'a list of shapes', got });
  }
  for (const { batchCount, rowCount, innerCount, columnCount } of input.groups) {
    checkExtents(operation, { batchCount, rowCount, innerCount, columnCount });
    left += batchCount * rowCount * innerCount;
    right += batchCount * innerCount * columnCount;
    out += batchCount * rowCount * columnCount;
  }
  checkType(operation, 'left', input.left, FLOATS);
  checkSameType(operation, input.left, 'right', input.right);
  checkLength(operation, 'left', input.left, left, 'rowCount * innerCount');
  checkLength(operation, 'right', input.right, right, 'innerCount * columnCount');
  checkOut(operation, input.left, input.out, out, 'rowCount * columnCount');
  checkOverlap(operation, input.out, [input.left, input.right], false);
  return out;
}

export function asBatch<T extends Floats>(input: MatmulInput<T>): BatchedMatmulInput<T> {
  const { left, right, out, rowCount, innerCount, columnCount } = input;
  return { left, right, out, groups: [{ batchCount: 1, rowCount, innerCount, columnCount }] };
}

/** The products of a checked batch, in order. */
export function* productsOf(groups: readonly MatmulGroup[]): Generator<Product> {
  let [left, right, out] = [0, 0, 0];
  for (const { batchCount, rowCount, innerCount, columnCount } of groups) {
    for (let i = 0; i < batchCount; i++) {
      yield { left, right, out, rowCount, innerCount, columnCount };
      left += rowCount * innerCount;
      right += innerCount * columnCount;
      out += rowCount * columnCount;
    }
  }
}
