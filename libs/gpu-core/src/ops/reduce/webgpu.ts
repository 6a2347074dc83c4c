import type { Execution } from '../host/execution.js';
import { bindingBytes, deviceOf, paramsOf, programOf, workgroupsFor } from '../host/on-device.js';
import { type Floats, type Values, valuesOf } from '../host/operand.js';

const ENTRY_POINTS = { sum: 'sum', max: 'largest', min: 'smallest' } as const;
/** As in kernel.wgsl. */
const PART_LENGTH = 4096;

/** One number for each 4,096 values: their sum (in f32), largest or smallest. */
export async function webgpuReduceParts(
  execution: Execution,
  operand: Values<Floats>,
  name: 'sum' | 'max' | 'min',
): Promise<Float64Array> {
  const device = deviceOf(execution, `gpu.${name}`, operand);
  const program = programOf('reduce', ENTRY_POINTS[name]);
  const values = valuesOf(operand);
  const parts = new Float64Array(Math.ceil(values.length / PART_LENGTH));
  const pieceLength = Math.floor(bindingBytes(device) / (4 * PART_LENGTH)) * PART_LENGTH;
  for (let first = 0; first < values.length; first += pieceLength) {
    const count = Math.min(pieceLength, values.length - first);
    const { outputs } = await device.run(
      {
        label: `gpu.${name}`,
        buffers: {
          params: paramsOf(program, { count }),
          values: { kind: 'input', data: values.subarray(first, first + count) },
          parts: { kind: 'output', byteLength: 4 * Math.ceil(count / PART_LENGTH) },
        },
        passes: [
          {
            program,
            bindings: ['params', 'values', 'parts'],
            workgroups: workgroupsFor(device, count, PART_LENGTH),
          },
        ],
      },
      { signal: execution.signal },
    );
    parts.set(new Float32Array(outputs.parts), first / PART_LENGTH);
  }
  return parts;
}
