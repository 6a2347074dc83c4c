import { fail } from '@armilla/base';
import { type Positions, positionStatuses, RowStatus } from '../positions/positions.js';
import {
  normaliseRa,
  separationKey,
  separationKeyFloor,
  separationKeyLimit,
  separationOfKeyArcsec,
} from '../separation/separation.js';
import { type ChunkPairs, checkQuery, type PairQuery } from './query.js';

/** Right rows in some order, for the plain joins. */
export interface PlainRows {
  readonly ra: Float64Array; // [n] in [0, 360)
  readonly dec: Float64Array; // [n]
  readonly row: Int32Array; // [n] row of the table
}

/** Rows that take part, in the order of the table. */
export function usableRows(positions: Positions, status: Uint8Array): PlainRows {
  let count = 0;
  for (const value of status) if (value === RowStatus.ok) count++;
  const rows = { ra: new Float64Array(count), dec: new Float64Array(count), row: new Int32Array(count) };
  for (let i = 0, to = 0; i < status.length; i++) {
    if (status[i] !== RowStatus.ok) continue;
    rows.ra[to] = normaliseRa(positions.ra[i]);
    rows.dec[to] = positions.dec[i];
    rows.row[to++] = i;
  }
  return rows;
}

/**
 * The join in plain TypeScript. `rangeOf` names the right rows [from, to) to look at for a left declination; they must
 * hold all within the radius.
 */
export class PlainJoin {
  readonly status: Uint8Array; // [rows] RowStatus of the left rows
  readonly #left: number[] = [];
  readonly #right: number[] = [];
  readonly #key: number[] = [];
  readonly #rank: number[] = [];
  readonly #count: Int32Array | undefined;
  readonly #second: Float64Array | undefined;
  readonly #limit: number;
  readonly #floor: number;
  #candidateCount = 0;

  constructor(
    private readonly positions: Positions,
    private readonly rows: PlainRows,
    private readonly query: PairQuery,
    private readonly rangeOf: (decDeg: number) => readonly [number, number],
  ) {
    checkQuery(query);
    this.status = positionStatuses(positions);
    this.#limit = separationKeyLimit(query.radiusArcsec);
    this.#floor = separationKeyFloor(query.minRadiusArcsec);
    this.#count = query.neighbourCount ? new Int32Array(this.status.length) : undefined;
    this.#second = query.secondSeparation ? new Float64Array(this.status.length).fill(NaN) : undefined;
  }

  /** Joins left row i; gives the number of right rows looked at. */
  joinRow(i: number): number {
    if (this.status[i] !== RowStatus.ok) return 0;
    const { positions, rows } = this;
    const ra = normaliseRa(positions.ra[i]);
    const dec = positions.dec[i];
    const [from, to] = this.rangeOf(dec);
    const self = this.query.selfFirstRow === undefined ? -1 : this.query.selfFirstRow + i;
    const found: { key: number; row: number }[] = [];
    for (let j = from; j < to; j++) {
      const key = separationKey(ra, dec, rows.ra[j], rows.dec[j]);
      if (key <= this.#limit && key >= this.#floor && rows.row[j] !== self) found.push({ key, row: rows.row[j] });
    }
    found.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : a.row - b.row));
    this.#take(i, found, self);
    this.#candidateCount += to - from;
    return to - from;
  }

  /** `found`: sorted by (key, row). */
  #take(leftRow: number, found: readonly { key: number; row: number }[], self: number): void {
    const { find, k, maxPairs } = this.query;
    if (this.#count !== undefined) this.#count[leftRow] = found.length;
    if (this.#second !== undefined && found.length > 1) this.#second[leftRow] = separationOfKeyArcsec(found[1].key);
    const end = find === 'all' ? found.length : Math.min(found.length, find === 'nearest' ? 1 : k);
    for (let i = 0, rank = 1; i < end; i++) {
      if (find === 'all' && self >= 0 && found[i].row < self) continue;
      this.#left.push(leftRow);
      this.#right.push(found[i].row);
      this.#key.push(found[i].key);
      this.#rank.push(rank++);
    }
    if (maxPairs !== undefined && this.#left.length > maxPairs) {
      throw fail('MAX_PAIRS_EXCEEDED', { estimated: this.#left.length, limit: maxPairs });
    }
  }

  result(): ChunkPairs {
    const { find } = this.query;
    return {
      pairCount: this.#left.length,
      left: Int32Array.from(this.#left),
      right: Int32Array.from(this.#right),
      separationArcsec: Float64Array.from(this.#key, separationOfKeyArcsec),
      key: find === 'all' ? Float64Array.from(this.#key) : undefined,
      rank: find === 'k-nearest' ? Int32Array.from(this.#rank) : undefined,
      neighbourCount: this.#count,
      secondSeparationArcsec: this.#second,
      status: this.status,
      usableCount: this.status.reduce((count, status) => count + (status === RowStatus.ok ? 1 : 0), 0),
      candidateCount: this.#candidateCount,
      cellCount: 1,
    };
  }
}
