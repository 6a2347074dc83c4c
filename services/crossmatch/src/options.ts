import { fail } from '@armilla/base';
import { type Area, type Frame, FRAMES, parseArea } from '@armilla/sky';
import { Condition } from '@armilla/tables';
import { type ProbabilityOptions, type ResolvedProbabilities, resolveProbabilities } from './probability/options.js';

export const FINDS = ['nearest', 'all', 'k-nearest', 'mutual', 'one-to-one'] as const;
export const JOINS = ['inner', 'left', 'right', 'full', 'left-anti', 'right-anti'] as const;
export const ORDERS = ['left', 'any'] as const;
export const SELF_MATCHES = ['pairs', 'groups'] as const;

export type Find = (typeof FINDS)[number];
export type Join = (typeof JOINS)[number];
export type Order = (typeof ORDERS)[number];
export type SelfMatch = (typeof SELF_MATCHES)[number];

/** Names of the columns that hold the position; guessed where they are not given. */
export interface PositionColumnNames {
  /** `NAME`, or `NAME:UNIT` where the column has no unit of its own: degrees otherwise, hours in sexagesimal text. */
  readonly ra?: string;
  readonly dec?: string;
  /** Default `icrs`. In `galactic` and `ecliptic`, `ra` and `dec` name longitude and latitude. */
  readonly frame?: Frame;
}

/**
 * What is known of the rows of a table besides their position. Columns are given as `NAME`, or as `NAME:UNIT` where they
 * have no unit of their own; errors have to have one.
 */
export interface SideOptions extends PositionColumnNames {
  /** When the positions are valid: `J2016.0`, `MJD57388.0`, or a column as `NAME:mjd`, `NAME:jd`, `NAME:yr`. */
  readonly epoch?: string;
  /** Proper motion in right ascension, cos(dec) included, as in Gaia and Hipparcos. Guessed with an epoch. mas/yr. */
  readonly pmRaCosdec?: string;
  /** mas/yr. */
  readonly pmDec?: string;
  /** mas. Counts together with the radial velocity only. */
  readonly parallax?: string;
  /** km/s, positive away. */
  readonly radialVelocity?: string;
  /** Errors of the proper motion, one sigma. mas/yr. */
  readonly pmRaCosdecError?: string;
  readonly pmDecError?: string;
  /** Position error of one sigma along each axis, the same in all directions; `0.1arcsec` is that of all rows. */
  readonly error?: string;
  /** Error ellipse: semi-axes of one sigma, and the position angle of the major one from north through east, in degrees. */
  readonly errorMajor?: string;
  readonly errorMinor?: string;
  readonly errorAngle?: string;
  /** Errors of one sigma in right ascension (cos(dec) included) and declination, and their correlation in (-1, 1). */
  readonly errorRa?: string;
  readonly errorDec?: string;
  readonly errorCorrelation?: string;
  /** Radius of each row: a pair lies within the sum of those of its sides, and within `radiusArcsec`. */
  readonly radius?: string;
  /** Only rows that satisfy this condition take part: a small part of SQL, as in docs/operations/crossmatch.md. */
  readonly where?: string;
}

/** What is known of the rows of a table, the area that they have to lie in, and whether an error of zero is none. */
export interface FilteredSide extends SideOptions {
  readonly area?: Area;
  readonly positiveErrors?: boolean;
}

