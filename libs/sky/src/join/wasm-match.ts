import { fail, formatBytes } from '@armilla/base';
import type { Lease, Phase } from '@armilla/gpu-core';
import { setImmediate as turn } from 'node:timers/promises';
import { rowCountOf } from '../positions/pieces.js';
import type { Positions } from '../positions/positions.js';
import { separationKeyFloor, separationKeyLimit } from '../separation/separation.js';
import {
  ITEM,
  JOIN,
  JOIN_SCRATCH_BYTES,
  MODE,
  RECORD_BYTES,
  RESULT_PASS,
  ROWS_PASS,
  SHELF_ROWS,
  SPARE_BYTES,
  TASK,
} from './layout.js';
import type { JoinTasks } from './join-tasks.js';
import { type MoreColumns, PairColumns } from './pair-columns.js';
import type { ChunkPairs, PairQuery } from './query.js';
import type { RowMarks } from './row-marks.js';
import { Staging } from './staging.js';
import { joinKernel, placeRecords, type WasmIndex } from './wasm-index.js';

export interface WasmMatchOptions {
  readonly workerCount?: number;
  readonly signal?: AbortSignal;
  readonly fairKey?: object;
  readonly inPlace?: boolean;
  readonly marks?: RowMarks;
  /** Finds the pairs; default: the workers do, by the grid of the index. */
  readonly search?: (join: JoinTasks) => Promise<void>;
}

/** Left rows of a task of the join: some milliseconds at most in a usual sky. */
const TASK_ROWS = 8192;
/** Left rows of an item of the passes over rows and results. */
const ITEM_ROWS = 32_768;
const LEAST_ITEM_ROWS = 4096;
/** Bytes copied between two turns of the event loop. */
const TURN_BYTES = 4 * 2 ** 20;

/** One chunk of left rows against an index. */
export class WasmMatch implements Disposable {
  readonly #leases: Lease[] = [];
  readonly #join: number;
  readonly #rowCount: number;
  readonly #staging: Staging;
  #status: Uint8Array = new Uint8Array(0);
  #usableCount = 0;
  #tasks = 0;
  #taskCount = 0;
  #records = 0;
  #columns: PairColumns | undefined;

  constructor(
    private readonly index: WasmIndex,
    private readonly pieces: readonly Positions[],
    private readonly query: PairQuery,
    private readonly options: WasmMatchOptions,
    private readonly expectedPairCount: number,
  ) {
    this.#rowCount = rowCountOf(pieces);
    this.#staging = new Staging(index.heap, this.#rowCount, 'sky.match.staging');
    this.#join = this.#lease(JOIN.bytes, 'params');
  }

