import { fail, formatBytes } from '@armilla/base';
import { type Field, type RecordBatch, Schema } from 'apache-arrow';
import type { BatchOptions, ReadAllOptions, RowSkipping, TableReader } from '../../table/reader.js';
import { ARROW_SCHEMA_KEY } from '../arrowSchema.js';
import { prepareCodecs } from '../codec/codec.js';
import { parquetProblem, unsupported } from '../format/fault.js';
import type { ColumnValues, Leaf } from '../format/leaf.js';
import type { ColumnChunk, FileMetadata, RowGroup, ValueBounds } from '../format/metadata.js';
import { schemaTree, type SchemaNode } from '../format/tree.js';
import { type ByteSource, FileSource } from '../source.js';
import type { StoredColumn } from '../pick/picks.js';
import { ParquetPool } from '../work/pool.js';
import type { WantedChunk } from '../work/tasks.js';
import { batchOf } from './batch.js';
import { decodeColumnChunk } from './chunk.js';
import { fieldMetadata } from './field-metadata.js';
import { readFooter } from './footer.js';
import { checkLayout } from './layout.js';
import { lookAhead } from './lookAhead.js';
import type { StoredGroup } from './stored-group.js';
import { decodeInPool, memoryOf } from './spread.js';
import { WholeColumn } from './whole.js';
import { type TopColumn, topColumn } from './types.js';

export interface ParquetOptions {
  /** What messages call the file. */
  readonly where?: string;
  /** The columns that are read where a call names none; all when left out. */
  readonly columns?: readonly string[];
  /** Threads that decode ahead, for files; by default as many as there are cores, none for small files. Shared by all readers. */
  readonly workers?: number;
  /** Columns lie in shared memory, so that threads read them without copies. */
  readonly sharedMemory?: boolean;
  /** Bytes that the columns of one row group may take when decoded. */
  readonly maxRowGroupBytes?: number;
}

const DEFAULT_BATCH_ROWS = 65_536;
const DEFAULT_MAX_ROW_GROUP_BYTES = 4 * 2 ** 30;
/** Decoded bytes that may wait for the reader. */
const LOOK_AHEAD_BYTES = 128 << 20;
/** Below this, starting threads takes longer than decoding. */
const SMALL_FILE_BYTES = 16 << 20;

/** Opens a Parquet file: reads and checks its metadata. Closing the reader closes the source. */
export async function openParquet(source: ByteSource, options: ParquetOptions = {}): Promise<ParquetReader> {
  const where = options.where ?? 'parquet';
  try {
    const { metadata, offset } = await readFooter(source);
    const nodes = schemaTree(metadata);
    checkLayout(metadata, nodes, offset);
    return new ParquetReader(source, where, metadata, nodes, options);
  } catch (error) {
    await source.close();
    throw parquetProblem(error, where);
  }
}

interface DecodedRowGroup {
  readonly rowCount: number;
  readonly values: readonly ColumnValues[];
  /** Rows left out between it and the one before. */
  readonly skippedBefore: number;
}

interface Column {
  readonly field: Field;
  readonly leaf: Leaf;
  readonly leafIndex: number;
}

export class ParquetReader implements TableReader {
  readonly format = 'parquet';
  readonly misfits: ReadonlyMap<string, number> = new Map();
  readonly schema: Schema;
  readonly rowCount: number;
  /** Columns that are refused when they are asked for, each with the reason: nested ones, types that are not read. */
  readonly unreadable: ReadonlyMap<string, string>;
  readonly #columns: ReadonlyMap<string, TopColumn>;

