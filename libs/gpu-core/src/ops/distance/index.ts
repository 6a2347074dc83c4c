import { defineOperation } from '../../operation/operation.js';
import type { Execution } from '../host/execution.js';
import { type Floats, newArray, valuesOf } from '../host/operand.js';
import { plainDistance } from './plain.js';
import { referenceDistance } from './reference.js';
import { checkDistance, type DistanceInput } from './shape.js';
import { wasmDistance } from './wasm.js';
import { webgpuDistance } from './webgpu.js';

export type DistanceRun = <T extends Floats>(execution: Execution, input: DistanceInput<T>) => Promise<T>;

/** Euclidean distances of every left to every right point; docs/operations/gpu.distance.md. */
export const distance = defineOperation<
  DistanceRun,
  { readonly leftCount: number; readonly rightCount: number; readonly coordinateCount: number }
>({
  name: 'gpu.distance',
  work: ({ leftCount, rightCount, coordinateCount }) => leftCount * rightCount * (3 * coordinateCount + 2),
  // WGSL lets a square root be off by about 5 units in the last place. Relative, times (coordinateCount + 4): each term is rounded three times, each sum once, then the root.
  tolerance: { f32: 2 ** -24, f64: 2 ** -53, webgpuF32: 2 ** -22 },
  backends: {
    reference: async (_execution, input) => {
      checkDistance(input);
      const { left, leftCount, rightCount } = input;
      const out = input.out === undefined ? newArray(left, leftCount * rightCount) : valuesOf(input.out);
      referenceDistance(input, out);
      return out;
    },
    typescript: plainDistance,
    wasm: async (execution, input) => {
      checkDistance(input);
      return await wasmDistance(execution, input);
    },
    webgpu: async (execution, input) => {
      checkDistance(input);
      return await webgpuDistance(execution, input);
    },
  },
});
