import { defineOperation } from '../../operation/operation.js';
import type { Execution } from '../host/execution.js';
import { type Floats, typeOf, valuesOf } from '../host/operand.js';
import { onnxruntimeMatmul } from './onnxruntime.js';
import { plainMatmul } from './plain.js';
import { referenceMatmul } from './reference.js';
import { asBatch, type BatchedMatmulInput, checkMatmul, type MatmulGroup, type MatmulInput } from './shape.js';
import { wasmMatmul } from './wasm.js';

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
  reference: onThisThread(referenceMatmul),
  typescript: onThisThread(plainMatmul),
  wasm: wasmMatmul,
  onnxruntime: onnxruntimeMatmul,
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
  backends: mapBackends((run) => async (execution, input) => {
    return run(execution, input, checkMatmul('gpu.batchedMatmul', input));
  }),
});

/** Product of two matrices; docs/operations/gpu.matmul.md. */
export const matmul = defineOperation<MatmulRun, { rowCount: number; innerCount: number; columnCount: number }>({
  name: 'gpu.matmul',
  work: ({ rowCount, innerCount, columnCount }) => 2 * rowCount * innerCount * columnCount,
  tolerance,
  backends: mapBackends((run) => async (execution, input) => {
    const batch = asBatch(input);
    return run(execution, batch, checkMatmul('gpu.matmul', batch));
  }),
});

function mapBackends<Run>(wrap: (run: CheckedRun) => Run): Record<keyof typeof backends, Run> {
  const entries = Object.entries(backends).map(([name, run]) => [name, wrap(run)]);
  return Object.fromEntries(entries) as Record<keyof typeof backends, Run>;
}

function onThisThread(compute: <T extends Floats>(input: BatchedMatmulInput<T>, out: T) => void): CheckedRun {
  return async (_execution, input, outLength) => {
    const out = input.out === undefined ? new (typeOf(input.left))(outLength) : valuesOf(input.out);
    compute(input, out);
    return out;
  };
}
