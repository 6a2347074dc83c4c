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

/** What the result takes, before the schemas are known: a column of a table, all of them, or a computed one. */
export type AskedColumn = TablesColumn | { readonly allOf: number };

/** The columns that the options ask for. Throws OPTION_INVALID. */
export function askedColumns(count: number, options: ResolvedTables): AskedColumn[] {
  const usual = usualComputed(count, options);
  const tables = Array.from({ length: count }, (_, k) => k);
  const known = [...usual, ...tables.map((k) => `row_${k + 1}`)];
  if (options.columns) return options.columns.map((text) => askedColumn(text, count, known));
  return [...tables.map((allOf) => ({ allOf })), ...usual.map((computed) => ({ computed }))];
}

/** Columns that the result takes from one table, each once. Throws COLUMN_NOT_FOUND. */
export function namesOf(asked: readonly AskedColumn[], table: number, schema: Schema): string[] {
  const names = asked.flatMap((column) => {
    if ('allOf' in column) return column.allOf === table ? schema.fields.map(({ name }) => name) : [];
    return 'table' in column && column.table === table ? [fieldOf(schema, column.name).name] : [];
  });
  return [...new Set(names)];
}

/** Throws COLUMN_NOT_FOUND or COLUMN_DUPLICATE. */
export function tablesLayout(schemas: readonly Schema[], asked: readonly AskedColumn[]): TablesLayout {
  const columns = asked.flatMap((column): TablesColumn[] => {
    if (!('allOf' in column)) return [column];
    return schemas[column.allOf].fields.map(({ name }) => ({ table: column.allOf, name }));
  });
  const names = resultNames(columns);
  const fields = columns.map((column, i) =>
    'computed' in column
      ? new Field(names[i], typeOf(column.computed), true, unitOf(column.computed))
      : plainField(fieldOf(schemas[column.table], column.name), names[i], true),
  );
  return { schema: new Schema(fields), columns, names: schemas.map((schema, table) => namesOf(asked, table, schema)) };
}

function usualComputed(count: number, { multi, priors }: ResolvedTables): string[] {
  const separations: string[] = [];
  for (let a = 0; a < count; a++)
    for (let b = a + 1; b < count; b++) if (a === 0 || multi !== 'pairs') separations.push(separationName(a, b));
  if (multi === 'pairs') return [...separations, 'ncat'];
  if (multi === 'groups') return [...separations, 'ncat', 'group_id', 'group_size'];
  return [...separations, 'separation_max_arcsec', 'ncat', ...(priors ? combinationColumns(priors) : [])];
}

function askedColumn(text: string, count: number, known: readonly string[]): AskedColumn {
  if (known.includes(text)) return { computed: text };
  const match = /^(\d+)\.(.+)$/s.exec(text);
  const table = match ? Number(match[1]) - 1 : -1;
  if (!match || table < 0 || table >= count)
    throw fail('OPTION_INVALID', {
      field: 'columns',
      expected: `K.NAME or K.* with K from 1 to ${count}, or one of ${known.join(', ')}`,
      got: `'${text.slice(0, 80)}'`,
    });
  return match[2] === '*' ? { allOf: table } : { table, name: match[2] };
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
