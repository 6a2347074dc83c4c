import type { Execution } from '../host/execution.js';
import { bindingBytes, deviceOf, paramsOf, programOf, workgroupsFor } from '../host/on-device.js';

/** By words, in pieces that fit one binding. */
export async function webgpuXor(
  execution: Execution,
  left: Uint8Array,
  right: Uint8Array,
  out: Uint8Array,
): Promise<void> {
  const device = deviceOf(execution, 'gpu.xor', left);
  const program = programOf('xor', 'xor_words');
  const pieceBytes = Math.floor(bindingBytes(device) / 4) * 4;
  for (let first = 0; first < out.length; first += pieceBytes) {
    const byteLength = Math.min(pieceBytes, out.length - first);
    const count = Math.ceil(byteLength / 4);
    const { outputs } = await device.run(
      {
        label: 'gpu.xor',
        buffers: {
          params: paramsOf(program, { count }),
          left: { kind: 'input', data: left.subarray(first, first + byteLength) },
          right: { kind: 'input', data: right.subarray(first, first + byteLength) },
          out: { kind: 'output', byteLength },
        },
        passes: [
          { program, bindings: ['params', 'left', 'right', 'out'], workgroups: workgroupsFor(device, count, 256) },
        ],
      },
      { signal: execution.signal },
    );
    out.set(new Uint8Array(outputs.out), first);
  }
}
