import { fail } from '@armilla/base';
import { WHOLE_SKY_SQUARE_DEGREES } from '@armilla/sky';
import { Condition } from '@armilla/tables';
import { DEFAULT_MAX_PAIRS, type FilteredSide, MAX_RADIUS_ARCSEC, type SideOptions } from '../options.js';
import { type MagnitudePrior, readMagnitudePriors } from '../probability/options.js';

export const MULTIS = ['pairs', 'groups', 'combinations'] as const;
export const TABLES_JOINS = ['inner', 'matched', 'left', 'full'] as const;

/** What becomes of the rows of several tables; see `TablesOptions.multi`. */
export type Multi = (typeof MULTIS)[number];
export type TablesJoin = (typeof TABLES_JOINS)[number];

/** What several tables do not have of each: they are compared as they stand, within one radius. */
const OF_TWO_TABLES = [
  'epoch',
  'pmRaCosdec',
  'pmDec',
  'parallax',
  'radialVelocity',
  'pmRaCosdecError',
  'pmDecError',
  'radius',
] as const satisfies readonly (keyof SideOptions)[];

/** What is known of one of several tables. */
export interface TableOptions extends Omit<SideOptions, (typeof OF_TWO_TABLES)[number]> {
  /** Solid angle that it covers: (0, 41253]; for probabilities, of every table but the first. */
  readonly skyAreaSquareDegrees?: number;
  /** Share of the rows of the first table that have their counterpart in it: (0, 1]. Default 1. */
  readonly completeness?: number;
  /** Magnitudes of it that weigh, as `COLUMN=HISTOGRAM`. */
  readonly magnitudePriors?: readonly string[];
}

/** Everything that changes the answer of a match of several tables. */
export interface TablesOptions {
  /** Largest separation, inclusive: (0, 648000]. */
  readonly radiusArcsec: number;
  /**
   * `pairs`: each row of the first table with the nearest row of every other one. `groups`: rows of different tables that a
   * chain of pairs connects. `combinations`: each row of the first table with every choice of candidates, also of none, of
   * which any two lie within the radius. Default `pairs`; `combinations` with probabilities.
   */
  readonly multi?: Multi;
  /**
   * `inner` (default): rows that have every table. `matched`: that have two or more. `left`: that have the first. `full`: all,
   * also what is alone.
   * Combinations have always the first table.
   */
  readonly join?: TablesJoin;
  /** By table. */
  readonly tables?: readonly TableOptions[];
  /** The columns of NWAY for every combination; needs errors of all tables, and the area of all but the first. */
  readonly probabilities?: {
    /** Of all tables together: each has the root of it. Instead of that of each table. */
    readonly completeness?: number;
    /** As for two tables. */
    readonly acceptableRatio?: number;
  };
  /** Result columns in order: `K.NAME` and `K.*` of table K, counted from 1, or a computed name. */
  readonly columns?: readonly string[];
  readonly strict?: boolean;
  /** More rows than this are refused. */
  readonly maxRows?: number;
}

/** What the probability of a combination depends on besides its rows. */
export interface TablePrior {
  readonly areaSquareDegrees: number;
  readonly completeness: number;
  readonly magnitudes: readonly MagnitudePrior[];
}

/** TablesOptions, checked, with every default filled in. */
export interface ResolvedTables {
  readonly radiusArcsec: number;
  readonly multi: Multi;
  readonly join: TablesJoin;
  readonly sides: readonly FilteredSide[];
  /** By table; undefined without probabilities. */
  readonly priors: readonly TablePrior[] | undefined;
  readonly acceptableRatio: number;
  readonly columns: readonly string[] | undefined;
  readonly strict: boolean;
  readonly maxRows: number;
}

export const MOST_TABLES = 10;

