import type { TableReader } from '@armilla/tables';
import {
  Float64,
  type RecordBatch,
  type Schema,
  type Table,
  tableFromArrays,
  vectorFromArray,
  Table as ArrowTable,
  Utf8,
  type Vector,
} from 'apache-arrow';

/** A table in memory as a reader, cut into batches of `batchRowCount` rows. */
export function memoryTable(
  table: Table,
  options: { where?: string; batchRowCount?: number; rowCountKnown?: boolean } = {},
): TableReader & { closed: number } {
  const reader = {
    where: options.where ?? 'memory',
    format: 'arrow-stream' as const,
    schema: table.schema as Schema,
    rowCount: options.rowCountKnown === false ? undefined : table.numRows,
    misfits: new Map<string, number>(),
    closed: 0,
    async *batches({ columns }: { columns?: readonly string[] } = {}): AsyncGenerator<RecordBatch> {
      const picked = columns ? table.select([...columns]) : table;
      const step = options.batchRowCount ?? Math.max(table.numRows, 1);
      for (let from = 0; from < picked.numRows; from += step) yield* picked.slice(from, from + step).batches;
    },
    close: async () => {
      reader.closed++;
    },
  };
  return reader;
}

/** Columns by name; number arrays become Float64, typed arrays their own type, texts Utf8. */
export function tableOf(
  columns: Record<
    string,
    Float64Array | Int32Array | BigInt64Array | readonly (number | null)[] | readonly (string | null)[]
  >,
): Table {
  const vectors: Record<string, Vector> = {};
  for (const [name, values] of Object.entries(columns)) {
    if (ArrayBuffer.isView(values))
      vectors[name] = tableFromArrays({ v: values as Float64Array }).getChild('v') as Vector;
    else if (values.some((value) => typeof value === 'string'))
      vectors[name] = vectorFromArray(values as (string | null)[], new Utf8());
    else vectors[name] = vectorFromArray(values as (number | null)[], new Float64());
  }
  return new ArrowTable(vectors);
}

/** Every row of the batches as an object; bigint as number, null as null. */
export function rowsOf(batches: readonly RecordBatch[]): Record<string, unknown>[] {
  return batches.flatMap((batch) =>
    Array.from({ length: batch.numRows }, (_, i) =>
      Object.fromEntries(
        batch.schema.fields.map(({ name }, c) => {
          const value: unknown = batch.getChildAt(c)?.get(i);
          return [name, typeof value === 'bigint' ? Number(value) : value];
        }),
      ),
    ),
  );
}
