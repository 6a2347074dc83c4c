import { fail } from '@armilla/base';
import type { ChunkPairs } from '@armilla/sky';
import { ahead, inOrder } from '../ahead.js';
import type { PositionColumns } from '../columns.js';
import { groupedRowCount, type RowGroups } from '../groups.js';
import { JoinCursor, keepsUnmatchedLeft, RowSet } from '../join.js';
import { readParts } from '../left-source.js';
import { pairQuery } from '../match-pairs.js';
import type { PairProgress, PairRows, MatchRows, PairTotals } from '../match-rows.js';
import type { LeftPart, PairBlock } from '../parts.js';
import { Payload, subSchema } from '../result/payload.js';
import { type Progress, summariseSide } from '../summary.js';
import { assess, type Assessment } from '../trust/assess.js';
import { LeftSample } from '../trust/left-sample.js';
import { guessMagnitude } from '../trust/magnitude.js';
import { AS_THEY_STAND, moveOfLeft, standAtOneEpoch } from '../trust/one-epoch.js';
import type { Recentering } from '../trust/recenter.js';
import type { JoinSetup } from './bucket-join.js';
import type { PartitionedTable } from './bucket-rows.js';
import { bucketsOf } from './buckets.js';
import { chooseOneToOne, type KeptPairs } from './one-to-one.js';
import { SharedMemory } from '../shared-memory.js';
import { COUNT_SCHEMA, isCounted, pairSchema, type PairShape, pairShape } from './pair-blocks.js';
import { type PairFiles, rangeBlock } from './range-blocks.js';
import { bareParts, unusedRight } from './read-again.js';
import { isResumable } from './scratch.js';
import { SpillClock } from './spill-clock.js';
import type { SpillPlan } from './spill-plan.js';
import { type SpillStep, totalSeconds } from './spill-time.js';
import { groupedPart, groupsOfLinks } from './spilled-groups.js';
import { byPart, type PartitionRecord, type SpilledMatch, SpillSteps } from './steps.js';

/** The pairs of a match by way of the scratch folder: both tables by buckets, bucket by bucket the join, then by left row. */
export class SpilledPairs implements MatchRows {
  readonly indexSeconds = 0;
  readonly rightRows: MatchRows['rightRows'];
  readonly #steps: SpillSteps;
  readonly #shape: PairShape;
  readonly #sums = { pairCount: 0, candidateCount: 0, cellCount: 0, matchedLeftCount: 0 };
  readonly #records: { left?: PartitionRecord; right?: PartitionRecord } = {};
  readonly #rowCounts = { left: 0, right: 0 };
  readonly #clock: SpillClock;
  #usedRight: RowSet;
  #groups: RowGroups | undefined;
  #recentering: Recentering | undefined;
  #rightTable: PartitionedTable | undefined;
  /** Rows of the left table, where the match is to be assessed. */
  readonly #sample: LeftSample | undefined;
  #fraction = 0;
  #spilledBytes = 0;
  #finished = false;
  #failure: unknown;

  constructor(
    private readonly match: SpilledMatch,
    private readonly signal: AbortSignal,
    private readonly fairKey: object,
    private readonly onProgress: (stage: Progress['stage']) => void,
  ) {
    const { cut, options, layout, right, plan, judging } = match;
    this.#clock = new SpillClock((plan.spill as SpillPlan).seconds);
    this.#usedRight = new RowSet(cut.rightRowCount);
    if (match.context.assess)
      this.#sample = new LeftSample(guessMagnitude(match.left.schema), moveOfLeft(sidesOf(match)));
    this.rightRows = { payload: Payload.empty(subSchema(right.schema, layout.rightNames)), positions: undefined };
    this.#steps = new SpillSteps(match, bucketsOf(cut.intervals, 2 * cut.reach.mostDeg), signal);
    this.#shape = pairShape(options, layout, right.schema, judging !== undefined);
  }

  get recentering(): Recentering | undefined {
    return this.#recentering;
  }

  get groups(): RowGroups | undefined {
    return this.#groups;
  }

