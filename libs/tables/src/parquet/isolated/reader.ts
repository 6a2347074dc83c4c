import type { FileHandle } from 'node:fs/promises';
import { Breakdown, fail } from '@armilla/base';
import type { RecordBatch, Schema } from 'apache-arrow';
import { MessageDecoder } from '../../arrow/decoder.js';
import { IpcSplitter } from '../../arrow/splitter.js';
import type { BatchOptions, TableReader } from '../../table/reader.js';
import { DecoderProcess, type DecoderLimits } from './process.js';
import type { Reply } from './protocol.js';
import { type ForeignInput, spool } from './spool.js';

export interface IsolatedOptions extends Partial<DecoderLimits> {
  /** What messages call the file. */
  readonly where?: string;
  /** The columns that are read where a call names none; all when left out. */
  readonly columns?: readonly string[];
  /** Bytes of the file; a longer stream is refused. */
  readonly maxFileBytes?: number;
}

const DEFAULT_MEMORY_BYTES = 2 ** 30;
const DEFAULT_SILENCE_MS = 60_000;
const DEFAULT_MAX_FILE_BYTES = 64 * 2 ** 30;

/**
 * Opens Parquet that strangers sent: a child process with limits of memory and time decodes it and hands the rows over
 * as an Arrow stream, which is checked like any other. Whatever the bytes do to the child is PARQUET_INVALID here.
 */
export async function openParquetIsolated(input: ForeignInput, options: IsolatedOptions = {}): Promise<TableReader> {
  const { where = 'parquet', memoryBytes = DEFAULT_MEMORY_BYTES, silenceMs = DEFAULT_SILENCE_MS } = options;
  const file = await spool(input, where, options.maxFileBytes ?? DEFAULT_MAX_FILE_BYTES);
  let child: DecoderProcess | undefined;
  try {
    const limits = { memoryBytes, silenceMs };
    const begun = await begin(file, where, options.columns, limits);
    child = begun.child;
    return new IsolatedReader(file, where, options.columns, limits, begun);
  } catch (error) {
    await child?.kill();
    await file.close();
    throw error;
  }
}

interface Begun {
  readonly child: DecoderProcess;
  readonly opened: Reply & { kind: 'opened' };
}

async function begin(
  file: FileHandle,
  where: string,
  columns: readonly string[] | undefined,
  limits: DecoderLimits,
): Promise<Begun> {
  const child = new DecoderProcess(file.fd, where, limits);
  try {
    child.send({ kind: 'open', where, columns, memoryBytes: limits.memoryBytes });
    const opened = await child.reply();
    if (opened.kind !== 'opened') throw fail('INTERNAL', { detail: `${where}: the decoder replied '${opened.kind}'` });
    return { child, opened };
  } catch (error) {
    await child.kill();
    throw error;
  }
}

class IsolatedReader implements TableReader {
  readonly format = 'parquet';
  readonly misfits: ReadonlyMap<string, number> = new Map();
  readonly schema: Schema;
  readonly rowCount: number;
  /** A child that has opened the file and waits. */
  #ready: DecoderProcess | undefined;
  readonly #running = new Set<DecoderProcess>();

  constructor(
    private readonly file: FileHandle,
    readonly where: string,
    private readonly columns: readonly string[] | undefined,
    private readonly limits: DecoderLimits,
    { child, opened }: Begun,
  ) {
    this.#ready = child;
    this.rowCount = opened.rowCount;
    const decoder = new MessageDecoder({ where });
    for (const message of new IpcSplitter({ where }).push(Buffer.from(opened.schema, 'base64')))
      decoder.decode(message);
    decoder.finish();
    this.schema = decoder.schema as Schema;
  }

  async *batches(options: BatchOptions = {}): AsyncGenerator<RecordBatch, void, undefined> {
    const { signal, batchRowCount } = options;
    signal?.throwIfAborted();
    const child = this.#ready ?? (await begin(this.file, this.where, this.columns, this.limits)).child;
    this.#ready = undefined;
    this.#running.add(child);
    const onAbort = (): void => void child.kill();
    signal?.addEventListener('abort', onAbort, { once: true });
    let whole = false;
    try {
      child.send({ kind: 'read', columns: options.columns, batchRowCount });
      const outcome = child.outcome();
      const breakdown = new Breakdown();
      outcome.catch((error: unknown) => breakdown.tell(error));
      const splitter = new IpcSplitter({ where: this.where });
      const decoder = new MessageDecoder({ where: this.where });
      while (!splitter.ended) {
        const bytes = await breakdown.orBroken(child.chunk());
        signal?.throwIfAborted();
        if (!bytes) {
          await outcome;
          throw fail('INTERNAL', { detail: `${this.where}: the decoder closed its output before the end` });
        }
        for (const message of splitter.push(bytes)) {
          const batch = decoder.decode(message);
          if (batch) yield batch;
        }
      }
      await outcome;
      whole = true;
    } finally {
      signal?.removeEventListener('abort', onAbort);
      this.#running.delete(child);
      if (whole && !this.#ready) this.#ready = child;
      else await child.kill();
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.#ready, ...this.#running].map((child) => child?.kill()));
    this.#ready = undefined;
    await this.file.close();
  }
}
