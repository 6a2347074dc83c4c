import { fail } from '@armilla/base';
import { type Frame, FrameAssembler } from '@armilla/chassis';
import { MessageDecoder, type TableReader } from '@armilla/tables';
import type { RecordBatch } from 'apache-arrow';

const TITLES = ['left table', 'right table'] as const;

/** The tables of a stream of frames, one after the other: each is read to its end before the next begins. */
export class FrameTables {
  readonly #assembler = new FrameAssembler({ where: 'request' });
  readonly #frames: AsyncIterator<Frame>;
  #pushedBack: Frame | undefined;
  receivedBytes = 0;

  /** `first` is the frame that brought the options; it may carry the begin of a table as well. */
  constructor(first: Frame, rest: AsyncIterator<Frame>) {
    this.#pushedBack = first;
    this.#frames = rest;
  }

  /** The next table, which must be number `table`; resolves when its schema has come. */
  async open(table: 0 | 1, options: { rowCount?: number; signal: AbortSignal }): Promise<TableReader> {
    const where = TITLES[table];
    const decoder = new MessageDecoder({ where });
    // Opening waits with the call's signal, reading with the reader's.
    const wait = { signal: options.signal };
    const messages = this.#messages(table, decoder, wait);
    while (decoder.schema === undefined) {
      const { done } = await messages.next();
      if (done) throw fail('STREAM_ORDER', { where, detail: 'the table ends before its schema' });
    }
    let begun = false;
    const { schema } = decoder;
    return {
      where,
      format: 'arrow-stream',
      schema,
      rowCount: options.rowCount,
      misfits: new Map(),
      async *batches({ columns, signal } = {}) {
        if (begun) throw new TypeError(`${where} can be read once`);
        begun = true;
        if (signal) wait.signal = signal;
        if (columns) decoder.select(columns.map((name) => schema.fields.findIndex((field) => field.name === name)));
        for await (const batch of messages) if (batch) yield batch;
      },
      close: async () => undefined,
    };
  }

  /** Decoded messages of one table up to its end; undefined for those that are no batch. */
  async *#messages(table: number, decoder: MessageDecoder, wait: { signal: AbortSignal }): AsyncGenerator<RecordBatch | undefined, void, undefined> {
    const where = TITLES[table];
    for (;;) {
      const frame = await this.#next(wait.signal);
      if (!frame) throw fail('STREAM_ORDER', { where, detail: 'the stream ends before end_of_table' });
      // What only carries options or an event belongs to no table.
      if (frame.header.byteLength + frame.bodyLength === 0 && !frame.endOfTable && !frame.more) continue;
      if (frame.table !== table) throw fail('STREAM_ORDER', { where, detail: `a frame of table ${frame.table} comes before its end` });
      const assembled = this.#assembler.push(frame);
      if (assembled) yield decoder.decode(assembled.message);
      if (!frame.endOfTable) continue;
      decoder.finish();
      return;
    }
  }

  async #next(signal: AbortSignal): Promise<Frame | undefined> {
    signal.throwIfAborted();
    if (this.#pushedBack) {
      const frame = this.#pushedBack;
      this.#pushedBack = undefined;
      return frame;
    }
    const result = await unlessAborted(this.#frames.next(), signal);
    if (result.done) {
      this.#assembler.finish();
      return undefined;
    }
    this.receivedBytes += result.value.bodyLength;
    return result.value;
  }
}

/** A client that stops sending must not hold up the end of a call that has failed for another reason. */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
