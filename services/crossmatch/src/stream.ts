import { fail } from '@armilla/base';
import type { ChunkPairs } from '@armilla/sky';
import type { PickedRows, TableReader } from '@armilla/tables';
import type { RecordBatch, Schema } from 'apache-arrow';
import { breathe, inOrder, type Several } from './ahead.js';
import type { PositionColumns } from './columns.js';
import type { BatchRows, Selection } from './join.js';
import type { ResolvedOptions } from './options.js';
import type { Plan } from './plan.js';
import type { MatchRows } from './match-rows.js';
import type { MatchHead } from './prepared.js';
import { ProgressReporter } from './progress.js';
import { skippedNote } from './filter/near-area.js';
import { BatchMaker, batchRowCount } from './result/batches.js';
import type { ResultLayout } from './result/layout.js';
import { RowPicker } from './result/picks.js';
import type { MatchSummary, Progress } from './summary.js';
import type { Assessment } from './trust/assess.js';
import { startSpan } from './trace.js';

/** Why work of a match ends that nobody wants any more; one for all, since making an error costs. */
const STOPPED = fail('CANCELLED');

/** A table of a match. */
export interface MatchInput {
  readonly name: string;
  readonly rowCount: number | undefined;
}

/** The result of a match, to be iterated once. Leaving the loop early stops the match and gives everything back. */
export class MatchStream implements AsyncIterable<RecordBatch>, AsyncDisposable {
  readonly schema: Schema;
  readonly plan: Plan;
  /** The columns of the result, and where they come from. */
  readonly layout: ResultLayout;
  /** The position columns in use, and whether they were guessed. */
  readonly guesses: { readonly left: PositionColumns; readonly right: PositionColumns };
  /** Those that change the answer, with their defaults. */
  readonly options: ResolvedOptions;
  /** The tables, and their rows where they are known. */
  readonly inputs: { readonly left: MatchInput; readonly right: MatchInput };
  /** How much of the left table is read, where it is not all of it. */
  readonly readNote: string | undefined;
  /** What the user should know about the result. */
  readonly warnings: readonly string[];
  readonly #match: MatchHead;
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  readonly #pairs: MatchRows;
  readonly #progress: ProgressReporter;
  /** What is read from, once somebody reads. */
  #results: AsyncGenerator<unknown, void, undefined> | undefined;
  #closed = false;
  #ended = false;
  #rowCount = 0;
  #matchStarted = 0;
  #matchEnded = 0;
  #ends = 0;
  #assessment: Assessment | undefined;

  /** `pairs` makes where they come from; it is told when to stop, whose work it is, and tells when it has come further. */
  constructor(
    match: MatchHead,
    pairs: (signal: AbortSignal, fairKey: object, onProgress: (stage: Progress['stage']) => void) => MatchRows,
  ) {
    const { left, right, context, layout, plan, leftColumns, options, warnings } = match;
    this.#match = match;
    this.schema = layout.schema;
    this.layout = layout;
    this.readNote = skippedNote(left);
    this.plan = plan;
    this.options = options;
    this.warnings = warnings;
    const own = { name: right.where, rowCount: right.rowCount };
    this.inputs = { left: left ? { name: left.where, rowCount: wholeRowCount(left) } : own, right: own };
    this.guesses = { left: leftColumns, right: right.columns };
    this.#signal = context.signal ? AbortSignal.any([context.signal, this.#stop.signal]) : this.#stop.signal;
    this.#progress = new ProgressReporter(context.onProgress);
    this.#pairs = pairs(this.#signal, this, (stage) => this.#report(stage));
  }

  [Symbol.asyncIterator](): AsyncIterator<RecordBatch, void, undefined> {
    return this.#once(() => this.#batches())[Symbol.asyncIterator]();
  }

