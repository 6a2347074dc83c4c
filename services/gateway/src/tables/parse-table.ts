import { encodeArrowStream, openTable } from '@armilla/tables';

/** A table in a format that has to be parsed: read from a file of ours, or as it comes. */
export type ForeignTable = { readonly name: string; readonly path: string } | { readonly name: string; readonly stream: AsyncIterable<Uint8Array> };

/** The table as an Arrow IPC stream. */
export async function* parseTable(table: ForeignTable, signal: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = await openTable('path' in table ? table.path : table, { trusted: false, signal });
  try {
    yield* encodeArrowStream(reader.schema, reader.batches({ signal }));
  } finally {
    await reader.close();
  }
}
