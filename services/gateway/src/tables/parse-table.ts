import { openTableInWorker, type ReadNotes } from '@armilla/tables';

/** A table in a format that has to be parsed: read from a file of ours, or as it comes. */
export type ForeignTable =
  | { readonly name: string; readonly path: string }
  | { readonly name: string; readonly stream: AsyncIterable<Uint8Array> };

/** The table as an Arrow IPC stream, parsed in a worker thread (Parquet in a child process with limits). */
export function parseTable(
  table: ForeignTable,
  signal: AbortSignal,
  onNotes?: (notes: ReadNotes) => void,
): AsyncIterable<Uint8Array> {
  return openTableInWorker(table, { trusted: false, signal, onNotes });
}
