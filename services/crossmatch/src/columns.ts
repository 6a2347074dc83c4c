import { fail } from '@armilla/base';
import { isBlankColumn, textEvidence } from '@armilla/tables';
import { DataType, type Field, type Schema } from 'apache-arrow';
import type { PositionColumnNames } from './options.js';

/** The columns that hold the position of a table, and whether they were guessed. */
export interface PositionColumns {
  readonly ra: string;
  readonly dec: string;
  readonly guessed: boolean;
}

interface Role {
  readonly key: 'ra' | 'dec';
  readonly title: string;
  readonly ucd: string;
  readonly names: ReadonlySet<string>;
}

// Names that surveys give to their main position in degrees (VizieR, Gaia, SDSS, 2MASS, WISE, Pan-STARRS, ObsCore,
// SExtractor), in lower case.
const ROLES: readonly [Role, Role] = [
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

/**
 * Finds the position columns: as given, else by UCD `pos.eq.ra;meta.main`, else by common names, else by a plain UCD.
 * Throws COLUMN_NOT_FOUND, COLUMN_AMBIGUOUS, COLUMN_NOT_GUESSED, COLUMN_DUPLICATE and, unless it is known to have no rows, COLUMN_TYPE.
 */
export function positionColumns(
  schema: Schema,
  given: PositionColumnNames,
  where: string,
  side: 'left' | 'right' | undefined,
  rowCount?: number,
): PositionColumns {
  refuseDuplicates(schema, where);
  const [ra, dec] = ROLES.map((role) => {
    const name = given[role.key];
    const field = name === undefined || name === '' ? guess(schema, role, where, side) : named(schema, name, where);
    // A text file with a header only does not tell what its columns would hold.
    if (rowCount !== 0) refuseNonNumbers(field, where);
    return field.name;
  });
  if (ra === dec)
    throw fail('OPTIONS_CONFLICT', {
      detail: `${where}: column '${ra}' cannot be both right ascension and declination`,
    });
  return { ra, dec, guessed: !given.ra || !given.dec };
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
function isNumber(field: Field): boolean {
  const { type } = field;
  return (
    isBlankColumn(field) ||
    DataType.isNull(type) ||
    DataType.isFloat(type) ||
    DataType.isInt(type) ||
    DataType.isDecimal(type)
  );
}

const NOT_DEGREES = /^(rad|radians?|h|hr|hours?|hourangle|arcsec|arcmin|mas|"?h:m:s"?|"?d:m:s"?)$/i;

function refuseNonNumbers(field: Field, where: string): void {
  if (!isNumber(field)) {
    const evidence = textEvidence(field);
    const type = evidence === undefined ? String(field.type) : `${String(field.type)} (${evidence})`;
    throw fail('COLUMN_TYPE', { where, column: field.name, type, expected: 'a number (degrees)' });
  }
  const unit = (field.metadata.get('unit') ?? '').trim();
  if (NOT_DEGREES.test(unit))
    throw fail('COLUMN_TYPE', { where, column: field.name, type: `in unit '${unit}'`, expected: 'in degrees' });
}

function refuseDuplicates(schema: Schema, where: string): void {
  const seen = new Map<string, number>();
  for (const { name } of schema.fields) seen.set(name, (seen.get(name) ?? 0) + 1);
  for (const [column, count] of seen) if (count > 1) throw fail('COLUMN_DUPLICATE', { where, column, count });
}

/** How a user names the column: a table that is loaded for itself has no side. */
const optionName = (side: string | undefined, role: Role): string =>
  side === undefined ? role.key : `${side}_${role.key}`;
