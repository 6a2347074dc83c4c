import type { Execution } from '../host/execution.js';
import { bindingBytes, deviceOf, paramsOf, programOf, workgroupsFor } from '../host/on-device.js';
import { type Floats, typeOf, type Values, valuesOf } from '../host/operand.js';
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
  given: Values<T> | undefined,
): Promise<T> {
  const device = deviceOf(execution, operation, operands[0]);
  const program = programOf('elementwise', ENTRY_POINTS[name]);
  const sources = operands.map(valuesOf);
  const { length } = sources[0];
  const out = given === undefined ? new (typeOf(operands[0]))(length) : valuesOf(given);
  const pieceLength = Math.floor(bindingBytes(device) / 4);
  for (let first = 0; first < length; first += pieceLength) {
    const count = Math.min(pieceLength, length - first);
    const [left, right] = sources.map((values) => ({
      kind: 'input' as const,
      data: values.subarray(first, first + count),
    }));
    const { outputs } = await device.run(
      {
        label: operation,
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
            workgroups: workgroupsFor(device, count, 256),
          },
        ],
      },
      { signal: execution.signal },
    );
    out.set(new Float32Array(outputs.out), first);
  }
  return out;
}
