import type { Execution } from '../host/execution.js';
import { type Floats, newArray, valuesOf } from '../host/operand.js';
import { Turns } from '../host/turns.js';
import { type BatchedMatmulInput, type MatmulGroup, type Product, productsOf } from './shape.js';

/** Inner length that is packed at once: two packed rows and four packed columns stay in the first-level cache. */
const DEPTH = 256;

/** Rows whose sums are kept at once: they stay in the first-level cache, and a strip is packed anew for so many only. */
const ROWS = 512;

/** As the reference, by pieces of 2 rows and 4 columns in f64, more of which would not stay in registers. Throws the reason of the signal. */
export async function plainMatmul<T extends Floats>(
  { signal }: Execution,
  input: BatchedMatmulInput<T>,
  outLength: number,
): Promise<T> {
  const out = input.out === undefined ? newArray(input.left, outLength) : valuesOf(input.out);
  const turns = new Turns(signal);
  const left = valuesOf(input.left);
  const right = valuesOf(input.right);
  const strip = new Float64Array(4 * DEPTH);
  // f64 sums of f32 products are kept apart: rounding them between two depths would cost accuracy.
  const acc = new Float64Array(4 * Math.min(ROWS, tallestOf(input.groups) + 1));
  for (const product of productsOf(input.groups)) {
    const { rowCount, innerCount, columnCount } = product;
    for (let column = 0; column < columnCount; column += 4) {
      const width = Math.min(4, columnCount - column);
      for (let row = 0; row < rowCount; row += ROWS) {
        const rows = Math.min(ROWS, rowCount - row);
        acc.fill(0, 0, 4 * (rows + 1));
        for (let from = 0; from < innerCount; from += DEPTH) {
          const depth = Math.min(DEPTH, innerCount - from);
          packStrip(right, product, column, width, from, depth, strip);
          addRows(left, product, row, rows, from, depth, strip, acc);
          if (turns.due(4 * rows * depth)) await turns.take();
        }
        putRows(out, product, row, rows, column, width, acc);
        // Of short sums the rest is most of the work.
        if (turns.due(4 * (rows + DEPTH))) await turns.take();
      }
    }
  }
  return out;
}

function tallestOf(groups: readonly MatmulGroup[]): number {
  let tallest = 0;
  for (const { rowCount } of groups) tallest = Math.max(tallest, rowCount);
  return tallest;
}

/** Adds to the sums of a strip what `depth` inner values from `from` on bring. */
function addRows(
  left: Floats,
  { left: start, innerCount }: Product,
  row: number,
  rows: number,
  from: number,
  depth: number,
  strip: Float64Array,
  acc: Float64Array, // [rows, 4], one more where they are odd
): void {
  for (let r = 0, r0 = start + row * innerCount + from; r < rows; r += 2, r0 += 2 * innerCount)
    piece(left, r0, r + 1 < rows ? r0 + innerCount : r0, strip, depth, acc, 4 * r);
}

function putRows(
  out: Floats,
  { out: start, columnCount }: Product,
  row: number,
  rows: number,
  column: number,
  width: number,
  acc: Float64Array, // [rows, 4]
): void {
  for (let r = 0; r < rows; r++) {
    const to = start + (row + r) * columnCount + column;
    for (let j = 0; j < width; j++) out[to + j] = acc[4 * r + j];
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
  acc: Float64Array,
  at: number, // of [2, 4] sums
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
  acc[at] += c00;
  acc[at + 1] += c01;
  acc[at + 2] += c02;
  acc[at + 3] += c03;
  acc[at + 4] += c10;
  acc[at + 5] += c11;
  acc[at + 6] += c12;
  acc[at + 7] += c13;
}
