import { type EpochScale, julianYearOf, type Motions } from '@armilla/sky';
import { markNulls, numbersOf } from '@armilla/tables';
import type { RecordBatch, Vector } from 'apache-arrow';
import type { AstrometryColumns, ErrorColumns, ScaledColumn } from './astrometry-columns.js';
import type { Faults } from './fault.js';

/** Squared errors of positions along east and north, and their covariance, in arcsec^2. */
export interface Covariances {
  readonly east: Float64Array; // [rows]
  readonly north: Float64Array; // [rows]
  readonly cross: Float64Array; // [rows]
}

/** What is known of rows besides their position; NaN where a value is missing. */
export interface Astrometry {
  /** Julian year of each position; undefined where one year holds for all. */
  readonly epoch: Float64Array | undefined; // [rows]
  readonly motions: Motions | undefined;
  /** Errors of the proper motion, squared, in (arcsec / year)^2; 0 where they are not known. */
  readonly motionVariances: Pick<Covariances, 'east' | 'north'> | undefined;
  readonly covariances: Covariances | undefined;
  readonly radiusArcsec: Float64Array | undefined; // [rows]
}

/** Reads the columns of a batch; rows that cannot take part by them are added to `faults`. */
export function readAstrometry(batch: RecordBatch, columns: AstrometryColumns, faults: Faults): Astrometry {
  const { epoch, motion, error, radius } = columns;
  const read = (column: ScaledColumn): Float64Array => scaledValues(batch, column);
  const optional = (column: ScaledColumn | undefined): Float64Array | undefined => column && read(column);
  const years =
    epoch && 'column' in epoch ? readYears(read({ name: epoch.column, factor: 1 }), epoch, faults) : undefined;
  const radiusArcsec = optional(radius);
  if (radiusArcsec && radius)
    refuse(radiusArcsec, 'RADIUS_INVALID', radius.name, (value) => value >= 0 && value < Infinity, faults);
  const squared = (column: ScaledColumn | undefined): Float64Array =>
    optional(column)?.map((value) => (Number.isFinite(value) ? (value / 1000) ** 2 : 0)) ??
    new Float64Array(batch.numRows);
  return {
    epoch: years,
    motions: motion && {
      pmRaCosdec: read(motion.pmRaCosdec),
      pmDec: read(motion.pmDec),
      parallax: optional(motion.parallax),
      radialVelocity: optional(motion.radialVelocity),
    },
    motionVariances:
      motion?.pmRaCosdecError || motion?.pmDecError
        ? { east: squared(motion.pmRaCosdecError), north: squared(motion.pmDecError) }
        : undefined,
    covariances: error && readCovariances(batch, error, faults),
    radiusArcsec,
  };
}

/**
 * The Julian years of an epoch column. A value that is no date in the column's unit, such as an MJD among years, would move
 * a star by millennia: its row takes no part.
 */
function readYears(
  values: Float64Array,
  { column, scale }: { readonly column: string; readonly scale: EpochScale },
  faults: Faults,
): Float64Array {
  const years = values.map((value) => julianYearOf(value, scale));
  for (let i = 0; i < years.length; i++) {
    const isYearAmongDays = scale === 'mjd' && values[i] >= YEARS[0] && values[i] <= YEARS[1];
    if (years[i] >= 0 && years[i] < LATEST_YEAR && !isYearAmongDays) continue;
    const value = Number.isNaN(values[i]) ? 'null or NaN' : `${values[i]} (as ${scale})`;
    faults.add(i, { reason: 'EPOCH_INVALID', column, value });
    years[i] = NaN;
  }
  return years;
}

/** Julian dates that were taken for modified ones come out later than this. */
const LATEST_YEAR = 3000;
/** As modified Julian dates these are days of 1864: years that were taken for such. */
const YEARS = [1900, 2100] as const;

/** The rows of `pieces`, one after the other. */
export function concatAstrometry(pieces: readonly Astrometry[]): Astrometry | undefined {
  if (pieces.length <= 1) return pieces[0];
  const join = (of: (piece: Astrometry) => Float64Array | undefined): Float64Array | undefined => {
    const columns = pieces.map(of);
    if (columns[0] === undefined) return undefined;
    const out = new Float64Array(columns.reduce((sum, column) => sum + (column as Float64Array).length, 0));
    let at = 0;
    for (const column of columns as Float64Array[]) {
      out.set(column, at);
      at += column.length;
    }
    return out;
  };
  const whole = (of: (piece: Astrometry) => Float64Array | undefined): Float64Array => join(of) as Float64Array;
  const [first] = pieces;
  return {
    epoch: join(({ epoch }) => epoch),
    motions: first.motions && {
      pmRaCosdec: whole(({ motions }) => motions?.pmRaCosdec),
      pmDec: whole(({ motions }) => motions?.pmDec),
      parallax: join(({ motions }) => motions?.parallax),
      radialVelocity: join(({ motions }) => motions?.radialVelocity),
    },
    motionVariances: first.motionVariances && {
      east: whole(({ motionVariances }) => motionVariances?.east),
      north: whole(({ motionVariances }) => motionVariances?.north),
    },
    covariances: first.covariances && {
      east: whole(({ covariances }) => covariances?.east),
      north: whole(({ covariances }) => covariances?.north),
      cross: whole(({ covariances }) => covariances?.cross),
    },
    radiusArcsec: join(({ radiusArcsec }) => radiusArcsec),
  };
}

