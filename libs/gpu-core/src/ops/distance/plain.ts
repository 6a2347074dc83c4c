import type { Execution } from '../host/execution.js';
import { type Floats, newArray, valuesOf } from '../host/operand.js';
import { Turns } from '../host/turns.js';
import { checkDistance, type DistanceInput } from './shape.js';

/** Steps of a block of results, about a quarter of a millisecond. */
const BLOCK_STEPS = 2 ** 16;

/**
 * As the reference, by blocks of results: its loop is what an engine compiles well. Throws SHAPE_MISMATCH and the reason of
 * the signal.
 */
export async function plainDistance<T extends Floats>({ signal }: Execution, input: DistanceInput<T>): Promise<T> {
  checkDistance(input);
  const { leftCount, rightCount, coordinateCount } = input;
  const out = input.out === undefined ? newArray(input.left, leftCount * rightCount) : valuesOf(input.out);
  const turns = new Turns(signal);
  const left = valuesOf(input.left);
  const right = valuesOf(input.right);
  const results = Math.max(1, Math.floor(BLOCK_STEPS / (3 * coordinateCount + 2)));
  const columns = Math.min(rightCount, results);
  const rows = Math.max(1, Math.floor(results / Math.max(1, rightCount)));
  for (let i = 0; i < leftCount && columns > 0; i += rows) {
    const lastRow = Math.min(leftCount, i + rows);
    for (let j = 0; j < rightCount; j += columns) {
      const lastColumn = Math.min(rightCount, j + columns);
      fillBlock(left, right, input, i, lastRow, j, lastColumn, out);
      if (turns.due((lastRow - i) * (lastColumn - j) * (3 * coordinateCount + 2))) await turns.take();
    }
  }
  return out;
}

function fillBlock(
  left: Floats, // [leftCount, coordinateCount]
  right: Floats, // [rightCount, coordinateCount]
  { rightCount, coordinateCount }: DistanceInput<Floats>,
  firstRow: number,
  lastRow: number,
  firstColumn: number,
  lastColumn: number,
  out: Floats, // [leftCount, rightCount]
): void {
  for (let i = firstRow; i < lastRow; i++) {
    for (let j = firstColumn, at = i * rightCount + firstColumn; j < lastColumn; j++, at++) {
      let sum = 0;
      for (let c = 0, p = i * coordinateCount, q = j * coordinateCount; c < coordinateCount; c++, p++, q++)
        sum += (left[p] - right[q]) * (left[p] - right[q]);
      out[at] = Math.sqrt(sum);
    }
  }
}
