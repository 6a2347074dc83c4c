import { encodeArrowStream } from '../arrow/write.js';
import type { WrittenFormat } from './format.js';
import { fileInput, peek, type Source, sourceInput } from './input.js';
import { type OpenOptions, openTable } from './open.js';
import type { TableReader } from './reader.js';
import { inThread } from './thread.js';
import type { ReadNotes } from './worker-protocol.js';

const PARQUET_MAGIC = Buffer.from('PAR1');

export type WorkerSource =
  | { readonly name: string; readonly path: string }
  | { readonly name: string; readonly stream: AsyncIterable<Uint8Array> };

export interface OpenInWorkerOptions extends OpenOptions {
  /** Called at the end with what the table said of itself. */
  onNotes?(notes: ReadNotes): void;
}

/**
 * A table in any format as the bytes of an Arrow IPC stream, parsed off the calling thread at the pace of the consumer. Without the end mark
 * the stream is not whole: errors are thrown before it.
 */
export async function* openTableInWorker(
  source: WorkerSource,
  options: OpenInWorkerOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const { signal, onNotes: onDone, ...plain } = options;
  const { name } = source;
  const file = 'path' in source ? await fileInput(source.path) : undefined;
  const start = await peek(file?.open(signal) ?? sourceInput(source as Source).open(signal), PARQUET_MAGIC.length);
  const isParquet = Buffer.compare(start.head.subarray(0, PARQUET_MAGIC.length), PARQUET_MAGIC) === 0;
  if (file?.repeatable === true) await start.close();
  // Foreign Parquet has a process of its own, which this thread only has to listen to; ending a thread would leave it behind.
  if (isParquet && options.trusted === false) {
    const reader = await openTable(file?.path ?? { name, stream: start.rest }, options);
    yield* asIpcStream(reader, signal);
    onDone?.({ misfits: reader.misfits, warnings: reader.warnings ?? [] });
  } else if (file?.repeatable === true) {
    yield* inThread({ kind: 'open', name, path: file.path, options: plain }, undefined, { signal, onDone });
  } else {
    yield* inThread({ kind: 'open', name, path: undefined, options: plain }, start.rest, { signal, onDone });
  }
}

async function* asIpcStream(
  reader: TableReader,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* encodeArrowStream(reader.schema, reader.batches({ signal }));
  } finally {
    await reader.close();
  }
}

export interface EncodeInWorkerOptions {
  /** What messages call the stream. */
  readonly where?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** The bytes of an Arrow IPC stream as a table in `format`, written off the calling thread at the pace of the consumer. */
export function encodeTableInWorker(
  format: WrittenFormat,
  ipcStream: AsyncIterable<Uint8Array>,
  options: EncodeInWorkerOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const { signal, metadata, where = 'the answer' } = options;
  return inThread({ kind: 'encode', format, where, metadata }, ipcStream, { signal });
}
