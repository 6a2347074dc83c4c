import { setImmediate } from 'node:timers/promises';
import { fail, toProblem } from '@armilla/base';
import { type Frame, FrameAssembler } from '@armilla/chassis';
import { TableEnd } from '@armilla/proto';
import { MessageDecoder, type TableReader } from '@armilla/tables';
import type { RecordBatch } from 'apache-arrow';
import { openDecoded, unlessAborted } from './decoded-reader.js';

const TITLES = ['left table', 'right table'] as const;
/** How long the end of a client's stream may come behind its last table before nobody waits for it any more. */
const LAST_WORD_MS = 50;

/** Warnings of a sender that are kept of a table. */
const MOST_WARNINGS = 16;
const MOST_WARNING_LENGTH = 1000;

/** What who sends a table says of it at its end. */
interface SenderNotes {
  readonly misfits: Map<string, number>;
  readonly warnings: string[];
}

/** The tables of a stream of frames, one after the other: each is read to its end before the next begins. */
export class FrameTables {
  readonly #assembler = new FrameAssembler({ where: 'request' });
  readonly #frames: AsyncIterator<Frame>;
  #pushedBack: Frame | undefined;
  receivedBytes = 0;

  /**
   * `first` is the frame that brought the options; it may carry the begin of a table as well. `room` is awaited before more
   * is taken from the client: what it waits for holds up the sender.
   */
  constructor(
    private readonly first: Frame,
    rest: AsyncIterator<Frame>,
    private readonly room: () => Promise<void> | undefined,
  ) {
    this.#pushedBack = first;
    this.#frames = rest;
  }

  /** The only table of the stream, whichever number its frames carry. */
  async openOnly(where: string, options: { signal: AbortSignal }): Promise<TableReader> {
    let frame = await this.#next(options.signal);
    while (frame && !belongsToTable(frame)) frame = await this.#next(options.signal);
    this.#pushedBack = frame;
    return this.open(frame?.table === 1 ? 1 : 0, { ...options, where });
  }

  /** The next table, which must be number `table`; resolves when its schema has come. */
  async open(table: number, options: { rowCount?: number; signal: AbortSignal; where?: string }): Promise<TableReader> {
    const where = options.where ?? TITLES[table];
    const decoder = new MessageDecoder({ where });
    const wait = { signal: options.signal };
    const said: SenderNotes = { misfits: new Map(), warnings: [] };
    const batches = this.#messages(table, where, decoder, wait, said);
    return openDecoded(where, decoder, batches, wait, { rowCount: options.rowCount, ...said });
  }

  /**
   * To be called when every table has been read: throws STREAM_ORDER when the client sends more of any, since rows behind
   * a wrong end mark must not be lost in silence. A client that leaves its stream open is not waited for.
   */
  async finish(signal: AbortSignal): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const waited = new Promise<undefined>((resolve) => (timer = setTimeout(() => resolve(undefined), LAST_WORD_MS)));
    try {
      for (;;) {
        const frame = await Promise.race([this.#next(signal), waited]);
        if (!frame) return;
        if (belongsToTable(frame))
          throw fail('STREAM_ORDER', {
            where: 'request',
            detail: `a frame of table ${frame.table} comes after the last table has ended`,
          });
      }
    } finally {
      clearTimeout(timer);
    }
  }

  /** Decoded messages of one table up to its end; undefined for those that are no batch. */
  async *#messages(
    table: number,
    where: string,
    decoder: MessageDecoder,
    wait: { signal: AbortSignal },
    said: SenderNotes,
  ): AsyncGenerator<RecordBatch | undefined, void, undefined> {
    for (;;) {
      const frame = await this.#next(wait.signal);
      if (!frame) throw fail('STREAM_ORDER', { where, detail: 'the stream ends before end_of_table' });
      if (!belongsToTable(frame)) continue;
      if (frame.table !== table)
        throw fail('STREAM_ORDER', { where, detail: `a frame of table ${frame.table} comes before its end` });
      const assembled = this.#assembler.push(frame);
      if (assembled) yield decoder.decode(assembled.message);
      if (!frame.endOfTable) continue;
      decoder.finish();
      if (frame !== this.first) readEnd(frame, where, decoder, said);
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
    const waiting = this.room();
    if (waiting) await waiting;
    const result = await unlessAborted(this.#frames.next(), signal);
    if (result.done) {
      // The end of a stream that is reset comes before the reset.
      await setImmediate();
      signal.throwIfAborted();
      this.#assembler.finish();
      return undefined;
    }
    this.receivedBytes += result.value.bodyLength;
    return result.value;
  }
}

/** What the sender says of columns that the table has, and of the table; more is not worth keeping. */
function readEnd(
  { metadata }: Frame,
  where: string,
  decoder: MessageDecoder,
  { misfits, warnings }: SenderNotes,
): void {
  if (metadata === undefined || metadata.byteLength === 0) return;
  let end: TableEnd;
  try {
    end = TableEnd.decode(metadata);
  } catch (error) {
    const detail = `${where}: app_metadata of the last frame is no TableEnd: ${toProblem(error).message}`;
    throw fail('REQUEST_INVALID', { field: 'app_metadata', detail }, { cause: error });
  }
  for (const { name } of decoder.schema?.fields ?? []) {
    const count = Number(Object.hasOwn(end.misfitByColumn, name) ? end.misfitByColumn[name] : 0n);
    if (count > 0) misfits.set(name, count);
  }
  for (const warning of end.warnings.slice(0, MOST_WARNINGS)) warnings.push(warning.slice(0, MOST_WARNING_LENGTH));
}

/** What only carries options or an event belongs to no table. */
function belongsToTable({ header, bodyLength, endOfTable, more }: Frame): boolean {
  return header.byteLength + bodyLength > 0 || endOfTable || more;
}
