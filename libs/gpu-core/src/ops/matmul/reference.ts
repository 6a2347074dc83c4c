import { type Floats, valuesOf } from '../host/operand.js';
import { type BatchedMatmulInput, productsOf } from './shape.js';

/** Sums of products in f64, in the order of the inner index, rounded to the type of `out` at the end. */
export function referenceMatmul<T extends Floats>(input: BatchedMatmulInput<T>, out: T): void {
  const left = valuesOf(input.left);
  const right = valuesOf(input.right);
  for (const product of productsOf(input.groups)) {
    const { rowCount, innerCount, columnCount } = product;
    for (let row = 0; row < rowCount; row++) {
      for (let column = 0; column < columnCount; column++) {
        let sum = 0;
        for (let p = 0; p < innerCount; p++)
          sum += left[product.left + row * innerCount + p] * right[product.right + p * columnCount + column];
        out[product.out + row * columnCount + column] = sum;
      }
    }
  }
}