  async run(): Promise<ChunkPairs> {
    const { query } = this;
    const n = this.#rowCount;
    const nearest = query.find === 'nearest';
    const outCount = query.neighbourCount ? this.#lease(n * 4, 'counts') : 0;
    const outSecond = query.secondSeparation ? this.#lease(n * 8, 'seconds') : 0;
    const shelfCounts = nearest ? this.#lease(shelfCount(n) * 4, 'shelf-counts') : 0;
    const pairCounts = nearest ? 0 : this.#lease(n * 4, 'pair-counts');
    await this.#partition({ ones8: outSecond, zero4: outCount, zero4More: pairCounts });
    // A match takes as much as a position, and these have been scattered.
    const shelves = nearest && n > 0 ? this.#staging.positions : 0;
    this.#writeJoin({ outCount, outSecond, shelves, shelfCounts, pairCounts });
    const columns = nearest
      ? await this.#nearest(shelves, shelfCounts, outSecond)
      : await this.#pairs(pairCounts, outSecond);
    const neighbourCount = outCount ? await this.#copy(outCount, new Int32Array(n)) : undefined;
    const secondSeparationArcsec = outSecond ? await this.#copy(outSecond, new Float64Array(n)) : undefined;
    return {
      // Last, since nobody gives back columns that are left when a copy is aborted.
      ...(this.options.inPlace ? this.#leave(columns) : await this.#copies(columns)),
      neighbourCount,
      secondSeparationArcsec,
      status: this.#status,
      usableCount: this.#usableCount,
      candidateCount: Number(new BigInt64Array(this.#buffer, this.#join + JOIN.candidates, 1)[0]),
      cellCount: this.#taskCount,
    };
  }

  [Symbol.dispose](): void {
    this.#staging[Symbol.dispose]();
    this.#columns?.[Symbol.dispose]();
    for (const lease of this.#leases) lease[Symbol.dispose]();
  }

  /** The columns go over to the caller. */
  #leave(columns: PairColumns): ReturnType<PairColumns['views']> & Pick<ChunkPairs, 'release'> {
    this.#columns = undefined;
    return { ...columns.views(), release: () => columns[Symbol.dispose]() };
  }

  async #copies(columns: PairColumns): Promise<ReturnType<PairColumns['views']>> {
    const { pairCount } = columns;
    const { key, rank } = columns.views();
    return {
      pairCount,
      left: await this.#copy(columns.left, new Int32Array(pairCount)),
      right: await this.#copy(columns.right, new Int32Array(pairCount)),
      separationArcsec: await this.#copy(columns.separation, new Float64Array(pairCount)),
      key: key && (await this.#copy(columns.key, new Float64Array(pairCount))),
      rank: rank && (await this.#copy(columns.rank, new Int32Array(pairCount))),
    };
  }

  #makeColumns(pairCount: number, with_: MoreColumns): PairColumns {
    return (this.#columns = new PairColumns(this.index.heap, pairCount, with_));
  }

  get #buffer(): ArrayBufferLike {
    return this.index.heap.buffer;
  }

  #lease(bytes: number, label: string): number {
    const lease = this.index.heap.lease(bytes, `sky.match.${label}`);
    this.#leases.push(lease);
    return lease.offset;
  }

  #phase(name: string, params: number, itemCount: number, releasedCount?: number): Phase {
    const { runtime, heap } = this.index;
    const { workerCount, signal, fairKey } = this.options;
    return runtime.phase({
      heap,
      kernel: joinKernel(runtime),
      name,
      params,
      itemCount,
      releasedCount,
      workerCount,
      signal,
      fairKey,
    });
  }

  /** Copies the rows in, while workers judge them and find their cells; then sorts them by cell. */
  async #partition(clear: { ones8: number; zero4: number; zero4More: number }): Promise<void> {
    const n = this.#rowCount;
    const { cellCount } = this.index;
    const step = Math.max(LEAST_ITEM_ROWS, Math.min(ITEM_ROWS, Math.ceil(n / 32)));
    const items = this.#staging.items(step, n);
    const itemTable = this.#lease(items.length * ITEM.bytes, 'items');
    const counts = this.#lease(items.length * cellCount * 4, 'cell-counts');
    this.#records = this.#lease(n * RECORD_BYTES + SPARE_BYTES, 'records');
    const params = this.#lease(ROWS_PASS.bytes, 'params');
    this.#staging.writeItems(items, itemTable);
    const words = new Uint32Array(this.#buffer, params, ROWS_PASS.bytes / 4);
    words.fill(0);
    words[ROWS_PASS.grid / 4] = this.index.grid;
    words[ROWS_PASS.items / 4] = itemTable;
    words[ROWS_PASS.counts / 4] = counts;
    words[ROWS_PASS.out / 4] = this.#records;
    words[ROWS_PASS.clearOnes8 / 4] = clear.ones8;
    words[ROWS_PASS.clearZero4 / 4] = clear.zero4;
    words[ROWS_PASS.clearZero4More / 4] = clear.zero4More;

    const assign = this.#phase('assign', params, items.length, 0);
    try {
      const release = (rows: number): void => assign.release(rows === n ? items.length : Math.floor(rows / step));
      for (const piece of this.pieces) await this.#staging.push(piece, this.options.signal, release);
    } catch (error) {
      assign.stop(error);
    }
    await assign.done;
    const sizes = placeRecords(new Int32Array(this.#buffer, counts, items.length * cellCount), items.length, cellCount);
    this.#usableCount = sizes.reduce((sum, size) => sum + size, 0);
    this.#status = this.#staging.statuses(this.#usableCount);
    await this.#phase('scatter', params, items.length).done;

    const tasks: number[] = [];
    for (let c = 0, from = 0; c < cellCount; from += sizes[c], c++) {
      for (let at = 0; at < sizes[c]; at += TASK_ROWS)
        tasks.push(c, from + at, from + Math.min(sizes[c], at + TASK_ROWS), 0);
    }
    this.#taskCount = (tasks.length * 4) / TASK.bytes;
    this.#tasks = this.#lease(tasks.length * 4, 'tasks');
    new Int32Array(this.#buffer, this.#tasks, tasks.length).set(tasks);
  }

  #writeJoin(at: {
    outCount: number;
    outSecond: number;
    shelves: number;
    shelfCounts: number;
    pairCounts: number;
  }): void {
    const { query, index } = this;
    // A list of the k best is never longer than the index.
    const k = query.find === 'k-nearest' ? Math.min(query.k, Math.max(1, index.rowCount)) : 0;
    const stride = Math.ceil((JOIN_SCRATCH_BYTES + k * 16) / 64) * 64;
    const scratch = this.#lease(stride * index.runtime.workerCount, 'scratch');
    const words = new Uint32Array(this.#buffer, this.#join, JOIN.bytes / 4);
    words.fill(0);
    words[JOIN.grid / 4] = index.grid;
    words[JOIN.tasks / 4] = this.#tasks;
    words[JOIN.records / 4] = this.#records;
    words[JOIN.scratch / 4] = scratch;
    words[JOIN.scratchStride / 4] = stride;
    words[JOIN.mode / 4] = MODE[query.find];
    words[JOIN.track / 4] = query.neighbourCount || query.secondSeparation ? 1 : 0;
    words[JOIN.k / 4] = k;
    words[JOIN.self / 4] = query.selfFirstRow === undefined ? 0 : 1;
    words[JOIN.selfFirst / 4] = query.selfFirstRow ?? 0;
    words[JOIN.outNearest / 4] = at.shelves;
    words[JOIN.shelfCounts / 4] = at.shelfCounts;
    words[JOIN.outCount / 4] = at.outCount;
    words[JOIN.outSecond / 4] = at.outSecond;
    words[JOIN.pairCounts / 4] = at.pairCounts;
    const floats = new Float64Array(this.#buffer, this.#join, JOIN.bytes / 8);
    floats[JOIN.radius / 8] = query.radiusArcsec / 3600;
    floats[JOIN.keyLimit / 8] = separationKeyLimit(query.radiusArcsec);
    floats[JOIN.keyFloor / 8] = separationKeyFloor(query.minRadiusArcsec);
  }

  async #search(): Promise<void> {
    if (this.options.search === undefined) return await this.#phase('join', this.#join, this.#taskCount).done;
    await this.options.search({
      params: this.#join,
      tasks: this.#tasks,
      taskCount: this.#taskCount,
      records: this.#records,
      recordCount: this.#usableCount,
      checkPairs: () => this.#checkPairs(this.#pairTotal()),
    });
  }

  #pairTotal(): number {
    return Number(new BigInt64Array(this.#buffer, this.#join, JOIN.bytes / 8)[JOIN.pairTotal / 8]);
  }

  async #nearest(shelves: number, shelfCounts: number, outSecond: number): Promise<PairColumns> {
    const itemCount = shelfCount(this.#rowCount);
    new Int32Array(this.#buffer, shelfCounts, itemCount).fill(0);
    await this.#search();
    const places = this.#lease((itemCount + 1) * 4, 'places');
    const counts = new Int32Array(this.#buffer, shelfCounts, itemCount);
    const starts = new Int32Array(this.#buffer, places, itemCount + 1);
    starts[0] = 0;
    for (let i = 0; i < itemCount; i++) starts[i + 1] = starts[i] + counts[i];
    const pairCount = starts[itemCount];
    this.#checkPairs(pairCount);
    const scratch = this.#lease((SHELF_ROWS * 4 + SPARE_BYTES) * this.index.runtime.workerCount, 'scratch');
    const params = this.#resultParams(SHELF_ROWS);
    const words = new Uint32Array(this.#buffer, params, RESULT_PASS.bytes / 4);
    const { rowNumbers } = this.query;
    const out = this.#makeColumns(pairCount, { numbers: rowNumbers !== undefined && this.options.inPlace });
    words[RESULT_PASS.nearest / 4] = shelves;
    words[RESULT_PASS.scratch / 4] = scratch;
    words[RESULT_PASS.sizes / 4] = places;
    words[RESULT_PASS.second / 4] = outSecond;
    words[RESULT_PASS.outSeparation / 4] = out.separation;
    words[RESULT_PASS.outLeft / 4] = out.left;
    words[RESULT_PASS.outRight / 4] = out.right;
    if (rowNumbers && this.options.inPlace) {
      words[RESULT_PASS.outLeftNumber / 4] = out.leftNumber;
      words[RESULT_PASS.outRightNumber / 4] = out.rightNumber;
      new BigInt64Array(this.#buffer, params, RESULT_PASS.bytes / 8)[RESULT_PASS.firstNumber / 8] = BigInt(
        rowNumbers.leftFirst,
      );
    }
    words[RESULT_PASS.marks / 4] = this.options.marks?.address ?? 0;
    words[RESULT_PASS.marksStride / 4] = this.options.marks?.stride ?? 0;
    await this.#phase('compact', params, itemCount).done;
    return out;
  }

  async #pairs(pairCounts: number, outSecond: number): Promise<PairColumns> {
    const n = this.#rowCount;
    const { heap } = this.index;
    let capacity = Math.max(1024, Math.min(this.expectedPairCount, 2 ** 27));
    let pairs = heap.lease(capacity * 16, 'sky.match.pairs');
    let pairCount = 0;
    try {
      for (;;) {
        const words = new Uint32Array(this.#buffer, this.#join, JOIN.bytes / 4);
        words[JOIN.pairKey / 4] = pairs.offset;
        words[JOIN.pairLeft / 4] = pairs.offset + capacity * 8;
        words[JOIN.pairRight / 4] = pairs.offset + capacity * 12;
        words[JOIN.pairCapacity / 4] = capacity;
        await this.#search();
        pairCount = this.#pairTotal();
        this.#checkPairs(pairCount);
        if (pairCount <= capacity) break;
        // The pairs were counted to the end: this time they fit.
        if (pairCount > 2 ** 27) throw tooManyPairs(pairCount);
        pairs[Symbol.dispose]();
        capacity = pairCount;
        pairs = heap.lease(capacity * 16, 'sky.match.pairs');
        new Int32Array(this.#buffer, pairCounts, n).fill(0);
        const totals = new BigInt64Array(this.#buffer, this.#join, JOIN.bytes / 8);
        totals[JOIN.pairTotal / 8] = totals[JOIN.candidates / 8] = 0n;
      }
      return await this.#sortPairs(pairs.offset, capacity, pairCount, pairCounts, outSecond);
    } finally {
      pairs[Symbol.dispose]();
    }
  }

  async #sortPairs(
    pairs: number,
    capacity: number,
    pairCount: number,
    pairCounts: number,
    outSecond: number,
  ): Promise<PairColumns> {
    const n = this.#rowCount;
    const ranked = this.query.find === 'k-nearest';
    const step = Math.max(LEAST_ITEM_ROWS, Math.min(ITEM_ROWS, Math.ceil(n / 8)));
    const itemCount = Math.ceil(n / step);
    const sizesAt = this.#lease(itemCount * 4, 'sizes');
    // Where ranks are wanted the keys order the pairs all the same.
    const out = this.#makeColumns(pairCount, { key: true, rank: ranked });
    const params = this.#resultParams(step);
    const moving = this.#resultParams(ITEM_ROWS);
    for (const at of [params, moving]) {
      const words = new Uint32Array(this.#buffer, at, RESULT_PASS.bytes / 4);
      words[RESULT_PASS.sizes / 4] = sizesAt;
      words[RESULT_PASS.second / 4] = outSecond;
      words[RESULT_PASS.counts / 4] = pairCounts;
      words[RESULT_PASS.pairCount / 4] = pairCount;
      words[RESULT_PASS.pairKey / 4] = pairs;
      words[RESULT_PASS.pairLeft / 4] = pairs + capacity * 8;
      words[RESULT_PASS.pairRight / 4] = pairs + capacity * 12;
      words[RESULT_PASS.outLeft / 4] = out.left;
      words[RESULT_PASS.outRight / 4] = out.right;
      words[RESULT_PASS.outKey / 4] = out.key;
      words[RESULT_PASS.outSeparation / 4] = out.separation;
      words[RESULT_PASS.outRank / 4] = ranked ? out.rank : 0;
    }
    await this.#phase('countPairs', params, itemCount).done;
    const sizes = new Int32Array(this.#buffer, sizesAt, itemCount);
    for (let i = 0, place = 0; i < itemCount; i++) {
      const size = sizes[i];
      sizes[i] = place;
      place += size;
    }
    await this.#phase('placePairs', params, itemCount).done;
    await this.#phase('movePairs', moving, Math.ceil(pairCount / ITEM_ROWS)).done;
    await this.#phase('orderPairs', params, itemCount).done;
    return out;
  }

  #resultParams(step: number): number {
    const params = this.#lease(RESULT_PASS.bytes, 'params');
    const words = new Uint32Array(this.#buffer, params, RESULT_PASS.bytes / 4);
    words.fill(0);
    words[RESULT_PASS.rows / 4] = this.#rowCount;
    words[RESULT_PASS.step / 4] = step;
    return params;
  }

  #checkPairs(pairCount: number): void {
    const { maxPairs } = this.query;
    if (maxPairs !== undefined && pairCount > maxPairs)
      throw fail('MAX_PAIRS_EXCEEDED', { estimated: pairCount, limit: maxPairs });
  }

  /** Fills `out` with what lies at an address. */
  async #copy<Column extends Int32Array | Float64Array>(address: number, out: Column): Promise<Column> {
    const bytes = new Uint8Array(out.buffer);
    for (let from = 0; from < bytes.length; from += TURN_BYTES) {
      if (from > 0) {
        await turn();
        this.options.signal?.throwIfAborted();
      }
      bytes.set(new Uint8Array(this.#buffer, address + from, Math.min(TURN_BYTES, bytes.length - from)), from);
    }
    return out;
  }
}

/** Shelves of the nearest matches of so many left rows; at least one. */
function shelfCount(rowCount: number): number {
  return Math.max(1, Math.ceil(rowCount / SHELF_ROWS));
}

function tooManyPairs(pairCount: number): Error {
  return fail('MEMORY_EXHAUSTED', {
    needed: formatBytes(pairCount * 44),
    available: '4 GiB',
    limit: '4 GiB for the pairs of one chunk',
  });
}
