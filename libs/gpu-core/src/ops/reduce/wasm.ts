import type { Execution } from '../host/execution.js';
import { kernelOf, startLoop } from '../host/loop.js';
import { type Floats, type Values, typeName, typeOf, valuesOf } from '../host/operand.js';
import { Staging } from '../host/staging.js';

/** Values of an item: 256 blocks of the sum, a power of two. */
const ITEM_LENGTH = 2 ** 16;
/** Bytes that are staged at once, whole items of either type. */
const CHUNK_BYTES = 2 ** 26;

/** One f64 for each 65,536 values: their sum, largest or smallest. */
export async function wasmReduceItems(
  execution: Execution,
  operand: Values<Floats>,
  name: 'sum' | 'max' | 'min',
): Promise<Float64Array> {
  const type = typeOf(operand);
  const { length } = operand;
  const parts = new Float64Array(Math.ceil(length / ITEM_LENGTH));
  const chunkLength = CHUNK_BYTES / type.BYTES_PER_ELEMENT;
  const staged = Math.min(length, chunkLength) * type.BYTES_PER_ELEMENT;
  using staging = new Staging(execution.runtime, [operand], staged, 'reduce');
  const resident = staging.holds(operand);
  const base = resident ? operand.offset : staging.take(staged, 'values');
  const results = staging.take(8 * Math.ceil(Math.min(length, chunkLength) / ITEM_LENGTH), 'results');
  const params = staging.take(16, 'params');
  for (let first = 0; first < length; first += chunkLength) {
    const count = Math.min(chunkLength, length - first);
    const itemCount = Math.ceil(count / ITEM_LENGTH);
    const at = resident ? base + first * type.BYTES_PER_ELEMENT : base;
    new Uint32Array(staging.heap.buffer, params, 4).set([at, results, count, ITEM_LENGTH]);
    const phase = startLoop(execution, staging, {
      kernel: kernelOf(execution.runtime, 'reduce'),
      name: name + typeName(operand).toUpperCase(),
      params,
      itemCount,
      releasedCount: resident ? itemCount : 0,
    });
    if (!resident) {
      const values = valuesOf(operand);
      for (let item = 0; item < itemCount; item += 4) {
        const from = item * ITEM_LENGTH;
        const to = Math.min(count, from + 4 * ITEM_LENGTH);
        const target = staging.view(type, at + from * type.BYTES_PER_ELEMENT, to - from);
        target.set(values.subarray(first + from, first + to));
        phase.release(Math.min(itemCount, item + 4));
      }
    }
    await phase.done;
    parts.set(staging.view(Float64Array, results, itemCount), first / ITEM_LENGTH);
  }
  return parts;
}
