import { defineOperation } from '../../operation/operation.js';
import type { Execution } from '../host/execution.js';
import { type Floats, newArray, type Values, valuesOf } from '../host/operand.js';
import { Turns } from '../host/turns.js';
import { roundToHalf } from './half.js';
import { onnxruntimeMatmul } from './onnxruntime.js';
import { plainMatmul } from './plain.js';
import { referenceMatmul } from './reference.js';
import { checkType } from '../host/shape.js';
import { asBatch, type BatchedMatmulInput, checkMatmul, type MatmulGroup, type MatmulInput } from './shape.js';
import { wasmMatmul } from './wasm.js';
import { webgpuHalfMatmul, webgpuMatmul } from './webgpu.js';

export type MatmulRun = <T extends Floats>(execution: Execution, input: MatmulInput<T>) => Promise<T>;
export type BatchedMatmulRun = <T extends Floats>(execution: Execution, input: BatchedMatmulInput<T>) => Promise<T>;

type CheckedRun = <T extends Floats>(
  execution: Execution,
  input: BatchedMatmulInput<T>,
  outLength: number,
) => Promise<T>;

// An element may differ from the reference by this share of (innerCount + 2) * sum |left * right|: the bound of a sum in
// any order (Higham 2002, Accuracy and Stability of Numerical Algorithms, section 3.1).
const tolerance = { f32: 2 ** -24, f64: 2 ** -53 };

const backends = {
  reference: async (_execution, input, outLength) => {
    const out = input.out === undefined ? newArray(input.left, outLength) : valuesOf(input.out);
    referenceMatmul(input, out);
    return out;
  },
  typescript: plainMatmul,
  wasm: wasmMatmul,
  onnxruntime: onnxruntimeMatmul,
  webgpu: webgpuMatmul,
} satisfies Record<string, CheckedRun>;

/** Products of many pairs of matrices; docs/operations/gpu.matmul.md. */
export const batchedMatmul = defineOperation<BatchedMatmulRun, { groups: readonly MatmulGroup[] }>({
  name: 'gpu.batchedMatmul',
  work: ({ groups }) =>
    groups.reduce(
      (sum, group) => sum + 2 * group.batchCount * group.rowCount * group.innerCount * group.columnCount,
      0,
    ),
  tolerance,
  backends: mapBackends(backends, (run) => async (execution, input) => {
    return run(execution, input, checkMatmul('gpu.batchedMatmul', input));
  }),
});

/** Product of two matrices; docs/operations/gpu.matmul.md. */
export const matmul = defineOperation<MatmulRun, { rowCount: number; innerCount: number; columnCount: number }>({
  name: 'gpu.matmul',
  work: ({ rowCount, innerCount, columnCount }) => 2 * rowCount * innerCount * columnCount,
  tolerance,
  backends: mapBackends(backends, (run) => async (execution, input) => {
    const batch = asBatch(input);
    return run(execution, batch, checkMatmul('gpu.matmul', batch));
  }),
});

/**
 * Product of two matrices whose values are first rounded to f16 (beyond 65519 infinite), with sums in f32: half the bytes on a
 * device. Takes f32.
 */
export const halfMatmul = defineOperation<MatmulRun, { rowCount: number; innerCount: number; columnCount: number }>({
  name: 'gpu.halfMatmul',
  work: ({ rowCount, innerCount, columnCount }) => 2 * rowCount * innerCount * columnCount,
  // As above, of the rounded values; rounding changes a value in [6.1e-5, 65504] by this share at most, a smaller one by 2^-25.
  tolerance: { f32: 2 ** -24, rounding: 2 ** -11 },
  backends: mapBackends(
    {
      reference: onRounded(backends.reference),
      typescript: onRounded(backends.typescript),
      wasm: onRounded(backends.wasm),
      webgpu: webgpuHalfMatmul,
    },
    (run) => async (execution, input) => {
      const batch = asBatch(input);
      const outLength = checkMatmul('gpu.halfMatmul', batch);
      checkType('gpu.halfMatmul', 'left', batch.left, ['f32']);
      return run(execution, batch, outLength);
    },
  ),
});

function onRounded(run: CheckedRun): CheckedRun {
  return async (execution, input, outLength) => {
    const turns = new Turns(execution.signal);
    const rounded = async <T extends Floats>(values: Values<T>): Promise<T> =>
      (await roundToHalf(valuesOf(values) as Float32Array, turns)) as T;
    const [left, right] = [await rounded(input.left), await rounded(input.right)];
    return run(execution, { ...input, left, right }, outLength);
  };
}

function mapBackends<Name extends string, Run>(
  runs: Readonly<Record<Name, CheckedRun>>,
  wrap: (run: CheckedRun) => Run,
): Record<Name, Run> {
  const entries = Object.entries<CheckedRun>(runs).map(([name, run]) => [name, wrap(run)]);
  return Object.fromEntries(entries) as Record<Name, Run>;
}
