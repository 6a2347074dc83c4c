import { fail, parseAngleArcsec } from '@armilla/base';
import { type EpochScale, parseEpoch } from '@armilla/sky';
import { DataType, type Field, type Schema } from 'apache-arrow';
import { availableColumns } from '../columns.js';
import type { FilteredSide, SideOptions } from '../options.js';
import { columnFactor, parseColumn, type QuantityKind } from './quantity.js';

/** A column and the factor that brings its values to the unit that is computed in. */
export interface ScaledColumn {
  readonly name: string;
  readonly factor: number;
}

/** When the positions of a table are valid: one Julian year for all, or one for each row. */
export type EpochColumns = { readonly year: number } | { readonly column: string; readonly scale: EpochScale };

export interface MotionColumns {
  readonly pmRaCosdec: ScaledColumn; // mas/yr
  readonly pmDec: ScaledColumn; // mas/yr
  readonly parallax: ScaledColumn | undefined; // mas
  readonly radialVelocity: ScaledColumn | undefined; // km/s
  readonly pmRaCosdecError: ScaledColumn | undefined; // mas/yr
  readonly pmDecError: ScaledColumn | undefined; // mas/yr
  readonly guessed: boolean;
}

/**
 * Errors of one sigma: the same of all rows, a circle, an ellipse with its position angle from north through east, or along both axes.
 * `positive`: zero is no error.
 */
export type ErrorColumns = { readonly positive?: boolean } & ErrorShape;

type ErrorShape =
  | { readonly shape: 'constant'; readonly arcsec: number }
  | { readonly shape: 'circle'; readonly radius: ScaledColumn } // arcsec
  | {
      readonly shape: 'ellipse';
      readonly major: ScaledColumn;
      readonly minor: ScaledColumn;
      readonly angle: ScaledColumn;
    } // arcsec, deg
  | {
      readonly shape: 'axes';
      readonly ra: ScaledColumn;
      readonly dec: ScaledColumn;
      readonly correlation: string | undefined;
    }; // arcsec

/** The columns of a table that say more about a position than where it is. */
export interface AstrometryColumns {
  readonly epoch: EpochColumns | undefined;
  /** How a column would be named as the epoch that looks like it, where none is given: it is not taken without being asked for. */
  readonly epochHint?: string;
  readonly motion: MotionColumns | undefined;
  readonly error: ErrorColumns | undefined;
  readonly radius: ScaledColumn | undefined; // arcsec
}

/** Whether rows have anything that a match must look at pair by pair. */
export function hasAstrometry({ epoch, error, radius }: AstrometryColumns): boolean {
  return epoch !== undefined || error !== undefined || radius !== undefined;
}

/** The names of all columns in use, each once. */
export function astrometryNames({ epoch, motion, error, radius }: AstrometryColumns): string[] {
  const columns = [
    motion?.pmRaCosdec,
    motion?.pmDec,
    motion?.parallax,
    motion?.radialVelocity,
    motion?.pmRaCosdecError,
    motion?.pmDecError,
    radius,
    ...(error?.shape === 'circle' ? [error.radius] : []),
    ...(error?.shape === 'ellipse' ? [error.major, error.minor, error.angle] : []),
    ...(error?.shape === 'axes' ? [error.ra, error.dec] : []),
  ];
  const names = columns.flatMap((column) => (column ? [column.name] : []));
  if (epoch && 'column' in epoch) names.push(epoch.column);
  if (error?.shape === 'axes' && error.correlation !== undefined) names.push(error.correlation);
  return [...new Set(names)];
}

/**
 * Finds the columns that `options` name, and those of motion by UCD or common names where an epoch is given. Throws
 * COLUMN_NOT_FOUND, COLUMN_TYPE, COLUMN_AMBIGUOUS, OPTION_INVALID or OPTIONS_CONFLICT.
 */
