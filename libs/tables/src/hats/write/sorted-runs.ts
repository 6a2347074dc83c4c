import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RecordBatch, Schema } from 'apache-arrow';
import { recordBatch } from '../../arrow/decoder.js';
import { openArrow } from '../../arrow/open.js';
import { ColumnStore } from '../../arrow/store/columnStore.js';
import { encodeArrowStream } from '../../arrow/write.js';
import { FileSource } from '../../parquet/source.js';
import { writing } from '../../table/output.js';
import { pixelOrder, type PixelWords } from './pixel-order.js';

/** Rows that are sorted in memory at a time. */
const RUN_BYTES = 192 << 20;
const RUN_ROWS = 2 ** 23;
/** Of each run that is merged so much is in memory. */
const BLOCK_BYTES = 2 << 20;
const MOST_BLOCK_ROWS = 65_536;
/** Runs that are merged at a time. */
const MERGED_RUNS = 32;

export interface SortedRunsOptions {
  /** Folder for runs that do not stay in memory; made when it is needed. */
  readonly folder: string;
  /** What messages call the output. */
  readonly where: string;
  readonly runBytes?: number;
  readonly signal?: AbortSignal;
}

/** Rows in ascending order, in memory or in a file. */
interface Run {
  /** Runs of level n + 1 are made of several of level n. */
  readonly level: number;
  batches(): AsyncIterable<RecordBatch>;
  discard(): Promise<void>;
}

/**
 * Sorts any number of rows by the pixel in their first column (int64) in bounded memory; rows of one pixel stay in the order in which
 * they were added.
 */
export class SortedRuns {
  #runs: Run[] = [];
  #store: ColumnStore;
  #fileCount = 0;

  constructor(
    readonly schema: Schema,
    private readonly options: SortedRunsOptions,
  ) {
    this.#store = new ColumnStore(schema);
  }

