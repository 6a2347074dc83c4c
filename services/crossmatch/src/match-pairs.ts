import type { ChunkPairs, PairQuery, RowMarks, SkyIndex } from '@armilla/sky';
import type { TableReader } from '@armilla/tables';
import { ahead, inSlices } from './ahead.js';
import {
  estimatePairs,
  groupBlock,
  groupsOf,
  judgedMutualBlock,
  mutualBlock,
  oneToOneBlock,
  streamBlocks,
  wholePart,
} from './blocks.js';
import { CatalogTable } from './catalog-table.js';
import { groupedRowCount, type RowGroups } from './groups.js';
import { JoinCursor, RowSet, UnusedRightCursor } from './join.js';
import { readParts } from './left-source.js';
import type { MatchRows, PairProgress, PairRows, PairTotals } from './match-rows.js';
import { PairFinder, type PairSource } from './pairs.js';
import { distinctLeftRows, type LeftPart, type PairBlock, slicePieces } from './parts.js';
import { RowInspector } from './positions.js';
import type { PreparedMatch } from './prepared.js';
import { magnitudesOf, usableRowCount } from './probability/pair-probabilities.js';
import { type JudgedMatch, refinedFinder } from './refine/match-finder.js';
import { type Progress, type SideCounts, summariseSide } from './summary.js';
import type { Assessment } from './trust/assess.js';
import { assessMatch } from './trust/assess-match.js';
import { LeftSample } from './trust/left-sample.js';
import { guessMagnitude } from './trust/magnitude.js';
import { moveOfLeft } from './trust/one-epoch.js';
import type { Recentering } from './trust/recenter.js';

/** The pairs of one match in any mode, block by block, and the rows of both sides that they use. */
export class MatchPairs implements MatchRows {
  readonly #match: PreparedMatch;
  readonly #signal: AbortSignal;
  readonly #fairKey: object;
  readonly #onRows: (stage: Progress['stage']) => void;
  readonly #finder: PairSource;
  readonly #usedRight: RowSet;
  readonly #leftInspector: RowInspector;
  /** Rows of the left table, where the match is to be assessed. */
  readonly #sample: LeftSample | undefined;
  /** The right rows that pairs use, until they are added to `#usedRight`. */
  #marks: RowMarks | undefined;
  #groups: RowGroups | undefined;
  #leftRowCount = 0;
  #matchedLeftCount = 0;
  #pairCount = 0;
  #leftLoadSeconds = 0;

