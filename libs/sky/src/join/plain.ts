import { type Positions, positionStatuses, RowStatus } from '../positions/positions.js';
import { normaliseRa, separationKey } from '../separation/separation.js';
import { PairChoice } from './pair-choice.js';
import type { ChunkPairs, PairQuery } from './query.js';

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

/** Positions of a table of which these rows take part; all before the last that are missing are null. */
export function positionsOf({ ra, dec, row }: PlainRows): Positions {
  const rowCount = row.reduce((most, one) => Math.max(most, one + 1), 0);
  const positions = {
    ra: new Float64Array(rowCount),
    dec: new Float64Array(rowCount),
    nulls: new Uint8Array(rowCount).fill(1),
  };
  for (let i = 0; i < row.length; i++) {
    positions.ra[row[i]] = ra[i];
    positions.dec[row[i]] = dec[i];
    positions.nulls[row[i]] = 0;
  }
  return positions;
}

/**
 * The join in plain TypeScript. `rangeOf` names the right rows [from, to) to look at for a left declination; they must
 * hold all within the radius.
 */
export class PlainJoin {
  readonly #choice: PairChoice;
  #candidateCount = 0;

  constructor(
    private readonly positions: Positions,
    private readonly rows: PlainRows,
    query: PairQuery,
    private readonly rangeOf: (decDeg: number) => readonly [number, number],
  ) {
    this.#choice = new PairChoice(positionStatuses(positions), query);
  }

  /** Joins left row i; gives the number of right rows looked at. */
  joinRow(i: number): number {
    const choice = this.#choice;
    if (choice.status[i] !== RowStatus.ok) return 0;
    const { positions, rows } = this;
    const ra = normaliseRa(positions.ra[i]);
    const dec = positions.dec[i];
    const [from, to] = this.rangeOf(dec);
    choice.begin(i);
    const { limit, floor } = choice;
    for (let j = from; j < to; j++) {
      const key = separationKey(ra, dec, rows.ra[j], rows.dec[j]);
      if (key <= limit && key >= floor) choice.offer(key, rows.row[j]);
    }
    choice.end();
    this.#candidateCount += to - from;
    return to - from;
  }

  result(): ChunkPairs {
    return this.#choice.result({ candidateCount: this.#candidateCount, cellCount: 1 });
  }
}