/** Everything that changes the answer. Angles in arcsec. */
export interface MatchOptions {
  /** Largest separation of a pair, inclusive: (0, 648000]. */
  readonly radiusArcsec: number;
  /** Smallest separation of a pair, inclusive: [0, radiusArcsec]. Default 0. */
  readonly minRadiusArcsec?: number;
  /** Default `nearest`; `all` when a table is matched with itself. */
  readonly find?: Find;
  /** Only for `k-nearest`: [1, 1000]. Default 2. */
  readonly k?: number;
  /** Default `inner`. */
  readonly join?: Join;
  /** Default `left`: by left row, then rank; right-only rows last. */
  readonly order?: Order;
  readonly selfMatch?: SelfMatch;
  readonly left?: SideOptions;
  readonly right?: SideOptions;
  /** Largest separation of a pair in units of its combined error, inclusive; needs errors of at least one side. */
  readonly maxSigma?: number;
  /**
   * Only left rows in this area of the sky take part: `cone(RA, DEC, RADIUS)`, `box(RA, DEC, RA, DEC)`,
   * `polygon(RA DEC, ...)`, `healpix(ORDER; PIXEL, ...)`, `moc(...)`, or one that is made already. Right rows are not cut, so that
   * no pair is lost at its border.
   */
  readonly area?: string | Area;
  /** Only pairs that satisfy this condition on `left.NAME` and `right.NAME` are pairs. */
  readonly where?: string;
  /** Tell of each pair how probable it is: the columns of NWAY. Needs position errors of both tables; `find` is `all`. */
  readonly probabilities?: ProbabilityOptions;
  /**
   * Measure the rotation between the tables on pairs within twice the radius, and turn the left positions by it before they
   * are matched: separations are of the turned positions. The left table is read twice.
   */
  readonly recenter?: boolean;
  /** Result columns in order: `left.NAME`, `right.NAME`, `left.*`, `right.*`, a computed name, or a bare name that only one table has. */
  readonly columns?: readonly string[];
  /** Appended to names that clash. Default `_1` and `_2`. */
  readonly suffixes?: readonly [string, string];
  /** A bad row is an error instead of a rejected row. */
  readonly strict?: boolean;
  /** A match estimated to give more pairs is refused before it starts. */
  readonly maxPairs?: number;
}

/** What only changes the speed: any value gives the same rows. */
export interface ExecutionOptions {
  /** Threads of the pool to use: [1, 256]. Default: all. */
  readonly workerCount?: number;
  /** Device or kind of device that the search for pairs runs on ("webgpu:0", "wasm"). Default: the router's choice. */
  readonly device?: string;
  /** Left rows per chunk: [1, 16777216]. Default: chosen from the sizes. */
  readonly chunkRowCount?: number;
  /** Rows of a cell: [64, 1048576]. Default: a 256th of the right table, within [1000, 8000]. */
  readonly cellRowCount?: number;
  /** Right rows of a bucket of a join that does not stay in memory: [64, 33554432]. Default: as the memory allows. */
  readonly bucketRowCount?: number;
  /** Memory to plan with, in bytes. Default: half of the runtime's limit. */
  readonly memoryBytes?: number;
}

/** MatchOptions, checked, with every default filled in. */
export interface ResolvedOptions extends MatchOptions {
  readonly minRadiusArcsec: number;
  readonly find: Find;
  /** Only for `k-nearest`. */
  readonly k: number | undefined;
  readonly join: Join;
  readonly order: Order;
  readonly left: FilteredSide;
  readonly right: FilteredSide;
  readonly probabilities?: ResolvedProbabilities;
  readonly suffixes: readonly [string, string];
  readonly strict: boolean;
  /** `where`, read. */
  readonly condition: Condition | undefined;
}

export const MAX_RADIUS_ARCSEC = 648_000;
export const MAX_K = 1000;
export const DEFAULT_K = 2;
/** Pairs that a match may give when `maxPairs` is not set. */
export const DEFAULT_MAX_PAIRS = 2 ** 31 - 1;

