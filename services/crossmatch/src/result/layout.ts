import { fail } from '@armilla/base';
import { type DataType, Field, Float64, Int32, Int64, Schema } from 'apache-arrow';
import { availableColumns } from '../columns.js';
import { hasErrors, type ResolvedOptions } from '../options.js';
import { plainField } from './payload.js';

export const COMPUTED_COLUMNS = [
  'separation_arcsec',
  'rank',
  'neighbour_count',
  'second_separation_arcsec',
  'normalised_distance',
  'delta_ra_cosdec_arcsec',
  'delta_dec_arcsec',
  'dist_bayesfactor',
  'dist_post',
  'p_single',
  'p_any',
  'p_i',
  'match_flag',
  'left_row',
  'right_row',
  'group_id',
  'group_size',
] as const;

/** Those of a match with probabilities, beside the weight of each magnitude prior. */
const PROBABILITY_COLUMNS = ['dist_bayesfactor', 'dist_post', 'p_single', 'p_any', 'p_i', 'match_flag'] as const;

/** The weight by the magnitude in a column of the right table. */
export type BiasColumn = `bias_${string}`;
export type ComputedColumn = (typeof COMPUTED_COLUMNS)[number] | BiasColumn;

/** Where a result column comes from; `name` is its name there. */
export type ResultColumn =
  | { readonly from: 'left' | 'right'; readonly name: string }
  | { readonly from: 'computed'; readonly name: ComputedColumn };

/** The columns of the result: its schema and, in the same order, where each comes from. */
export interface ResultLayout {
  readonly schema: Schema;
  readonly columns: readonly ResultColumn[];
  /** Columns that the result takes from each table, each once. */
  readonly leftNames: readonly string[];
  readonly rightNames: readonly string[];
  has(name: ComputedColumn): boolean;
}

const TYPES: Readonly<Record<(typeof COMPUTED_COLUMNS)[number], () => DataType>> = {
  separation_arcsec: () => new Float64(),
  rank: () => new Int32(),
  neighbour_count: () => new Int32(),
  second_separation_arcsec: () => new Float64(),
  normalised_distance: () => new Float64(),
  delta_ra_cosdec_arcsec: () => new Float64(),
  delta_dec_arcsec: () => new Float64(),
  dist_bayesfactor: () => new Float64(),
  dist_post: () => new Float64(),
  p_single: () => new Float64(),
  p_any: () => new Float64(),
  p_i: () => new Float64(),
  match_flag: () => new Int32(),
  left_row: () => new Int64(),
  right_row: () => new Int64(),
  group_id: () => new Int64(),
  group_size: () => new Int32(),
};

/** Throws COLUMN_NOT_FOUND, COLUMN_AMBIGUOUS, COLUMN_DUPLICATE or OPTIONS_CONFLICT. */
export function resultLayout(left: Schema, right: Schema, options: ResolvedOptions): ResultLayout {
  const columns =
    options.columns === undefined
      ? defaultColumns(left, right, options)
      : options.columns.flatMap((text) => chosenColumns(text, left, right, options));
  const names = resultNames(columns, options.suffixes);
  const fields = columns.map((column, i) => fieldOf(column, names[i], left, right, options));
  const namesFrom = (side: 'left' | 'right'): string[] => [
    ...new Set(columns.flatMap((column) => (column.from === side ? [column.name] : []))),
  ];
  const computed = new Set(columns.flatMap((column) => (column.from === 'computed' ? [column.name] : [])));
  return {
    schema: new Schema(fields),
    columns,
    leftNames: namesFrom('left'),
    rightNames: namesFrom('right'),
    has: (name) => computed.has(name),
  };
}

/** Joins whose rows lack the side. */
const ANTI_JOIN_WITHOUT = { left: 'right-anti', right: 'left-anti' } as const;

/**
 * Columns of the `side` table that a result can need, known before the other table is: all, or those that `columns` may
 * mean.
 */
export function chosenNames(schema: Schema, side: 'left' | 'right', options: ResolvedOptions): string[] {
  const all = schema.fields.map(({ name }) => name);
  // A table that is matched with itself is both sides.
  const sides = options.selfMatch === undefined ? [side] : (['left', 'right'] as const);
  const { columns, join } = options;
  if (columns === undefined) return sides.every((one) => join === ANTI_JOIN_WITHOUT[one]) ? [] : all;
  return all.filter(
    (name) =>
      columns.includes(name) || sides.some((one) => columns.includes(`${one}.${name}`) || columns.includes(`${one}.*`)),
  );
}

function defaultColumns(left: Schema, right: Schema, options: ResolvedOptions): ResultColumn[] {
  const all = (from: 'left' | 'right'): ResultColumn[] =>
    (from === 'left' ? left : right).fields.map(({ name }) => ({ from, name }));
  const computed = (...names: (ComputedColumn | false)[]): ResultColumn[] =>
    names.flatMap((name) => (name === false ? [] : [{ from: 'computed' as const, name }]));
  const any = options.order === 'any';
  if (options.selfMatch === 'groups') return [...all('left'), ...computed('group_id', 'group_size')];
  if (options.join === 'left-anti') return [...all('left'), ...computed(any && 'left_row')];
  if (options.join === 'right-anti') return [...all('right'), ...computed(any && 'right_row')];
  return [
    ...all('left'),
    ...all('right'),
    ...computed(
      'separation_arcsec',
      hasErrors(options) && 'normalised_distance',
      options.find === 'k-nearest' && 'rank',
      ...probabilityColumns(options),
      any && 'left_row',
      any && 'right_row',
    ),
  ];
}

