import { type Floats, valuesOf } from '../host/operand.js';
import type { DistanceInput } from './shape.js';

/**
 * Square roots of sums of squared differences, in f64. Not by |a|^2 + |b|^2 - 2ab: of near points that leaves nothing but
 * rounding.
 */
export function referenceDistance(input: DistanceInput<Floats>, out: Floats): void {
  const { leftCount, rightCount, coordinateCount } = input;
  const left = valuesOf(input.left);
  const right = valuesOf(input.right);
  for (let i = 0, at = 0; i < leftCount; i++) {
    for (let j = 0; j < rightCount; j++, at++) {
      let sum = 0;
      for (let c = 0, p = i * coordinateCount, q = j * coordinateCount; c < coordinateCount; c++, p++, q++)
        sum += (left[p] - right[q]) * (left[p] - right[q]);
      out[at] = Math.sqrt(sum);
    }
  }
}
