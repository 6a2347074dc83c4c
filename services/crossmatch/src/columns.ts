import { fail } from '@armilla/base';
import { isBlankColumn, textEvidence } from '@armilla/tables';
import type { Frame } from '@armilla/sky';
import { DataType, type Field, type Schema } from 'apache-arrow';
import { type AstrometryColumns, astrometryColumns, astrometryNames } from './astrometry/astrometry-columns.js';
import { columnFactor, factorOf, parseColumn } from './astrometry/quantity.js';
import { type FilterText, RowFilter } from './filter/row-filter.js';
import type { FilteredSide } from './options.js';

/** How the values of a coordinate are read: times `factor` they are degrees; `text`: sexagesimal. */
export interface CoordinateReading {
  readonly factor: number;
  readonly text: boolean;
}

/** The columns that hold the position of a table, whether they were guessed, and what else is known of its rows. */
export interface PositionColumns {
  readonly ra: string;
  readonly dec: string;
  readonly guessed: boolean;
  readonly frame: Frame;
  readonly raReading: CoordinateReading;
  readonly decReading: CoordinateReading;
  readonly astrometry: AstrometryColumns;
  /** What leaves rows out before they are matched. */
  readonly filter: RowFilter | undefined;
}

/** The columns as threads are told of them, which make the filter again. */
export interface SentColumns extends Omit<PositionColumns, 'filter'> {
  readonly filter: FilterText | undefined;
}

export function sentColumns({ filter, ...columns }: PositionColumns): SentColumns {
  return { ...columns, filter: filter?.text };
}

/** The columns again, in another thread; `schema` has at least those that are needed. */
export function receivedColumns({ filter, ...columns }: SentColumns, schema: Schema, where: string): PositionColumns {
  return { ...columns, filter: filter && RowFilter.again(schema, filter, where) };
}

interface Role {
  readonly key: 'ra' | 'dec';
  readonly title: string;
  readonly ucd: string;
  readonly names: ReadonlySet<string>;
}

type Roles = readonly [Role, Role];

// Names that surveys give to their main position in degrees (VizieR, Gaia, SDSS, 2MASS, WISE, Pan-STARRS, ObsCore,
// SExtractor), in lower case.
const EQUATORIAL: Roles = [
  {
    key: 'ra',
    title: 'right ascension',
    ucd: 'pos.eq.ra',
    names: new Set([
      'ra',
      '_ra',
      'ra_deg',
      'radeg',
      'ra_d',
      'raj2000',
      '_raj2000',
      'ra_j2000',
      '_ra_j2000',
      'raj2000_deg',
      'ra2000',
      'ra_2000',
      'ra_icrs',
      '_ra.icrs',
      'raicrs',
      'alpha',
      'alpha_j2000',
      'alphawin_j2000',
      'alpha_deg',
      'right_ascension',
      'rightascension',
      'right ascension',
      'ra_mean',
      'ramean',
      'rastack',
      's_ra',
    ]),
  },
  {
    key: 'dec',
    title: 'declination',
    ucd: 'pos.eq.dec',
    names: new Set([
      'dec',
      '_dec',
      '_de',
      'de',
      'decl',
      'dec_deg',
      'decdeg',
      'dedeg',
      'de_deg',
      'dec_d',
      'dej2000',
      '_dej2000',
      'decj2000',
      '_decj2000',
      'de_j2000',
      '_de_j2000',
      'dec_j2000',
      '_dec_j2000',
      'dej2000_deg',
      'dec2000',
      'dec_2000',
      'de_icrs',
      'dec_icrs',
      '_dec_icrs',
      '_de.icrs',
      'decicrs',
      'deicrs',
      'delta',
      'delta_j2000',
      'deltawin_j2000',
      'delta_deg',
      'declination',
      'dec_mean',
      'decmean',
      'decstack',
      's_dec',
    ]),
  },
];

const GALACTIC: Roles = [
  {
    key: 'ra',
    title: 'galactic longitude',
    ucd: 'pos.galactic.lon',
    names: new Set(['l', 'glon', '_glon', 'gal_lon', 'gal_l', 'l_deg', 'galactic_longitude']),
  },
  {
    key: 'dec',
    title: 'galactic latitude',
    ucd: 'pos.galactic.lat',
    names: new Set(['b', 'glat', '_glat', 'gal_lat', 'gal_b', 'b_deg', 'galactic_latitude']),
  },
];

const ECLIPTIC: Roles = [
  {
    key: 'ra',
    title: 'ecliptic longitude',
    ucd: 'pos.ecliptic.lon',
    names: new Set(['ecl_lon', 'elon', '_elon', 'elong', 'lambda', 'ecliptic_longitude']),
  },
  {
    key: 'dec',
    title: 'ecliptic latitude',
    ucd: 'pos.ecliptic.lat',
    names: new Set(['ecl_lat', 'elat', '_elat', 'beta', 'ecliptic_latitude']),
  },
];

const ROLES: Readonly<Record<Frame, Roles>> = {
  icrs: EQUATORIAL,
  fk5: EQUATORIAL,
  fk4: EQUATORIAL,
  galactic: GALACTIC,
  ecliptic: ECLIPTIC,
};

/**
 * Finds the position columns: as given, else by UCD `pos.eq.ra;meta.main`, else by common names, else by a plain UCD.
 * Throws COLUMN_NOT_FOUND, COLUMN_AMBIGUOUS, COLUMN_NOT_GUESSED, COLUMN_DUPLICATE and, unless it is known to have no rows, COLUMN_TYPE.
 */