  constructor(
    private readonly source: ByteSource,
    readonly where: string,
    readonly metadata: FileMetadata,
    nodes: readonly SchemaNode[],
    private readonly options: ParquetOptions,
  ) {
    const names = new Map<string, number>();
    for (const { name } of nodes) names.set(name, (names.get(name) ?? 0) + 1);
    for (const [column, count] of names) if (count > 1) throw fail('COLUMN_DUPLICATE', { where, column, count });
    const ofFields = fieldMetadata(metadata.keyValues);
    this.#columns = new Map(nodes.map((node) => [node.name, topColumn(node, ofFields.get(node.name))]));
    this.unreadable = new Map(
      [...this.#columns].filter(([, { leaf }]) => !leaf).map(([name, { obstacle }]) => [name, obstacle]),
    );
    this.rowCount = metadata.rowCount;
    const keyValues = new Map([...metadata.keyValues].filter(([key]) => key !== ARROW_SCHEMA_KEY));
    this.schema = new Schema(
      [...this.#columns.values()].map((column) => column.field),
      keyValues,
    );
  }

  /** How a column is stored, row group by row group, for callers with threads of their own (see `decodeColumnChunk`). */
  columnChunks(name: string): { readonly leaf: Leaf; readonly chunks: readonly ColumnChunk[] } {
    const [{ leaf, leafIndex }] = this.#select([name]);
    return { leaf, chunks: this.metadata.rowGroups.map((group) => group.columns[leafIndex]) };
  }

  /** A column to pick rows from in threads, while the reader is open; undefined where its file has no descriptor. */
  storedColumn(name: string): StoredColumn | undefined {
    if (!(this.source instanceof FileSource)) return undefined;
    const { leaf, chunks } = this.columnChunks(name);
    let firstRow = 0;
    const placed = chunks.map((chunk) => {
      const first = firstRow;
      firstRow += chunk.valueCount;
      return { chunk, firstRow: first };
    });
    return {
      fd: this.source.fd,
      where: `${this.where}, column '${name}'`,
      leaf,
      chunks: placed.filter(({ chunk }) => chunk.valueCount > 0),
    };
  }

  /** The row groups of these columns, to be read in threads while the reader is open; undefined where its file has no descriptor. */
  storedGroups(names: readonly string[]): StoredGroup[] | undefined {
    const { source } = this;
    if (!(source instanceof FileSource)) return undefined;
    const columns = this.#select(names);
    return this.metadata.rowGroups
      .filter(({ rowCount }) => rowCount > 0)
      .map((group) => ({
        fd: source.fd,
        rowCount: group.rowCount,
        columns: columns.map(({ leaf, leafIndex }) => ({
          chunk: group.columns[leafIndex],
          leaf,
          where: `${this.where}, column '${leaf.name}'`,
        })),
      }));
  }

  /** Schema of the batches when these columns are asked for. */
  schemaOf(names?: readonly string[]): Schema {
    const columns = this.#select(names ?? this.options.columns);
    return new Schema(
      columns.map((column) => column.field),
      this.schema.metadata,
    );
  }

  async *batches(options: BatchOptions = {}): AsyncGenerator<RecordBatch, void, undefined> {
    const columns = this.#select(options.columns ?? this.options.columns);
    const schema = this.schemaOf(options.columns);
    const leaves = columns.map((column) => column.leaf);
    const batchRows = Math.max(8, (options.batchRowCount ?? DEFAULT_BATCH_ROWS) & -8);
    for await (const { rowCount, values, skippedBefore } of this.#rowGroups(columns, options)) {
      if (skippedBefore > 0) options.skipping?.onSkipped(skippedBefore);
      for (let from = 0; from < rowCount; from += batchRows) {
        options.signal?.throwIfAborted();
        yield batchOf(schema, leaves, values, from, Math.min(rowCount, from + batchRows));
      }
    }
  }

  /**
   * The whole table as one batch of contiguous columns in shared memory. Threads decode every row group into its place:
   * for tables that are kept this costs half of what collecting batches does. `onRows` is told the rows read so far.
   */
  async readAll(options: ReadAllOptions = {}): Promise<RecordBatch> {
    const { signal, onRows } = options;
    const columns = this.#select(options.columns ?? this.options.columns);
    const whole = this.#allocateWhole(columns);
    const groups = this.metadata.rowGroups.filter((group) => group.rowCount > 0);
    const wantedOf = (group: RowGroup, firstRow: number): WantedChunk[] =>
      columns.map(({ leaf, leafIndex }, i) => ({
        chunk: group.columns[leafIndex],
        leaf,
        where: `${this.where}, column '${leaf.name}'`,
        target: whole[i].target(firstRow, group.rowCount),
      }));
    const pool = this.#pool(groups.flatMap((group) => wantedOf(group, 0)));
    const stop = new AbortController();
    const either = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal;
    let firstRow = 0;
    let rowsRead = 0;
    const runs: Promise<void>[] = [];
    const run = async (group: RowGroup, first: number): Promise<void> => {
      const wanted = wantedOf(group, first);
      const values = pool
        ? await decodeInPool(pool, this.source as FileSource, wanted, false, either)
        : await this.#decodeHere(wanted, either);
      values.forEach((column, i) => whole[i].put(first, column));
      rowsRead += group.rowCount;
      onRows?.(rowsRead);
    };
    try {
      for (const group of groups) {
        either.throwIfAborted();
        const done = run(group, firstRow);
        firstRow += group.rowCount;
        // In this thread one after the other; the pool has a queue of its own.
        if (pool) runs.push(done);
        else await done;
      }
      await Promise.all(runs);
    } finally {
      stop.abort();
      await Promise.allSettled(runs);
      pool?.release();
    }
    return batchOf(
      this.schemaOf(options.columns),
      columns.map(({ leaf }) => leaf),
      whole.map((column) => column.finish()),
      0,
      this.rowCount,
    );
  }

  /** Decoded row groups in order: ahead of the reader in worker threads, or one by one in this thread. */
  async *#rowGroups(
    columns: readonly Column[],
    { signal, skipping }: BatchOptions,
  ): AsyncGenerator<DecodedRowGroup, void, undefined> {
    const { rowGroups, skippedBefore } = this.#wantedGroups(skipping);
    const chunksOf = (group: RowGroup): WantedChunk[] =>
      columns.map(({ leaf, leafIndex }) => ({
        chunk: group.columns[leafIndex],
        leaf,
        where: `${this.where}, column '${leaf.name}'`,
      }));
    const cost = (index: number): number =>
      chunksOf(rowGroups[index]).reduce((sum, { chunk, leaf }) => sum + memoryOf(chunk, leaf), 0);
    rowGroups.forEach((group, index) => this.#checkSize(group, cost(index)));
    const pool = this.#pool(rowGroups.flatMap(chunksOf));
    const abort = new AbortController();
    const onAbort = (): void => abort.abort(signal?.reason);
    signal?.throwIfAborted();
    signal?.addEventListener('abort', onAbort, { once: true });
    const start = async (index: number): Promise<DecodedRowGroup> => {
      const chunks = chunksOf(rowGroups[index]);
      const values = pool
        ? await decodeInPool(pool, this.source as FileSource, chunks, this.options.sharedMemory ?? false, abort.signal)
        : await this.#decodeHere(chunks, abort.signal);
      return { rowCount: rowGroups[index].rowCount, values, skippedBefore: skippedBefore[index] };
    };
    try {
      yield* lookAhead(rowGroups.length, start, cost, pool ? LOOK_AHEAD_BYTES : 0, () => abort.abort());
      const skippedAtEnd = skippedBefore[rowGroups.length];
      if (skippedAtEnd > 0) skipping?.onSkipped(skippedAtEnd);
    } finally {
      signal?.removeEventListener('abort', onAbort);
      pool?.release();
    }
  }

  /** The row groups to read, and the rows left out before each of them and behind the last. */
  #wantedGroups(skipping: RowSkipping | undefined): { rowGroups: RowGroup[]; skippedBefore: number[] } {
    const rowGroups: RowGroup[] = [];
    const skippedBefore = [0];
    for (const group of this.metadata.rowGroups) {
      if (group.rowCount === 0) continue;
      const boundsOf = (name: string): ValueBounds | undefined => {
        const column = this.#columns.get(name);
        return column?.leaf && group.columns[column.leafIndex].bounds;
      };
      if (skipping?.canSkip(boundsOf)) {
        skippedBefore[rowGroups.length] += group.rowCount;
        continue;
      }
      rowGroups.push(group);
      skippedBefore.push(0);
    }
    return { rowGroups, skippedBefore };
  }

  #pool(chunks: readonly WantedChunk[]): ParquetPool | undefined {
    if (!(this.source instanceof FileSource)) return undefined;
    const byteLength = chunks.reduce((sum, { chunk }) => sum + chunk.byteLength, 0);
    const workerCount = this.options.workers ?? (byteLength < SMALL_FILE_BYTES ? 0 : ParquetPool.defaultWorkerCount());
    return workerCount > 0 ? ParquetPool.acquire(workerCount) : undefined;
  }

