import { fail } from '@armilla/base';
import { CatalogTable } from '@armilla/crossmatch';
import { contentDigest, type StoredTables } from '@armilla/crossmatch/service';
import type { Runtime } from '@armilla/gpu-core';
import { openTable } from '@armilla/tables';

export interface NamedTable {
  readonly name: string;
  readonly path: string;
}

/** A table that the operator named stays as long as the server: this is the longest time to live. */
const OPERATOR_TTL_SECONDS = 31_536_000;

/** `gaia=gaia.parquet`. */
export function parseNamedTable(text: string): NamedTable {
  const at = text.indexOf('=');
  if (at <= 0 || at === text.length - 1)
    throw fail('OPTION_INVALID', { field: '--table', expected: 'NAME=FILE', got: `'${text}'` });
  return { name: text.slice(0, at), path: text.slice(at + 1) };
}

/** Loads, indexes and keeps a table; gives its rows. */
export async function storeTable(
  { name, path }: NamedTable,
  stored: StoredTables,
  runtime: Runtime,
  signal?: AbortSignal,
): Promise<number> {
  stored.check(name, false);
  const table = await CatalogTable.load(await openTable(path, { signal }), { runtime, signal });
  await stored.put(name, table, await contentDigest(table), { ttlSeconds: OPERATOR_TTL_SECONDS });
  return table.rowCount;
}
