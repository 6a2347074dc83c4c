import { fail } from '@armilla/base';
import { type DataType, Field, Float64, Int32, Int64, Schema } from 'apache-arrow';
import { availableColumns } from '../columns.js';
import { plainField } from '../result/payload.js';
import { combinationColumns } from './combination-probabilities.js';
import type { ResolvedTables } from './options.js';

/** Where a result column comes from; tables count from 0. */
export type TablesColumn = { readonly table: number; readonly name: string } | { readonly computed: string };

/** The columns of the result: its schema and, in the same order, where each comes from. */
export interface TablesLayout {
  readonly schema: Schema;
  readonly columns: readonly TablesColumn[];
  /** Columns that the result takes from each table, each once. */
  readonly names: readonly (readonly string[])[];
}

/** `separation_1_2_arcsec` of tables 0 and 1. */
export const separationName = (a: number, b: number): string => `separation_${a + 1}_${b + 1}_arcsec`;

/** Throws COLUMN_NOT_FOUND, COLUMN_DUPLICATE or OPTION_INVALID. */
export function tablesLayout(schemas: readonly Schema[], options: ResolvedTables): TablesLayout {
  const usual = usualComputed(schemas.length, options);
  const known = [...usual, ...schemas.map((_, k) => `row_${k + 1}`)];
  const all = (table: number): TablesColumn[] => schemas[table].fields.map(({ name }) => ({ table, name }));
  const columns = options.columns
    ? options.columns.flatMap((text) => chosen(text, schemas, known, all))
    : [...schemas.flatMap((_, table) => all(table)), ...usual.map((computed) => ({ computed }))];
  const names = resultNames(columns);
  const fields = columns.map((column, i) =>
    'computed' in column
      ? new Field(names[i], typeOf(column.computed), true, unitOf(column.computed))
      : plainField(fieldOf(schemas[column.table], column.name), names[i], true),
  );
  return {
    schema: new Schema(fields),
    columns,
    names: schemas.map((_, table) => [
      ...new Set(columns.flatMap((column) => ('table' in column && column.table === table ? [column.name] : []))),
    ]),
  };
}

function usualComputed(count: number, { multi, priors }: ResolvedTables): string[] {
  const separations: string[] = [];
  for (let a = 0; a < count; a++)
    for (let b = a + 1; b < count; b++) if (a === 0 || multi !== 'pairs') separations.push(separationName(a, b));
  if (multi === 'pairs') return [...separations, 'ncat'];
  if (multi === 'groups') return [...separations, 'ncat', 'group_id', 'group_size'];
  return [...separations, 'separation_max_arcsec', 'ncat', ...(priors ? combinationColumns(priors) : [])];
}

function chosen(
  text: string,
  schemas: readonly Schema[],
  known: readonly string[],
  all: (table: number) => TablesColumn[],
): TablesColumn[] {
  if (known.includes(text)) return [{ computed: text }];
  const match = /^(\d+)\.(.+)$/s.exec(text);
  const table = match ? Number(match[1]) - 1 : -1;
  if (!match || !(table in schemas))
    throw fail('OPTION_INVALID', {
      field: 'columns',
      expected: `K.NAME or K.* with K from 1 to ${schemas.length}, or one of ${known.join(', ')}`,
      got: `'${text.slice(0, 80)}'`,
    });
  if (match[2] === '*') return all(table);
  fieldOf(schemas[table], match[2]);
  return [{ table, name: match[2] }];
}

function fieldOf(schema: Schema, name: string): Field {
  const field = schema.fields.find((one) => one.name === name);
  if (!field) throw fail('COLUMN_NOT_FOUND', { where: 'columns', column: name, available: availableColumns(schema) });
  return field;
}

/** Names that occur twice get the number of their table, again until they are unique; computed names stay. */
function resultNames(columns: readonly TablesColumn[]): string[] {
  const bare = (column: TablesColumn): string => ('computed' in column ? column.computed : column.name);
  const key = (column: TablesColumn): string => `${'table' in column ? column.table + 1 : ''}.${bare(column)}`;
  const counts = new Map<string, number>();
  const seen = new Set<string>();
  for (const column of columns) {
    if (seen.has(key(column))) throw fail('COLUMN_DUPLICATE', { where: 'columns', column: key(column), count: 2 });
    seen.add(key(column));
    counts.set(bare(column), (counts.get(bare(column)) ?? 0) + 1);
  }
  const isUnique = (column: TablesColumn): boolean => 'computed' in column || counts.get(column.name) === 1;
  const taken = new Set(columns.filter(isUnique).map(bare));
  return columns.map((column) => {
    if (isUnique(column) || 'computed' in column) return bare(column);
    let name = `${column.name}_${column.table + 1}`;
    while (taken.has(name)) name += `_${column.table + 1}`;
    taken.add(name);
    return name;
  });
}

function typeOf(computed: string): DataType {
  if (computed.startsWith('row_') || computed === 'group_id') return new Int64();
  return ['ncat', 'match_flag', 'group_size'].includes(computed) ? new Int32() : new Float64();
}

function unitOf(computed: string): Map<string, string> {
  return new Map(computed.endsWith('_arcsec') ? [['unit', 'arcsec']] : []);
}
