import type { Device, Resident } from '@armilla/gpu-core';
import type { PlainRows } from '../plain.js';
import { type Curve, cutCurve, orderAlongCurve } from './curve.js';
import { gather } from './gather.js';
import { joinProgram } from './join-program.js';
import { layRuns, type Runs } from './runs.js';
import { RunTree } from './run-tree.js';

export interface DeviceIndexOptions {
  /** Places of a part at most; default by the limits and the budget of the device. Only changes the speed. */
  readonly partPlaceCount?: number;
  readonly signal?: AbortSignal;
}

/** Places of a cell at most. */
const CELL_PLACES = 128;
/** Share of the device's budget that the places of one part may take: rows and candidates need room beside them. */
const PLACES_SHARE = 1 / 4;
const NO_PLACE = 0xffff_ffff;

/** Cells of right rows that a device holds at once. */
export interface IndexPart {
  /** Number of its first place. */
  readonly firstPlace: number;
  readonly placeCount: number;
  readonly cells: Omit<Runs, 'offsets'>;
  readonly tree: RunTree;
  readonly resident: Resident;
}

/**
 * The right side of a join on a device, resident there. Rows of one position share a place; places follow the curve, so
 * that runs of them make compact cells.
 */
export class DeviceIndex implements Disposable {
  #placeOfRow: Uint32Array | undefined;

  private constructor(
    readonly device: Device,
    /** What this process may take of the device; undefined where nobody said. */
    readonly budgetBytes: number | undefined,
    readonly ra: Float64Array, // [places] degrees
    readonly dec: Float64Array, // [places]
    /** [places + 1] first row of each in `rows` */
    readonly firstRows: Uint32Array,
    /** Rows of the table by place, ascending in each. */
    readonly rows: Int32Array,
    readonly parts: readonly IndexPart[],
  ) {}

  /** `rows` ascend. Throws what the device throws when it is asked for its memory. */
  static async build(device: Device, rows: PlainRows, options: DeviceIndexOptions = {}): Promise<DeviceIndex> {
    const { signal } = options;
    const { budget } = await device.memory();
    const mostPlaces = options.partPlaceCount ?? partPlaceCount(device, budget.bytes);
    const { firstRows, table, curve, ra, dec } = await findPlaces(rows, signal);
    const parts: IndexPart[] = [];
    try {
      for (let from = 0; from < ra.length; from += mostPlaces) {
        const to = Math.min(ra.length, from + mostPlaces);
        const ends = cutCurve({ high: curve.high.subarray(from, to), low: curve.low.subarray(from, to) }, CELL_PLACES);
        const stride = joinProgram().place.byteLength / 4;
        const { offsets, ...cells } = await layRuns(
          { ra: ra.subarray(from, to), dec: dec.subarray(from, to) },
          ends,
          stride,
          signal,
        );
        const resident = device.keep(offsets, 'sky.join.places');
        parts.push({ firstPlace: from, placeCount: to - from, cells, tree: new RunTree(cells), resident });
      }
    } catch (error) {
      for (const { resident } of parts) resident[Symbol.dispose]();
      throw error;
    }
    return new DeviceIndex(device, budget.bytes, ra, dec, firstRows, table, parts);
  }

  /** The place that holds row `row` alone; a number that no place has where others share it, or where it takes no part. */
  lonePlace(row: number): number {
    if (this.#placeOfRow === undefined) {
      const { rows, firstRows } = this;
      this.#placeOfRow = new Uint32Array(rows.reduce((most, one) => Math.max(most, one + 1), 0)).fill(NO_PLACE);
      for (let place = 0; place + 1 < firstRows.length; place++)
        if (firstRows[place + 1] === firstRows[place] + 1) this.#placeOfRow[rows[firstRows[place]]] = place;
    }
    return row >= 0 && row < this.#placeOfRow.length ? this.#placeOfRow[row] : NO_PLACE;
  }

  [Symbol.dispose](): void {
    for (const { resident } of this.parts) resident[Symbol.dispose]();
  }
}

function partPlaceCount(device: Device, budgetBytes = Infinity): number {
  const { maxBufferBytes, maxStorageBindingBytes } = device.info.limits;
  const bytes = Math.min(maxBufferBytes, maxStorageBindingBytes, budgetBytes * PLACES_SHARE);
  return Math.max(CELL_PLACES, Math.floor(bytes / joinProgram().place.byteLength));
}

interface Places {
  readonly ra: Float64Array;
  readonly dec: Float64Array;
  readonly firstRows: Uint32Array;
  readonly table: Int32Array;
  /** Of the places. */
  readonly curve: Pick<Curve, 'high' | 'low'>;
}

async function findPlaces(rows: PlainRows, signal: AbortSignal | undefined): Promise<Places> {
  const { order, high, low } = await orderAlongCurve(rows, signal);
  const firstRows = new Uint32Array(order.length + 1);
  let count = 0;
  for (let i = 0; i < order.length; i++) {
    const a = order[i - 1];
    const b = order[i];
    if (i > 0 && rows.ra[a] === rows.ra[b] && rows.dec[a] === rows.dec[b]) continue;
    firstRows[count++] = i;
  }
  firstRows[count] = order.length;
  const firsts = firstRows.subarray(0, count);
  const atFirst = gather(order, firsts);
  return {
    ra: gather(rows.ra, atFirst),
    dec: gather(rows.dec, atFirst),
    firstRows: firstRows.slice(0, count + 1),
    table: gather(rows.row, order),
    curve: { high: gather(high, firsts), low: gather(low, firsts) },
  };
}
