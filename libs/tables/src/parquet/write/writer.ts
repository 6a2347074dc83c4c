import { fail } from '@armilla/base';
import type { RecordBatch, Schema } from 'apache-arrow';
import { type MetadataSource, metadataOf } from '../../table/metadata.js';
import { metadataKeyValues } from '../arrowSchema.js';
import type { PickedRows } from '../pick/picks.js';
import { ParquetPool } from '../work/pool.js';
import { type CodecChoice, type EncodedColumn, encodeColumnChunk } from './chunk.js';
import { type ColumnSpec, columnSpec } from './column.js';
import { encodeFooter, MAGIC, type WrittenColumn, type WrittenRowGroup } from './footer.js';
import { PickedEncoder } from './picked.js';
import { ColumnStage } from './stage.js';

export interface ParquetWriterOptions {
  /** What messages call the output. */
  readonly where?: string;
  readonly codec?: CodecChoice;
  /** Rows per row group; by default as many as 64 MiB hold, at most 262,144. */
  readonly rowGroupRowCount?: number;
  /** Threads that encode; by default as many as there are cores, none for small tables. Shared by all writers and readers. */
  readonly workers?: number;
  /** The sink is done with bytes when its promise resolves: their memory is used again. */
  readonly recycle?: boolean;
  /** Key-value metadata of the file. */
  readonly metadata?: MetadataSource;
}

/** Large enough for readers to be fast, small enough to keep a few in memory with tens of columns. */
const ROW_GROUP_ROWS = 262_144;
const ROW_GROUP_BYTES = 64 << 20;
const TEXT_BYTES = 24;
/** Row groups that may wait to be encoded or written while the next one is gathered. */
const ROW_GROUPS_AHEAD = 2;
/** Gathered bytes that one task encodes. */
const TASK_BYTES = 4 << 20;
/** Row groups below this are encoded in this thread. */
const SMALL_GROUP_BYTES = 4 << 20;
/** Parts below this size are put together before they are written. */
const SMALL_PART_BYTES = 1 << 16;
const BUFFER_BYTES = 1 << 18;

/**
 * Writes record batches as a Parquet file. Row groups are encoded in threads and written in the background while the
 * next one is gathered; `sink` gets the bytes in order, one call at a time. `close` ends it in any case.
 */
export class ParquetWriter {
  readonly #specs: ColumnSpec[];
  readonly #where: string;
  readonly #rowGroupRows: number;
  readonly #groups: WrittenRowGroup[] = [];
  readonly #free: ColumnStage[][] = [];
  readonly #waiting: Promise<void>[] = [];
  readonly #abort = new AbortController();
  #pool: ParquetPool | undefined;
  #picked: PickedEncoder | undefined;
  #stages: ColumnStage[];
  #stagedRows = 0;
  #tail: Promise<void> = Promise.resolve();
  #offset = 0;
  #rowCount = 0;
  #buffer = new Uint8Array(BUFFER_BYTES);
  #buffered = 0;

  constructor(
    readonly schema: Schema,
    private readonly sink: (bytes: Uint8Array) => Promise<void>,
    private readonly options: ParquetWriterOptions = {},
  ) {
    this.#where = options.where ?? 'parquet';
    this.#specs = schema.fields.map((field) => columnSpec(field, this.#where));
    this.#rowGroupRows = options.rowGroupRowCount ?? rowGroupRows(this.#specs);
    this.#stages = this.#newStages();
  }

  /** The row groups that were written; complete after `finish`. */
  get rowGroups(): readonly WrittenRowGroup[] {
    return this.#groups;
  }

