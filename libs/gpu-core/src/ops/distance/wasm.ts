import type { Execution } from '../host/execution.js';
import { kernelOf, startLoop } from '../host/loop.js';
import { type Floats, typeName, typeOf, valuesOf, newArray } from '../host/operand.js';
import { Staging } from '../host/staging.js';
import type { DistanceInput } from './shape.js';

/** Bytes of a block of right points: it stays in the second-level cache. A block has 64 bytes of each coordinate at least. */
const BLOCK_BYTES = 2 ** 17;
/** Differences and squares of an item: enough beside what handing it out and turning its blocks cost. */
const ITEM_STEPS = 2 ** 20;

export async function wasmDistance<T extends Floats>(execution: Execution, input: DistanceInput<T>): Promise<T> {
  const { runtime } = execution;
  const { left, right, out, leftCount, rightCount, coordinateCount } = input;
  const type = typeOf(left);
  const size = type.BYTES_PER_ELEMENT;
  const outLength = leftCount * rightCount;
  const vectors = Math.max(1, Math.floor(BLOCK_BYTES / (64 * Math.max(1, coordinateCount))));
  const blockPoints = Math.min(vectors * (64 / size), Math.ceil(rightCount / (64 / size)) * (64 / size));
  const scratchBytes = blockPoints * coordinateCount * size + 64;
  const steps = Math.max(1, rightCount * Math.max(1, coordinateCount));
  const itemPoints = Math.min(leftCount, Math.max(8, Math.ceil(ITEM_STEPS / steps)));
  const guess = (left.length + right.length + outLength) * size + runtime.workerCount * scratchBytes;
  using staging = new Staging(runtime, [left, right, out], guess, 'distance');
  const resident = out !== undefined && staging.holds(out) ? out : undefined;
  const leftAt = staging.put(left, 'left');
  const rightAt = staging.put(right, 'right');
  const outAt = resident?.offset ?? staging.take(outLength * size, 'out');
  const scratch = staging.take(runtime.workerCount * scratchBytes, 'scratch');
  const params = staging.putWords(
    [leftAt, rightAt, outAt, leftCount, rightCount, coordinateCount, itemPoints, blockPoints, scratch, scratchBytes],
    'params',
  );
  await startLoop(execution, staging, {
    kernel: kernelOf(runtime, 'distance'),
    name: typeName(left) === 'f32' ? 'distanceF32' : 'distanceF64',
    params,
    itemCount: outLength === 0 ? 0 : Math.ceil(leftCount / itemPoints),
  }).done;
  if (resident !== undefined) return valuesOf(resident) as T;
  const result = out === undefined ? newArray(left, outLength) : valuesOf(out);
  result.set(staging.view(type, outAt, outLength));
  return result;
}
