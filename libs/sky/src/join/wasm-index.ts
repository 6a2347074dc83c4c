import { fail } from '@armilla/base';
import type { Heap, Kernel, Lease, Runtime } from '@armilla/gpu-core';
import { createRequire } from 'node:module';
import { type OnRejected, type Positions, positionStatus, RowStatus } from '../positions/positions.js';
import { normaliseRa } from '../separation/separation.js';
import { type GridPlan, planGrid, usualCellCount } from './grid-plan.js';
import { BUCKET, CELL, GRID, ITEM, RECORD_BYTES, ROWS_PASS, SPARE_BYTES } from './layout.js';
import { Staging, STAGED_ROW_BYTES } from './staging.js';

export interface WasmIndexOptions {
  readonly rowCount?: number;
  readonly cellRowCount?: number;
  readonly onRejected?: OnRejected;
  readonly signal?: AbortSignal;
}

/** Positions that the cells are cut by. */
const LEAST_SAMPLE_ROWS = 4096;
/** Rows of the sample per cell: counts of cells then scatter by a quarter, which only moves work about. */
const SAMPLE_ROWS_PER_CELL = 16;
/** Bins of declination that a cell's strips are cut by: with 8000 rows a strip can be as thin as a compact cluster needs. */
const STRIP_BINS = 2048;
/** Memory of an index a row, with what its making takes. */
const BUILD_ROW_BYTES = STAGED_ROW_BYTES + RECORD_BYTES + 4 + 2;
const ITEM_ROWS = 65_536;

let kernelPath: string | undefined;

export function joinKernel(runtime: Runtime): Kernel {
  kernelPath ??= createRequire(import.meta.url).resolve('@armilla/sky/join.wasm');
  return runtime.kernel(kernelPath);
}

/** While one lasts, the memory of the index stays; disposing of it again does nothing. */
export interface IndexUse extends Disposable {
  /** A use that lasts on its own; there may be one even after the index is to end. */
  more(): IndexUse;
}

/** The index in a heap; kernel/layout.as.ts draws it. */
export class WasmIndex {
  readonly #leases: Lease[];
  #useCount = 0;
  #disposed = false;
  #idle: (() => void) | undefined;

  private constructor(
    readonly runtime: Runtime,
    readonly heap: Heap,
    readonly rowCount: number,
    readonly status: Uint8Array,
    readonly grid: number,
    readonly cellCount: number,
    readonly bucketCount: number,
    leases: Lease[],
  ) {
    this.#leases = leases;
  }

  get bytes(): number {
    return this.#leases.reduce((sum, lease) => sum + lease.byteLength, this.status.byteLength);
  }

  static async build(
    runtime: Runtime,
    source: AsyncIterable<Positions> | Iterable<Positions>,
    options: WasmIndexOptions,
  ): Promise<WasmIndex> {
    const expected = options.rowCount;
    const heap = runtime.openHeap(expected === undefined ? undefined : expected * BUILD_ROW_BYTES, 'sky.index');
    const leases: Lease[] = [];
    try {
      return await fill(runtime, heap, leases, source, options);
    } catch (error) {
      for (const lease of leases) lease[Symbol.dispose]();
      runtime.closeHeap(heap);
      throw error;
    }
  }

