import { setImmediate } from 'node:timers/promises';
import type { Runtime } from '@armilla/gpu-core';
import { normaliseRa, type PairQuery, type Positions, separationKey, SkyIndex } from '@armilla/sky';
import type { AstrometryColumns } from '../astrometry/astrometry-columns.js';
import { moved, movingSide } from '../refine/epochs.js';
import { withinTurn } from '../refine/refined-finder.js';
import { SharedMemory } from '../shared-memory.js';
import type { LocatedPairs, NeighbourPairs, Neighbours } from '../trust/neighbours.js';
import { type PartitionedTable, readBucket, sharedPositions } from './bucket-rows.js';
import { withinMemory } from '../within-memory.js';
import { binOf, type Buckets, reachOf } from './buckets.js';
import { type SortedSide, sortedDeclinations } from './reach.js';

export interface BucketSearch {
  readonly runtime: Runtime;
  readonly right: PartitionedTable;
  readonly columns: AstrometryColumns;
  /** By what the rows are sorted: they stand where they are compared, where that is one year for all. */
  readonly sorted: SortedSide;
  readonly buckets: Buckets;
  readonly cellRowCount: number | undefined;
  /** Positions that are searched around at a time. */
  readonly chunkRowCount: number;
  readonly signal: AbortSignal;
}

/** Rows of one bucket that belong to no other. */
interface OwnRows extends Positions {
  readonly row: Int32Array; // [rows] of the table
}

/** The rows of a right table in buckets around any positions: all searches that wait are done in one reading of the buckets. */
export class BucketNeighbours implements Neighbours {
  readonly together = 3;
  #waiting: WaitingSearch[] = [];
  #running: Promise<void> | undefined;

  constructor(private readonly search: BucketSearch) {}

  async match(positions: Positions, query: PairQuery): Promise<NeighbourPairs> {
    return (await this.#found(positions, query)).pairs();
  }

  async nearest(positions: Positions, query: PairQuery & { readonly find: 'nearest' }): Promise<LocatedPairs> {
    return (await this.#found(positions, query)).locatedPairs();
  }

  /** When the table is not read any more, whatever became of the searches. */
  async settled(): Promise<void> {
    await this.#running;
  }

  #found(positions: Positions, query: PairQuery): Promise<WaitingSearch> {
    const waiting = new WaitingSearch(positions, query);
    this.#waiting.push(waiting);
    this.#running ??= this.#run().finally(() => (this.#running = undefined));
    return waiting.done;
  }

  /** Reads the buckets as often as searches wait. */
  async #run(): Promise<void> {
    for (;;) {
      // What is asked for together comes in one turn of the event loop.
      await setImmediate();
      const searches = this.#waiting.splice(0);
      if (searches.length === 0) return;
      try {
        await this.#read(searches);
        for (const search of searches) search.resolve();
      } catch (error) {
        for (const search of searches) search.reject(error);
      }
    }
  }

  async #read(searches: readonly WaitingSearch[]): Promise<void> {
    const { runtime, right, buckets, cellRowCount, chunkRowCount, signal } = this.search;
    const memory = new SharedMemory();
    for (let bucket = 0; bucket < buckets.intervals.length; bucket++) {
      signal.throwIfAborted();
      const own = await this.#ownRows(bucket, right, memory);
      const [low, high] = extent(own.dec);
      const near = searches.map((search) => ({ search, rows: search.rowsNear(low, high) }));
      if (own.ra.length === 0 || near.every(({ rows }) => rows.length === 0)) continue;
      const index = await SkyIndex.build(runtime, [own], { rowCount: own.ra.length, cellRowCount, signal });
      try {
        for (const { search, rows } of near) {
          for (let from = 0; from < rows.length;) {
            const most = Math.min(rows.length, from + chunkRowCount);
            from = (await withinMemory(from, most, (to) => search.take(index, rows.subarray(from, to), own, signal)))
              .to;
          }
        }
      } finally {
        await index.dispose();
      }
    }
  }

  async #ownRows(bucket: number, table: PartitionedTable, memory: SharedMemory): Promise<OwnRows> {
    const { runtime, columns, sorted, buckets, signal } = this.search;
    const rows = await readBucket(runtime, table, table.blocks[bucket] ?? [], memory, signal);
    const positions = sharedPositions(rows.pieces);
    const decDeg = sortedDeclinations(positions, rows.astrometry, columns, sorted);
    const { year } = sorted;
    const then =
      year === undefined ? positions : moved(movingSide(withinTurn(positions), rows.astrometry, columns), year);
    const room = { ra: new Float64Array(rows.rowCount), dec: new Float64Array(rows.rowCount) };
    const numbers = new Int32Array(rows.rowCount);
    let count = 0;
    for (let row = 0; row < rows.rowCount; row++) {
      if (buckets.bucketOfBin[binOf(decDeg[row])] !== bucket) continue;
      room.ra[count] = then.ra[row];
      room.dec[count] = then.dec[row];
      numbers[count++] = rows.rows[row];
    }
    const out = {
      ra: room.ra.subarray(0, count),
      dec: room.dec.subarray(0, count),
      row: numbers.subarray(0, count),
    };
    rows.positionLoan.end();
    rows.loan.end();
    return out;
  }
}