  /** Takes a batch; it may be changed afterwards. Waits while too much is unwritten. */
  async write(batch: RecordBatch): Promise<void> {
    const columns = batch.data.children;
    if (columns.length !== this.#specs.length)
      throw fail('INTERNAL', {
        detail: `${this.#where}: a batch has ${columns.length} columns, the schema has ${this.#specs.length}`,
      });
    for (let from = 0; from < batch.numRows;) {
      const to = Math.min(batch.numRows, from + this.#rowGroupRows - this.#stagedRows);
      this.#stages.forEach((stage, i) => stage.append(columns[i], from, to));
      this.#stagedRows += to - from;
      from = to;
      if (this.#stagedRows >= this.#rowGroupRows) await this.#sendRowGroup();
    }
  }

  /**
   * Takes a row group that threads gather while they encode it. Waits while too much is unwritten; the rows are
   * released when all of them are written, or when the writer has failed or is closed.
   */
  async writePicked(picked: PickedRows): Promise<void> {
    if (this.#stagedRows > 0) {
      await this.#sendRowGroup().catch((error: unknown) => {
        picked.release();
        throw error;
      });
    }
    const workerCount = Math.max(1, this.options.workers ?? ParquetPool.defaultWorkerCount());
    const pool = (this.#pool ??= ParquetPool.acquire(workerCount));
    this.#picked ??= new PickedEncoder(pool, workerCount, this.options.codec, this.#abort.signal);
    const columns: WrittenColumn[] = [];
    const begun = this.#picked.begin(this.#specs, picked, (encoded, done) => {
      const before = this.#tail;
      const write = async (): Promise<void> => {
        try {
          await before;
          columns.push(await this.#writeColumn(await encoded));
        } catch (error) {
          // What is under way for nothing should end soon.
          this.#abort.abort(error);
          throw error;
        } finally {
          await encoded.catch(() => undefined);
          done();
        }
      };
      this.#await(write());
    });
    await begun;
    this.#await(this.#tail.then(() => void this.#groups.push({ rowCount: picked.rowCount, columns })));
    this.#rowCount += picked.rowCount;
    const release = (): void => picked.release();
    this.#waiting.push(this.#tail.then(release, release));
    if (this.#waiting.length > ROW_GROUPS_AHEAD) await this.#waiting.shift();
    this.#abort.signal.throwIfAborted();
  }

  /** Writes what is left and the footer. */
  async finish(): Promise<{ rowCount: number; byteCount: number }> {
    if (this.#stagedRows > 0) await this.#sendRowGroup();
    await this.#tail;
    if (this.#offset === 0) await this.#put(MAGIC);
    const metadata = await metadataOf(this.options.metadata, 'written');
    await this.#put(encodeFooter(this.#specs, this.#groups, metadataKeyValues(this.schema, metadata)));
    await this.#flushBuffer();
    await this.close();
    return { rowCount: this.#rowCount, byteCount: this.#offset };
  }

  /** Ends the work that is under way; without `finish` before it the file is incomplete. */
  async close(): Promise<void> {
    this.#abort.abort();
    await Promise.allSettled(this.#waiting);
    this.#pool?.release();
    this.#pool = undefined;
  }

  async #sendRowGroup(): Promise<void> {
    const rowCount = this.#stagedRows;
    const stages = this.#stages;
    const encoded = this.#encode(stages);
    const before = this.#tail;
    const written = (async () => {
      const columns = await encoded;
      await before;
      this.#abort.signal.throwIfAborted();
      await this.#writeRowGroup(rowCount, columns);
      if (this.options.recycle) {
        for (const stage of stages) stage.reset();
        this.#free.push(stages);
      }
    })();
    encoded.catch(() => undefined);
    this.#await(written);
    this.#waiting.push(written);
    if (this.#waiting.length > ROW_GROUPS_AHEAD) await this.#waiting.shift();
    this.#stages = this.#free.pop() ?? this.#newStages();
    this.#stagedRows = 0;
  }

  /** A task per few columns in the pool; small groups here. */
  async #encode(stages: readonly ColumnStage[]): Promise<EncodedColumn[]> {
    const { codec, workers } = this.options;
    const columns = stages.map((stage) => ({ spec: stage.spec, pieces: [stage.piece()] }));
    const byteLength = stages.reduce((sum, stage) => sum + stage.byteLength, 0);
    const workerCount = workers ?? (byteLength < SMALL_GROUP_BYTES ? 0 : ParquetPool.defaultWorkerCount());
    if (workerCount === 0) return columns.map(({ spec, pieces }) => encodeColumnChunk(spec, pieces, codec));
    const pool = (this.#pool ??= ParquetPool.acquire(workerCount));
    const tasks: (typeof columns)[] = [];
    let size = Infinity;
    columns.forEach((column, i) => {
      if (size >= TASK_BYTES) {
        tasks.push([]);
        size = 0;
      }
      tasks[tasks.length - 1].push(column);
      size += stages[i].byteLength;
    });
    // All must have ended before their memory is used again.
    const settled = await Promise.allSettled(
      tasks.map((task) => pool.run({ kind: 'encode', columns: task, codec }, this.#abort.signal)),
    );
    return settled.flatMap((outcome) => {
      if (outcome.status === 'rejected') throw outcome.reason;
      return outcome.value;
    });
  }

  async #writeRowGroup(rowCount: number, encoded: readonly EncodedColumn[]): Promise<void> {
    const columns: WrittenColumn[] = [];
    for (const column of encoded) columns.push(await this.#writeColumn(column));
    this.#groups.push({ rowCount, columns });
    this.#rowCount += rowCount;
  }

  async #writeColumn({ parts, ...column }: EncodedColumn): Promise<WrittenColumn> {
    this.#abort.signal.throwIfAborted();
    if (this.#offset === 0) await this.#put(MAGIC);
    const offset = this.#offset;
    for (const part of parts) await this.#put(part);
    return { ...column, offset };
  }

  /** What all later writes come behind; its failure is seen by the next write or by finish. */
  #await(written: Promise<void>): void {
    written.catch(() => undefined);
    this.#tail = written;
  }

  async #put(bytes: Uint8Array): Promise<void> {
    this.#offset += bytes.length;
    if (bytes.length >= SMALL_PART_BYTES) {
      await this.#flushBuffer();
      await this.sink(bytes);
      return;
    }
    if (this.#buffered + bytes.length > BUFFER_BYTES) await this.#flushBuffer();
    this.#buffer.set(bytes, this.#buffered);
    this.#buffered += bytes.length;
  }

  async #flushBuffer(): Promise<void> {
    if (this.#buffered === 0) return;
    const bytes = this.#buffer.subarray(0, this.#buffered);
    this.#buffer = new Uint8Array(BUFFER_BYTES);
    this.#buffered = 0;
    await this.sink(bytes);
  }

  #newStages(): ColumnStage[] {
    return this.#specs.map((spec) => new ColumnStage(spec, this.#rowGroupRows));
  }
}

function rowGroupRows(specs: readonly ColumnSpec[]): number {
  const rowBytes = specs.reduce((sum, spec) => sum + (spec.byteWidth || TEXT_BYTES), 0);
  return Math.max(8192, Math.min(ROW_GROUP_ROWS, Math.floor(ROW_GROUP_BYTES / Math.max(1, rowBytes)) & -8));
}
