import type { Execution } from './execution.js';
import { kernelOf, startLoop } from './loop.js';
import { type Numbers, type Target, type Values, typeOf, valuesOf, newArray } from './operand.js';
import { Staging } from './staging.js';

/** Bytes of an item: a few fit the first-level cache, and handing one out costs little beside it. */
const ITEM_BYTES = 2 ** 16;
/** Bytes of an operand that are staged at once: arrays of any size pass through a heap of moderate size. */
const CHUNK_BYTES = 2 ** 26;

export interface MapKernel {
  /** Folder of the operation. */
  readonly folder: string;
  /** The exported function: (params, item, control, slot). */
  readonly name: string;
}

/**
 * Runs a kernel that makes each value of the result from the values at the same place: (left, right, out, count, values of
 * an item). `right` is `left` where there is one operand only. While the workers compute, the rest is copied in.
 */
export async function mapInWasm<T extends Numbers>(
  execution: Execution,
  kernel: MapKernel,
  operands: readonly [Values<T>] | readonly [Values<T>, Values<T>],
  given: Target<T> | undefined,
): Promise<T> {
  const type = typeOf(operands[0]);
  const { length } = operands[0];
  const size = type.BYTES_PER_ELEMENT;
  const chunkLength = CHUNK_BYTES / size;
  const staged = Math.min(length, chunkLength) * size;
  using staging = new Staging(execution.runtime, [...operands, given], 3 * staged, kernel.folder);
  const target = given !== undefined && staging.holds(given) ? given : undefined;
  const sources = operands.map((operand) =>
    staging.holds(operand) ? operand.offset : staging.take(staged, 'operand'),
  );
  const out = target?.offset ?? staging.take(staged, 'out');
  const params = staging.take(20, 'params');
  const result =
    target === undefined ? (given === undefined ? newArray(operands[0], length) : valuesOf(given)) : undefined;
  for (let first = 0; first < length; first += chunkLength) {
    const count = Math.min(chunkLength, length - first);
    const addressOf = (address: number, resident: boolean): number => (resident ? address + first * size : address);
    const [left, right = left] = operands.map((operand, i) => addressOf(sources[i], staging.holds(operand)));
    const outAt = addressOf(out, target !== undefined);
    new Uint32Array(staging.heap.buffer, params, 5).set([left, right, outAt, count, ITEM_BYTES / size]);
    const itemCount = Math.ceil((count * size) / ITEM_BYTES);
    const inPlace = operands.every((operand) => staging.holds(operand));
    const phase = startLoop(execution, staging, {
      kernel: kernelOf(execution.runtime, kernel.folder),
      name: kernel.name,
      params,
      itemCount,
      releasedCount: inPlace ? itemCount : 0,
    });
    if (!inPlace) copyIn(staging, operands, sources, first, count, (items) => phase.release(items));
    await phase.done;
    result?.set(staging.view(type, outAt, count), first);
  }
  return result ?? (valuesOf(given as Target<T>) as T);
}

/** Copies a chunk of each operand that is not there, and releases the items as they are complete. */
function copyIn<T extends Numbers>(
  staging: Staging,
  operands: readonly Values<T>[],
  addresses: readonly number[],
  first: number,
  count: number,
  release: (itemCount: number) => void,
): void {
  const type = typeOf(operands[0]);
  const step = (16 * ITEM_BYTES) / type.BYTES_PER_ELEMENT;
  for (let at = 0; at < count; at += step) {
    const length = Math.min(step, count - at);
    operands.forEach((operand, i) => {
      if (staging.holds(operand)) return;
      const part = valuesOf(operand).subarray(first + at, first + at + length);
      staging.view(type, addresses[i] + at * type.BYTES_PER_ELEMENT, length).set(part);
    });
    release(Math.ceil(((at + length) * type.BYTES_PER_ELEMENT) / ITEM_BYTES));
  }
}