export function astrometryColumns(
  schema: Schema,
  options: FilteredSide,
  where: string,
  side: 'left' | 'right' | undefined,
): AstrometryColumns {
  const prefix = side === undefined ? '' : `${side}_`;
  const find = (text: string, kind: QuantityKind, fallback?: number): ScaledColumn => {
    const { name, unit } = parseColumn(text, kind);
    const field = numeric(schema, name, where);
    return { name, factor: columnFactor(field, unit, kind, where, fallback) };
  };
  const conflict = (detail: string): never => {
    throw fail('OPTIONS_CONFLICT', { detail: `${where}: ${detail}` });
  };

  const epoch = options.epoch === undefined ? undefined : epochColumns(schema, options.epoch, where, prefix);

  const error = errorColumns(options, prefix, find, conflict, schema, where);
  return {
    epoch,
    ...(epoch === undefined && { epochHint: epochHint(schema) }),
    motion: motionColumns(),
    error: error && { ...error, ...(options.positiveErrors && { positive: true }) },
    radius: options.radius === undefined ? undefined : find(options.radius, 'error'),
  };

  function motionColumns(): MotionColumns | undefined {
    const { pmRaCosdec, pmDec } = options;
    if ((pmRaCosdec === undefined) !== (pmDec === undefined))
      conflict(`a proper motion needs both ${prefix}pm_ra_cosdec and ${prefix}pm_dec`);
    const optional = (text: string | undefined, kind: QuantityKind): ScaledColumn | undefined =>
      text === undefined ? undefined : find(text, kind, 1);
    const rest = {
      parallax: optional(options.parallax, 'parallax'),
      radialVelocity: optional(options.radialVelocity, 'velocity'),
      pmRaCosdecError: optional(options.pmRaCosdecError, 'proper-motion'),
      pmDecError: optional(options.pmDecError, 'proper-motion'),
    };
    if (pmRaCosdec !== undefined && pmDec !== undefined) {
      if (epoch === undefined)
        conflict(`proper motions need ${prefix}epoch, when the positions are valid${hintText(epochHint(schema))}`);
      const columns = { pmRaCosdec: find(pmRaCosdec, 'proper-motion', 1), pmDec: find(pmDec, 'proper-motion', 1) };
      return { ...columns, ...rest, guessed: false };
    }
    const [ra, dec] = epoch
      ? [guessMotion(schema, 'ra', where, prefix), guessMotion(schema, 'dec', where, prefix)]
      : [undefined, undefined];
    if (ra && dec)
      return {
        pmRaCosdec: { name: ra.name, factor: columnFactor(ra, undefined, 'proper-motion', where, 1) },
        pmDec: { name: dec.name, factor: columnFactor(dec, undefined, 'proper-motion', where, 1) },
        ...rest,
        guessed: true,
      };
    if (Object.values(rest).some((column) => column !== undefined))
      conflict(`parallax, radial velocity and errors of motion need ${prefix}pm_ra_cosdec and ${prefix}pm_dec`);
    return undefined;
  }
}

/** What an error adds where a column looks like the epoch that is missing. */
export function hintText(hint: string | undefined): string {
  return hint === undefined ? '' : ` (it looks as if that were ${hint})`;
}

const EPOCH_NAMES: ReadonlySet<string> = new Set(['ref_epoch', 'refepoch', 'epoch', 'mean_epoch', 'epochmean']);

/** A column that says when positions are valid, by UCD or name; only one that could be named as it is. */
function epochHint(schema: Schema): string | undefined {
  const ucd = (field: Field): string => (field.metadata.get('ucd') ?? '').trim().toLowerCase();
  const found = schema.fields.find(
    (field) =>
      isNumber(field) &&
      (/^(meta\.ref;)?time\.epoch$/.test(ucd(field)) || EPOCH_NAMES.has(field.name.trim().toLowerCase())),
  );
  if (!found) return undefined;
  const unit = (found.metadata.get('unit') ?? '').trim().toLowerCase();
  return SCALES_OF_UNIT[unit] === undefined ? `${found.name}:yr` : found.name;
}

function errorColumns(
  options: SideOptions,
  prefix: string,
  find: (text: string, kind: QuantityKind, fallback?: number) => ScaledColumn,
  conflict: (detail: string) => never,
  schema: Schema,
  where: string,
): ErrorShape | undefined {
  const { error, errorMajor, errorMinor, errorAngle, errorRa, errorDec, errorCorrelation } = options;
  const ellipse = [errorMajor, errorMinor, errorAngle].filter((name) => name !== undefined).length;
  const axes = [errorRa, errorDec].filter((name) => name !== undefined).length;
  const shapes = (error === undefined ? 0 : 1) + (ellipse > 0 ? 1 : 0) + (axes > 0 ? 1 : 0);
  if (shapes > 1)
    conflict(
      `give one kind of error: ${prefix}error, or ${prefix}error_major with minor and angle, or ${prefix}error_ra with dec`,
    );
  if (errorCorrelation !== undefined && axes === 0)
    conflict(`${prefix}error_correlation needs ${prefix}error_ra and ${prefix}error_dec`);
  if (error !== undefined) {
    const arcsec = constantError(error, schema, `${prefix}error`);
    return arcsec === undefined ? { shape: 'circle', radius: find(error, 'error') } : { shape: 'constant', arcsec };
  }
  if (ellipse > 0) {
    if (errorMajor === undefined || errorMinor === undefined || errorAngle === undefined)
      return conflict(`an error ellipse needs ${prefix}error_major, ${prefix}error_minor and ${prefix}error_angle`);
    return {
      shape: 'ellipse',
      major: find(errorMajor, 'error'),
      minor: find(errorMinor, 'error'),
      angle: find(errorAngle, 'angle', 1),
    };
  }
  if (axes > 0) {
    if (errorRa === undefined || errorDec === undefined)
      return conflict(`errors along the axes need both ${prefix}error_ra and ${prefix}error_dec`);
    if (errorCorrelation !== undefined) numeric(schema, errorCorrelation, where);
    return { shape: 'axes', ra: find(errorRa, 'error'), dec: find(errorDec, 'error'), correlation: errorCorrelation };
  }
  return undefined;
}

