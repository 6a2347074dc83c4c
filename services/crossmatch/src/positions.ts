import { fail, parseSexagesimal, type RowReason, saysHours } from '@armilla/base';
import { eachRejected, type Positions, RowStatus, toIcrs } from '@armilla/sky';
import { markNulls, numbersOf, type SkippedRows } from '@armilla/tables';
import type { RecordBatch, Vector } from 'apache-arrow';
import { type Astrometry, readAstrometry } from './astrometry/astrometry.js';
import { hasAstrometry } from './astrometry/astrometry-columns.js';
import { type Fault, Faults } from './astrometry/fault.js';
import type { FilteredRows } from './filter/filtered-rows.js';
import type { CoordinateReading, PositionColumns } from './columns.js';

/** An input row without a usable position. */
export interface RejectedRow {
  readonly table: 'left' | 'right';
  /** From 0. */
  readonly row: number;
  readonly reason: RowReason;
  readonly column: string;
  /** What was seen, as text. */
  readonly value: string;
}

/** Rows of a table as the match takes them: positions in ICRS, and what else is known of each. */
export interface SkyRows {
  readonly positions: Positions;
  readonly astrometry: Astrometry | undefined;
  /** Rows that take no part although their position may be good; they are marked as null. */
  readonly faults: Faults | undefined;
  /** [rows] 1 where the filter of the table leaves a row out; it is marked as null. */
  readonly filtered: Uint8Array | undefined;
}

/** The rows of `batch`; Float64 columns in degrees and ICRS are viewed, all others are converted. */
export async function readRows(
  batch: RecordBatch,
  columns: PositionColumns,
  where: string,
  signal?: AbortSignal,
): Promise<SkyRows> {
  const faults = new Faults();
  const positions = readPositions(batch, columns, faults, where);
  const astrometry = hasAstrometry(columns.astrometry) ? readAstrometry(batch, columns.astrometry, faults) : undefined;
  const filtered = await columns.filter?.marks(batch, positions, signal);
  if (faults.size === 0 && !filtered) return { positions, astrometry, faults: undefined, filtered };
  const nulls = positions.nulls ?? new Uint8Array(batch.numRows);
  for (const row of faults.rows()) nulls[row] = 1;
  if (filtered) for (let row = 0; row < filtered.length; row++) nulls[row] |= filtered[row];
  return { positions: { ...positions, nulls }, astrometry, faults, filtered };
}

function readPositions(batch: RecordBatch, columns: PositionColumns, faults: Faults, where: string): Positions {
  const ra = batch.getChild(columns.ra) as Vector;
  const dec = batch.getChild(columns.dec) as Vector;
  const nulls = ra.nullCount + dec.nullCount === 0 ? undefined : new Uint8Array(batch.numRows);
  if (nulls) {
    markNulls(ra, nulls);
    markNulls(dec, nulls);
  }
  const longitude = degrees(ra, batch.numRows, columns.raReading, columns.ra, nulls, faults, where);
  const latitude = degrees(dec, batch.numRows, columns.decReading, columns.dec, nulls, faults, where);
  if (columns.frame === 'icrs') return { ra: longitude, dec: latitude, nulls };
  const out = { ra: new Float64Array(batch.numRows), dec: new Float64Array(batch.numRows) };
  toIcrs(columns.frame, longitude, latitude, out.ra, out.dec);
  // What is no latitude has to stay none.
  for (let i = 0; i < batch.numRows; i++) if (!(Math.abs(latitude[i]) <= 90)) out.dec[i] = latitude[i];
  return { ...out, nulls };
}

/** Why rows take no part, as far as it is known before their positions are looked at. */
export interface RowNotes {
  readonly faults?: Pick<Faults, 'of'>;
  readonly filtered?: FilteredRows;
}

/** Unusable rows of a part of a table, ascending, as they came. */
export interface UnusableRows {
  readonly row: Int32Array; // [rows] of the table
  readonly ra: Float64Array; // [rows]
  readonly dec: Float64Array; // [rows]
  readonly isNull: Uint8Array; // [rows]
  /** What is wrong with row i of these besides its position. */
  readonly faults: ReadonlyMap<number, Fault>;
  /** Rows that a filter left out; they are not among these. */
  readonly filteredRowCount: number;
}

/** The rows that `status` says take no part; row 0 is row `firstRow` of the table. */
export function unusableRows(
  { positions, faults, filtered }: SkyRows,
  status: Uint8Array,
  firstRow: number,
): UnusableRows {
  const { ra, dec, nulls } = positions;
  const rows: number[] = [];
  const found = new Map<number, Fault>();
  let filteredRowCount = 0;
  eachRejected(status, (i) => {
    if (filtered?.[i] === 1) {
      filteredRowCount++;
      return;
    }
    const fault = faults?.of(i);
    if (fault) found.set(rows.length, fault);
    rows.push(i);
  });
  return {
    row: Int32Array.from(rows, (i) => firstRow + i),
    ra: Float64Array.from(rows, (i) => ra[i]),
    dec: Float64Array.from(rows, (i) => dec[i]),
    isNull: Uint8Array.from(rows, (i) => nulls?.[i] ?? 0),
    faults: found,
    filteredRowCount,
  };
}

/** Whether degrees are a position: finite, and a declination in [-90, 90]. */
function isUsable(raDeg: number, decDeg: number): boolean {
  // ra - ra is 0 for finite values only.
  return decDeg >= -90 && decDeg <= 90 && raDeg - raDeg === 0;
}