/** In the order of NWAY. */
function probabilityColumns({ probabilities }: ResolvedOptions): ComputedColumn[] {
  if (!probabilities) return [];
  const [factor, post, ...rest] = PROBABILITY_COLUMNS;
  return [factor, post, ...probabilities.priors.map(({ column }) => `bias_${column}` as const), ...rest];
}

function chosenColumns(text: string, left: Schema, right: Schema, options: ResolvedOptions): ResultColumn[] {
  const has = (schema: Schema, name: string): boolean => schema.fields.some((field) => field.name === name);
  for (const [from, schema] of [
    ['left', left],
    ['right', right],
  ] as const) {
    if (!text.startsWith(`${from}.`)) continue;
    const name = text.slice(from.length + 1);
    if (name === '*') return schema.fields.map((field) => ({ from, name: field.name }));
    if (!has(schema, name))
      throw fail('COLUMN_NOT_FOUND', { where: `${from} table`, column: name, available: availableColumns(schema) });
    return [{ from, name }];
  }
  const probable = probabilityColumns(options);
  const inTables = has(left, text) || has(right, text);
  // Catalogs that NWAY has matched before have columns of these names.
  const isOther = (PROBABILITY_COLUMNS as readonly string[]).includes(text) && probable.length === 0 && inTables;
  if (([...COMPUTED_COLUMNS, ...probable] as readonly string[]).includes(text) && !isOther) {
    const name = text as ComputedColumn;
    const refuse = (detail: string): never => {
      throw fail('OPTIONS_CONFLICT', { detail: `column ${name} ${detail}` });
    };
    const inGroups = options.selfMatch === 'groups';
    if (name === 'normalised_distance' && !hasErrors(options))
      refuse('needs position errors: give left_error or right_error, or those of ellipses or axes');
    if ((PROBABILITY_COLUMNS as readonly string[]).includes(name) && probable.length === 0)
      refuse('needs probabilities: ask for them');
    if (name === 'rank' && options.find !== 'k-nearest') refuse('is only there for find=k-nearest');
    if (name.startsWith('group_') !== inGroups && name !== 'left_row')
      refuse(inGroups ? 'is not there for groups' : 'is only there for self_match=groups');
    return [{ from: 'computed', name }];
  }
  const inLeft = has(left, text);
  const inRight = has(right, text);
  if (inLeft && inRight) {
    throw fail('COLUMN_AMBIGUOUS', {
      where: 'columns',
      role: `column '${text}'`,
      count: 2,
      candidates: `left.${text}, right.${text}`,
      option: 'columns',
    });
  }
  if (!inLeft && !inRight) {
    const available = `left: ${availableColumns(left)}; right: ${availableColumns(right)}; computed: ${COMPUTED_COLUMNS.join(', ')}`;
    throw fail('COLUMN_NOT_FOUND', { where: 'columns', column: text, available });
  }
  return [{ from: inLeft ? 'left' : 'right', name: text }];
}

/** Names that occur twice get the suffix of their table, again until they are unique; computed names stay. */
function resultNames(columns: readonly ResultColumn[], suffixes: readonly [string, string]): string[] {
  const seen = new Set<string>();
  const key = ({ from, name }: ResultColumn): string => `${from}.${name}`;
  for (const column of columns) {
    if (seen.has(key(column)))
      throw fail('COLUMN_DUPLICATE', {
        where: 'columns',
        column: key(column),
        count: columns.filter((other) => key(other) === key(column)).length,
      });
    seen.add(key(column));
  }
  const counts = new Map<string, number>();
  for (const { name } of columns) counts.set(name, (counts.get(name) ?? 0) + 1);
  const taken = new Set(
    columns.flatMap(({ from, name }) => (from === 'computed' || counts.get(name) === 1 ? [name] : [])),
  );
  return columns.map(({ from, name }) => {
    if (from === 'computed' || counts.get(name) === 1) return name;
    const suffix = suffixes[from === 'left' ? 0 : 1];
    let unique = name + suffix;
    // An empty suffix cannot make a name unique; the other side's then does.
    while (taken.has(unique)) unique += suffix === '' ? suffixes[from === 'left' ? 1 : 0] : suffix;
    taken.add(unique);
    return unique;
  });
}

function fieldOf(column: ResultColumn, name: string, left: Schema, right: Schema, { join }: ResolvedOptions): Field {
  if (column.from === 'computed') {
    const metadata = new Map(column.name.endsWith('_arcsec') ? [['unit', 'arcsec']] : []);
    const type = TYPES[column.name as keyof typeof TYPES] as (() => DataType) | undefined;
    return new Field(name, type?.() ?? new Float64(), true, metadata);
  }
  const source = (column.from === 'left' ? left : right).fields.find((field) => field.name === column.name) as Field;
  const mayMiss =
    column.from === 'left' ? join.startsWith('right') || join === 'full' : join.startsWith('left') || join === 'full';
  return plainField(source, name, source.nullable || mayMiss);
}