/** The error of a text such as `0.1arcsec`, unless it is the name of a column. */
function constantError(text: string, schema: Schema, field: string): number | undefined {
  if (!/^\s*[-+]?[\d.]+(e[-+]?\d+)?\s*[a-z"']+\s*$/i.test(text) || schema.fields.some(({ name }) => name === text))
    return undefined;
  const arcsec = parseAngleArcsec(text, field);
  if (arcsec > 0 && arcsec <= 648_000) return arcsec;
  throw fail('OPTION_INVALID', { field, expected: 'an error above 0, or a column with its unit', got: `'${text}'` });
}

const SCALES_OF_UNIT: Readonly<Record<string, EpochScale>> = {
  yr: 'julian-year',
  jyear: 'julian-year',
  byear: 'besselian-year',
  mjd: 'mjd',
  jd: 'jd',
};

/** `J2016.0` and its like, or the name of a column whose unit says how it counts: `yr`, `jyear`, `byear`, `mjd` or `jd`. */
function epochColumns(schema: Schema, text: string, where: string, prefix: string): EpochColumns {
  const year = parseEpoch(text);
  if (year !== undefined) return { year };
  const at = text.lastIndexOf(':');
  const given =
    at > 0
      ? SCALES_OF_UNIT[
          text
            .slice(at + 1)
            .trim()
            .toLowerCase()
        ]
      : undefined;
  const name = given === undefined ? text : text.slice(0, at);
  const field = numeric(schema, name, where);
  const unit = (field.metadata.get('unit') ?? '').trim().toLowerCase();
  // Days alone do not say from when; the name of the column may.
  const byName = /mjd/i.test(name) ? 'mjd' : /(^|[^a-z])jd/i.test(name) ? 'jd' : undefined;
  const scale = given ?? SCALES_OF_UNIT[unit] ?? (unit === '' || unit === 'd' ? byName : undefined);
  if (scale !== undefined) return { column: name, scale };
  throw fail('OPTION_INVALID', {
    field: `${prefix}epoch`,
    expected: `an epoch such as J2016.0 or MJD57388.0, or a column with its scale, such as '${name}:mjd', '${name}:jd' or '${name}:yr'`,
    got: `'${text}'${unit === '' ? '' : ` (in unit '${unit}')`}`,
  });
}

// Names that surveys give to proper motions, in lower case; all include cos(dec) in right ascension.
const MOTION_NAMES = {
  ra: new Set(['pmra', 'pm_ra', 'pm_ra_cosdec', 'pmra_cosdec', 'pmracosdec', 'pm_racosd']),
  dec: new Set(['pmdec', 'pmde', 'pm_dec', 'pm_de', 'pmdecl']),
} as const;

function guessMotion(schema: Schema, axis: 'ra' | 'dec', where: string, prefix: string): Field | undefined {
  const ucd = `pos.pm;pos.eq.${axis}`;
  const numbers = schema.fields.filter(isNumber);
  const tiers = [
    numbers.filter((field) => (field.metadata.get('ucd') ?? '').trim().toLowerCase() === ucd),
    numbers.filter((field) => (MOTION_NAMES[axis] as ReadonlySet<string>).has(field.name.trim().toLowerCase())),
  ];
  const candidates = tiers.find((tier) => tier.length > 0) ?? [];
  if (candidates.length <= 1) return candidates[0];
  throw fail('COLUMN_AMBIGUOUS', {
    where,
    role: `proper motion in ${axis === 'ra' ? 'right ascension' : 'declination'}`,
    count: candidates.length,
    candidates: candidates.map(({ name }) => name).join(', '),
    option: `${prefix}pm_${axis === 'ra' ? 'ra_cosdec' : 'dec'}`,
  });
}

function numeric(schema: Schema, name: string, where: string): Field {
  const field = schema.fields.find((candidate) => candidate.name === name);
  if (!field) throw fail('COLUMN_NOT_FOUND', { where, column: name, available: availableColumns(schema) });
  if (!isNumber(field))
    throw fail('COLUMN_TYPE', { where, column: name, type: String(field.type), expected: 'a number' });
  return field;
}

function isNumber({ type }: Field): boolean {
  return DataType.isNull(type) || DataType.isFloat(type) || DataType.isInt(type) || DataType.isDecimal(type);
}