/** Throws RADIUS_OUT_OF_RANGE, OPTION_INVALID, OPTIONS_CONFLICT, WHERE_INVALID or HISTOGRAM_INVALID. */
export function resolveTables(options: TablesOptions, count: number): ResolvedTables {
  const { radiusArcsec, probabilities, tables = [] } = options;
  if (!(radiusArcsec > 0 && radiusArcsec <= MAX_RADIUS_ARCSEC))
    throw fail('RADIUS_OUT_OF_RANGE', { field: 'radius_arcsec', got: String(radiusArcsec) });
  if (count < 2 || count > MOST_TABLES)
    throw fail('OPTION_INVALID', { field: 'tables', expected: `2 to ${MOST_TABLES} tables`, got: count });
  for (const [k, table] of tables.entries()) checkTable(table, k + 1, probabilities !== undefined);
  if (tables.length > count)
    throw fail('OPTIONS_CONFLICT', { detail: `options are given for table ${tables.length}, and there are ${count}` });
  const multi = oneOf('multi', MULTIS, options.multi ?? (probabilities ? 'combinations' : 'pairs'));
  if (probabilities && multi !== 'combinations')
    throw fail('OPTIONS_CONFLICT', { detail: `probabilities weigh all combinations: leave multi=${multi} out` });
  if (multi === 'combinations' && options.join !== undefined)
    throw fail('OPTIONS_CONFLICT', { detail: 'combinations have every row of the first table: leave join out' });
  const maxRows = options.maxRows ?? DEFAULT_MAX_PAIRS;
  if (!(Number.isInteger(maxRows) && maxRows >= 1))
    throw fail('OPTION_INVALID', { field: 'max_pairs', expected: 'an integer of at least 1', got: maxRows });
  return {
    radiusArcsec,
    multi,
    join: oneOf('join', TABLES_JOINS, options.join ?? 'inner'),
    sides: Array.from({ length: count }, (_, k) => sideOf(tables[k] ?? {}, probabilities !== undefined)),
    priors: probabilities && tablePriors(tables, count, probabilities.completeness),
    acceptableRatio: share('acceptable_ratio', probabilities?.acceptableRatio) ?? 0.5,
    columns: options.columns?.length ? options.columns : undefined,
    strict: options.strict ?? false,
    maxRows,
  };
}

function checkTable(table: TableOptions, number: number, isProbable: boolean): void {
  for (const key of OF_TWO_TABLES)
    if ((table as SideOptions)[key] !== undefined) {
      const name = key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
      throw fail('OPTIONS_CONFLICT', {
        field: `${number}.${name}`,
        detail: `${number}.${name} is for a match of two tables: several are compared as they stand, within one radius`,
      });
    }
  const { skyAreaSquareDegrees, completeness, magnitudePriors, where } = table;
  // Read once beforehand, so that what is wrong with it is told with the number of its table.
  if (where !== undefined) new Condition(where, `${number}.where`);
  if (!isProbable && (skyAreaSquareDegrees ?? completeness ?? magnitudePriors?.[0]) !== undefined)
    throw fail('OPTIONS_CONFLICT', {
      detail: `sky_area, completeness and magnitude_prior of table ${number} go with probabilities: ask for those`,
    });
}

function sideOf(table: TableOptions, positiveErrors: boolean): FilteredSide {
  const { skyAreaSquareDegrees: _area, completeness: _completeness, magnitudePriors: _priors, ...side } = table;
  return { ...side, ...(positiveErrors && { positiveErrors }) };
}

function tablePriors(tables: readonly TableOptions[], count: number, together: number | undefined): TablePrior[] {
  const whole = share('completeness', together);
  return Array.from({ length: count }, (_, k): TablePrior => {
    const { skyAreaSquareDegrees: area, completeness, magnitudePriors } = tables[k] ?? {};
    const own = share(`${k + 1}.completeness`, completeness);
    if (own !== undefined && whole !== undefined)
      throw fail('OPTIONS_CONFLICT', { detail: `completeness is given for all tables and for table ${k + 1}` });
    if (k === 0)
      return { areaSquareDegrees: NaN, completeness: 1, magnitudes: readMagnitudePriors(magnitudePriors, '1.') };
    if (area === undefined || !(area > 0 && area <= 41_253))
      throw fail('OPTION_INVALID', {
        field: `${k + 1}.sky_area`,
        expected: `the square degrees that table ${k + 1} covers, in (0, 41253], or full`,
        got: String(area ?? 'nothing'),
      });
    return {
      areaSquareDegrees: Math.min(area, WHOLE_SKY_SQUARE_DEGREES),
      completeness: own ?? (whole ?? 1) ** (1 / (count - 1)),
      magnitudes: readMagnitudePriors(magnitudePriors, `${k + 1}.`),
    };
  });
}

function share(field: string, value: number | undefined): number | undefined {
  if (value === undefined || (value > 0 && value <= 1)) return value;
  throw fail('OPTION_INVALID', { field, expected: 'in (0, 1]', got: String(value) });
}

function oneOf<T extends string>(field: string, values: readonly T[], got: T): T {
  if (values.includes(got)) return got;
  throw fail('OPTION_INVALID', { field, expected: `one of ${values.join(', ')}`, got: `'${String(got)}'` });
}