/** One search, and what has been found of it so far. */
class WaitingSearch {
  readonly done: Promise<WaitingSearch>;
  resolve!: () => void;
  reject!: (error: unknown) => void;
  readonly #reachDeg: number;
  /** Nearest pairs, by left row. */
  readonly #key: Float64Array;
  readonly #best: { readonly row: Int32Array; readonly separationArcsec: Float64Array } & Positions;
  readonly #neighbourCount: Int32Array | undefined;
  /** All pairs. */
  readonly #all: { left: number[]; right: number[]; separationArcsec: number[] } = {
    left: [],
    right: [],
    separationArcsec: [],
  };

  constructor(
    private readonly positions: Positions,
    private readonly query: PairQuery,
  ) {
    this.done = new Promise((resolve, reject) => {
      this.resolve = () => resolve(this);
      this.reject = reject;
    });
    const rowCount = positions.ra.length;
    this.#reachDeg = reachOf(query.radiusArcsec);
    this.#key = new Float64Array(rowCount).fill(Infinity);
    this.#best = {
      row: new Int32Array(rowCount).fill(-1),
      separationArcsec: new Float64Array(rowCount).fill(NaN),
      ra: new Float64Array(rowCount),
      dec: new Float64Array(rowCount),
    };
    this.#neighbourCount = query.neighbourCount ? new Int32Array(rowCount) : undefined;
  }

  /** Rows that may have a neighbour between two declinations. */
  rowsNear(lowDeg: number, highDeg: number): Int32Array {
    const { dec } = this.positions;
    const reach = this.#reachDeg;
    const rows: number[] = [];
    for (let i = 0; i < dec.length; i++) if (dec[i] >= lowDeg - reach && dec[i] <= highDeg + reach) rows.push(i);
    return Int32Array.from(rows);
  }

  /** Looks for the neighbours of `rows` among the right rows of `index`. */
  async take(index: SkyIndex, rows: Int32Array, own: OwnRows, signal: AbortSignal): Promise<void> {
    const { ra, dec } = this.positions;
    const some = { ra: Float64Array.from(rows, (i) => ra[i]), dec: Float64Array.from(rows, (i) => dec[i]) };
    const found = await index.match(some, { ...this.query, order: 'left' }, { signal });
    if (this.#neighbourCount && found.neighbourCount)
      for (let i = 0; i < rows.length; i++) this.#neighbourCount[rows[i]] += found.neighbourCount[i];
    for (let p = 0; p < found.pairCount; p++) {
      const [i, j] = [rows[found.left[p]], found.right[p]];
      if (this.query.find === 'nearest') this.#takeNearest(i, own, j, found.separationArcsec[p]);
      else {
        this.#all.left.push(i);
        this.#all.right.push(own.row[j]);
        this.#all.separationArcsec.push(found.separationArcsec[p]);
      }
    }
  }

  pairs(): NeighbourPairs {
    const neighbourCount = this.#neighbourCount;
    if (this.query.find === 'nearest') {
      const { left, right, separationArcsec, pairCount } = this.locatedPairs();
      const { row } = this.#best;
      return { left, right: right.map((_, p) => row[left[p]]), separationArcsec, pairCount, neighbourCount };
    }
    const { left, right, separationArcsec } = this.#all;
    return {
      left: Int32Array.from(left),
      right: Int32Array.from(right),
      separationArcsec: Float64Array.from(separationArcsec),
      pairCount: left.length,
      neighbourCount,
    };
  }

  locatedPairs(): LocatedPairs {
    const { row, ra, dec, separationArcsec } = this.#best;
    const left = Int32Array.from(Array.from(row.keys()).filter((i) => row[i] >= 0));
    // The first of the left rows that have a right row in common stands for it.
    const place = new Map<number, number>();
    const first: number[] = [];
    const right = left.map((i) => {
      const known = place.get(row[i]) ?? first.length;
      if (known === first.length) first.push(i);
      place.set(row[i], known);
      return known;
    });
    return {
      left,
      right,
      separationArcsec: Float64Array.from(left, (i) => separationArcsec[i]),
      pairCount: left.length,
      positions: { ra: Float64Array.from(first, (i) => ra[i]), dec: Float64Array.from(first, (i) => dec[i]) },
    };
  }

  /** Of equal separations the right row with the smaller number is taken, as it is in one index. */
  #takeNearest(i: number, { ra, dec, row }: OwnRows, j: number, separationArcsec: number): void {
    const { positions } = this;
    const key = separationKey(normaliseRa(positions.ra[i]), positions.dec[i], normaliseRa(ra[j]), dec[j]);
    const best = this.#best;
    if (key > this.#key[i] || (key === this.#key[i] && row[j] > best.row[i])) return;
    this.#key[i] = key;
    best.row[i] = row[j];
    best.separationArcsec[i] = separationArcsec;
    best.ra[i] = ra[j];
    best.dec[i] = dec[j];
  }
}

function extent(values: Float64Array): readonly [number, number] {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}
