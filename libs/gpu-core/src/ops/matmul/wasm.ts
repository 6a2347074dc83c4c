import type { Execution } from '../host/execution.js';
import { kernelOf, startLoop } from '../host/loop.js';
import { type Floats, typeName, typeOf, valuesOf, newArray } from '../host/operand.js';
import { Staging } from '../host/staging.js';
import { type BatchedMatmulInput, type MatmulGroup, productsOf } from './shape.js';

/** As in kernel/layout.as.ts. */
const BLOCK_ROWS = 128;
const TILE_COLUMN_BYTES = 1024;
const DEPTH = 256;
const PIECE_BYTES = 4 * 32;
/** Rows of a tile, which packs its columns once: fewer where there would be less than four tiles a worker. */
const MOST_TILE_ROWS = 256;
const FEWEST_TILE_ROWS = 64;
const TILES_PER_WORKER = 4;
/** Products smaller than this (in multiplications) share an item: handing one out costs about a tenth of a microsecond. */
const ITEM_STEPS = 2 ** 18;

/** By tiles, on all workers. Each tile is one worker's and sums in one order: the same bits for any number of them. */
export async function wasmMatmul<T extends Floats>(
  execution: Execution,
  input: BatchedMatmulInput<T>,
  outLength: number,
): Promise<T> {
  const { runtime } = execution;
  const { left, right, out, groups } = input;
  const type = typeOf(left);
  const size = type.BYTES_PER_ELEMENT;
  const scratchBytes = BLOCK_ROWS * DEPTH * size + DEPTH * TILE_COLUMN_BYTES + PIECE_BYTES;
  const needed = (left.length + right.length + outLength) * size + runtime.workerCount * scratchBytes;
  using staging = new Staging(runtime, [left, right, out], needed, 'matmul');
  const leftAt = staging.put(left, 'left');
  const rightAt = staging.put(right, 'right');
  const outAt = out !== undefined && staging.holds(out) ? out.offset : staging.take(outLength * size, 'out');
  const tileRows = tileRowsOf(groups, TILE_COLUMN_BYTES / size, execution.workerCount ?? runtime.workerCount);
  const { products, items } = tilesOf(groups, { leftAt, rightAt, outAt }, size, tileRows);
  const params = staging.putWords(
    [
      staging.putWords(products, 'products'),
      staging.putWords(items, 'items'),
      staging.take(runtime.workerCount * scratchBytes, 'scratch'),
      scratchBytes,
      tileRows,
    ],
    'params',
  );
  await startLoop(execution, staging, {
    kernel: kernelOf(runtime, 'matmul', runtime.relaxedSimd ? 'kernel.relaxed' : 'kernel'),
    name: typeName(left) === 'f32' ? 'multiplyF32' : 'multiplyF64',
    params,
    itemCount: items.length / 4,
  }).done;
  if (out !== undefined && staging.holds(out)) return valuesOf(out);
  const result = out === undefined ? newArray(left, outLength) : valuesOf(out);
  result.set(staging.view(type, outAt, outLength));
  return result;
}

function tileRowsOf(groups: readonly MatmulGroup[], tileColumns: number, workerCount: number): number {
  const tileCount = (rows: number): number =>
    groups.reduce(
      (sum, { batchCount, rowCount, columnCount }) =>
        sum + batchCount * Math.ceil(rowCount / rows) * Math.ceil(columnCount / tileColumns),
      0,
    );
  let rows = MOST_TILE_ROWS;
  while (rows > FEWEST_TILE_ROWS && tileCount(rows) < TILES_PER_WORKER * workerCount) rows /= 2;
  return rows;
}

/** Words that the kernel reads: products, and items of one tile or of several small products. */
function tilesOf(
  groups: readonly MatmulGroup[],
  { leftAt, rightAt, outAt }: Readonly<Record<'leftAt' | 'rightAt' | 'outAt', number>>,
  size: number,
  tileRows: number,
): { products: number[]; items: number[] } {
  const products: number[] = [];
  const items: number[] = [];
  const tileColumns = TILE_COLUMN_BYTES / size;
  let index = 0;
  let [firstSmall, smallSteps] = [0, 0];
  const closeSmall = (): void => {
    if (index > firstSmall) items.push(firstSmall, index, 0, 0);
    smallSteps = 0;
  };
  for (const product of productsOf(groups)) {
    const { left, right, out, rowCount, innerCount, columnCount } = product;
    const [a, b, c] = [leftAt + left * size, rightAt + right * size, outAt + out * size];
    products.push(a, b, c, rowCount, innerCount, columnCount);
    const steps = rowCount * innerCount * columnCount;
    const oneTile = rowCount <= tileRows && columnCount <= tileColumns;
    if (!oneTile || steps >= ITEM_STEPS) {
      closeSmall();
      for (let column = 0; column < columnCount; column += tileColumns)
        for (let row = 0; row < rowCount; row += tileRows) items.push(index, index + 1, row, column);
      firstSmall = ++index;
      continue;
    }
    index++;
    smallSteps += steps;
    if (smallSteps >= ITEM_STEPS) {
      closeSmall();
      firstSmall = index;
    }
  }
  closeSmall();
  return { products, items };
}