/** Counts the unusable rows of the pieces of one table by reason, lists them, or refuses the first (`strict`). */
export class RowInspector {
  readonly rejectedByReason: Partial<Record<RowReason, number>> = {};
  rejectedRowCount = 0;
  /** Rows that a filter leaves out: they are not looked at otherwise. */
  filteredRowCount = 0;
  #row = 0;

  constructor(
    private readonly table: 'left' | 'right',
    private readonly where: string,
    private readonly columns: PositionColumns,
    private readonly strict: boolean,
    private readonly onRejected?: (row: RejectedRow) => void,
    /** What was left out of the table, of whose rows the numbers are. */
    private readonly skipped?: SkippedRows,
  ) {}

  /** Row 0 is row `notesFrom` of what is noted. */
  inspect({ ra, dec, nulls }: Positions, notes: RowNotes, notesFrom = 0): void {
    const n = ra.length;
    for (let i = 0; i < n; i++) {
      if (isUsable(ra[i], dec[i]) && (nulls === undefined || nulls[i] === 0)) continue;
      this.reject(this.#row + i, ra[i], dec[i], nulls?.[i] === 1, notes, notesFrom + i);
    }
    this.#row += n;
  }

  /**
   * Inspects rows [firstRow, firstRow + status.length), which lie in `pieces`, by the states that the kernel gave them;
   * row 0 is row `notesFrom` of what is noted.
   */
  inspectJudged(
    pieces: readonly Positions[],
    status: Uint8Array,
    firstRow: number,
    notes: RowNotes,
    notesFrom: number,
  ): void {
    let p = 0;
    let start = 0;
    eachRejected(status, (i) => {
      while (i >= start + pieces[p].ra.length) start += pieces[p++].ra.length;
      this.reject(
        firstRow + i,
        pieces[p].ra[i - start],
        pieces[p].dec[i - start],
        status[i] === RowStatus.POSITION_NULL,
        notes,
        notesFrom + i,
      );
    });
  }

  /** Takes the next unusable rows of the table. */
  rejectAll({ row, ra, dec, isNull, faults, filteredRowCount }: UnusableRows): void {
    const notes = { faults: { of: (i: number) => faults.get(i) } };
    for (let i = 0; i < row.length; i++) this.reject(row[i], ra[i], dec[i], isNull[i] === 1, notes, i);
    this.filteredRowCount += filteredRowCount;
  }

  /** Takes over what another inspection of the same table found. */
  adopt(found: Pick<RowInspector, 'rejectedByReason' | 'rejectedRowCount' | 'filteredRowCount'>): void {
    Object.assign(this.rejectedByReason, found.rejectedByReason);
    this.rejectedRowCount = found.rejectedRowCount;
    this.filteredRowCount = found.filteredRowCount;
  }

  /** Takes a row of the table that takes no part, which is row `note` of what is noted. */
  reject(row: number, ra: number, dec: number, isNull: boolean, { faults, filtered }: RowNotes, note: number): void {
    if (filtered?.has(note)) {
      this.filteredRowCount++;
      return;
    }
    const fault = faults?.of(note);
    if (fault) {
      this.#count({ table: this.table, row, ...fault });
      return;
    }
    const reason: RowReason = isNull
      ? 'POSITION_NULL'
      : Number.isNaN(ra) || Number.isNaN(dec)
        ? 'POSITION_NAN'
        : Number.isFinite(ra) && Number.isFinite(dec)
          ? 'DECLINATION_OUT_OF_RANGE'
          : 'POSITION_INFINITE';
    const inDec =
      reason === 'DECLINATION_OUT_OF_RANGE' ||
      (reason === 'POSITION_NAN' ? !Number.isNaN(ra) : reason === 'POSITION_INFINITE' && Number.isFinite(ra));
    const column = isNull ? `${this.columns.ra}, ${this.columns.dec}` : inDec ? this.columns.dec : this.columns.ra;
    const value = isNull ? 'null' : String(inDec ? dec : ra);
    this.#count({ table: this.table, row, reason, column, value });
  }

  #count(rejected: RejectedRow): void {
    const { reason, column, value } = rejected;
    const row = this.skipped ? this.skipped.numberOf(rejected.row) : rejected.row;
    if (this.strict) throw fail('BAD_ROW', { where: this.where, row, reason, column, got: value });
    this.rejectedByReason[reason] = (this.rejectedByReason[reason] ?? 0) + 1;
    this.rejectedRowCount++;
    this.onRejected?.({ ...rejected, row });
  }
}

/** Values of a coordinate in degrees. */
function degrees(
  vector: Vector,
  rowCount: number,
  { factor, text }: CoordinateReading,
  column: string,
  nulls: Uint8Array | undefined,
  faults: Faults,
  where: string,
): Float64Array {
  if (!text || vector.nullCount === rowCount) {
    const values = numbersOf(vector, rowCount);
    return factor === 1 ? values : values.map((value) => value * factor);
  }
  const out = new Float64Array(rowCount);
  const before = faults.size;
  let [textCount, last] = [0, ''];
  for (let i = 0; i < rowCount; i++) {
    if (nulls?.[i] === 1) continue;
    const value = String(vector.get(i));
    out[i] = parseSexagesimal(value) * (saysHours(value) ? 15 : factor);
    textCount++;
    if (!Number.isNaN(out[i])) continue;
    last = `'${value.slice(0, 100)}'`;
    faults.add(i, { reason: 'POSITION_TEXT', column, value: last });
  }
  // A column without any is of something else, and its name was misleading.
  if (textCount > 0 && faults.size - before === textCount)
    throw fail('COLUMN_TYPE', { where, column, type: `text such as ${last}`, expected: 'degrees or sexagesimal' });
  return out;
}
