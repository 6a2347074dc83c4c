import { fail } from '@armilla/base';
import type { RecordBatch, Schema } from 'apache-arrow';
import { MemorySource } from '../parquet/source.js';
import type { BatchOptions, TableReader } from '../table/reader.js';
import { cutBatch, selectColumns } from './batches.js';
import { MessageDecoder } from './decoder.js';
import { ArrowFileReader } from './fileReader.js';
import { FILE_START, isArrowFile } from './footer.js';
import type { ArrowLimits } from './limits.js';
import type { IpcMessage } from './message.js';
import { MessageSource } from './source.js';
import { IpcSplitter } from './splitter.js';
import { messageKind } from './wire/header.js';

/**
 * A table in either IPC format in bytes that come by once. A file is read as the stream that it contains; one whose schema
 * stands in its footer only (polars and apache-arrow write such) is collected first.
 */
export class ArrowStreamReader implements TableReader {
  readonly rowCount = undefined;
  readonly misfits: ReadonlyMap<string, number> = new Map();
  readonly schema: Schema;
  #started = false;

  private constructor(
    readonly where: string,
    readonly format: 'arrow-file' | 'arrow-stream',
    private readonly decoder: MessageDecoder,
    private readonly messages: AsyncGenerator<IpcMessage>,
    private readonly chunks: ChunkReader,
  ) {
    this.schema = decoder.schema as Schema;
  }

  static async open(
    where: string,
    stream: AsyncIterable<Uint8Array>,
    limits: ArrowLimits,
    signal: AbortSignal | undefined,
  ): Promise<TableReader> {
    const chunks = new ChunkReader(stream, signal);
    try {
      const isFile = isArrowFile(await chunks.peek(FILE_START));
      if (isFile && !(await startsWithSchema(chunks, where, limits))) {
        const source = new MessageSource(new MemorySource(await chunks.rest(limits, where)), where, limits);
        return await ArrowFileReader.open(source, 'arrow-file');
      }
      if (isFile) chunks.skip(FILE_START);
      const decoder = new MessageDecoder({ where, limits });
      const messages = readMessages(chunks, where, limits);
      const first = await messages.next();
      if (!first.done) decoder.decode(first.value);
      decoder.finish();
      return new ArrowStreamReader(where, isFile ? 'arrow-file' : 'arrow-stream', decoder, messages, chunks);
    } catch (error) {
      await chunks.close();
      throw error;
    }
  }

  async *batches(options: BatchOptions = {}): AsyncGenerator<RecordBatch> {
    if (this.#started) throw new Error(`${this.where}: a stream can be read only once`);
    this.#started = true;
    selectColumns(this.decoder, options.columns, this.where);
    this.chunks.follow(options.signal);
    for await (const message of this.messages) {
      options.signal?.throwIfAborted();
      const batch = this.decoder.decode(message);
      if (batch) yield* cutBatch(batch, options.batchRowCount);
    }
  }

  async close(): Promise<void> {
    await this.chunks.close();
  }
}

/** Whether the schema stands at the start of a file as the message that it is. */
async function startsWithSchema(chunks: ChunkReader, where: string, limits: ArrowLimits): Promise<boolean> {
  const start = FILE_START + 8;
  const prefix = await chunks.peek(start);
  if (prefix.byteLength < start) return false;
  const view = new DataView(prefix.buffer, prefix.byteOffset);
  const length = view.getUint32(FILE_START + 4, true);
  if (view.getInt32(FILE_START, true) !== -1 || length < 8 || length > limits.headerBytes) return false;
  const header = (await chunks.peek(start + length)).subarray(start);
  return header.byteLength === length && messageKind(header, where) === 'schema';
}

async function* readMessages(chunks: ChunkReader, where: string, limits: ArrowLimits): AsyncGenerator<IpcMessage> {
  const splitter = new IpcSplitter({ where, limits });
  try {
    let rest = limits.headerBytes;
    for (let chunk = await chunks.next(); chunk; chunk = await chunks.next()) {
      // Behind the end mark stands the footer of a file: its sender waits until it is taken.
      if (splitter.ended && (rest -= chunk.byteLength) < 0) break;
      yield* splitter.push(chunk);
    }
    splitter.finish();
  } finally {
    await chunks.close();
  }
}

/** Chunks of a stream, with a look ahead, until a signal says stop: a source that hangs does not hold its reader. */
class ChunkReader {
  readonly #iterator: AsyncIterator<Uint8Array>;
  readonly #signals = new Set<AbortSignal>();
  #ahead: Uint8Array | undefined;
  #closed = false;

  constructor(stream: AsyncIterable<Uint8Array>, signal: AbortSignal | undefined) {
    this.#iterator = stream[Symbol.asyncIterator]();
    this.follow(signal);
  }

  /** Heeds this signal as well. */
  follow(signal: AbortSignal | undefined): void {
    if (signal) this.#signals.add(signal);
  }

  /** The first `length` bytes, fewer when there are not as many; they stay to be read. */
  async peek(length: number): Promise<Uint8Array> {
    let start: Uint8Array = this.#ahead ?? new Uint8Array(0);
    while (start.byteLength < length) {
      const chunk = await this.#pull();
      if (!chunk) break;
      start = start.byteLength === 0 ? chunk : Buffer.concat([start, chunk]);
    }
    this.#ahead = start;
    return start.subarray(0, length);
  }

  skip(length: number): void {
    this.#ahead = this.#ahead?.subarray(length);
  }

  async next(): Promise<Uint8Array | undefined> {
    const ahead = this.#ahead;
    this.#ahead = undefined;
    return ahead && ahead.byteLength > 0 ? ahead : this.#pull();
  }

  /** All that is left. @throws ARROW_LIMIT beyond the size of one message */
  async rest(limits: ArrowLimits, where: string): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    let bytes = 0;
    for (let chunk = await this.next(); chunk; chunk = await this.next()) {
      bytes += chunk.byteLength;
      const detail = `a file of more than ${limits.messageBytes} bytes cannot be read as it comes; write it in the stream format`;
      if (bytes > limits.messageBytes) throw fail('ARROW_LIMIT', { where, detail });
      parts.push(chunk);
    }
    await this.close();
    return Buffer.concat(parts, bytes);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    // A source that does not answer is not waited for.
    const closing = this.#iterator.return?.();
    if ([...this.#signals].some((signal) => signal.aborted)) closing?.catch(() => undefined);
    else await closing;
  }

  async #pull(): Promise<Uint8Array | undefined> {
    if (this.#closed) return undefined;
    const signals = [...this.#signals];
    for (const signal of signals) signal.throwIfAborted();
    const pending = this.#iterator.next();
    const result = await (signals.length === 0 ? pending : orAborted(pending, signals));
    return result.done ? undefined : result.value;
  }
}

async function orAborted<T>(pending: Promise<T>, signals: readonly AbortSignal[]): Promise<T> {
  let stop: () => void = () => undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signals.find((signal) => signal.aborted)?.reason as Error);
    for (const signal of signals) signal.addEventListener('abort', stop);
  });
  try {
    return await Promise.race([pending, aborted]);
  } finally {
    for (const signal of signals) signal.removeEventListener('abort', stop);
    pending.catch(() => undefined);
  }
}