  /** For one use of the heap; the memory stays until all uses have ended. */
  use(): IndexUse {
    if (this.#disposed) throw fail('INTERNAL', { detail: 'a sky index is used after its end' });
    return this.#begin();
  }

  #begin(): IndexUse {
    this.#useCount++;
    let ended = false;
    return {
      more: () => this.#begin(),
      [Symbol.dispose]: () => {
        if (ended) return;
        ended = true;
        if (--this.#useCount === 0) this.#idle?.();
      },
    };
  }

  /** Waits for the uses to end; `last` may then give back what lies in the heap besides. */
  async dispose(last?: () => Promise<void>): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    if (this.#useCount > 0) await new Promise<void>((resolve) => (this.#idle = resolve));
    await last?.();
    for (const lease of this.#leases) lease[Symbol.dispose]();
    this.runtime.closeHeap(this.heap);
  }

  /** @internal */
  static of(
    runtime: Runtime,
    heap: Heap,
    parts: {
      rowCount: number;
      status: Uint8Array;
      grid: number;
      cellCount: number;
      bucketCount: number;
      leases: Lease[];
    },
  ): WasmIndex {
    return new WasmIndex(
      runtime,
      heap,
      parts.rowCount,
      parts.status,
      parts.grid,
      parts.cellCount,
      parts.bucketCount,
      parts.leases,
    );
  }
}

async function fill(
  runtime: Runtime,
  heap: Heap,
  leases: Lease[],
  source: AsyncIterable<Positions> | Iterable<Positions>,
  options: WasmIndexOptions,
): Promise<WasmIndex> {
  const { signal } = options;
  const keep = (bytes: number, label: string): number => {
    const lease = heap.lease(bytes, label);
    leases.push(lease);
    return lease.offset;
  };
  // What stays goes to the bottom of the heap, so that the staging area can serve the matches afterwards.
  const rowsBytes = (rowCount: number): number => rowCount * RECORD_BYTES + SPARE_BYTES;
  const early = options.rowCount === undefined ? undefined : keep(rowsBytes(options.rowCount), 'sky.index.rows');
  using staging = new Staging(heap, options.rowCount, 'sky.index.staging');
  for await (const positions of source) {
    signal?.throwIfAborted();
    await staging.push(positions, signal);
  }
  const { rowCount } = staging;
  const wanted = usualCellCount(rowCount, options.cellRowCount);
  const sampleRows = Math.max(LEAST_SAMPLE_ROWS, wanted * SAMPLE_ROWS_PER_CELL);
  const sample = usableSample(staging.sample(Math.max(1, Math.floor(rowCount / sampleRows))));
  const plan = planGrid(sample.ra, sample.dec, wanted);
  const cellCount = plan.cells.length;
  const grid = writeGrid(heap, plan, keep);

  const items = staging.items(ITEM_ROWS);
  using itemLease = heap.lease(items.length * ITEM.bytes, 'sky.index.items');
  staging.writeItems(items, itemLease.offset);
  using counts = heap.lease(items.length * cellCount * 4, 'sky.index.counts');
  using params = heap.lease(ROWS_PASS.bytes, 'sky.index.params');
  const kernel = joinKernel(runtime);
  const rows =
    early !== undefined && rowCount <= (options.rowCount ?? 0) ? early : keep(rowsBytes(rowCount), 'sky.index.rows');
  const words = (): Uint32Array => new Uint32Array(heap.buffer, params.offset, ROWS_PASS.bytes / 4);
  words().fill(0);
  const set = (field: number, value: number): void => void (words()[field / 4] = value);
  set(ROWS_PASS.grid, grid);
  set(ROWS_PASS.items, itemLease.offset);
  set(ROWS_PASS.counts, counts.offset);
  set(ROWS_PASS.out, rows);
  const run = (name: string, itemCount: number): Promise<void> =>
    runtime.phase({ heap, kernel, name, params: params.offset, itemCount, signal }).done;

  await run('assign', items.length);
  const sizes = placeRecords(
    new Int32Array(heap.buffer, counts.offset, items.length * cellCount),
    items.length,
    cellCount,
  );
  const usableCount = sizes.reduce((sum, size) => sum + size, 0);
  const statuses = staging.statuses(usableCount);
  if (options.onRejected && usableCount < rowCount) await staging.tellRejected(statuses, options.onRejected, signal);
  await run('scatter', items.length);

  const offsets = keep((usableCount + 2 * cellCount) * 4, 'sky.index.offsets');
  const binsOf = (size: number): number => Math.min(STRIP_BINS, Math.max(8, size >> 1));
  const strips = keep(
    sizes.reduce((sum, size) => sum + 4 * binsOf(size) + 8, 0),
    'sky.index.strips',
  );
  const cells = new Uint32Array(
    heap.buffer,
    new Uint32Array(heap.buffer, grid, GRID.bytes / 4)[GRID.cells / 4],
    (cellCount * CELL.bytes) / 4,
  );
  let largest = 0;
  for (let c = 0, row = 0, fine = 0, bins = strips; c < cellCount; c++) {
    const at = (c * CELL.bytes) / 4;
    cells[at + CELL.rows / 4] = rows + row * RECORD_BYTES;
    cells[at + CELL.count / 4] = sizes[c];
    cells[at + CELL.offsets / 4] = offsets + fine * 4;
    cells[at + CELL.strips / 4] = bins;
    cells[at + CELL.bins / 4] = binsOf(sizes[c]);
    bins += 2 * binsOf(sizes[c]);
    cells[at + CELL.edges / 4] = bins;
    bins += 2 * binsOf(sizes[c]) + 4;
    row += sizes[c];
    fine += sizes[c] + 2;
    largest = Math.max(largest, sizes[c]);
  }
  const stride = Math.ceil((largest * (RECORD_BYTES + 4 + 4) + 4 * STRIP_BINS + SPARE_BYTES) / 64) * 64;
  using scratch = heap.lease(stride * runtime.workerCount, 'sky.index.scratch');
  set(ROWS_PASS.scratch, scratch.offset);
  set(ROWS_PASS.scratchStride, stride);
  await run('refine', cellCount);
  return WasmIndex.of(runtime, heap, {
    rowCount,
    status: statuses,
    grid,
    cellCount,
    bucketCount: plan.buckets.length,
    leases,
  });
}

/** Turns counts by item and cell into the place of the next record of each; gives the size of each cell. */
export function placeRecords(counts: Int32Array, itemCount: number, cellCount: number): Int32Array {
  const sizes = new Int32Array(cellCount);
  for (let i = 0, at = 0; i < itemCount; i++) {
    for (let c = 0; c < cellCount; c++, at++) {
      const count = counts[at];
      counts[at] = sizes[c];
      sizes[c] += count;
    }
  }
  const starts = new Int32Array(cellCount);
  for (let c = 0, row = 0; c < cellCount; c++) {
    starts[c] = row;
    row += sizes[c];
  }
  for (let i = 0, at = 0; i < itemCount; i++) {
    for (let c = 0; c < cellCount; c++, at++) counts[at] += starts[c];
  }
  return sizes;
}

function usableSample(sample: Positions): { ra: Float64Array; dec: Float64Array } {
  let count = 0;
  for (let i = 0; i < sample.ra.length; i++) {
    if (sample.nulls?.[i] !== 0 || positionStatus(sample.ra[i], sample.dec[i]) !== RowStatus.ok) continue;
    sample.ra[count] = normaliseRa(sample.ra[i]);
    sample.dec[count++] = sample.dec[i];
  }
  return { ra: sample.ra.subarray(0, count), dec: sample.dec.subarray(0, count) };
}

/** Writes grid, buckets, cells and the tables of bins; gives the address of the grid. */
function writeGrid(heap: Heap, plan: GridPlan, keep: (bytes: number, label: string) => number): number {
  const binBytes = (bins: Uint16Array): number => Math.ceil(bins.byteLength / 8) * 8;
  const lutBytes =
    binBytes(plan.bucketOfBin) + plan.buckets.reduce((sum, bucket) => sum + binBytes(bucket.cellOfBin), 0);
  const cellBytes = plan.cells.length * CELL.bytes;
  const start = keep(64 + cellBytes + plan.buckets.length * BUCKET.bytes + lutBytes, 'sky.index.grid');
  const view = new DataView(heap.buffer);
  const cells = start + 64;
  const buckets = cells + cellBytes;
  let lut = buckets + plan.buckets.length * BUCKET.bytes;
  const writeBins = (bins: Uint16Array): number => {
    new Uint16Array(heap.buffer, lut, bins.length).set(bins);
    lut += binBytes(bins);
    return lut - binBytes(bins);
  };
  view.setFloat64(start + GRID.decMin, plan.decMin, true);
  view.setFloat64(start + GRID.decScale, plan.decScale, true);
  view.setFloat64(start + GRID.decLast, plan.bucketOfBin.length - 1, true);
  view.setUint32(start + GRID.bucketLut, writeBins(plan.bucketOfBin), true);
  view.setUint32(start + GRID.buckets, buckets, true);
  view.setUint32(start + GRID.cells, cells, true);
  view.setInt32(start + GRID.cellCount, plan.cells.length, true);
  plan.buckets.forEach((bucket, b) => {
    const at = buckets + b * BUCKET.bytes;
    view.setFloat64(at + BUCKET.raMin, bucket.raMin, true);
    view.setFloat64(at + BUCKET.raScale, bucket.raScale, true);
    view.setFloat64(at + BUCKET.raLast, bucket.cellOfBin.length - 1, true);
    view.setUint32(at + BUCKET.lut, writeBins(bucket.cellOfBin), true);
    view.setInt32(at + BUCKET.firstCell, bucket.firstCell, true);
    view.setInt32(at + BUCKET.cellCount, bucket.cellCount, true);
  });
  plan.cells.forEach((cell, c) => {
    const at = cells + c * CELL.bytes;
    view.setFloat64(at + CELL.raLow, cell.raLow, true);
    view.setFloat64(at + CELL.raHigh, cell.raHigh, true);
    view.setFloat64(at + CELL.decLow, cell.decLow, true);
    view.setFloat64(at + CELL.decHigh, cell.decHigh, true);
  });
  return start;
}