/** Throws RADIUS_OUT_OF_RANGE, OPTION_INVALID, OPTIONS_CONFLICT, AREA_INVALID, MOC_INVALID or WHERE_INVALID. */
export function resolveOptions(options: MatchOptions): ResolvedOptions {
  const { radiusArcsec } = options;
  if (!(radiusArcsec > 0 && radiusArcsec <= MAX_RADIUS_ARCSEC)) {
    throw fail('RADIUS_OUT_OF_RANGE', { field: 'radius_arcsec', got: String(radiusArcsec) });
  }
  const minRadiusArcsec = options.minRadiusArcsec ?? 0;
  if (!(minRadiusArcsec >= 0 && minRadiusArcsec <= radiusArcsec)) {
    throw fail('OPTION_INVALID', {
      field: 'min_radius_arcsec',
      expected: `in [0, radius_arcsec = ${radiusArcsec}]`,
      got: String(minRadiusArcsec),
    });
  }
  const selfMatch = options.selfMatch === undefined ? undefined : oneOf('self_match', SELF_MATCHES, options.selfMatch);
  const probabilities = options.probabilities && resolveProbabilities(options.probabilities);
  const usual = selfMatch === undefined && !probabilities ? 'nearest' : 'all';
  const find = oneOf('find', FINDS, options.find ?? usual);
  const join = oneOf('join', JOINS, options.join ?? 'inner');
  const order = oneOf('order', ORDERS, options.order ?? 'left');
  if (options.k !== undefined) {
    integerIn('k', options.k, 1, MAX_K);
    if (find !== 'k-nearest')
      throw fail('OPTIONS_CONFLICT', { detail: `k is only for find=k-nearest, and find is ${find}` });
  }
  if (options.maxPairs !== undefined) integerIn('max_pairs', options.maxPairs, 1, Number.MAX_SAFE_INTEGER);
  const { maxSigma } = options;
  if (maxSigma !== undefined && !(maxSigma > 0 && maxSigma < Infinity))
    throw fail('OPTION_INVALID', { field: 'max_sigma', expected: 'a number above 0', got: String(maxSigma) });
  for (const [side, columns] of [
    ['left', options.left],
    ['right', options.right],
  ] as const)
    if (columns?.frame !== undefined) oneOf(`${side}_frame`, FRAMES, columns.frame);
  const area = typeof options.area === 'string' ? parseArea(options.area) : options.area;
  // What is wrong with the text of a condition should not wait for the tables.
  for (const side of ['left', 'right'] as const) {
    const text = options[side]?.where;
    if (text !== undefined) new Condition(text, `${side}_where`);
  }
  const resolved: ResolvedOptions = {
    ...options,
    area,
    condition: options.where === undefined ? undefined : new Condition(options.where, 'where'),
    radiusArcsec,
    minRadiusArcsec,
    find,
    k: find === 'k-nearest' ? (options.k ?? DEFAULT_K) : undefined,
    join,
    order,
    selfMatch,
    left: { ...options.left, ...(area && { area }), ...(probabilities && { positiveErrors: true }) },
    right: { ...options.right, ...(probabilities && { positiveErrors: true }) },
    probabilities,
    suffixes: checkedSuffixes(options.suffixes ?? ['_1', '_2']),
    strict: options.strict ?? false,
    columns: checkedColumns(options.columns),
  };
  if (maxSigma !== undefined && !hasErrors(resolved))
    throw fail('OPTIONS_CONFLICT', {
      detail: 'max_sigma needs position errors: give left_error or right_error, or those of ellipses or axes',
    });
  if (selfMatch !== undefined) checkSelfMatch(resolved);
  if (probabilities) checkProbable(resolved);
  return resolved;
}

const DEVICE = /^[a-z][a-z0-9-]{0,31}(:[A-Za-z0-9._-]{1,32})?$/;

/** Throws OPTION_INVALID. */
export function resolveExecution(execution: ExecutionOptions = {}): ExecutionOptions {
  if (execution.workerCount !== undefined) integerIn('worker_count', execution.workerCount, 1, 256);
  if (execution.device !== undefined && !DEVICE.test(execution.device)) {
    const expected = 'a device or a kind of device, such as webgpu:0 or wasm';
    throw fail('OPTION_INVALID', { field: 'device', expected, got: `'${execution.device}'` });
  }
  if (execution.chunkRowCount !== undefined) integerIn('chunk_row_count', execution.chunkRowCount, 1, 2 ** 24);
  if (execution.cellRowCount !== undefined) integerIn('cell_row_count', execution.cellRowCount, 64, 2 ** 20);
  if (execution.bucketRowCount !== undefined) integerIn('bucket_row_count', execution.bucketRowCount, 64, 2 ** 25);
  if (execution.memoryBytes !== undefined)
    integerIn('memory_bytes', execution.memoryBytes, 2 ** 20, Number.MAX_SAFE_INTEGER);
  return execution;
}

