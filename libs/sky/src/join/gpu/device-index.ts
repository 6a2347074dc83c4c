import type { Device, Heap, Lease, Resident } from '@armilla/gpu-core';
import { CELL, GRID, TASK } from '../layout.js';
import { joinKernel, type WasmIndex } from '../wasm-index.js';
import { joinProgram } from './join-program.js';
import { BALL_BYTES, LONE, NO_PLACE, VISITING } from './layout.js';
import { Runs } from './runs.js';

export interface DeviceIndexOptions {
  /** Places of a part at most; default by the limits and the budget of the device. Only changes the speed. */
  readonly partPlaceCount?: number;
  /** Whose budget of device memory the places count for; default "default". */
  readonly tenant?: string;
}

/** Places of a cell at most. */
const CELL_PLACES = 128;
/** Share of the device's budget that the places of one part may take: rows and candidates need room beside them. */
const PLACES_SHARE = 1 / 4;
/** Balls within a ball of the tree, as FAN in visit.as.ts. */
const FAN = 4;
const LONE_STEP = 65_536;

/** Cells of right rows that a device holds at once, and the tree of balls about them. */
export interface IndexPart {
  /** Number of its first place. */
  readonly firstPlace: number;
  readonly placeCount: number;
  /** Address of i32[cells] place after each. */
  readonly cellEnds: number;
  /** Address of u32[levels, 2] balls and their number. */
  readonly levels: number;
  readonly levelCount: number;
  readonly resident: Resident;
}

/**
 * The right side of a join on a device, resident there; what the host needs of it lies beside the index that it is made of. Rows
 * of one position share a place; places follow the curve, so that runs of them make compact cells.
 */
export class DeviceIndex implements Disposable {
  readonly parts: IndexPart[] = [];
  readonly #leases: Lease[] = [];
  #lonePlaces: Promise<number> | undefined;

  private constructor(
    readonly device: Device,
    readonly host: WasmIndex,
    /** What this process may take of the device; undefined where nobody said. */
    readonly budgetBytes: number | undefined,
    /** Address of the records of the index. */
    readonly records: number,
    readonly recordCount: number,
    readonly cells: Runs,
  ) {}

  /** The index has to be in use meanwhile. Throws what the device throws when it is asked for its memory. */
  static async build(device: Device, host: WasmIndex, options: DeviceIndexOptions = {}): Promise<DeviceIndex> {
    const { budget } = await device.memory();
    const mostPlaces = options.partPlaceCount ?? partPlaceCount(device, budget.bytes);
    const { runtime, heap } = host;
    const records = recordsOf(host);
    const recordCount = records.sizes.reduce((sum, size) => sum + size, 0);
    using tasks = writeTasks(heap, records.sizes);
    const cells = await Runs.lay(
      {
        runtime,
        heap,
        records: records.address,
        recordCount,
        tasks: tasks.offset,
        taskCount: records.sizes.length,
      },
      { most: Math.min(CELL_PLACES, mostPlaces), stride: joinProgram().place.byteLength, side: 'right' },
    );
    const made = new DeviceIndex(device, host, budget.bytes, records.address, recordCount, cells);
    const { tenant } = options;
    try {
      for (let cell = 0; cell < cells.runCount;) cell = await made.#addPart(cell, mostPlaces, tenant);
      cells.releaseRows();
    } catch (error) {
      made[Symbol.dispose]();
      throw error;
    }
    return made;
  }