  /** `onRows` is told when more rows of the left table have come. */
  constructor(match: PreparedMatch, signal: AbortSignal, fairKey: object, onRows: (stage: Progress['stage']) => void) {
    const { options, right, context, layout, plan, left, leftColumns } = match;
    this.#match = match;
    this.#signal = signal;
    this.#fairKey = fairKey;
    this.#onRows = onRows;
    this.#usedRight = new RowSet(right.rowCount);
    this.#leftInspector = new RowInspector(
      'left',
      left?.where ?? right.where,
      leftColumns,
      options.strict,
      context.onRejected,
      left?.skipped,
    );
    if (context.assess && left) this.#sample = new LeftSample(guessMagnitude(left.schema), moveOfLeft(match));
    const self = options.selfMatch !== undefined;
    const shared = {
      workerCount: context.execution?.workerCount,
      dispatcher: context.dispatcher,
      device: context.execution?.device,
      tenant: context.tenant,
      deadlineMs: context.deadlineMs,
      signal,
      fairKey,
      blockRowCount: plan.chunkRowCount,
      blockPairCount: plan.chunkPairCount,
      maxPairs: plan.maxPairs,
      self,
    };
    this.#finder = match.candidates
      ? refinedFinder(judgedMatch(match), match.candidates, shared)
      : new PairFinder({
          ...shared,
          index: right.index as SkyIndex,
          query: pairQuery(match),
          // Blocks of the other modes are put together first.
          inPlace: left !== undefined && !plan.needsWholeLeft,
          rowNumbers: layout.has('left_row') || layout.has('right_row'),
        });
  }

  get progress(): PairProgress {
    return { leftRowCount: this.#leftRowCount, rightRowCount: this.#match.right.rowCount };
  }

  get groups(): RowGroups | undefined {
    return this.#groups;
  }

  get indexSeconds(): number {
    const { resident, right } = this.#match;
    return (resident ? 0 : right.loadSeconds) + this.#leftLoadSeconds;
  }

  get rightRows(): CatalogTable {
    return this.#match.right;
  }

  get recentering(): Recentering | undefined {
    return this.#match.recentering;
  }

  async assess(): Promise<Assessment | undefined> {
    return this.#sample && assessMatch(this.#match, this.#sample, this.totals().left, this.#signal);
  }

  async forget(): Promise<void> {
    // All of it was in memory.
  }

  totals(): PairTotals {
    const { options, right, left, leftColumns } = this.#match;
    const self = options.selfMatch !== undefined;
    const missing = this.#finder.missingMotions;
    const { filteredRowCount } = right;
    const skipped = left?.skipped?.rowCount ?? 0;
    const rightSide: SideCounts = {
      ...right,
      filteredRowCount,
      matchedRowCount: self ? this.#matchedLeftCount : this.#usedRight.size,
    };
    const leftSide: SideCounts = self
      ? { ...rightSide, columns: leftColumns }
      : {
          // What is left out lies outside of the area, as what the filter finds there.
          rowCount: this.#leftRowCount + skipped,
          matchedRowCount: this.#matchedLeftCount,
          rejectedRowCount: this.#leftInspector.rejectedRowCount,
          filteredRowCount: this.#leftInspector.filteredRowCount + skipped,
          rejectedByReason: this.#leftInspector.rejectedByReason,
          columns: leftColumns,
          misfits: left?.misfits,
          missingMotionRowCount: missing?.left,
        };
    return {
      left: summariseSide(leftSide),
      right: summariseSide(
        self ? rightSide : { ...rightSide, misfits: right.misfits, missingMotionRowCount: missing?.right },
      ),
      pairCount: this.#pairCount,
      candidateCount: this.#finder.counts.candidateCount,
      cellCount: this.#finder.counts.cellCount,
      groupCount: this.#groups?.groupCount ?? 0,
    };
  }

  release(pairs: ChunkPairs): void {
    this.#finder.release(pairs);
  }

  /** Gives all pairs back and closes the left table. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#finder.releaseAll();
    await this.#match.candidates?.[Symbol.asyncDispose]();
    this.#marks?.[Symbol.dispose]();
    await this.#match.left?.close();
    for (const resource of this.#match.owned) await resource[Symbol.asyncDispose]();
  }

  async *rows(leftNames: readonly string[]): AsyncGenerator<PairRows, void, undefined> {
    const { join, selfMatch, find } = this.#match.options;
    for await (const block of ahead(this.#blocks(leftNames))) {
      this.#countBlock(block);
      // Each pair is there once, from its smaller row: of pairs that use a row as their right side all have come.
      const cursor = new JoinCursor(
        block,
        selfMatch === 'groups' ? 'inner' : join,
        selfMatch === 'pairs' && find === 'all' ? this.#usedRight : undefined,
      );
      yield { cursor, pairs: block.pairs };
    }
    if (this.#marks) this.#usedRight.addWords(this.#marks.words());
    if (join === 'right' || join === 'full' || join === 'right-anti') {
      const { rowCount, filtered } = this.#match.right;
      yield { cursor: new UnusedRightCursor(this.#usedRight, rowCount, 0, undefined, filtered) };
    }
  }

  async *#blocks(leftNames: readonly string[]): AsyncGenerator<PairBlock, void, undefined> {
    const { options, right, left, context, plan, condition } = this.#match;
    const blockContext = {
      runtime: context.runtime,
      signal: this.#signal,
      workerCount: context.execution?.workerCount,
      fairKey: this.#fairKey,
    };
    if (left === undefined) {
      const part = wholePart(right);
      this.#estimate(part, right.rowCount);
      if (options.selfMatch === 'groups') {
        this.#groups = await groupsOf(right, this.#finder, this.#signal);
        yield groupBlock(part, this.#groups.id, (right.index as SkyIndex).status, options.join === 'left');
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
        yield options.find === 'mutual' && this.#match.candidates
          ? await judgedMutualBlock(whole, this.#finder, blockContext)
          : options.find === 'mutual'
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
      names: [...new Set([...leftNames, ...(condition?.leftColumns ?? [])])],
      firstChunkRowCount: plan.firstChunkRowCount,
      chunkRowCount: plan.chunkRowCount,
      cutEarly: options.order === 'any',
      ascending: options.order === 'left' && !condition,
      // A strict match must not give out a row before all up to it have been looked at.
      inspector: options.strict ? this.#leftInspector : undefined,
      sample: this.#sample,
      turnArcsec: this.#match.recentering?.turnArcsec,
      signal: this.#signal,
      onRows: (rowCount) => {
        this.#leftRowCount = rowCount;
        this.#onRows('match');
      },
    });
    if (options.find === 'nearest' && !this.#match.candidates) this.#marks = (right.index as SkyIndex).marks();
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
        part,
        from + start,
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
    const unbounded = options.find === 'all' || options.find === 'one-to-one';
    // The other modes give a known number of pairs a row, unless all candidates are looked at.
    if (!unbounded && !this.#match.candidates) return;
    estimatePairs(
      this.#finder,
      right.index as SkyIndex,
      part,
      leftRowCount,
      options,
      options.selfMatch === undefined ? 1 : 0.5,
      unbounded ? plan.maxPairs : Infinity,
    );
  }

  async #loadLeft(left: TableReader): Promise<CatalogTable> {
    const { options, context, layout, condition } = this.#match;
    const table = await CatalogTable.load(left, {
      runtime: context.runtime,
      columns: options.left,
      keep: [...layout.leftNames, ...(condition?.leftColumns ?? [])],
      index: options.find === 'mutual' && !this.#match.candidates,
      table: 'left',
      strict: options.strict,
      signal: this.#signal,
      cellRowCount: context.execution?.cellRowCount,
      tenant: context.tenant,
      rowCount: context.leftRowCount,
      onRejected: (row) => context.onRejected?.(row),
      sample: this.#sample,
      turnArcsec: this.#match.recentering?.turnArcsec,
      onRows: (rowCount) => {
        this.#leftRowCount = rowCount;
        this.#onRows('index');
      },
    });
    this.#leftInspector.adopt(table);
    this.#leftLoadSeconds += table.loadSeconds;
    return table;
  }

  #countBlock({ part, from, pairs, sorted }: PairBlock): void {
    if (this.#groups) {
      this.#matchedLeftCount = groupedRowCount(this.#groups);
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
}

/** What to search for, for the pairs of a match. */
export function pairQuery({ options, layout }: Pick<PreparedMatch, 'options' | 'layout'>): PairQuery {
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

/** What is judged of a match in memory. */
export function judgedMatch({ options, right, leftColumns, layout, left, condition }: JudgedParts): JudgedMatch {
  if (!right.positions) throw new TypeError('judging pairs needs the right positions');
  return {
    options,
    layout,
    right: { positions: right.positions, astrometry: right.astrometry, filtered: right.filtered },
    leftColumns: leftColumns.astrometry,
    rightColumns: left ? right.columns.astrometry : leftColumns.astrometry,
    condition: condition && { holds: condition, rightRows: () => right.payload.batch(right.rowCount) },
    weighed: { usableRowCount: () => usableRowCount(right), magnitudes: (column) => magnitudesOf(right, column) },
  };
}

type JudgedParts = Pick<PreparedMatch, 'options' | 'right' | 'leftColumns' | 'layout' | 'left' | 'condition'>;
