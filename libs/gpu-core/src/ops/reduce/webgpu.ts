import type { Execution } from '../host/execution.js';
import { bindingBytes, deviceOf, inputOf, paramsOf, programOf, workgroupsFor } from '../host/on-device.js';
import type { Floats, Values } from '../host/operand.js';
import { rangesOf, runPieces } from '../host/pieces.js';

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
  const { length } = operand;
  const parts = new Float64Array(Math.ceil(length / PART_LENGTH));
  await runPieces(execution, device, {
    ...rangesOf(execution, length, {
      most: Math.floor(bindingBytes(device) / 4),
      multiple: PART_LENGTH,
      bytesOf: (count) => 4 * (count + Math.ceil(count / PART_LENGTH)),
    }),
    jobOf: ({ start, end }, on) => ({
      label: `gpu.${name}`,
      flops: end - start,
      buffers: {
        params: paramsOf(program, { count: end - start }),
        values: inputOf(operand, on, start, end),
        parts: { kind: 'output', byteLength: 4 * Math.ceil((end - start) / PART_LENGTH) },
      },
      passes: [
        {
          program,
          bindings: ['params', 'values', 'parts'],
          workgroups: workgroupsFor(on, end - start, PART_LENGTH),
        },
      ],
    }),
    take: ({ start }, outputs) => parts.set(new Float32Array(outputs.parts), start / PART_LENGTH),
  });
  return parts;
}
