import { type Floats, valuesOf } from '../host/operand.js';
import { type BatchedMatmulInput, type Product, productsOf } from './shape.js';

/** Inner length that is packed at once: two packed rows and four packed columns stay in the first-level cache. */
const DEPTH = 256;

/** As the reference, by pieces of 2 rows and 4 columns in f64, more of which would not stay in registers. */
export function plainMatmul<T extends Floats>(input: BatchedMatmulInput<T>, out: T): void {
  const left = valuesOf(input.left);
  const right = valuesOf(input.right);
  const strip = new Float64Array(4 * DEPTH);
  const sums = new Float64Array(8);
  for (const product of productsOf(input.groups)) {
    const { rowCount, innerCount, columnCount } = product;
    // f64 sums of f32 products are kept apart: rounding them between two depths would cost accuracy.
    const acc = new Float64Array(rowCount * Math.min(4, columnCount));
    for (let column = 0; column < columnCount; column += 4) {
      const width = Math.min(4, columnCount - column);
      acc.fill(0);
      for (let from = 0; from < innerCount; from += DEPTH) {
        const depth = Math.min(DEPTH, innerCount - from);
        packStrip(right, product, column, width, from, depth, strip);
        for (let row = 0; row < rowCount; row += 2) {
          const height = Math.min(2, rowCount - row);
          const r0 = product.left + row * innerCount + from;
          piece(left, r0, height === 2 ? r0 + innerCount : r0, strip, depth, sums);
          for (let i = 0; i < height; i++)
            for (let j = 0; j < width; j++) acc[(row + i) * width + j] += sums[4 * i + j];
        }
      }
      for (let row = 0; row < rowCount; row++) {
        const to = product.out + row * columnCount + column;
        for (let j = 0; j < width; j++) out[to + j] = acc[row * width + j];
      }
    }
  }
}

/** Four columns of the right matrix, side by side for each inner index; missing ones are zero. */
function packStrip(
  right: Floats,
  { right: start, columnCount }: Product,
  column: number,
  width: number,
  from: number,
  depth: number,
  strip: Float64Array,
): void {
  for (let p = 0; p < depth; p++) {
    const source = start + (from + p) * columnCount + column;
    for (let j = 0; j < 4; j++) strip[4 * p + j] = j < width ? right[source + j] : 0;
  }
}

function piece(
  left: Floats,
  r0: number,
  r1: number,
  strip: Float64Array,
  depth: number,
  sums: Float64Array, // [2, 4]
): void {
  let c00 = 0,
    c01 = 0,
    c02 = 0,
    c03 = 0;
  let c10 = 0,
    c11 = 0,
    c12 = 0,
    c13 = 0;
  for (let p = 0, q = 0; p < depth; p++, q += 4) {
    const a0 = left[r0 + p];
    const a1 = left[r1 + p];
    const b0 = strip[q];
    const b1 = strip[q + 1];
    const b2 = strip[q + 2];
    const b3 = strip[q + 3];
    c00 += a0 * b0;
    c01 += a0 * b1;
    c02 += a0 * b2;
    c03 += a0 * b3;
    c10 += a1 * b0;
    c11 += a1 * b1;
    c12 += a1 * b2;
    c13 += a1 * b3;
  }
  sums[0] = c00;
  sums[1] = c01;
  sums[2] = c02;
  sums[3] = c03;
  sums[4] = c10;
  sums[5] = c11;
  sums[6] = c12;
  sums[7] = c13;
}
