import { fail } from '@armilla/base';
import type { ChunkPairs, PairQuery, RowMarks, SkyIndex } from '@armilla/sky';
import type { PickedRows, TableReader } from '@armilla/tables';
import type { RecordBatch, Schema } from 'apache-arrow';
import { ahead, breathe, inOrder, inSlices, type Several } from './ahead.js';
import { estimatePairs, groupBlock, groupsOf, mutualBlock, oneToOneBlock, streamBlocks, wholePart } from './blocks.js';
import { CatalogTable } from './catalog-table.js';
import type { PositionColumns } from './columns.js';
import { type BatchRows, JoinCursor, RowSet, type Selection, UnusedRightCursor } from './join.js';
import { readParts } from './left-source.js';
import type { MatchContext } from './match.js';
import type { ResolvedOptions } from './options.js';
import { PairFinder } from './pairs.js';
import { distinctLeftRows, type LeftPart, type PairBlock, slicePieces } from './parts.js';
import type { Plan } from './plan.js';
import { RowInspector } from './positions.js';
import { BatchMaker, batchRowCount } from './result/batches.js';
import type { ResultLayout } from './result/layout.js';
import { RowPicker } from './result/picks.js';
import { type MatchSummary, type Progress, type SideCounts, summariseSide } from './summary.js';
import { startSpan } from './trace.js';

/** A match whose right table is loaded; made by `crossmatch` and `selfMatch`. */
export interface PreparedMatch {
  readonly layout: ResultLayout;
  readonly plan: Plan;
  /** Undefined when the right table is matched with itself. */
  readonly left: TableReader | undefined;
  readonly leftColumns: PositionColumns;
  readonly right: CatalogTable;
  readonly resident: boolean;
  readonly options: ResolvedOptions;
  readonly context: MatchContext;
  /** What to give back at the end. */
  readonly owned: readonly AsyncDisposable[];
  /** performance.now() at the start. */
  readonly started: number;
}

/** Why work of a match ends that nobody wants any more; one for all, since making an error costs. */
const STOPPED = fail('CANCELLED');
/** Asking the system for the memory in use costs a fifth of a millisecond. */
const MEMORY_SAMPLE_MS = 100;
const residentMemory = { bytes: 0, sampledMs: -Infinity };

/** The result of a match, to be iterated once. Leaving the loop early stops the match and gives everything back. */
export class MatchStream implements AsyncIterable<RecordBatch>, AsyncDisposable {
  readonly schema: Schema;
  readonly plan: Plan;
  /** The position columns in use, and whether they were guessed. */
  readonly guesses: { readonly left: PositionColumns; readonly right: PositionColumns };
  readonly #match: PreparedMatch;
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  readonly #finder: PairFinder;
  readonly #usedRight: RowSet;
  readonly #leftInspector: RowInspector;
  /** The right rows that pairs use, until they are added to `#usedRight`. */
  #marks: RowMarks | undefined;
  #groups: Awaited<ReturnType<typeof groupsOf>> | undefined;
  #begun = false;
  #closed = false;
  #ended = false;
  #leftRowCount = 0;
  #matchedLeftCount = 0;
  #pairCount = 0;
  #rowCount = 0;
  #extraIndexSeconds = 0;
  #matchStarted = 0;
  #ends = 0;
  #peakMemoryBytes = 0;
  #sampledMs = 0;

