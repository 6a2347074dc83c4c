import { fail } from '@armilla/base';
import { hasMotion, largestMove, type Motions, moveForward, moveRow, type Positions, RowStatus } from '@armilla/sky';
import type { Astrometry } from '../astrometry/astrometry.js';
import { type AstrometryColumns, type EpochColumns, hintText } from '../astrometry/astrometry-columns.js';

/** One side of a match: its positions and what moves them. */
export interface MovingSide {
  readonly positions: Positions; // [rows]
  readonly motions: Motions | undefined;
  /** Julian year of all positions, or of each. */
  readonly years: number | Float64Array; // [rows]
}

/** Whether pairs have to be compared at another epoch than that of the catalogues. Throws OPTIONS_CONFLICT. */
export function comparesEpochs(left: AstrometryColumns, right: AstrometryColumns): boolean {
  if ((left.epoch === undefined) !== (right.epoch === undefined)) {
    const [has, lacks] = left.epoch === undefined ? ['right', 'left'] : ['left', 'right'];
    const hint = hintText((left.epoch === undefined ? left : right).epochHint);
    throw fail('OPTIONS_CONFLICT', {
      detail: `${has}_epoch is given but ${lacks}_epoch is not: positions are compared at one epoch${hint}`,
    });
  }
  if (left.epoch === undefined || right.epoch === undefined) return false;
  return (left.motion !== undefined || right.motion !== undefined) && !isOneYear(left.epoch, right.epoch);
}

/** Whether all positions of both sides are of one year. */
export function isOneYear(left: EpochColumns, right: EpochColumns): boolean {
  return 'year' in left && 'year' in right && left.year === right.year;
}

/** The side that `positions` and `astrometry` describe. */
export function movingSide(
  positions: Positions,
  astrometry: Astrometry | undefined,
  columns: AstrometryColumns,
): MovingSide {
  const { epoch } = columns;
  const year = epoch !== undefined && 'year' in epoch ? epoch.year : NaN;
  return { positions, motions: astrometry?.motions, years: astrometry?.epoch ?? year };
}

/** Earliest and latest year of a side; NaN where no row has one. */
export function yearRange({ years }: MovingSide): readonly [number, number] {
  if (typeof years === 'number') return [years, years];
  let [first, last] = [Infinity, -Infinity];
  for (const year of years) {
    if (year < first) first = year;
    if (year > last) last = year;
  }
  return first <= last ? [first, last] : [NaN, NaN];
}

/**
 * Where the two rows of a pair stand when they are compared: at the epoch of the row that has no motion, else at that of
 * the left row. Positions that many pairs need are moved once.
 */
export class PairEpochs {
  /** Right rows with motion, at the one epoch of all left rows. */
  readonly #rightThen: Positions | undefined;
  /** Left rows, at the one epoch of all right rows. */
  readonly #leftThen: Positions | undefined;
  readonly #moved = new Float64Array(2);
  /** The compared positions of the last pair, in degrees. */
  leftRa = 0;
  leftDec = 0;
  rightRa = 0;
  rightDec = 0;
  /** Years by which the sides of the last pair were moved. */
  leftYears = 0;
  rightYears = 0;

  constructor(
    private readonly left: MovingSide,
    private readonly right: MovingSide,
  ) {
    if (right.motions && typeof left.years === 'number') this.#rightThen = moved(right, left.years);
    if (left.motions && typeof right.years === 'number') this.#leftThen = moved(left, right.years);
  }

  /** Sets the fields above for left row `i` and right row `j`. */
  compare(i: number, j: number): void {
    const { left, right } = this;
    this.leftYears = 0;
    this.rightYears = 0;
    this.leftRa = left.positions.ra[i];
    this.leftDec = left.positions.dec[i];
    this.rightRa = right.positions.ra[j];
    this.rightDec = right.positions.dec[j];
    const leftYear = typeof left.years === 'number' ? left.years : left.years[i];
    const rightYear = typeof right.years === 'number' ? right.years : right.years[j];
    if (Number.isNaN(rightYear)) {
      this.rightRa = NaN;
      return;
    }
    if (right.motions && hasMotion(right.motions, j)) {
      this.rightYears = leftYear - rightYear;
      if (this.#rightThen) {
        this.rightRa = this.#rightThen.ra[j];
        this.rightDec = this.#rightThen.dec[j];
        return;
      }
      moveRow(this.rightRa, this.rightDec, right.motions, j, this.rightYears, this.#moved);
      [this.rightRa, this.rightDec] = this.#moved;
    } else if (left.motions && hasMotion(left.motions, i)) {
      this.leftYears = rightYear - leftYear;
      if (this.#leftThen) {
        this.leftRa = this.#leftThen.ra[i];
        this.leftDec = this.#leftThen.dec[i];
        return;
      }
      moveRow(this.leftRa, this.leftDec, left.motions, i, this.leftYears, this.#moved);
      [this.leftRa, this.leftDec] = this.#moved;
    }
  }
}

/** The positions of a side in `year`. */
export function moved({ positions, motions, years }: MovingSide, year: number): Positions {
  if (!motions) return positions;
  const rowCount = positions.ra.length;
  const out = { ra: new Float64Array(rowCount), dec: new Float64Array(rowCount), nulls: positions.nulls };
  const shift = typeof years === 'number' ? year - years : years.map((own) => year - own);
  moveForward(positions.ra, positions.dec, motions, shift, out.ra, out.dec);
  return out;
}

/** The most that each row of a side moves between its own epoch and any of [first, last], in arcsec. */
export function moves({ motions, years, positions }: MovingSide, first: number, last: number): Float64Array {
  const out = new Float64Array(positions.ra.length);
  if (!motions) return out;
  for (let i = 0; i < out.length; i++) {
    const own = typeof years === 'number' ? years : years[i];
    const span = Math.max(Math.abs(first - own), Math.abs(last - own));
    out[i] = Number.isFinite(span) ? largestMove(motions, i, span) : 0;
  }
  return out;
}

/** The most that each row moves in `span` years somewhere in [first, last]. */
export function movesWithin(side: MovingSide, first: number, last: number, span: number): Float64Array {
  const { years } = side;
  return moves(side, first, last).map((move, i) => {
    const own = typeof years === 'number' ? years : years[i];
    const whole = Math.max(Math.abs(first - own), Math.abs(last - own));
    return move === 0 ? 0 : (move * span) / whole;
  });
}

/** Usable rows without a known motion. */
export function missingMotions(status: Uint8Array, motions: Motions | undefined): number {
  let count = 0;
  for (let row = 0; row < status.length; row++)
    if (status[row] === RowStatus.ok && !(motions && hasMotion(motions, row))) count++;
  return count;
}
