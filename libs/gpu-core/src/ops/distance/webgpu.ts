import { blocksOf, halveBlock, largestBlock, putBlock } from '../host/blocks.js';
import type { Device, JobBuffer } from '../../device/device.js';
import type { Execution } from '../host/execution.js';
import { bindingBytes, deviceOf, inputOf, paramsOf, programOf } from '../host/on-device.js';
import { type Floats, newArray, type Values, valuesOf } from '../host/operand.js';
import { runPieces } from '../host/pieces.js';
import type { DistanceInput } from './shape.js';

/** Right points and left points of a workgroup, as in kernel.wgsl. */
const GROUP_RIGHT = 32;
const GROUP_LEFT = 8;

/** In blocks of left and right points whose distances fit one binding. */
export async function webgpuDistance<T extends Floats>(execution: Execution, input: DistanceInput<T>): Promise<T> {
  const { leftCount, rightCount, coordinateCount } = input;
  const device = deviceOf(execution, 'gpu.distance', input.left);
  const program = programOf('distance', 'distance_of');
  const out = input.out === undefined ? newArray(input.left, leftCount * rightCount) : valuesOf(input.out);
  const part = (points: Values<T>, on: Device, first: number, count: number): JobBuffer =>
    inputOf(points, on, first * coordinateCount, (first + count) * coordinateCount);
  const most = Math.floor(bindingBytes(device) / 4);
  const groups = device.info.limits.maxWorkgroupsPerDimension;
  const points = Math.max(1, Math.floor(most / Math.max(1, coordinateCount)));
  const columns = Math.min(rightCount, points, groups * GROUP_RIGHT, most);
  const rows = Math.min(leftCount, points, groups * GROUP_LEFT, Math.floor(most / Math.max(1, columns)));
  const size = largestBlock(
    (execution.pieceBytes ?? Infinity) / 4,
    { perRow: coordinateCount, perColumn: coordinateCount },
    { rows: Math.max(1, rows), columns: Math.max(1, columns) },
    GROUP_RIGHT,
  );
  await runPieces(execution, device, {
    pieces: blocksOf(leftCount, rightCount, size),
    halve: halveBlock,
    jobOf: (block, on) => ({
      label: 'gpu.distance',
      flops: block.rows * block.columns * (3 * coordinateCount + 1),
      buffers: {
        params: paramsOf(program, { leftCount: block.rows, rightCount: block.columns, coordinateCount }),
        left: part(input.left, on, block.row, block.rows),
        right: part(input.right, on, block.column, block.columns),
        out: { kind: 'output', byteLength: 4 * block.rows * block.columns },
      },
      passes: [
        {
          program,
          bindings: ['params', 'left', 'right', 'out'],
          workgroups: [Math.ceil(block.columns / GROUP_RIGHT), Math.ceil(block.rows / GROUP_LEFT), 1],
        },
      ],
    }),
    take: (block, outputs) => putBlock(out, 0, rightCount, block, new Float32Array(outputs.out)),
  });
  return out;
}
