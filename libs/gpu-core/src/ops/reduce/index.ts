import { fail } from '@armilla/base';
import { defineOperation, type Operation } from '../../operation/operation.js';
import type { Execution } from '../host/execution.js';
import { type Floats, type Values, valuesOf } from '../host/operand.js';
import { checkType, FLOATS } from '../host/shape.js';
import { plainExtreme, plainExtremeInTurns, plainSum, plainSumInTurns, sumOfParts } from './plain.js';
import { type ReduceName, referenceExtreme, referenceSum } from './reference.js';
import { wasmReduceItems } from './wasm.js';
import { webgpuReduceParts } from './webgpu.js';

export interface ReduceInput {
  readonly values: Values<Floats>; // [n]
}

export type ReduceRun = (execution: Execution, input: ReduceInput) => Promise<number>;

// A sum may differ from the exact one by this share of the sum of magnitudes; a mean likewise, over n. A block adds 32
// values a lane, then lanes and blocks in pairs: fewer than 64 roundings for any array that fits a memory.
// On a device 4,096 values are summed in f32, with at most 24 roundings each.
const SUM_TOLERANCE = { f32: 64 * 2 ** -53, f64: 64 * 2 ** -53, webgpuF32: 24 * 2 ** -24 };
const EXACT = { f32: 0, f64: 0, webgpuF32: 0 };

/** Sum in f64, in pairs, 0 of no values; docs/operations/gpu.reduce.md, as for all of them. */
export const sum = reduction('sum', SUM_TOLERANCE);
/** Sum over n. */
export const mean = reduction('mean', SUM_TOLERANCE);
/** Largest value; NaN where one is. */
export const max = reduction('max', EXACT);
/** Smallest value; NaN where one is. */
export const min = reduction('min', EXACT);

/** Throws SHAPE_MISMATCH for what is no input of `operation` ("gpu.max"). */
export function checkReduce(operation: string, { values }: ReduceInput): void {
  checkType(operation, 'values', values, FLOATS);
  if (values.length === 0 && operation !== 'gpu.sum')
    throw fail('SHAPE_MISMATCH', { operation, operand: 'values', expected: 'at least one value', got: 0 });
}

function reduction(
  name: ReduceName,
  tolerance: Readonly<Record<'f32' | 'f64' | 'webgpuF32', number>>,
): Operation<ReduceRun, { readonly n: number }> {
  const run =
    (reduce: (execution: Execution, values: Values<Floats>) => Promise<number> | number): ReduceRun =>
    async (execution, { values }) => {
      checkReduce(`gpu.${name}`, { values });
      const result = await reduce(execution, values);
      return name === 'mean' ? result / values.length : result;
    };
  const sums = name === 'sum' || name === 'mean';
  return defineOperation<ReduceRun, { readonly n: number }>({
    name: `gpu.${name}`,
    work: ({ n }) => n,
    tolerance,
    backends: {
      reference: run((_execution, values) =>
        sums ? referenceSum(valuesOf(values)) : referenceExtreme(valuesOf(values), name === 'max'),
      ),
      typescript: run((execution, values) =>
        sums
          ? plainSumInTurns(execution, valuesOf(values))
          : plainExtremeInTurns(execution, valuesOf(values), name === 'max'),
      ),
      wasm: run(async (execution, values) => {
        if (sums) return sumOfParts(await wasmReduceItems(execution, values, 'sum'));
        return plainExtreme(await wasmReduceItems(execution, values, name), name === 'max');
      }),
      webgpu: run(async (execution, values) => {
        if (sums) return plainSum(await webgpuReduceParts(execution, values, 'sum'));
        return plainExtreme(await webgpuReduceParts(execution, values, name), name === 'max');
      }),
    },
  });
}
