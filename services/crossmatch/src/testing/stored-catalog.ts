import { writeFile } from 'node:fs/promises';
import type { Positions } from '@armilla/sky';
import { encodeParquet } from '@armilla/tables';
import type { Table } from 'apache-arrow';
import { memoryTable, tableOf } from './memory-table.js';

/** A catalog with columns of several types and nulls in most of them. */
export function catalogOf({ ra, dec, nulls }: Positions, prefix: string): Table {
  const orNull = (values: Float64Array): (number | null)[] =>
    Array.from(values, (value, i) => (nulls?.[i] ? null : value));
  return tableOf({
    id: BigInt64Array.from(ra, (_, i) => BigInt(i)),
    name: Array.from(ra, (_, i) => (i % 7 === 3 ? null : `${prefix}${i}`)),
    ra: orNull(ra),
    dec: orNull(dec),
    flag: Int32Array.from(ra, (_, i) => i % 3),
  });
}

/** Writes a table as Parquet, by default in small row groups, so that results cross their borders. */
export async function storeParquet(path: string, table: Table, rowGroupRowCount = 160): Promise<void> {
  const parts: Uint8Array[] = [];
  for await (const part of encodeParquet(table.schema, memoryTable(table).batches(), { rowGroupRowCount }))
    parts.push(part.slice());
  await writeFile(path, Buffer.concat(parts));
}
