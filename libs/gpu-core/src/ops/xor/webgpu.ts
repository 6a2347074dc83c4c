import type { Execution } from '../host/execution.js';
import { bindingBytes, deviceOf, inputOf, paramsOf, programOf, workgroupsFor } from '../host/on-device.js';
import { type Values, valuesOf } from '../host/operand.js';
import { rangesOf, runPieces } from '../host/pieces.js';

/** By words, in pieces that fit one binding. */
export async function webgpuXor(
  execution: Execution,
  left: Values<Uint8Array>,
  right: Values<Uint8Array>,
  out: Uint8Array,
): Promise<void> {
  const device = deviceOf(execution, 'gpu.xor', left);
  const program = programOf('xor', 'xor_words');
  // A call that fails between two pieces leaves its operands as they were: it may be run again elsewhere.
  const inPlace = [left, right].some((operand) => valuesOf(operand).buffer === out.buffer);
  const result = inPlace ? new Uint8Array(out.length) : out;
  await runPieces(execution, device, {
    ...rangesOf(execution, out.length, { most: bindingBytes(device), bytesOf: (count) => 3 * count }),
    jobOf: ({ start, end }, on) => {
      const count = Math.ceil((end - start) / 4);
      return {
        label: 'gpu.xor',
        buffers: {
          params: paramsOf(program, { count }),
          left: inputOf(left, on, start, end),
          right: inputOf(right, on, start, end),
          out: { kind: 'output', byteLength: end - start },
        },
        passes: [{ program, bindings: ['params', 'left', 'right', 'out'], workgroups: workgroupsFor(on, count, 256) }],
      };
    },
    take: ({ start }, outputs) => result.set(new Uint8Array(outputs.out), start),
  });
  if (inPlace) out.set(result);
}