  get progress(): PairProgress {
    const { left, right } = this.#rowCounts;
    return { leftRowCount: left, rightRowCount: right, fraction: this.#fraction };
  }

  totals(): PairTotals {
    const { cut, plan } = this.match;
    const { scratchBytes, seconds } = plan.spill as SpillPlan;
    const { matchedLeftCount: _, ...sums } = this.#sums;
    return {
      ...this.#sides(),
      ...sums,
      groupCount: this.#groups?.groupCount ?? 0,
      spill: {
        bucketCount: cut.intervals.length,
        spilledBytes: this.#spilledBytes,
        plannedScratchBytes: scratchBytes,
        plannedSeconds: totalSeconds(seconds),
        resumedStepCount: this.#steps.resumedStepCount,
      },
    };
  }

  #sides(): Pick<PairTotals, 'left' | 'right'> {
    const { leftColumns, rightColumns, options } = this.match;
    const { left, right } = this.#records;
    if (options.selfMatch === undefined)
      return {
        left: sideOf(left, leftColumns, this.#sums.matchedLeftCount, this.match.left.skipped?.rowCount),
        right: sideOf(right, rightColumns, this.#usedRight.size),
      };
    const own = sideOf(right, leftColumns, this.#groups ? groupedRowCount(this.#groups) : this.#usedRight.size);
    // Of pairs of one table it is not told whose motion is missing.
    const side = { ...own, missingMotionRowCount: 0 };
    return { left: side, right: side };
  }

  release(pairs: ChunkPairs): void {
    pairs.release?.();
  }

  async *rows(leftNames: readonly string[]): AsyncGenerator<PairRows, void, undefined> {
    const { join, find, selfMatch } = this.match.options;
    try {
      const files = await this.#pairFiles();
      const elsewhere = selfMatch === 'pairs' && find === 'all' ? this.#usedRight : undefined;
      for await (const block of ahead(this.#ranges(files, leftNames)))
        yield {
          cursor: new JoinCursor(block, selfMatch === 'groups' ? 'inner' : join, elsewhere),
          pairs: block.pairs,
        };
      if (join === 'right' || join === 'full' || join === 'right-anti') {
        const { right, rightColumns, layout } = this.match;
        yield* unusedRight(right, rightColumns, layout.rightNames, this.#usedRight, this.signal);
      }
      this.#finished = true;
    } catch (error) {
      this.#failure = error;
      throw error;
    }
  }

  async assess(): Promise<Assessment | undefined> {
    if (!this.#sample || !this.#rightTable) return undefined;
    const { left } = this.totals();
    const { radiusArcsec, minRadiusArcsec } = this.match.options;
    const around = this.#steps.neighbours(this.#rightTable);
    try {
      return await assess({
        sample: this.#sample.rows(),
        usableRowCount: left.rowCount - left.rejectedRowCount,
        around,
        radiusArcsec,
        minRadiusArcsec,
        notes: standAtOneEpoch(sidesOf(this.match)) ? [] : [AS_THEY_STAND],
        signal: this.signal,
      });
    } finally {
      await around.settled();
    }
  }

  forget(): Promise<void> {
    return this.match.scratch.remove();
  }

  /** The folder stays where the match can be continued, or where its user says when to remove it. */
  async [Symbol.asyncDispose](): Promise<void> {
    const { scratch, canResume, keep, left, right } = this.match;
    for (const table of new Set([left, right])) await table.close();
    const goesOn = this.#failure === undefined ? !this.#finished : isResumable(this.#failure);
    await ((goesOn && canResume) || (this.#finished && keep) ? scratch.close() : scratch.remove());
  }

  /** Everything up to the pairs in the ranges of their left rows. */
  async #pairFiles(): Promise<PairFiles> {
    const { layout, right, options, scratch, cut } = this.match;
    const rightTable = await this.#partition('right');
    this.#rightTable = rightTable;
    if (options.recenter) this.#recentering = await this.#steps.recentering(rightTable);
    const leftTable = options.selfMatch === undefined ? await this.#partition('left') : rightTable;
    this.#rowCounts.left = leftTable.rowCount;
    const isOneToOne = options.find === 'one-to-one';
    const { pairs, counts, usedRight, records } = await this.#steps.finishedBuckets(
      { pairs: pairSchema(this.#shape), counts: isCounted(layout) ? COUNT_SCHEMA : undefined },
      rightTable,
      isOneToOne ? undefined : this.#usedRight,
    );
    const bucketCount = cut.intervals.length;
    const { rowCount, rejectedRowCount, filteredRowCount } = rightTable.record;
    const usableRightRowCount = rowCount - rejectedRowCount - filteredRowCount;
    await this.#steps.join(
      this.#setup({ left: leftTable, usableRightRowCount, pairs, counts, usedRight }),
      rightTable,
      records,
      (_, bucket) => this.#advance('match', (bucket + 1) / bucketCount),
    );
    this.#spilledBytes = scratch.byteLength;
    for (const name of ['pairCount', 'candidateCount', 'cellCount', 'matchedLeftCount'] as const)
      this.#sums[name] = records.reduce((sum, record) => sum + record[name], 0);
    const files = {
      pairs,
      counts,
      shape: this.#shape,
      rightSchema: subSchema(right.schema, layout.rightNames),
      pairBlocks: byPart(records.flatMap(({ pairBlocks }) => pairBlocks)),
      countBlocks: byPart(records.flatMap(({ countBlocks }) => countBlocks)),
    };
    if (options.selfMatch === 'groups') {
      this.#groups = await groupsOfLinks(files, rowCount, rejectedRowCount + filteredRowCount, this.signal);
      this.#sums.pairCount = 0;
    }
    if (isOneToOne) return { ...files, kept: await this.#choose(files) };
    this.#usedRight.count();
    return files;
  }

  async #partition(side: 'left' | 'right') {
    const { options } = this.match;
    // A right row of a bucket may have its nearest left row as far away again.
    const copyReaches = side === 'right' ? 1 : options.find === 'mutual' ? 2 : 0;
    const turnArcsec = side === 'left' ? this.#recentering?.turnArcsec : undefined;
    const expected = this.match[side].rowCount ?? 0;
    const table = await this.#steps.partition(side, copyReaches, turnArcsec, (rowCount) => {
      this.#rowCounts[side] = rowCount;
      this.#advance(side, expected === 0 ? 0 : rowCount / expected);
    });
    this.#records[side] = table.record;
    this.#rowCounts[side] = table.rowCount;
    return table;
  }

  #setup(files: Pick<JoinSetup, 'left' | 'usableRightRowCount' | 'pairs' | 'counts' | 'usedRight'>): JoinSetup {
    const { context, options, layout, judging, plan, cut } = this.match;
    const { chunkRowCount, chunkPairCount } = plan.spill as SpillPlan;
    return {
      ...files,
      runtime: context.runtime,
      options,
      layout,
      judging,
      payloadNames: layout.rightNames,
      query: { ...pairQuery(this.match), order: 'left' },
      workerCount: context.execution?.workerCount,
      cellRowCount: context.execution?.cellRowCount,
      signal: this.signal,
      fairKey: this.fairKey,
      buckets: this.#steps.buckets,
      reach: cut.reach,
      chunkRowCount,
      chunkPairCount,
      rangeRowCount: cut.rangeRowCount,
      memory: new SharedMemory(),
      shape: this.#shape,
      marking: { last: Promise.resolve() },
    };
  }

  /** Which pairs of one-to-one are taken. */
  async #choose({ pairs, pairBlocks }: PairFiles): Promise<KeptPairs> {
    const { options, cut, plan, context } = this.match;
    const choice = await chooseOneToOne({
      pairs,
      pairBlocks,
      leftRowCount: this.#rowCounts.left,
      rightRowCount: cut.rightRowCount,
      memoryBytes: context.execution?.memoryBytes ?? (plan.spill as SpillPlan).memoryBytes,
      signal: this.signal,
    });
    if (options.maxPairs !== undefined && choice.pairCount > options.maxPairs)
      throw fail('MAX_PAIRS_EXCEEDED', { estimated: choice.pairCount, limit: options.maxPairs });
    this.#usedRight = choice.usedRight;
    this.#sums.pairCount = this.#sums.matchedLeftCount = choice.pairCount;
    return choice.kept;
  }

  /** The pairs of the left rows in order, range by range. */
  async *#ranges(files: PairFiles, leftNames: readonly string[]): AsyncGenerator<PairBlock, void, undefined> {
    const { context, cut, options } = this.match;
    const memory = new SharedMemory();
    const order = async (part: LeftPart): Promise<PairBlock> => {
      const range = Math.floor(part.firstRow / cut.rangeRowCount);
      return this.#groups
        ? groupedPart(part, this.#groups, options.join === 'left')
        : rangeBlock(files, range, part, memory, context.runtime, this.signal);
    };
    for await (const block of inOrder(this.#parts(leftNames), order)) {
      yield block;
      const { firstRow, rowCount } = block.part;
      this.#advance('merge', (firstRow + rowCount) / this.#rowCounts.left);
    }
  }

  /** The left table again, in ranges; only their numbers where nothing else of it is needed. */
  #parts(names: readonly string[]): AsyncIterable<LeftPart> | Iterable<LeftPart> {
    const { left, leftColumns, cut, layout, options } = this.match;
    // Of rows without a pair more may be said than that they have none.
    const looksAtRows =
      this.#sample !== undefined ||
      options.selfMatch === 'groups' ||
      (keepsUnmatchedLeft(options.join) && (leftColumns.filter || this.#shape.judged.length > 0));
    if (names.length === 0 && !this.#shape.positions && !layout.has('neighbour_count') && !looksAtRows)
      return bareParts(this.#rowCounts.left, cut.rangeRowCount);
    return readParts({
      reader: left,
      columns: leftColumns,
      names,
      firstChunkRowCount: cut.rangeRowCount,
      chunkRowCount: cut.rangeRowCount,
      cutEarly: false,
      ascending: true,
      inspector: undefined,
      sample: this.#sample,
      turnArcsec: this.#recentering?.turnArcsec,
      signal: this.signal,
      onRows: () => undefined,
    });
  }

  /** `share`: of the step. */
  #advance(step: SpillStep, share: number): void {
    this.#fraction = Math.max(this.#fraction, this.#clock.advance(step, share));
    this.onProgress(step === 'left' || step === 'right' ? 'partition' : step);
  }
}

function sidesOf({ leftColumns, rightColumns }: SpilledMatch) {
  return { leftColumns, right: { columns: rightColumns } };
}

/** `skippedRowCount`: rows outside of the area that were not read. */
function sideOf(
  record: PartitionRecord | undefined,
  columns: PositionColumns,
  matchedRowCount: number,
  skippedRowCount = 0,
) {
  return summariseSide({
    rowCount: (record?.rowCount ?? 0) + skippedRowCount,
    rejectedRowCount: record?.rejectedRowCount ?? 0,
    rejectedByReason: record?.rejectedByReason ?? {},
    filteredRowCount: (record?.filteredRowCount ?? 0) + skippedRowCount,
    misfits: new Map(record?.misfits ?? []),
    missingMotionRowCount: record?.missingMotionRowCount ?? 0,
    columns,
    matchedRowCount,
  });
}