/** Makes row `row` one that nothing is a pair with. */
export function voidRow({ epoch, covariances, radiusArcsec }: Astrometry, row: number): void {
  if (epoch) epoch[row] = NaN;
  if (covariances) covariances.east[row] = NaN;
  if (radiusArcsec) radiusArcsec[row] = NaN;
}

/** Rows [from, to), viewed. */
export function sliceAstrometry(astrometry: Astrometry | undefined, from: number, to: number): Astrometry | undefined {
  if (!astrometry) return undefined;
  const { epoch, motions, motionVariances, covariances, radiusArcsec } = astrometry;
  return {
    epoch: epoch?.subarray(from, to),
    motions: motions && {
      pmRaCosdec: motions.pmRaCosdec.subarray(from, to),
      pmDec: motions.pmDec.subarray(from, to),
      parallax: motions.parallax?.subarray(from, to),
      radialVelocity: motions.radialVelocity?.subarray(from, to),
    },
    motionVariances: motionVariances && {
      east: motionVariances.east.subarray(from, to),
      north: motionVariances.north.subarray(from, to),
    },
    covariances: covariances && {
      east: covariances.east.subarray(from, to),
      north: covariances.north.subarray(from, to),
      cross: covariances.cross.subarray(from, to),
    },
    radiusArcsec: radiusArcsec?.subarray(from, to),
  };
}

/** Errors as covariances. Position angles run from north through east. */
function readCovariances(batch: RecordBatch, error: ErrorColumns, faults: Faults): Covariances {
  const { numRows } = batch;
  const isError = (value: number): boolean => (error.positive ? value > 0 : value >= 0) && value < Infinity;
  const read = (column: ScaledColumn): Float64Array => {
    const values = scaledValues(batch, column);
    refuse(values, 'ERROR_INVALID', column.name, isError, faults);
    return values;
  };
  if (error.shape === 'constant') {
    const square = new Float64Array(numRows).fill(error.arcsec * error.arcsec);
    return { east: square, north: square, cross: new Float64Array(numRows) };
  }
  if (error.shape === 'circle') {
    const square = read(error.radius).map((value) => value * value);
    return { east: square, north: square, cross: new Float64Array(numRows) };
  }
  const out = {
    east: new Float64Array(numRows),
    north: new Float64Array(numRows),
    cross: new Float64Array(numRows),
  };
  if (error.shape === 'axes') {
    const [ra, dec] = [read(error.ra), read(error.dec)];
    const correlation =
      error.correlation === undefined
        ? new Float64Array(numRows)
        : scaledValues(batch, { name: error.correlation, factor: 1 });
    if (error.correlation !== undefined)
      refuse(correlation, 'ERROR_INVALID', error.correlation, (value) => value > -1 && value < 1, faults);
    for (let i = 0; i < numRows; i++) {
      out.east[i] = ra[i] * ra[i];
      out.north[i] = dec[i] * dec[i];
      out.cross[i] = correlation[i] * ra[i] * dec[i];
    }
    return out;
  }
  const [major, minor, angle] = [read(error.major), read(error.minor), scaledValues(batch, error.angle)];
  refuse(angle, 'ERROR_INVALID', error.angle.name, Number.isFinite, faults);
  for (let i = 0; i < numRows; i++) {
    if (minor[i] > major[i])
      faults.add(i, { reason: 'ERROR_INVALID', column: error.minor.name, value: `${minor[i]}, over ${major[i]}` });
    const [sin, cos] = [Math.sin((angle[i] * Math.PI) / 180), Math.cos((angle[i] * Math.PI) / 180)];
    const [a2, b2] = [major[i] * major[i], minor[i] * minor[i]];
    out.east[i] = a2 * sin * sin + b2 * cos * cos;
    out.north[i] = a2 * cos * cos + b2 * sin * sin;
    out.cross[i] = (a2 - b2) * sin * cos;
  }
  return out;
}

function refuse(
  values: Float64Array,
  reason: 'ERROR_INVALID' | 'RADIUS_INVALID',
  column: string,
  isValid: (value: number) => boolean,
  faults: Faults,
): void {
  for (let i = 0; i < values.length; i++)
    if (!isValid(values[i]))
      faults.add(i, { reason, column, value: Number.isNaN(values[i]) ? 'null or NaN' : String(values[i]) });
}

/** A column in the unit that is computed in; NaN where it is null. */
function scaledValues(batch: RecordBatch, { name, factor }: ScaledColumn): Float64Array {
  const vector = batch.getChild(name) as Vector;
  const values = numbersOf(vector, batch.numRows);
  const out = new Float64Array(batch.numRows);
  for (let i = 0; i < out.length; i++) out[i] = values[i] * factor;
  if (vector.nullCount > 0) {
    const nulls = new Uint8Array(batch.numRows);
    markNulls(vector, nulls);
    for (let i = 0; i < out.length; i++) if (nulls[i] === 1) out[i] = NaN;
  }
  return out;
}
