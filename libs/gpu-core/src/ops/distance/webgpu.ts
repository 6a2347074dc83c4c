import type { Device } from '../../device/device.js';
import type { Execution } from '../host/execution.js';
import { bindingBytes, deviceOf, paramsOf, programOf } from '../host/on-device.js';
import { type Floats, typeOf, valuesOf } from '../host/operand.js';
import type { DistanceInput } from './shape.js';

/** Right points and left points of a workgroup, as in kernel.wgsl. */
const GROUP_RIGHT = 32;
const GROUP_LEFT = 8;

/** In blocks of left and right points whose distances fit one binding. */
export async function webgpuDistance<T extends Floats>(execution: Execution, input: DistanceInput<T>): Promise<T> {
  const { leftCount, rightCount, coordinateCount } = input;
  const device = deviceOf(execution, 'gpu.distance', input.left);
  const program = programOf('distance', 'distance_of');
  const left = valuesOf(input.left);
  const right = valuesOf(input.right);
  const out = input.out === undefined ? new (typeOf(input.left))(leftCount * rightCount) : valuesOf(input.out);
  const { blockLeft, blockRight } = blocksOf(device, input);
  for (let row = 0; row < leftCount; row += blockLeft) {
    const rows = Math.min(blockLeft, leftCount - row);
    for (let column = 0; column < rightCount; column += blockRight) {
      const columns = Math.min(blockRight, rightCount - column);
      const part = (values: T, first: number, count: number): T =>
        values.subarray(first * coordinateCount, (first + count) * coordinateCount) as T;
      const { outputs } = await device.run(
        {
          label: 'gpu.distance',
          buffers: {
            params: paramsOf(program, { leftCount: rows, rightCount: columns, coordinateCount }),
            left: { kind: 'input', data: part(left, row, rows) },
            right: { kind: 'input', data: part(right, column, columns) },
            out: { kind: 'output', byteLength: 4 * rows * columns },
          },
          passes: [
            {
              program,
              bindings: ['params', 'left', 'right', 'out'],
              workgroups: [Math.ceil(columns / GROUP_RIGHT), Math.ceil(rows / GROUP_LEFT), 1],
            },
          ],
        },
        { signal: execution.signal },
      );
      const block = new Float32Array(outputs.out);
      if (columns === rightCount) out.set(block, row * rightCount);
      else
        for (let i = 0; i < rows; i++)
          out.set(block.subarray(i * columns, (i + 1) * columns), (row + i) * rightCount + column);
    }
  }
  return out;
}

/** Points of a block: as many right ones as there may be, then left ones. */
function blocksOf(
  device: Device,
  { leftCount, rightCount, coordinateCount }: DistanceInput<Floats>,
): { blockLeft: number; blockRight: number } {
  const most = Math.floor(bindingBytes(device) / 4);
  const groups = device.info.limits.maxWorkgroupsPerDimension;
  const points = Math.max(1, Math.floor(most / Math.max(1, coordinateCount)));
  const blockRight = Math.max(1, Math.min(rightCount, points, groups * GROUP_RIGHT, most));
  const blockLeft = Math.max(1, Math.min(leftCount, points, groups * GROUP_LEFT, Math.floor(most / blockRight)));
  return { blockLeft, blockRight };
}