  async #decodeHere(chunks: readonly WantedChunk[], signal: AbortSignal): Promise<ColumnValues[]> {
    await prepareCodecs(chunks.map(({ chunk }) => chunk.codec));
    const values = [];
    for (const { chunk, leaf, where, target } of chunks) {
      signal.throwIfAborted();
      const bytes = await this.#read(chunk.offset, chunk.byteLength);
      values.push(decodeColumnChunk(bytes, chunk, leaf, where, this.options.sharedMemory, target));
    }
    return values;
  }

  #allocateWhole(columns: readonly Column[]): WholeColumn[] {
    try {
      return columns.map(({ leaf }) => new WholeColumn(leaf, this.rowCount));
    } catch (error) {
      throw parquetProblem(error, this.where);
    }
  }

  /** A few bytes can stand for any number of rows: what would not fit into memory is refused before it is tried. */
  #checkSize(group: RowGroup, byteLength: number): void {
    const limit = this.options.maxRowGroupBytes ?? DEFAULT_MAX_ROW_GROUP_BYTES;
    if (byteLength <= limit) return;
    const detail = `row group ${this.metadata.rowGroups.indexOf(group)} claims ${group.rowCount} rows, which take ${formatBytes(byteLength)} of memory, over the limit of ${formatBytes(limit)}; write smaller row groups or choose fewer columns`;
    throw parquetProblem(unsupported(detail), this.where);
  }

  close(): Promise<void> {
    return this.source.close();
  }

  async #read(offset: number, length: number): Promise<Uint8Array> {
    try {
      return await this.source.read(offset, length);
    } catch (error) {
      throw parquetProblem(error, this.where);
    }
  }

  /** The columns of these names; refuses unknown ones, and those that cannot be read, before the first row. */
  #select(names: readonly string[] = [...this.#columns.keys()]): Column[] {
    return names.map((name) => {
      const column = this.#columns.get(name);
      if (!column)
        throw fail('COLUMN_NOT_FOUND', {
          where: this.where,
          column: name,
          available: [...this.#columns.keys()].join(', '),
        });
      const { field, leaf, leafIndex, obstacle } = column;
      if (!leaf)
        throw parquetProblem(
          unsupported(`column '${name}' ${obstacle}, which is not read; choose columns without it`),
          this.where,
        );
      return { field, leaf, leafIndex };
    });
  }
}
