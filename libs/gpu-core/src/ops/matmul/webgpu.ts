import { fail } from '@armilla/base';
import type { Device, JobBuffer } from '../../device/device.js';
import type { Execution } from '../host/execution.js';
import { bindingBytes, deviceOf, paramsOf, programOf } from '../host/on-device.js';
import { type Floats, typeOf, valuesOf } from '../host/operand.js';
import { toHalf } from './half.js';
import type { BatchedMatmulInput } from './shape.js';

/** Edge of the tile of a workgroup: 16 invocations with 4 values each, as in kernel.wgsl. */
const TILE = 64;

interface Shape {
  readonly batchCount: number;
  readonly rowCount: number;
  readonly innerCount: number;
  readonly columnCount: number;
}

/** In f32. Matrices beyond the limits of a binding are cut: batches, then rows of the left, then columns of the right one. */
export function webgpuMatmul<T extends Floats>(
  execution: Execution,
  input: BatchedMatmulInput<T>,
  outLength: number,
): Promise<T> {
  return multiplyGroups(execution, input, outLength, 'f32');
}

/** Values of the operands as f16 on the device, sums in f32. */
export function webgpuHalfMatmul<T extends Floats>(
  execution: Execution,
  input: BatchedMatmulInput<T>,
  outLength: number,
): Promise<T> {
  return multiplyGroups(execution, input, outLength, 'f16');
}

async function multiplyGroups<T extends Floats>(
  execution: Execution,
  input: BatchedMatmulInput<T>,
  outLength: number,
  storage: 'f32' | 'f16',
): Promise<T> {
  const device = deviceOf(execution, 'gpu.matmul', input.left);
  const left = valuesOf(input.left) as Float32Array;
  const right = valuesOf(input.right) as Float32Array;
  const out = input.out === undefined ? new (typeOf(input.left))(outLength) : valuesOf(input.out);
  let [leftAt, rightAt, outAt] = [0, 0, 0];
  for (const group of input.groups) {
    const { batchCount, rowCount, innerCount, columnCount } = group;
    const [leftSize, rightSize, outSize] = [rowCount * innerCount, innerCount * columnCount, rowCount * columnCount];
    if (innerCount === 0) out.fill(0, outAt, outAt + batchCount * outSize);
    else if (batchCount * outSize > 0) {
      const block = blockOf(device, group);
      for (let first = 0; first < batchCount; first += block.batchCount) {
        const batch = Math.min(block.batchCount, batchCount - first);
        for (let row = 0; row < rowCount; row += block.rowCount) {
          const rows = Math.min(block.rowCount, rowCount - row);
          for (let column = 0; column < columnCount; column += block.columnCount) {
            const columns = Math.min(block.columnCount, columnCount - column);
            // More than one batch is never cut further: its pieces are whole matrices.
            const a = leftAt + first * leftSize + row * innerCount;
            const b = rightAt + first * rightSize;
            const product = await multiplyBlock(
              execution,
              device,
              left.subarray(a, a + batch * rows * innerCount),
              columnsOf(right.subarray(b, b + batch * rightSize), columnCount, column, columns),
              { batchCount: batch, rowCount: rows, innerCount, columnCount: columns },
              storage,
            );
            const c = outAt + first * outSize + row * columnCount + column;
            if (columns === columnCount) out.set(product, c);
            else
              for (let i = 0; i < rows; i++)
                out.set(product.subarray(i * columns, (i + 1) * columns), c + i * columnCount);
          }
        }
      }
    }
    leftAt += batchCount * leftSize;
    rightAt += batchCount * rightSize;
    outAt += batchCount * outSize;
  }
  return out as T;
}

async function multiplyBlock(
  execution: Execution,
  device: Device,
  left: Float32Array,
  right: Float32Array,
  { batchCount, rowCount, innerCount, columnCount }: Shape,
  storage: 'f32' | 'f16',
): Promise<Float32Array> {
  const program = programOf('matmul', storage === 'f32' ? 'multiply' : 'multiplyPairs');
  const operand = (values: Float32Array): JobBuffer => ({
    kind: 'input',
    data: storage === 'f32' ? values : toHalf(values),
  });
  const { outputs } = await device.run(
    {
      label: 'gpu.matmul',
      buffers: {
        params: paramsOf(program, { rowCount, innerCount, columnCount }),
        left: operand(left),
        right: operand(right),
        out: { kind: 'output', byteLength: 4 * batchCount * rowCount * columnCount },
      },
      passes: [
        {
          program,
          bindings: ['params', 'left', 'right', 'out'],
          workgroups: [Math.ceil(columnCount / TILE), Math.ceil(rowCount / TILE), batchCount],
        },
      ],
    },
    { signal: execution.signal },
  );
  return new Float32Array(outputs.out);
}

/** What one job takes of a group. Throws DEVICE_LIMIT_EXCEEDED where one row or column is too long. */
function blockOf(device: Device, group: Shape): Shape {
  const { batchCount, rowCount, innerCount, columnCount } = group;
  const most = Math.floor(bindingBytes(device) / 4);
  const groups = device.info.limits.maxWorkgroupsPerDimension;
  if (innerCount > most)
    throw fail('DEVICE_LIMIT_EXCEEDED', {
      job: 'gpu.matmul',
      field: 'bytes of left',
      got: 4 * innerCount,
      limit: 4 * most,
    });
  const largest = Math.max(rowCount * innerCount, innerCount * columnCount, rowCount * columnCount);
  const fits = largest <= most && Math.max(rowCount, columnCount) <= groups * TILE;
  if (fits) return { ...group, batchCount: Math.max(1, Math.min(batchCount, groups, Math.floor(most / largest))) };
  const columns = Math.min(columnCount, Math.floor(most / innerCount), groups * TILE, most);
  const rows = Math.min(rowCount, Math.floor(most / innerCount), Math.floor(most / columns), groups * TILE);
  return { batchCount: 1, rowCount: rows, innerCount, columnCount: columns };
}

/** Columns [first, first + count) of a matrix. */
function columnsOf(values: Float32Array, columnCount: number, first: number, count: number): Float32Array {
  if (count === columnCount) return values;
  const rowCount = values.length / columnCount;
  const out = new Float32Array(rowCount * count);
  for (let row = 0; row < rowCount; row++) {
    const at = row * columnCount + first;
    out.set(values.subarray(at, at + count), row * count);
  }
  return out;
}