/** Whether a side has position errors. */
export function hasErrors({ left, right }: Pick<ResolvedOptions, 'left' | 'right'>): boolean {
  return [left, right].some(({ error, errorMajor, errorRa }) => (error ?? errorMajor ?? errorRa) !== undefined);
}

/** Whether the radius alone does not decide what is a pair, or more than the separation is asked of pairs. */
export function needsJudge(
  options: Pick<ResolvedOptions, 'left' | 'right' | 'maxSigma' | 'condition' | 'probabilities'>,
): boolean {
  const { left, right, maxSigma, condition, probabilities } = options;
  return (
    probabilities !== undefined ||
    maxSigma !== undefined ||
    condition !== undefined ||
    hasErrors(options) ||
    [left, right].some(({ epoch, radius }) => (epoch ?? radius) !== undefined)
  );
}

/** Whether the first result row has to wait for the last left row. */
export function needsWholeLeft(options: Pick<ResolvedOptions, 'find' | 'join' | 'selfMatch'>): boolean {
  return (
    options.selfMatch !== undefined ||
    options.find === 'mutual' ||
    options.find === 'one-to-one' ||
    options.join === 'right-anti'
  );
}

function checkSelfMatch({ selfMatch, find, join, minRadiusArcsec, right, recenter }: ResolvedOptions): void {
  const refuse = (detail: string): never => {
    throw fail('OPTIONS_CONFLICT', { detail });
  };
  if (right.where !== undefined)
    refuse('a table that is matched with itself has one condition on its rows: give left_where, not right_where');
  if (recenter) refuse('a table is not shifted against itself: leave recenter out');
  if (find === 'mutual' || find === 'one-to-one')
    refuse(`a table is matched with itself by find=nearest, k-nearest or all, not ${find}`);
  if (join !== 'inner' && join !== 'left' && join !== 'left-anti')
    refuse(`a table is matched with itself by join=inner, left or left-anti, not ${join}`);
  if (selfMatch !== 'groups') return;
  if (find !== 'all') refuse(`groups are made of all pairs: leave find out instead of find=${find}`);
  if (join === 'left-anti') refuse('groups hold every row: join=left-anti has no meaning for them');
  if (minRadiusArcsec > 0) refuse('groups are made of all pairs within the radius: min_radius_arcsec must be 0');
}

function checkProbable({ selfMatch, find, join }: ResolvedOptions): void {
  const refuse = (detail: string): never => {
    throw fail('OPTIONS_CONFLICT', { detail });
  };
  if (selfMatch !== undefined) refuse('probabilities are of rows of two tables: leave self_match out');
  if (find !== 'all') refuse(`probabilities weigh all candidates: leave find out instead of find=${find}`);
  if (join === 'left-anti' || join === 'right-anti') refuse(`join=${join} has no pairs to be probable: leave it out`);
}

function checkedSuffixes(suffixes: readonly [string, string]): readonly [string, string] {
  if (suffixes.length !== 2 || suffixes.some((suffix) => typeof suffix !== 'string') || suffixes[0] === suffixes[1]) {
    throw fail('OPTION_INVALID', {
      field: 'suffixes',
      expected: 'two different texts such as _1,_2',
      got: `'${suffixes.join(',')}'`,
    });
  }
  return suffixes;
}

function checkedColumns(columns: readonly string[] | undefined): readonly string[] | undefined {
  if (columns === undefined || columns.length === 0) return undefined;
  if (columns.some((name) => name === '')) {
    throw fail('OPTION_INVALID', {
      field: 'columns',
      expected: 'column names, none of them empty',
      got: `'${columns.join(',')}'`,
    });
  }
  return columns;
}

function oneOf<T extends string>(field: string, values: readonly T[], got: T): T {
  if (!values.includes(got))
    throw fail('OPTION_INVALID', { field, expected: `one of ${values.join(', ')}`, got: `'${String(got)}'` });
  return got;
}

function integerIn(field: string, got: number, least: number, most: number): void {
  if (!Number.isInteger(got) || got < least || got > most) {
    throw fail('OPTION_INVALID', { field, expected: `an integer in [${least}, ${most}]`, got: String(got) });
  }
}
