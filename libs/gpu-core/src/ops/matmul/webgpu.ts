import { fail } from '@armilla/base';
import type { Device, JobBuffer } from '../../device/device.js';
import { type Block, blocksOf, type BlockSize, halveBlock, largestBlock, putBlock } from '../host/blocks.js';
import type { Execution } from '../host/execution.js';
import { bindingBytes, deviceOf, inputOf, paramsOf, programOf } from '../host/on-device.js';
import { type Floats, newArray, type Values, valuesOf } from '../host/operand.js';
import { runPieces } from '../host/pieces.js';
import { toHalf } from './half.js';
import type { BatchedMatmulInput } from './shape.js';
import { DEFAULT_TILE, tileConstants, tileEdge } from './tiles.js';

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

/** A block of the products of `batchCount` pairs from `first` on of a group; of several pairs it is all of each. */
interface Piece extends Block {
  readonly group: Shape;
  /** Where the values of the group begin. */
  readonly leftAt: number;
  readonly rightAt: number;
  readonly outAt: number;
  readonly first: number;
  readonly batchCount: number;
}

async function multiplyGroups<T extends Floats>(
  execution: Execution,
  input: BatchedMatmulInput<T>,
  outLength: number,
  storage: 'f32' | 'f16',
): Promise<T> {
  const device = deviceOf(execution, 'gpu.matmul', input.left);
  const out = input.out === undefined ? newArray(input.left, outLength) : valuesOf(input.out);
  const tile = execution.matmulTile ?? DEFAULT_TILE;
  const edge = tileEdge(tile);
  const program = programOf('matmul', storage === 'f32' ? 'multiply' : 'multiplyPairs', tileConstants(tile));
  const uploaded = (values: Float32Array): JobBuffer => ({
    kind: 'input',
    data: storage === 'f32' ? values : toHalf(values),
  });
  const partOf = (operand: Values<T>, start: number, length: number): Float32Array =>
    (valuesOf(operand) as Float32Array).subarray(start, start + length);
  const operand = (of: Values<T>, on: Device, start: number, length: number): JobBuffer =>
    storage === 'f32' ? inputOf(of, on, start, start + length) : uploaded(partOf(of, start, length));
  const pieces: Piece[] = [];
  let [leftAt, rightAt, outAt] = [0, 0, 0];
  for (const group of input.groups) {
    const { batchCount, rowCount, innerCount, columnCount } = group;
    const outSize = rowCount * columnCount;
    if (innerCount === 0) out.fill(0, outAt, outAt + batchCount * outSize);
    else if (batchCount * outSize > 0) {
      const block = blockOf(device, group, (execution.pieceBytes ?? Infinity) / 4, edge);
      for (let first = 0; first < batchCount; first += block.batchCount) {
        const batch = {
          group,
          leftAt,
          rightAt,
          outAt,
          first,
          batchCount: Math.min(block.batchCount, batchCount - first),
        };
        pieces.push(...blocksOf(rowCount, columnCount, block).map((one) => ({ ...batch, ...one })));
      }
    }
    leftAt += batchCount * rowCount * innerCount;
    rightAt += batchCount * innerCount * columnCount;
    outAt += batchCount * outSize;
  }
  if (pieces.length === 0) return out as T;
  await runPieces(execution, device, {
    pieces,
    halve: halvePiece,
    jobOf: ({ group, first, batchCount, row, rows, column, columns, ...at }, on) => {
      const { rowCount, innerCount, columnCount } = group;
      const a = at.leftAt + first * rowCount * innerCount + row * innerCount;
      const b = at.rightAt + first * innerCount * columnCount;
      const rightLength = batchCount * innerCount * columnCount;
      return {
        label: 'gpu.matmul',
        flops: 2 * batchCount * rows * innerCount * columns,
        buffers: {
          params: paramsOf(program, { rowCount: rows, innerCount, columnCount: columns }),
          left: operand(input.left, on, a, batchCount * rows * innerCount),
          right:
            columns === columnCount
              ? operand(input.right, on, b, rightLength)
              : uploaded(columnsOf(partOf(input.right, b, rightLength), columnCount, column, columns)),
          out: { kind: 'output', byteLength: 4 * batchCount * rows * columns },
        },
        passes: [
          {
            program,
            bindings: ['params', 'left', 'right', 'out'],
            workgroups: [Math.ceil(columns / edge), Math.ceil(rows / edge), batchCount],
          },
        ],
      };
    },
    take: (piece, outputs) => {
      const { group, first } = piece;
      const start = piece.outAt + first * group.rowCount * group.columnCount;
      putBlock(out, start, group.columnCount, piece, new Float32Array(outputs.out));
    },
  });
  return out as T;
}

function halvePiece(piece: Piece): readonly [Piece, Piece] | undefined {
  if (piece.batchCount === 1) return halveBlock(piece);
  const batchCount = Math.ceil(piece.batchCount / 2);
  return [
    { ...piece, batchCount },
    { ...piece, first: piece.first + batchCount, batchCount: piece.batchCount - batchCount },
  ];
}

/** What one job takes of a group. Throws DEVICE_LIMIT_EXCEEDED where one row or column is too long. */
function blockOf(
  device: Device,
  group: Shape,
  pieceValues: number,
  edge: number,
): BlockSize & { readonly batchCount: number } {
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
  const [leftSize, rightSize, outSize] = [rowCount * innerCount, innerCount * columnCount, rowCount * columnCount];
  const largest = Math.max(leftSize, rightSize, outSize);
  const all = leftSize + rightSize + outSize;
  const fits = largest <= most && all <= pieceValues && Math.max(rowCount, columnCount) <= groups * edge;
  if (fits) {
    const batch = Math.floor(Math.min(most / largest, pieceValues / all));
    return { rows: rowCount, columns: columnCount, batchCount: Math.max(1, Math.min(batchCount, groups, batch)) };
  }
  const columns = Math.min(columnCount, Math.floor(most / innerCount), groups * edge, most);
  const rows = Math.min(rowCount, Math.floor(most / innerCount), Math.floor(most / columns), groups * edge);
  const size = largestBlock(pieceValues, { perRow: innerCount, perColumn: innerCount }, { rows, columns }, edge);
  return { ...size, batchCount: 1 };
}

/** Columns [first, first + count) of a matrix. */
function columnsOf(values: Float32Array, columnCount: number, first: number, count: number): Float32Array {
  const rowCount = values.length / columnCount;
  const out = new Float32Array(rowCount * count);
  for (let row = 0; row < rowCount; row++) {
    const at = row * columnCount + first;
    out.set(values.subarray(at, at + count), row * count);
  }
  return out;
}
