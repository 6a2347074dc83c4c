import { fail } from '@armilla/base';
import type { RecordBatch, Schema } from 'apache-arrow';
import type { BatchOptions, TableReader } from '../table/reader.js';
import { cutBatch, selectColumns } from './batches.js';
import { MessageDecoder } from './decoder.js';
import { type Block, type Footer, readFooter } from './footer.js';
import type { IpcMessage } from './message.js';
import type { MessageSource } from './source.js';
import { readHeader } from './wire/header.js';

/** Rows are counted before reading by looking at the header of each batch, up to so many of them. */
const COUNTED_BATCHES = 4096;

/** A table in either IPC format in bytes that can be read again and again. */
export class ArrowFileReader implements TableReader {
  readonly misfits: ReadonlyMap<string, number> = new Map();

  private constructor(
    readonly source: MessageSource,
    readonly format: 'arrow-file' | 'arrow-stream',
    readonly schema: Schema,
    readonly rowCount: number | undefined,
    private readonly footer: Footer | undefined,
  ) {}

  static async open(source: MessageSource, format: 'arrow-file' | 'arrow-stream'): Promise<ArrowFileReader> {
    const decoder = new MessageDecoder(source);
    if (format === 'arrow-stream') {
      await decodeSchema(source, decoder);
      return new ArrowFileReader(source, format, decoder.schema as Schema, undefined, undefined);
    }
    const footer = await readFooter(source);
    return new ArrowFileReader(source, format, footer.schema.schema, await countRows(source, footer.batches), footer);
  }

  get where(): string {
    return this.source.where;
  }

  async *batches(options: BatchOptions = {}): AsyncGenerator<RecordBatch> {
    const { source, footer } = this;
    const decoder = new MessageDecoder(source);
    let messages: AsyncGenerator<IpcMessage>;
    if (footer) {
      decoder.start(footer.schema);
      messages = this.#blocks(footer);
    } else {
      messages = this.#stream(await decodeSchema(source, decoder));
    }
    selectColumns(decoder, options.columns, this.where);
    for await (const message of messages) {
      options.signal?.throwIfAborted();
      const batch = decoder.decode(message);
      if (batch) yield* cutBatch(batch, options.batchRowCount);
    }
  }

  close(): Promise<void> {
    return this.source.source.close();
  }

  async *#blocks(footer: Footer): AsyncGenerator<IpcMessage> {
    for (const [i, block] of [...footer.dictionaries, ...footer.batches].entries()) {
      const { message } = await this.source.message(block.offset, i + 2);
      if (!message || message.bodyLength !== block.bodyLength) {
        throw fail('ARROW_INVALID', {
          where: this.where,
          detail: `the message at byte ${block.offset} is not the one of the footer`,
        });
      }
      yield message;
    }
  }

  async *#stream(start: number): AsyncGenerator<IpcMessage> {
    let at = start;
    for (let number = 2; ; number++) {
      const { message, next } = await this.source.message(at, number);
      if (!message) return;
      yield message;
      at = next;
    }
  }
}

/** Decodes the schema message, which is the first of a stream; returns the place behind it. */
async function decodeSchema(source: MessageSource, decoder: MessageDecoder): Promise<number> {
  const { message, next } = await source.message(0, 1);
  if (message) decoder.decode(message);
  decoder.finish();
  return next;
}

async function countRows(source: MessageSource, blocks: readonly Block[]): Promise<number | undefined> {
  if (blocks.length > COUNTED_BATCHES) return undefined;
  let rowCount = 0;
  for (const block of blocks) {
    const bytes = await source.bytes(block.offset, block.headerLength, 'a header');
    // The prefix is 4 bytes in files of before 0.15.
    const prefix = bytes[0] === 0xff && bytes[3] === 0xff ? 8 : 4;
    const header = readHeader(bytes.subarray(prefix), block.bodyLength, source.where, source.limits);
    if (header.kind !== 'batch')
      throw fail('ARROW_INVALID', {
        where: source.where,
        detail: `a ${header.kind} where the footer says a record batch`,
      });
    rowCount += header.batch.rowCount;
  }
  return rowCount;
}