  constructor(match: PreparedMatch) {
    const { options, right, context, layout, plan, left, leftColumns } = match;
    this.#match = match;
    this.schema = layout.schema;
    this.plan = plan;
    this.guesses = { left: leftColumns, right: right.columns };
    this.#signal = context.signal ? AbortSignal.any([context.signal, this.#stop.signal]) : this.#stop.signal;
    this.#usedRight = new RowSet(right.rowCount);
    this.#leftInspector = new RowInspector(
      'left',
      left?.where ?? right.where,
      leftColumns,
      options.strict,
      context.onRejected,
    );
    this.#finder = new PairFinder({
      index: right.index as SkyIndex,
      query: this.#query(),
      self: options.selfMatch !== undefined,
      workerCount: context.execution?.workerCount,
      signal: this.#signal,
      fairKey: this,
      blockRowCount: plan.chunkRowCount,
      blockPairCount: plan.chunkPairCount,
      maxPairs: plan.maxPairs,
      // Blocks of the other modes are put together first.
      inPlace: left !== undefined && !plan.needsWholeLeft,
      rowNumbers: layout.has('left_row') || layout.has('right_row'),
    });
  }

  [Symbol.asyncIterator](): AsyncIterator<RecordBatch, void, undefined> {
    return this.#once(() => this.#batches())[Symbol.asyncIterator]();
  }

  #once<T>(begin: () => AsyncGenerator<T, void, undefined>): {
    [Symbol.asyncIterator](): AsyncIterator<T, void, undefined>;
  } {
    return {
      [Symbol.asyncIterator]: () => {
        if (this.#begun) throw new TypeError('a match can be read once');
        this.#begun = true;
        const results = begin();
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

  /** Stops the match and gives everything back; not needed after reading to the end or leaving the loop. */
  async close(): Promise<void> {
    this.#stop.abort(STOPPED);
    if (!this.#begun) await this.#cleanUp();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** What the match did; only after the last batch. */
  summary(): MatchSummary {
    if (!this.#ended) throw new TypeError('a match has its summary after its last batch');
    const { options, plan, right, started, context, resident, left } = this.#match;
    const { counts } = this.#finder;
    const self = options.selfMatch !== undefined;
    const rightSide: SideCounts = { ...right, matchedRowCount: self ? this.#matchedLeftCount : this.#usedRight.size };
    const leftSide: SideCounts = self
      ? { ...right, columns: this.#match.leftColumns, matchedRowCount: this.#matchedLeftCount }
      : {
          rowCount: this.#leftRowCount,
          matchedRowCount: this.#matchedLeftCount,
          rejectedRowCount: this.#leftInspector.rejectedRowCount,
          rejectedByReason: this.#leftInspector.rejectedByReason,
          columns: this.#match.leftColumns,
          misfits: left?.misfits,
        };
    return {
      left: summariseSide(leftSide),
      right: summariseSide(self ? rightSide : { ...rightSide, misfits: right.misfits }),
      pairCount: this.#pairCount,
      rowCount: this.#rowCount,
      candidateCount: counts.candidateCount,
      cellCount: counts.cellCount,
      groupCount: this.#groups?.groupCount ?? 0,
      needsWholeLeft: plan.needsWholeLeft,
      indexSeconds: (resident ? 0 : right.loadSeconds) + this.#extraIndexSeconds,
      matchSeconds: (this.#ends - this.#matchStarted) / 1000,
      totalSeconds: (this.#ends - started) / 1000,
      peakMemoryBytes: this.#peakMemoryBytes,
      workerCount: context.execution?.workerCount ?? context.runtime.workerCount,
    };
  }

  /**
   * The rows for a Parquet writer that gathers them itself, instead of the iteration; undefined where the iteration is
   * the only way. Leaving early and closing are as with the iteration.
   */
  picked(): AsyncIterable<PickedRows> | undefined {
    const { layout, options, left, right } = this.#match;
    const picker = RowPicker.create(layout, options, left, right.payload);
    if (!picker) return undefined;
    const make = (selections: readonly Selection[]): PickedRows[] => [
      picker.make(selections, { rightPositions: right.positions, groups: undefined }),
    ];
    return this.#once(() => this.#results(picker.groupRowCount, [], make, ({ rowCount }) => rowCount, picker));
  }

  #batches(): AsyncGenerator<RecordBatch, void, undefined> {
    const { layout, right, left, context } = this.#match;
    let maker: BatchMaker | undefined;
    const make = (selections: readonly Selection[]): ReturnType<BatchMaker['make']> => {
      // Groups are known when the first rows are.
      maker ??= new BatchMaker(
        layout,
        left?.schema ?? right.schema,
        right.payload,
        { rightPositions: right.positions, groups: this.#groups },
        { runtime: context.runtime, signal: this.#signal, fairKey: this },
      );
      return maker.make(selections);
    };
    return this.#results(batchRowCount(layout.schema), layout.leftNames, make, ({ numRows }) => numRows);
  }

  /** What `make` makes of every `full` rows; `leftNames` are the columns that it needs of left parts, `readers` knows who still reads the tables. */
  async *#results<T>(
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
        for (const pairs of finished) this.#finder.release(pairs);
      }
      await readers?.released();
      this.#ends = performance.now();
      this.#ended = true;
      this.#report('done');
      const { counts } = this.#finder;
      span.setAttributes({
        'armilla.row_count': this.#rowCount,
        'armilla.pair_count': this.#pairCount,
        'armilla.candidate_count': counts.candidateCount,
        'armilla.cell_count': counts.cellCount,
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
    for await (const { cursor, pairs } of this.#cursors(leftNames)) {
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

  async *#cursors(
    leftNames: readonly string[],
  ): AsyncGenerator<{ cursor: JoinCursor | UnusedRightCursor; pairs?: ChunkPairs }, void, undefined> {
    const { join, selfMatch } = this.#match.options;
    for await (const block of ahead(this.#blocks(leftNames))) {
      this.#countBlock(block);
      // Pairs that use a row as their right side come before it, having the smaller row on the left.
      const cursor = new JoinCursor(
        block,
        selfMatch === 'groups' ? 'inner' : join,
        selfMatch === 'pairs' ? this.#usedRight : undefined,
      );
      yield { cursor, pairs: block.pairs };
    }
    if (this.#marks) this.#usedRight.addWords(this.#marks.words());
    if (join === 'right' || join === 'full' || join === 'right-anti')
      yield { cursor: new UnusedRightCursor(this.#usedRight, this.#match.right.rowCount) };
  }

  async *#blocks(leftNames: readonly string[]): AsyncGenerator<PairBlock, void, undefined> {
    const { options, right, left, context, plan } = this.#match;
    const blockContext = {
      runtime: context.runtime,
      signal: this.#signal,
      workerCount: context.execution?.workerCount,
      fairKey: this,
    };
    if (left === undefined) {
      const part = wholePart(right);
      this.#estimate(part, right.rowCount);
      if (options.selfMatch === 'groups') {
        this.#groups = await groupsOf(right, this.#finder, this.#signal);
        yield groupBlock(right, this.#groups.id, options.join === 'left');
      } else {
        yield* this.#finder.find(part);
      }
      return;
    }
    if (options.find === 'mutual' || options.find === 'one-to-one') {
      const whole = await this.#loadLeft(left);
      try {
        const part = wholePart(whole);
        this.#estimate(part, whole.rowCount);
        yield options.find === 'mutual'
          ? await mutualBlock(whole, right, this.#finder, blockContext, options)
          : await oneToOneBlock(whole, right.rowCount, this.#finder, blockContext, options.maxPairs);
      } finally {
        await whole.index?.dispose();
      }
      return;
    }
    const parts = readParts({
      reader: left,
      columns: this.#match.leftColumns,
      names: leftNames,
      firstChunkRowCount: plan.firstChunkRowCount,
      chunkRowCount: plan.chunkRowCount,
      cutEarly: options.order === 'any',
      ascending: options.order === 'left',
      // A strict match must not give out a row before all up to it have been looked at.
      inspector: options.strict ? this.#leftInspector : undefined,
      signal: this.#signal,
      onRows: (rowCount) => {
        this.#leftRowCount = rowCount;
        this.#report('match');
      },
    });
    if (options.find === 'nearest') this.#marks = (right.index as SkyIndex).marks();
    for await (const block of streamBlocks(this.#estimated(parts), this.#finder, this.#marks)) {
      if (!options.strict && block.pairs.usableCount < block.to - block.from) await this.#inspectLeft(block);
      yield block;
    }
  }

  #inspectLeft({ part, from, to, pairs }: PairBlock): Promise<void> {
    return inSlices(to - from, this.#signal, (start, end) => {
      this.#leftInspector.inspectJudged(
        slicePieces(part.pieces, from + start, from + end),
        pairs.status.subarray(start, end),
        part.firstRow + from + start,
      );
    });
  }

  /** The first part tells how many pairs to expect. */
  async *#estimated(parts: AsyncIterable<LeftPart>): AsyncGenerator<LeftPart, void, undefined> {
    const { left, context } = this.#match;
    let first = true;
    for await (const part of parts) {
      if (first) this.#estimate(part, Math.max(left?.rowCount ?? context.leftRowCount ?? 0, part.rowCount));
      first = false;
      yield part;
    }
  }

  #estimate(part: LeftPart, leftRowCount: number): void {
    const { options, right, plan } = this.#match;
    // The other modes give a known number of pairs a row.
    if (options.find !== 'all' && options.find !== 'one-to-one') return;
    estimatePairs(
      this.#finder,
      right.index as SkyIndex,
      part,
      leftRowCount,
      options,
      options.selfMatch === undefined ? 1 : 0.5,
      plan.maxPairs,
    );
  }

  async #loadLeft(left: TableReader): Promise<CatalogTable> {
    const { options, context, layout } = this.#match;
    const table = await CatalogTable.load(left, {
      runtime: context.runtime,
      columns: options.left,
      keep: layout.leftNames,
      index: options.find === 'mutual',
      table: 'left',
      strict: options.strict,
      signal: this.#signal,
      cellRowCount: context.execution?.cellRowCount,
      rowCount: context.leftRowCount,
      onRejected: (row) => context.onRejected?.(row),
      onRows: (rowCount) => {
        this.#leftRowCount = rowCount;
        this.#report('index');
      },
    });
    this.#leftInspector.adopt(table);
    this.#extraIndexSeconds += table.loadSeconds;
    return table;
  }

  #query(): PairQuery {
    const { options, layout } = this.#match;
    const { radiusArcsec, minRadiusArcsec, k } = options;
    const find = options.find === 'mutual' ? 'nearest' : options.find === 'one-to-one' ? 'all' : options.find;
    const whole = options.find === 'mutual' || options.find === 'one-to-one';
    return {
      radiusArcsec,
      minRadiusArcsec,
      find,
      k: k ?? 1,
      neighbourCount: layout.has('neighbour_count'),
      secondSeparation: layout.has('second_separation_arcsec'),
      order: whole ? 'left' : options.order,
    };
  }

  #countBlock({ part, from, pairs, sorted }: PairBlock): void {
    if (this.#groups) {
      this.#matchedLeftCount = this.#groups.size.reduce((sum, size) => sum + (size > 1 ? 1 : 0), 0);
      return;
    }
    this.#pairCount += pairs.pairCount;
    if (!this.#marks) this.#usedRight.addAll(pairs.right);
    if (this.#match.options.selfMatch === 'pairs') {
      this.#usedRight.addAll(pairs.left, part.firstRow + from);
      this.#matchedLeftCount = this.#usedRight.size;
      return;
    }
    this.#matchedLeftCount += distinctLeftRows(pairs, sorted, this.#match.options.find === 'nearest');
  }

  #report(stage: Progress['stage']): void {
    this.#sampleMemory(stage === 'done');
    const { context, left, right } = this.#match;
    const leftTotal = left ? (left.rowCount ?? context.leftRowCount) : right.rowCount;
    const fraction =
      stage === 'done'
        ? 1
        : leftTotal
          ? Math.min(1, (right.rowCount + this.#leftRowCount) / (right.rowCount + leftTotal))
          : undefined;
    context.onProgress?.({
      stage,
      leftRowCount: this.#leftRowCount,
      rightRowCount: right.rowCount,
      resultRowCount: this.#rowCount,
      fraction,
    });
  }

  #sampleMemory(now: boolean): void {
    const nowMs = performance.now();
    if (nowMs - this.#sampledMs < (now && this.#peakMemoryBytes === 0 ? 0 : MEMORY_SAMPLE_MS)) return;
    this.#sampledMs = nowMs;
    // Shared by all matches of the process: asking the system costs as much as a small match does here.
    if (nowMs - residentMemory.sampledMs >= MEMORY_SAMPLE_MS) {
      residentMemory.bytes = process.memoryUsage.rss();
      residentMemory.sampledMs = nowMs;
    }
    this.#peakMemoryBytes = Math.max(this.#peakMemoryBytes, residentMemory.bytes);
  }

  async #cleanUp(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#finder.releaseAll();
    this.#marks?.[Symbol.dispose]();
    await this.#match.left?.close();
    for (const resource of this.#match.owned) await resource[Symbol.asyncDispose]();
  }
}