  /** Address of u32[rows of the index]: the place that a row has alone, NO_PLACE where it shares it or takes no part. */
  lonePlaces(): Promise<number> {
    return (this.#lonePlaces ??= this.#nameLonePlaces());
  }

  /** Before the index that it is made of. */
  [Symbol.dispose](): void {
    for (const { resident } of this.parts) resident[Symbol.dispose]();
    for (const lease of this.#leases) lease[Symbol.dispose]();
    this.cells[Symbol.dispose]();
  }

  #keep(bytes: number, label: string): number {
    const lease = this.host.heap.lease(bytes, `sky.device.${label}`);
    this.#leases.push(lease);
    return lease.offset;
  }

  /** A part of the cells from `first` on; gives the cell after it. */
  async #addPart(first: number, mostPlaces: number, tenant?: string): Promise<number> {
    const { cells, host } = this;
    const { runtime, heap } = host;
    const { ends } = cells;
    const firstPlace = first > 0 ? ends[first - 1] : 0;
    let end = first + 1;
    while (end < cells.runCount && ends[end] - firstPlace <= mostPlaces) end++;
    const placeCount = ends[end - 1] - firstPlace;
    const sizes = [end - first];
    while (sizes[sizes.length - 1] > 1) sizes.push(Math.ceil(sizes[sizes.length - 1] / FAN));
    const levels = this.#keep(8 * sizes.length, 'levels');
    const table: number[] = [cells.balls + first * BALL_BYTES, sizes[0]];
    for (const size of sizes.slice(1)) table.push(this.#keep(size * BALL_BYTES, 'balls'), size);
    new Uint32Array(heap.buffer, levels, table.length).set(table);
    using params = heap.lease(VISITING.bytes, 'sky.device.params');
    const words = new Uint32Array(heap.buffer, params.offset, VISITING.bytes / 4);
    words[VISITING.levels / 4] = levels;
    words[VISITING.levelCount / 4] = sizes.length;
    const kernel = joinKernel(runtime);
    await runtime.phase({ heap, kernel, name: 'raise', params: params.offset, itemCount: 1 }).done;
    const resident = this.device.keep(cells.rows(firstPlace, firstPlace + placeCount), 'sky.join.places', { tenant });
    const cellEnds = cells.endsAt + 4 * first;
    this.parts.push({ firstPlace, placeCount, cellEnds, levels, levelCount: sizes.length, resident });
    return end;
  }

  async #nameLonePlaces(): Promise<number> {
    const { host, cells, records } = this;
    const { runtime, heap, rowCount } = host;
    const out = this.#keep(rowCount * 4, 'lone-places');
    new Uint32Array(heap.buffer, out, rowCount).fill(NO_PLACE);
    using params = heap.lease(LONE.bytes, 'sky.device.params');
    const words = new Uint32Array(heap.buffer, params.offset, LONE.bytes / 4);
    words[LONE.records / 4] = records;
    words[LONE.order / 4] = cells.order;
    words[LONE.firstRecords / 4] = cells.firstRecords;
    words[LONE.placeCount / 4] = cells.placeCount;
    words[LONE.step / 4] = LONE_STEP;
    words[LONE.out / 4] = out;
    const itemCount = Math.ceil(cells.placeCount / LONE_STEP);
    await runtime.phase({ heap, kernel: joinKernel(runtime), name: 'nameLonePlaces', params: params.offset, itemCount })
      .done;
    return out;
  }
}

function partPlaceCount(device: Device, budgetBytes = Infinity): number {
  const { maxBufferBytes, maxStorageBindingBytes } = device.info.limits;
  const bytes = Math.min(maxBufferBytes, maxStorageBindingBytes, budgetBytes * PLACES_SHARE);
  return Math.max(CELL_PLACES, Math.floor(bytes / joinProgram().place.byteLength));
}

/** Where the records of an index lie, cell after cell, and how many each cell has. */
function recordsOf({ heap, grid, cellCount }: WasmIndex): { address: number; sizes: number[] } {
  const view = new DataView(heap.buffer);
  const cells = view.getUint32(grid + GRID.cells, true);
  const sizes = Array.from({ length: cellCount }, (_, c) => view.getInt32(cells + c * CELL.bytes + CELL.count, true));
  return { address: view.getUint32(cells + CELL.rows, true), sizes };
}

/** A task for each cell. */
function writeTasks(heap: Heap, sizes: readonly number[]): Lease {
  const lease = heap.lease(sizes.length * TASK.bytes, 'sky.device.tasks');
  const words = new Int32Array(heap.buffer, lease.offset, (sizes.length * TASK.bytes) / 4);
  sizes.reduce((from, size, task) => {
    words.set([task, from, from + size, 0], (task * TASK.bytes) / 4);
    return from + size;
  }, 0);
  return lease;
}
