import { fail } from '@armilla/base';
import { Field, Float64, Int64, Schema } from 'apache-arrow';
import { availableColumns } from '../columns.js';
import { plainField } from '../result/payload.js';

/** Columns that a cone search adds to those of the table. */
export const CONE_COLUMNS = ['separation_arcsec', 'table_row'] as const;

type ConeColumn = (typeof CONE_COLUMNS)[number];

export interface ConeLayout {
  readonly schema: Schema;
  /** Where each column of the result comes from. */
  readonly columns: readonly { readonly from: 'table' | 'computed'; readonly name: string }[];
  /** Columns of the table that the result takes, each once. */
  readonly names: readonly string[];
}

const TYPES = { separation_arcsec: () => new Float64(), table_row: () => new Int64() } as const;
/** What a column of the table is called where a computed one has its name. */
const SUFFIX = '_1';

/** The columns of the result. Throws COLUMN_NOT_FOUND and COLUMN_DUPLICATE. */
export function coneLayout(table: Schema, where: string, wanted: readonly string[] = DEFAULT_COLUMNS): ConeLayout {
  const columns = wanted.flatMap((text) => chosen(text, table, where));
  const seen = new Set<string>();
  for (const { from, name } of columns) {
    const key = `${from}.${name}`;
    if (seen.has(key)) throw fail('COLUMN_DUPLICATE', { where: 'columns', column: name, count: 2 });
    seen.add(key);
  }
  const taken = new Set(columns.map(({ name }) => name));
  const names = columns.flatMap(({ from, name }) => (from === 'table' ? [name] : []));
  const fields = columns.map(({ from, name }) => {
    if (from === 'computed') return computedField(name as ConeColumn);
    const field = table.fields.find((one) => one.name === name) as Field;
    let unique = name;
    if (columns.some((other) => other.from === 'computed' && other.name === name)) {
      do unique += SUFFIX;
      while (taken.has(unique));
      taken.add(unique);
    }
    return plainField(field, unique, field.nullable);
  });
  return { schema: new Schema(fields), columns, names };
}

const DEFAULT_COLUMNS = ['table.*', 'separation_arcsec'];

function chosen(text: string, { fields }: Schema, where: string): ConeLayout['columns'] {
  if (text === 'table.*' || text === '*') return fields.map(({ name }) => ({ from: 'table', name }));
  if ((CONE_COLUMNS as readonly string[]).includes(text)) return [{ from: 'computed', name: text }];
  for (const name of [text, text.replace(/^table\./, '')])
    if (fields.some((field) => field.name === name)) return [{ from: 'table', name }];
  const available = `${availableColumns(new Schema(fields as Field[]))}; computed: ${CONE_COLUMNS.join(', ')}`;
  throw fail('COLUMN_NOT_FOUND', { where, column: text, available });
}

function computedField(name: ConeColumn): Field {
  const metadata = new Map(name === 'separation_arcsec' ? [['unit', 'arcsec']] : []);
  return new Field(name, TYPES[name](), false, metadata);
}
