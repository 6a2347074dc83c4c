import { type MessagePort, parentPort } from 'node:worker_threads';
import { enterBackground, fail, problemToJson, toProblem } from '@armilla/base';
import type { RecordBatch, Schema } from 'apache-arrow';
import { MessageDecoder } from '../arrow/decoder.js';
import { MessageEncoder } from '../arrow/encoder.js';
import { IPC_END, ipcBytes } from '../arrow/message.js';
import { IpcSplitter } from '../arrow/splitter.js';
import { encodeTable } from './encode.js';
import { openTable } from './open.js';
import { type FromWorker, type Job, type ReadNotes, type ToWorker, WINDOW_BYTES } from './worker-protocol.js';

/** Rows per batch: small enough that little is on the way, large enough to be quick. */
const BATCH_ROWS = 16_384;
/** Small pieces travel together. */
const PIECE_BYTES = 2 ** 16;

/** The thread's side: one job at a time, ended from outside by ending the thread. */
class TableWorker {
  #input: ((bytes: Uint8Array | undefined) => void) | undefined;
  #taken: (() => void) | undefined;
  #outstandingBytes = 0;

  constructor(private readonly port: MessagePort) {
    port.on('message', (message: ToWorker) => this.#receive(message));
  }

  #receive(message: ToWorker): void {
    switch (message.type) {
      case 'start':
        this.#outstandingBytes = 0;
        void this.#run(message.job);
        return;
      case 'input':
        this.#input?.(message.bytes);
        return;
      case 'inputEnd':
        this.#input?.(undefined);
        return;
      case 'taken':
        this.#outstandingBytes -= message.byteCount;
        this.#taken?.();
    }
  }

  async #run(job: Job): Promise<void> {
    try {
      const notes = job.kind === 'open' ? await this.#open(job) : await this.#encode(job);
      this.#post({ type: 'done', notes });
    } catch (error) {
      this.#post({ type: 'failed', problem: problemToJson(toProblem(error)) });
    }
  }

  async #open(job: Job & { kind: 'open' }): Promise<ReadNotes> {
    const reader = await openTable(job.path ?? { name: job.name, stream: this.#chunks() }, job.options);
    try {
      const encoder = new MessageEncoder(reader.schema);
      await this.#send(ipcBytes(encoder.schemaMessage()), false);
      // Parsed text owns its buffers; what another format yields may be used again.
      const owned = reader.format === 'csv' || reader.format === 'tsv';
      for await (const batch of reader.batches({ batchRowCount: BATCH_ROWS })) {
        for (const message of encoder.encode(batch)) await this.#send(ipcBytes(message), owned);
      }
      await this.#send([IPC_END], false);
      return { misfits: new Map(reader.misfits), warnings: [...(reader.warnings ?? [])] };
    } finally {
      await reader.close();
    }
  }

  async #encode(job: Job & { kind: 'encode' }): Promise<ReadNotes> {
    const decoder = new MessageDecoder({ where: job.where });
    const batches = this.#batches(job.where, decoder);
    const first = await batches.next();
    const schema = decoder.schema as Schema;
    const all = (async function* (): AsyncGenerator<RecordBatch, void, undefined> {
      if (first.done !== true) yield first.value;
      yield* batches;
    })();
    const text = job.format === 'csv' || job.format === 'tsv' || job.format === 'jsonl';
    let pieces: Uint8Array[] = [];
    let byteCount = 0;
    for await (const piece of encodeTable(job.format, schema, all, { metadata: job.metadata })) {
      pieces.push(piece);
      byteCount += piece.length;
      if (byteCount < PIECE_BYTES) continue;
      await this.#send(pieces, text);
      pieces = [];
      byteCount = 0;
    }
    await this.#send(pieces, text);
    return { misfits: new Map(), warnings: [] };
  }

  async *#batches(where: string, decoder: MessageDecoder): AsyncGenerator<RecordBatch, void, undefined> {
    const splitter = new IpcSplitter({ where });
    // Read to the end of the input, not of the stream: what its sender still has to say may be an error.
    for await (const chunk of this.#chunks()) {
      for (const message of splitter.push(chunk)) {
        const batch = decoder.decode(message);
        if (batch !== undefined) yield batch;
      }
    }
    splitter.finish();
    decoder.finish();
    // A stream may end without its mark, but here that means that its sender failed.
    if (!splitter.ended) throw fail('ARROW_TRUNCATED', { where, detail: 'there is no end mark' });
  }

  /** The input, asked for one chunk ahead. */
  async *#chunks(): AsyncGenerator<Uint8Array, void, undefined> {
    let next = this.#pull();
    for (;;) {
      const bytes = await next;
      if (bytes === undefined) return;
      next = this.#pull();
      yield bytes;
    }
  }

  #pull(): Promise<Uint8Array | undefined> {
    const chunk = new Promise<Uint8Array | undefined>((resolve) => (this.#input = resolve));
    this.#post({ type: 'pull' });
    return chunk;
  }

  /** Sends parts that belong together; waits while the window is full. */
  async #send(parts: readonly Uint8Array[], owned: boolean): Promise<void> {
    let byteCount = 0;
    for (const part of parts) byteCount += part.length;
    if (byteCount === 0) return;
    this.#outstandingBytes += byteCount;
    const moved = movable(parts, owned);
    this.port.postMessage(
      { type: 'output', parts: moved, byteCount } satisfies FromWorker,
      moved.map((part) => part.buffer as ArrayBuffer),
    );
    while (this.#outstandingBytes > WINDOW_BYTES) await new Promise<void>((resolve) => (this.#taken = resolve));
  }

  #post(message: FromWorker): void {
    this.port.postMessage(message);
  }
}

/** The parts in buffers that can be handed over: large ones that own theirs as they are, runs of others copied together. */
function movable(parts: readonly Uint8Array[], owned: boolean): Uint8Array[] {
  const moved: Uint8Array[] = [];
  const taken = new Set<ArrayBufferLike>();
  let small: Uint8Array[] = [];
  let smallBytes = 0;
  const flush = (): void => {
    if (smallBytes === 0) return;
    const joined = new Uint8Array(smallBytes);
    let at = 0;
    for (const part of small) {
      joined.set(part, at);
      at += part.length;
    }
    moved.push(joined);
    small = [];
    smallBytes = 0;
  };
  for (const part of parts) {
    const whole =
      owned && part.length >= PIECE_BYTES && 2 * part.length >= part.buffer.byteLength && !taken.has(part.buffer);
    if (whole && part.buffer instanceof ArrayBuffer) {
      flush();
      taken.add(part.buffer);
      moved.push(part);
    } else {
      small.push(part);
      smallBytes += part.length;
    }
  }
  flush();
  return moved;
}

if (parentPort === null) throw fail('INTERNAL', { detail: 'the table worker runs in a worker thread only' });
enterBackground();
new TableWorker(parentPort);