  #once<T>(begin: () => AsyncGenerator<T, void, undefined>): {
    [Symbol.asyncIterator](): AsyncIterator<T, void, undefined>;
  } {
    return {
      [Symbol.asyncIterator]: () => {
        if (this.#results) throw new TypeError('a match can be read once');
        const results = begin();
        this.#results = results;
        return {
          next: () => results.next(),
          // Work under way must be told first: return() alone would wait for it.
          return: async () => {
            this.#stop.abort(STOPPED);
            await results.return();
            return { done: true, value: undefined };
          },
        };
      },
    };
  }

  /**
   * Stops the match and gives everything back; not needed after reading to the end or leaving the loop. Whoever reads may be gone before what
   * was begun has ended: that is waited for.
   */
  async close(): Promise<void> {
    this.#stop.abort(STOPPED);
    // A reader that is still there hears of what fails.
    await this.#results?.return().catch(() => undefined);
    await this.#cleanUp();
  }

  /** Removes the scratch folder of a match that is told to keep it; to be called when the result is safe. */
  async removeScratch(): Promise<void> {
    await this.#pairs.forget();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** What the match did; only after the last batch. */
  summary(): MatchSummary {
    if (!this.#ended) throw new TypeError('a match has its summary after its last batch');
    const { plan, started, context } = this.#match;
    return {
      ...this.#pairs.totals(),
      rowCount: this.#rowCount,
      needsWholeLeft: plan.needsWholeLeft,
      indexSeconds: this.#pairs.indexSeconds,
      matchSeconds: (this.#matchEnded - this.#matchStarted) / 1000,
      totalSeconds: (this.#ends - started) / 1000,
      peakMemoryBytes: this.#progress.peakMemoryBytes,
      workerCount: context.execution?.workerCount ?? context.runtime.workerCount,
      warnings: this.#warnings(),
      trust: this.#assessment?.trust,
      recentering: this.#pairs.recentering,
    };
  }

  /** What the summary says about trust, and from what; only after the last batch, and undefined unless asked for. */
  assessment(): Assessment | undefined {
    return this.#assessment;
  }

  /**
   * The rows for a Parquet writer that gathers them itself, instead of the iteration; undefined where the iteration is
   * the only way. Leaving early and closing are as with the iteration.
   */
  picked(): AsyncIterable<PickedRows> | undefined {
    const { layout, options, left } = this.#match;
    const { payload, positions } = this.#pairs.rightRows;
    const picker = RowPicker.create(layout, options, left, payload);
    if (!picker) return undefined;
    const sources = { rightPositions: positions, groups: undefined, skippedLeft: left?.skipped };
    const make = (selections: readonly Selection[]): PickedRows[] => [picker.make(selections, sources)];
    return this.#once(() => this.#made(picker.groupRowCount, [], make, ({ rowCount }) => rowCount, picker));
  }

  #batches(): AsyncGenerator<RecordBatch, void, undefined> {
    const { layout, right, left, context } = this.#match;
    const { payload, positions } = this.#pairs.rightRows;
    let maker: BatchMaker | undefined;
    const make = (selections: readonly Selection[]): ReturnType<BatchMaker['make']> => {
      // Groups are known when the first rows are.
      maker ??= new BatchMaker(
        layout,
        left?.schema ?? right.schema,
        payload,
        { rightPositions: positions, groups: this.#pairs.groups, skippedLeft: left?.skipped },
        { runtime: context.runtime, signal: this.#signal, fairKey: this },
      );
      return maker.make(selections);
    };
    return this.#made(batchRowCount(layout.schema), layout.leftNames, make, ({ numRows }) => numRows);
  }

  /** What `make` makes of every `full` rows; `leftNames` are the columns that it needs of left parts, `readers` knows who still reads the tables. */
  async *#made<T>(
    full: number,
    leftNames: readonly string[],
    make: (selections: readonly Selection[]) => Several<T> | Promise<Several<T>>,
    rowCountOf: (result: T) => number,
    readers?: { give(result: T): void; released(): Promise<void> },
  ): AsyncGenerator<T, void, undefined> {
    const span = startSpan('crossmatch.match');
    this.#matchStarted = performance.now();
    try {
      this.#signal.throwIfAborted();
      const work = async ({
        selections,
        finished,
      }: BatchRows): Promise<{ results: Several<T>; finished: readonly ChunkPairs[] }> => {
        // Gathering here is short, but batch after batch of it would starve the event loop.
        await breathe(this.#signal);
        return { results: await make(selections), finished };
      };
      for await (const { results, finished } of inOrder(this.#rowsOfBatches(full, leftNames), work)) {
        for await (const result of results) {
          this.#rowCount += rowCountOf(result);
          this.#report('match');
          readers?.give(result);
          yield result;
        }
        // Results come in order: those before these are made as well.
        for (const pairs of finished) this.#pairs.release(pairs);
      }
      await readers?.released();
      this.#matchEnded = performance.now();
      this.#assessment = await this.#pairs.assess();
      this.#ends = performance.now();
      this.#ended = true;
      this.#report('done');
      const { pairCount, candidateCount, cellCount } = this.#pairs.totals();
      span.setAttributes({
        'armilla.row_count': this.#rowCount,
        'armilla.pair_count': pairCount,
        'armilla.candidate_count': candidateCount,
        'armilla.cell_count': cellCount,
      });
    } finally {
      this.#stop.abort(STOPPED);
      span.end();
      await readers?.released();
      await this.#cleanUp();
    }
  }

  /** The result rows, batch by batch, before their columns are gathered. */
  async *#rowsOfBatches(full: number, leftNames: readonly string[]): AsyncGenerator<BatchRows, void, undefined> {
    let selections: Selection[] = [];
    let finished: ChunkPairs[] = [];
    let count = 0;
    const cut = (): BatchRows => {
      const rows = { selections, finished };
      selections = [];
      finished = [];
      count = 0;
      return rows;
    };
    for await (const { cursor, pairs } of this.#pairs.rows(leftNames)) {
      for (let selection = cursor.take(full - count); selection !== undefined; selection = cursor.take(full - count)) {
        selections.push(selection);
        count += selection.count;
        if (count >= full) yield cut();
      }
      if (pairs) finished.push(pairs);
      // In any order the first rows should come at once; the borders of its batches mean nothing.
      if (this.#match.options.order === 'any' && count > 0) yield cut();
    }
    if (count > 0) yield cut();
  }

  #warnings(): readonly string[] {
    const { left, right, options } = this.#match;
    const warnings = [...this.#match.warnings, ...(left?.warnings ?? []), ...(right.warnings ?? [])];
    if (!options.recenter || this.#pairs.recentering) return warnings;
    return [...warnings, 'the tables were not recentered: too few rows have a nearest row within twice the radius'];
  }

  #report(stage: Progress['stage']): void {
    const { context, left, right } = this.#match;
    const { fraction, ...rows } = this.#pairs.progress;
    const leftTotal = left ? (left.rowCount ?? context.leftRowCount) : right.rowCount;
    this.#progress.report(stage, { ...rows, resultRowCount: this.#rowCount }, leftTotal, fraction);
  }

  async #cleanUp(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#pairs[Symbol.asyncDispose]();
  }
}

function wholeRowCount({ rowCount, skipped }: TableReader): number | undefined {
  return rowCount === undefined ? undefined : rowCount + (skipped?.rowCount ?? 0);
}
