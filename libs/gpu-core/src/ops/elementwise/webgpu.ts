import type { Execution } from '../host/execution.js';
import { bindingBytes, deviceOf, inputOf, paramsOf, programOf, workgroupsFor } from '../host/on-device.js';
import { type Floats, type Target, newArray, type Values, valuesOf } from '../host/operand.js';
import { rangesOf, runPieces } from '../host/pieces.js';
import type { ElementwiseName } from './reference.js';

const ENTRY_POINTS = { add: 'add', multiply: 'multiply', square: 'square', sqrt: 'sqrt_of', exp: 'exp_of' } as const;
const INFINITY_BITS = 0x7f800000;
const NAN_BITS = 0x7fc00000;

/** In pieces that fit one binding. */
export async function webgpuElementwise<T extends Floats>(
  execution: Execution,
  operation: string,
  name: ElementwiseName,
  operands: readonly Values<T>[],
  given: Target<T> | undefined,
): Promise<T> {
  const device = deviceOf(execution, operation, operands[0]);
  const program = programOf('elementwise', ENTRY_POINTS[name]);
  const { length } = operands[0];
  const target = given === undefined ? undefined : valuesOf(given);
  // A call that fails between two pieces leaves its operands as they were: it may be run again elsewhere.
  const inPlace = target !== undefined && operands.some((one) => valuesOf(one).buffer === target.buffer);
  const out = target === undefined || inPlace ? newArray(operands[0], length) : target;
  await runPieces(execution, device, {
    ...rangesOf(execution, length, {
      most: Math.floor(bindingBytes(device) / 4),
      bytesOf: (count) => 4 * (operands.length + 1) * count,
    }),
    jobOf: ({ start, end }, on) => {
      const count = end - start;
      const [left, right] = operands.map((operand) => inputOf(operand, on, start, end));
      return {
        label: operation,
        flops: count,
        buffers: {
          params: paramsOf(program, { count, infinity: INFINITY_BITS, nan: NAN_BITS }),
          left,
          ...(right && { right }),
          out: { kind: 'output', byteLength: 4 * count },
        },
        passes: [
          {
            program,
            bindings: ['params', 'left', 'out', ...(right === undefined ? [] : ['right'])],
            workgroups: workgroupsFor(on, count, 256),
          },
        ],
      };
    },
    take: ({ start }, outputs) => out.set(new Float32Array(outputs.out), start),
  });
  if (!inPlace) return out;
  target.set(out);
  return target;
}
