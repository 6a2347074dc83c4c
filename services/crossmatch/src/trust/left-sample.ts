import { Random } from '@armilla/base';
import { type Positions, positionStatuses, RowStatus } from '@armilla/sky';
import type { RecordBatch } from 'apache-arrow';
import type { Astrometry } from '../astrometry/astrometry.js';
import type { AstrometryColumns } from '../astrometry/astrometry-columns.js';
import { moved, movingSide } from '../refine/epochs.js';
import { magnitudesOf } from './magnitude.js';

/** Usable rows that were drawn, ascending. */
export interface SampledRows {
  readonly ra: Float64Array; // [rows] degrees
  readonly dec: Float64Array; // [rows]
  /** NaN where a row has none; undefined where the table has no such column. */
  readonly magnitude: Float64Array | undefined; // [rows]
}

/** The year that rows are moved to by their motions. */
export interface Move {
  readonly year: number;
  readonly columns: AstrometryColumns;
}

const SAMPLE_ROW_COUNT = 200_000;
const SAMPLE_SEED = 20_240_517;

/**
 * A bounded sample of the rows of a table, each as likely as any other, drawn while they pass by (reservoir sampling, Li
 * 1994, algorithm L). The same rows give the same sample, however they are cut into batches.
 */
export class LeftSample {
  readonly #random = new Random(SAMPLE_SEED);
  readonly #ra: Float64Array;
  readonly #dec: Float64Array;
  readonly #row: Float64Array;
  readonly #magnitude: Float64Array | undefined;
  #rowCount = 0;
  /** Decides how many rows pass until the next is drawn. */
  #weight = 1;
  #next: number;

  constructor(
    /** Column that holds a magnitude, where there is one. */
    readonly magnitudeColumn: string | undefined,
    private readonly move?: Move,
    private readonly capacity = SAMPLE_ROW_COUNT,
  ) {
    this.#ra = new Float64Array(capacity);
    this.#dec = new Float64Array(capacity);
    this.#row = new Float64Array(capacity);
    this.#magnitude = magnitudeColumn === undefined ? undefined : new Float64Array(capacity).fill(NaN);
    this.#next = capacity;
  }

  /** Columns that the sample needs besides the position. */
  get columns(): readonly string[] {
    return this.magnitudeColumn === undefined ? [] : [this.magnitudeColumn];
  }

  /** Takes the next rows of the table, whose positions are `positions`. */
  addBatch(batch: RecordBatch, positions: Positions, astrometry: Astrometry | undefined): void {
    const { magnitudeColumn, move } = this;
    const then = move ? moved(movingSide(positions, astrometry, move.columns), move.year) : positions;
    this.add(then, magnitudeColumn === undefined ? undefined : magnitudesOf(batch, magnitudeColumn));
  }

  /** The same without a batch. Unusable ones are drawn like others and left out at the end. */
  add(positions: Positions, magnitudes: Float64Array | undefined): void {
    const rowCount = positions.ra.length;
    const first = this.#rowCount;
    const filling = Math.max(0, Math.min(rowCount, this.capacity - first));
    for (let i = 0; i < filling; i++) this.#put(first + i, positions, magnitudes, i, first + i);
    if (first < this.capacity && first + filling === this.capacity) this.#skip(this.capacity - 1);
    for (; this.#next < first + rowCount; this.#skip(this.#next))
      if (this.#next >= this.capacity)
        this.#put(this.#random.below(this.capacity), positions, magnitudes, this.#next - first, this.#next);
    this.#rowCount += rowCount;
  }

  /** The sample of all rows so far. */
  rows(): SampledRows {
    const drawn = Math.min(this.#rowCount, this.capacity);
    const [ra, dec] = [this.#ra.subarray(0, drawn), this.#dec.subarray(0, drawn)];
    const status = positionStatuses({ ra, dec });
    const order = Array.from(status.keys())
      .filter((i) => status[i] === RowStatus.ok)
      .sort((a, b) => this.#row[a] - this.#row[b]);
    const take = (values: Float64Array): Float64Array => Float64Array.from(order, (i) => values[i]);
    return { ra: take(ra), dec: take(dec), magnitude: this.#magnitude && take(this.#magnitude) };
  }

  #put(
    slot: number,
    { ra, dec, nulls }: Positions,
    magnitudes: Float64Array | undefined,
    i: number,
    row: number,
  ): void {
    this.#ra[slot] = nulls?.[i] === 1 ? NaN : ra[i];
    this.#dec[slot] = dec[i];
    this.#row[slot] = row;
    if (this.#magnitude) this.#magnitude[slot] = magnitudes?.[i] ?? NaN;
  }

  #skip(from: number): void {
    this.#weight *= Math.exp(Math.log(1 - this.#random.uniform()) / this.capacity);
    this.#next = from + 1 + Math.floor(Math.log(1 - this.#random.uniform()) / Math.log1p(-this.#weight));
  }
}