export function positionColumns(
  schema: Schema,
  given: FilteredSide,
  where: string,
  side: 'left' | 'right' | undefined,
  rowCount?: number,
): PositionColumns {
  refuseDuplicates(schema, where);
  const frame = given.frame ?? 'icrs';
  const roles = ROLES[frame];
  const [ra, dec] = roles.map((role) => {
    const text = given[role.key];
    const { name, unit } = text ? parseColumn(text, 'position') : { name: undefined, unit: undefined };
    const field = name === undefined ? guess(schema, role, where, side) : named(schema, name, where);
    // A text file with a header only does not tell what its columns would hold.
    if (rowCount === 0) return { name: field.name, reading: { factor: 1, text: false } };
    return { name: field.name, reading: coordinateReading(field, unit, role, frame, where) };
  });
  if (ra.name === dec.name)
    throw fail('OPTIONS_CONFLICT', {
      detail: `${where}: column '${ra.name}' cannot be both ${roles[0].title} and ${roles[1].title}`,
    });
  return {
    ra: ra.name,
    dec: dec.name,
    guessed: !given.ra || !given.dec,
    frame,
    raReading: ra.reading,
    decReading: dec.reading,
    astrometry: astrometryColumns(schema, given, where, side),
    filter: RowFilter.of(schema, given, where, side),
  };
}

/** The names of all columns that are read of a table for its positions, each once. */
export function neededColumns({ ra, dec, astrometry, filter }: PositionColumns): string[] {
  return [...new Set([ra, dec, ...astrometryNames(astrometry), ...(filter?.columns ?? [])])];
}

/** The names of a schema for a message, at most 40 of them. */
export function availableColumns(schema: Schema): string {
  const names = schema.fields.map(({ name }) => name);
  return names.length === 0
    ? '(no columns)'
    : names.length <= 40
      ? names.join(', ')
      : `${names.slice(0, 40).join(', ')} and ${names.length - 40} more`;
}

function guess(schema: Schema, role: Role, where: string, side: string | undefined): Field {
  const ucdOf = (field: Field): string => (field.metadata.get('ucd') ?? '').trim().toLowerCase();
  const tiers = [
    schema.fields.filter((field) => ucdOf(field) === `${role.ucd};meta.main`),
    schema.fields.filter((field) => role.names.has(field.name.trim().toLowerCase())),
    schema.fields.filter((field) => ucdOf(field) === role.ucd),
  ];
  for (const tier of tiers) {
    // A table may give a position twice, in degrees and as sexagesimal text: the text is no candidate then.
    const numeric = tier.filter(isNumber);
    const candidates = numeric.length > 0 ? numeric : tier;
    if (candidates.length === 1) return candidates[0];
    if (candidates.length > 1) {
      throw fail('COLUMN_AMBIGUOUS', {
        where,
        role: role.title,
        count: candidates.length,
        candidates: candidates.map(({ name }) => name).join(', '),
        option: optionName(side, role),
      });
    }
  }
  throw fail('COLUMN_NOT_GUESSED', {
    where,
    role: role.title,
    option: optionName(side, role),
    available: availableColumns(schema),
  });
}

function named(schema: Schema, name: string, where: string): Field {
  const field = schema.fields.find((candidate) => candidate.name === name);
  if (!field) throw fail('COLUMN_NOT_FOUND', { where, column: name, available: availableColumns(schema) });
  return field;
}

/** Numbers, and columns without any value: their rows are all rejected as null. */
export function isNumber(field: Field): boolean {
  const { type } = field;
  return (
    isBlankColumn(field) ||
    DataType.isNull(type) ||
    DataType.isFloat(type) ||
    DataType.isInt(type) ||
    DataType.isDecimal(type)
  );
}

function coordinateReading(
  field: Field,
  unit: string | undefined,
  role: Role,
  frame: Frame,
  where: string,
): CoordinateReading {
  if (isNumber(field)) return { factor: columnFactor(field, unit, 'position', where, 1), text: false };
  const evidence = textEvidence(field);
  if (!isText(field) || evidence !== undefined) {
    const type = evidence === undefined ? String(field.type) : `${String(field.type)} (${evidence})`;
    throw fail('COLUMN_TYPE', { where, column: field.name, type, expected: 'a number (degrees) or sexagesimal text' });
  }
  const inHours = role.key === 'ra' && ROLES[frame] === EQUATORIAL;
  const ownUnit = (field.metadata.get('unit') ?? '').trim();
  // Units of text such as "h:m:s" say no more than the text itself.
  const factor = unit === undefined ? factorOf(ownUnit, 'position') : columnFactor(field, unit, 'position', where);
  return { factor: factor ?? (inHours ? 15 : 1), text: true };
}

function isText({ type }: Field): boolean {
  const values = (DataType.isDictionary(type) ? type.dictionary : type) as DataType;
  return DataType.isUtf8(values) || DataType.isLargeUtf8(values);
}

function refuseDuplicates(schema: Schema, where: string): void {
  const seen = new Map<string, number>();
  for (const { name } of schema.fields) seen.set(name, (seen.get(name) ?? 0) + 1);
  for (const [column, count] of seen) if (count > 1) throw fail('COLUMN_DUPLICATE', { where, column, count });
}

/** How a user names the column: a table that is loaded for itself has no side. */
const optionName = (side: string | undefined, role: Role): string =>
  side === undefined ? role.key : `${side}_${role.key}`;
