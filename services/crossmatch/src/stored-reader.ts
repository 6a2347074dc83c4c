import { fail } from '@armilla/base';
import { recordBatch, type TableReader } from '@armilla/tables';
import { Field, type RecordBatch, Schema } from 'apache-arrow';
import type { CatalogTable } from './catalog-table.js';
import { availableColumns } from './columns.js';
import type { SideOptions } from './options.js';
import type { StoredTableInfo } from './stored-tables.js';

/** Rows of a batch: views on the columns, so that only the work between two batches grows with it. */
const BATCH_ROW_COUNT = 2 ** 16;

/** The schema as the columns are kept: of a dictionary the indices may be wider than they came. */
export function storedSchema({ schema, payload }: CatalogTable, names?: readonly string[]): Schema {
  const fields = schema.fields.map(
    ({ name, nullable, metadata }, i) => new Field(name, payload.columns[i].type, nullable, metadata),
  );
  if (names === undefined) return new Schema(fields, schema.metadata);
  const chosen = names.map((name) => {
    const field = fields.find((one) => one.name === name);
    if (!field)
      throw fail('COLUMN_NOT_FOUND', { where: 'stored table', column: name, available: availableColumns(schema) });
    return field;
  });
  return new Schema(chosen, schema.metadata);
}

/** The rows of a stored table, as views. */
export function* storedBatches(table: CatalogTable, names?: readonly string[]): Generator<RecordBatch> {
  const schema = storedSchema(table, names);
  const columns = schema.fields.map(({ name }) => {
    const column = table.payload.columnOf(name);
    if (!column) throw new TypeError(`no column ${name} is kept`);
    return column;
  });
  for (let from = 0; from < table.rowCount; from += BATCH_ROW_COUNT) {
    const count = Math.min(BATCH_ROW_COUNT, table.rowCount - from);
    yield recordBatch(
      schema,
      columns.map((column) => column.slice(from, count)),
      count,
    );
  }
}

/** A table in memory by the name that messages call it. */
export interface ResidentTable {
  readonly where: string;
  readonly table: CatalogTable;
}

export const residentOf = ({ name, table }: StoredTableInfo): ResidentTable => ({ where: `table '${name}'`, table });

/** What is said of the table, by the position columns that it was stored with where that names none. */
export function withColumnsOf<Side extends SideOptions>({ columns }: CatalogTable, side: Side): Side {
  if (side.ra !== undefined || side.dec !== undefined) return side;
  const { ra, dec, frame } = columns;
  return { ...side, ra, dec, frame: side.frame ?? frame };
}

/** A stored table as the left side of a match, to be read while it is in use. */
export const storedReader = (info: StoredTableInfo): TableReader => residentReader(residentOf(info));

/** The rows of a table in memory once more. */
export function residentReader({ where, table }: ResidentTable): TableReader {
  return {
    where,
    format: 'arrow-stream',
    schema: storedSchema(table),
    rowCount: table.rowCount,
    misfits: table.misfits,
    warnings: table.warnings,
    async *batches({ columns, signal } = {}) {
      for (const batch of storedBatches(table, columns)) {
        signal?.throwIfAborted();
        yield batch;
      }
    },
    close: async () => undefined,
  };
}