  async add(batch: RecordBatch): Promise<void> {
    this.#store.append(batch);
    if (this.#store.bytes < (this.options.runBytes ?? RUN_BYTES) && this.#store.rowCount < RUN_ROWS) return;
    const sorted = sortedStore(this.#store);
    this.#store = new ColumnStore(this.schema);
    await this.#push(await this.#write(blocksOf(sorted), 0));
  }

  /** All rows in order; to be read once. */
  async *sorted(): AsyncGenerator<RecordBatch, void, undefined> {
    const rest = this.#store;
    this.#store = new ColumnStore(this.schema);
    const last: Run = {
      level: 0,
      batches: async function* () {
        yield* blocksOf(sortedStore(rest));
      },
      discard: () => Promise.resolve(),
    };
    // Small runs are as many as large ones are merged at a time.
    while (this.#runs.length > MERGED_RUNS) {
      const some = this.#runs.splice(-MERGED_RUNS);
      this.#runs.push(await this.#write(this.#merged(some), some[0].level + 1));
      for (const run of some) await run.discard();
    }
    yield* this.#merged(rest.rowCount > 0 ? [...this.#runs, last] : this.#runs);
  }

  async #push(run: Run): Promise<void> {
    this.#runs.push(run);
    for (let level = run.level; ; level++) {
      const some = this.#runs.slice(-MERGED_RUNS);
      if (some.length < MERGED_RUNS || some.some((one) => one.level !== level)) return;
      const merged = await this.#write(this.#merged(some), level + 1);
      this.#runs.splice(-MERGED_RUNS, MERGED_RUNS, merged);
      for (const one of some) await one.discard();
    }
  }

  async #write(blocks: AsyncIterable<RecordBatch> | Iterable<RecordBatch>, level: number): Promise<Run> {
    const { folder, where, signal } = this.options;
    await writing(where, mkdir(folder, { recursive: true }));
    const path = join(folder, `run-${this.#fileCount++}.arrows`);
    try {
      await writing(where, writeFile(path, encodeArrowStream(this.#store.schema, blocks), { signal }));
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    }
    return {
      level,
      batches: async function* () {
        const reader = await openArrow({ name: path, source: await FileSource.open(path) });
        try {
          yield* reader.batches();
        } finally {
          await reader.close();
        }
      },
      discard: () => rm(path, { force: true }),
    };
  }

  /** What several runs hold, in order: the earlier run first among equals. */
  async *#merged(runs: readonly Run[]): AsyncGenerator<RecordBatch, void, undefined> {
    if (runs.length === 1) {
      yield* runs[0].batches();
      return;
    }
    const heads = runs.map((run) => new Head(run.batches()[Symbol.asyncIterator]()));
    try {
      for (;;) {
        this.options.signal?.throwIfAborted();
        for (const head of heads) await head.fill();
        const active = heads.filter((head) => head.batch);
        if (active.length === 0) return;
        // Up to the first end of a block everything is there; rows equal to it only in that run and those before it.
        let least = active[0];
        for (const head of active) if (head.isLastBelow(least)) least = head;
        const isUpTo = heads.indexOf(least);
        const store = new ColumnStore(this.schema);
        heads.forEach((head, i) => head.batch && head.give(least, i <= isUpTo, store));
        yield* blocksOf(sortedStore(store));
      }
    } finally {
      for (const head of heads) await head.close();
    }
  }
}

/** Where the merging of a run stands. */
class Head {
  batch: RecordBatch | undefined;
  #words: PixelWords = { high: new Int32Array(0), low: new Uint32Array(0) };
  #at = 0;

  constructor(private readonly batches: AsyncIterator<RecordBatch, void, undefined>) {}

  async fill(): Promise<void> {
    while (this.batch === undefined || this.#at === this.batch.numRows) {
      const { value, done } = await this.batches.next();
      this.batch = done ? undefined : value;
      this.#at = 0;
      if (done) return;
      this.#words = wordsOf(value as RecordBatch);
    }
  }

  /** Whether the last row here comes before the last row of another. */
  isLastBelow(other: Head): boolean {
    const [high, low] = this.#last();
    const [otherHigh, otherLow] = other.#last();
    return high < otherHigh || (high === otherHigh && low < otherLow);
  }

  /** Adds the rows up to the last one of `least`, those equal to it as well where `inclusive`, and steps behind them. */
  give(least: Head, inclusive: boolean, store: ColumnStore): void {
    const { high, low } = this.#words;
    const [limitHigh, limitLow] = least.#last();
    let from = this.#at;
    let to = high.length;
    while (from < to) {
      const middle = (from + to) >>> 1;
      const isAbove = high[middle] > limitHigh || (high[middle] === limitHigh && low[middle] > limitLow);
      const isEqual = high[middle] === limitHigh && low[middle] === limitLow;
      if (isAbove || (isEqual && !inclusive)) to = middle;
      else from = middle + 1;
    }
    if (from > this.#at) store.append((this.batch as RecordBatch).slice(this.#at, from) as RecordBatch);
    this.#at = from;
  }

  #last(): readonly [number, number] {
    const { high, low } = this.#words;
    return [high[high.length - 1], low[low.length - 1]];
  }

  async close(): Promise<void> {
    await this.batches.return?.();
  }
}

interface SortedStore {
  readonly store: ColumnStore;
  readonly order: Int32Array;
}

function sortedStore(store: ColumnStore): SortedStore {
  store.seal();
  return { store, order: pixelOrder(wordsOf(recordBatch(store.schema, store.columns, store.rowCount))) };
}

function* blocksOf({ store, order }: SortedStore): Generator<RecordBatch, void, undefined> {
  const rowBytes = Math.max(1, store.bytes / Math.max(1, store.rowCount));
  const blockRows = Math.max(64, Math.min(MOST_BLOCK_ROWS, Math.floor(BLOCK_BYTES / rowBytes) & -8));
  for (let from = 0; from < order.length; from += blockRows)
    yield store.takeBatch(order.subarray(from, from + blockRows));
}

/** The words of the first column. */
function wordsOf(batch: RecordBatch): PixelWords {
  const [column] = batch.data.children;
  const values = column.values as BigInt64Array;
  const words = new Int32Array(values.buffer, values.byteOffset, 2 * values.length);
  const high = new Int32Array(batch.numRows);
  const low = new Uint32Array(batch.numRows);
  for (let i = 0; i < high.length; i++) {
    low[i] = words[2 * i];
    high[i] = words[2 * i + 1];
  }
  return { high, low };
}
