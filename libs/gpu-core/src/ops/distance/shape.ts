import { checkExtents, checkLength, checkOut, checkOverlap, checkSameType, checkType, FLOATS } from '../host/shape.js';
import type { Floats, Target, Values } from '../host/operand.js';

export interface DistanceInput<T extends Floats> {
  readonly left: Values<T>; // [leftCount, coordinateCount]
  readonly right: Values<T>; // [rightCount, coordinateCount]
  readonly leftCount: number;
  readonly rightCount: number;
  readonly coordinateCount: number;
  /** Where the result goes; default a new array. */
  readonly out?: Target<T>; // [leftCount, rightCount]
}

/** Throws SHAPE_MISMATCH for shapes that are none or that the operands do not have. */
export function checkDistance(input: DistanceInput<Floats>): void {
  const { left, right, out, leftCount, rightCount, coordinateCount } = input;
  const operation = 'gpu.distance';
  checkExtents(operation, { leftCount, rightCount, coordinateCount });
  checkType(operation, 'left', left, FLOATS);
  checkSameType(operation, left, 'right', right);
  checkLength(operation, 'left', left, leftCount * coordinateCount, 'leftCount * coordinateCount');
  checkLength(operation, 'right', right, rightCount * coordinateCount, 'rightCount * coordinateCount');
  checkOut(operation, left, out, leftCount * rightCount, 'leftCount * rightCount');
  checkOverlap(operation, out, [left, right], false);
}
