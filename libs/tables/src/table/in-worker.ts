import type { Format } from './format.js';
import type { OpenOptions } from './open.js';
import { inThread } from './thread.js';

export type WorkerSource =
  | { readonly name: string; readonly path: string }
  | { readonly name: string; readonly stream: AsyncIterable<Uint8Array> };

export interface OpenInWorkerOptions extends OpenOptions {
  /** Called at the end with the values that became null because they did not fit their column's type, by column. */
  onMisfits?(misfits: ReadonlyMap<string, number>): void;
}

/**
 * A table in any format as the bytes of an Arrow IPC stream, parsed off the calling thread at the pace of the consumer. Without the end mark
 * the stream is not whole: errors are thrown before it.
 */
export function openTableInWorker(
  source: WorkerSource,
  options: OpenInWorkerOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const { signal, onMisfits, ...plain } = options;
  const path = 'path' in source ? source.path : undefined;
  const input = 'stream' in source ? source.stream : undefined;
  return inThread({ kind: 'open', name: source.name, path, options: plain }, input, {
    signal,
    onDone: (misfits) => onMisfits?.(new Map(misfits)),
  });
}

export interface EncodeInWorkerOptions {
  /** What messages call the stream. */
  readonly where?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** The bytes of an Arrow IPC stream as a table in `format`, written off the calling thread at the pace of the consumer. */
export function encodeTableInWorker(
  format: Format,
  ipcStream: AsyncIterable<Uint8Array>,
  options: EncodeInWorkerOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const { signal, metadata, where = 'the answer' } = options;
  return inThread({ kind: 'encode', format, where, metadata }, ipcStream, { signal });
}
