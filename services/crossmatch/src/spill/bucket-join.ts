import type { Runtime } from '@armilla/gpu-core';
import { type PairQuery, type Positions, SkyIndex } from '@armilla/sky';
import type { SharedColumns } from '@armilla/tables';
import { ahead } from '../ahead.js';
import { collectPairs, estimatePairs } from '../blocks.js';
import type { RowSet } from '../join.js';
import { keepMutual, keepMutualOf } from '../mutual.js';
import { Groups } from '../groups.js';
import { workerModule } from '../ops/module.js';
import type { ResolvedOptions } from '../options.js';
import { PairFinder } from '../pairs.js';
import { distinctLeftRows, type JudgedPairs, type LeftPart, type PairBlock } from '../parts.js';
import { RefinedFinder } from '../refine/refined-finder.js';
import type { ResultLayout } from '../result/layout.js';
import type { Block } from './block.js';
import type { BlockFile } from './block-file.js';
import type { SharedMemory } from '../shared-memory.js';
import { bucketJudge, bucketPart, type Judging } from './bucket-judge.js';
import {
  bucketParts,
  type BucketRows,
  type PartitionedTable,
  readBucket,
  sharedColumns,
  sharedPositions,
} from './bucket-rows.js';
import { binOf, type Buckets } from './buckets.js';
import type { CountTask, MarkTask, PairShape, PairTask } from './pair-blocks.js';
import { type PairReach, sortedDeclinations } from './reach.js';

/** What all buckets of a match have in common. */
export interface JoinSetup {
  readonly runtime: Runtime;
  readonly options: ResolvedOptions;
  readonly layout: ResultLayout;
  /** Undefined where the radius decides. */
  readonly judging: Judging | undefined;
  readonly query: PairQuery;
  readonly workerCount: number | undefined;
  readonly cellRowCount: number | undefined;
  readonly signal: AbortSignal;
  readonly fairKey: object;
  readonly buckets: Buckets;
  readonly reach: PairReach;
  readonly left: PartitionedTable;
  /** Rows of the whole right table that can be in a pair. */
  readonly usableRightRowCount: number;
  readonly chunkRowCount: number;
  readonly chunkPairCount: number;
  /** Left rows whose pairs are put in order at a time. */
  readonly rangeRowCount: number;
  readonly shape: PairShape;
  /** Right columns that pairs take along. */
  readonly payloadNames: readonly string[];
  readonly memory: SharedMemory;
  readonly pairs: BlockFile;
  /** Undefined where nothing is counted for left rows. */
  readonly counts: BlockFile | undefined;
  /** Where the right rows of pairs are added, and kept for a later process; undefined where not all pairs stay. */
  readonly usedRight: { readonly rows: RowSet; readonly file: BlockFile } | undefined;
  /** When the last bucket has added its own. */
  readonly marking: { last: Promise<void> };
}

/** What the join of one bucket gave. */
export interface JoinedBucket {
  readonly pairBlocks: readonly Block[];
  readonly countBlocks: readonly Block[];
  readonly usedBlocks: readonly Block[];
  readonly pairCount: number;
  readonly candidateCount: number;
  readonly cellCount: number;
  readonly matchedLeftCount: number;
}

/** Joins the rows of one bucket, at most `maxPairs` pairs, and writes the pairs to the ranges of their left rows. */
export async function joinBucket(
  setup: JoinSetup,
  bucket: number,
  right: BucketRows,
  maxPairs: number,
): Promise<JoinedBucket> {
  const { runtime, signal, cellRowCount } = setup;
  const index = await SkyIndex.build(runtime, right.pieces, { rowCount: right.rowCount, cellRowCount, signal });
  let work: BucketWork | undefined;
  try {
    work = new BucketWork(setup, bucket, right, index, maxPairs, await finderOf(setup, right, index, maxPairs));
    if (setup.options.selfMatch !== undefined) await work.self();
    else {
      right.positionLoan.end();
      await (setup.options.find === 'mutual' ? work.mutual() : work.stream());
    }
    await work.markUsed();
    return work.result();
  } finally {
    await work?.[Symbol.asyncDispose]();
    await index.dispose();
  }
}

/** A finder of the pairs of a bucket. */
type BucketFinder = PairFinder | RefinedFinder;

function finderOf(setup: JoinSetup, right: BucketRows, index: SkyIndex, maxPairs: number): Promise<BucketFinder> {
  const { query, workerCount, signal, fairKey, chunkRowCount, chunkPairCount, options, judging } = setup;
  const search = {
    self: options.selfMatch !== undefined,
    workerCount,
    signal,
    fairKey,
    blockRowCount: chunkRowCount,
    blockPairCount: chunkPairCount,
    maxPairs,
  };
  if (judging) return bucketJudge(setup, judging, right, index, search);
  const inPlace = options.find !== 'mutual' && options.selfMatch === undefined;
  return Promise.resolve(new PairFinder({ ...search, index, query, inPlace, rowNumbers: false }));
}

class BucketWork implements AsyncDisposable {
  readonly #payload: SharedColumns;
  readonly #positions: Positions | undefined;
  readonly #used: Uint8Array | undefined;
  readonly #pairBlocks: Block[] = [];
  readonly #countBlocks: Block[] = [];
  #usedBlocks: readonly Block[] = [];
  #pairCount = 0;
  #matchedLeftCount = 0;
  #moreCandidates = 0;

  constructor(
    private readonly setup: JoinSetup,
    private readonly bucket: number,
    private readonly right: BucketRows,
    private readonly index: SkyIndex,
    private readonly maxPairs: number,
    private readonly finder: BucketFinder,
  ) {
    const { options, shape, judging, payloadNames } = setup;
    this.#payload = sharedColumns(right, payloadNames);
    this.#used = setup.usedRight && new Uint8Array(new SharedArrayBuffer(right.rowCount));
    const asksBack = options.find === 'mutual' && !judging;
    this.#positions = shape.positions || asksBack ? sharedPositions(right.pieces) : undefined;
  }

  /** Left rows part by part. */
  async stream(): Promise<void> {
    const { runtime, left, chunkRowCount, memory, signal } = this.setup;
    const blocks = left.blocks[this.bucket] ?? [];
    const rowCount = blocks.reduce((sum, block) => sum + block.rowCount, 0);
    let first = true;
    for await (const rows of ahead(bucketParts(runtime, left, blocks, chunkRowCount, memory, signal))) {
      const part = bucketPart(rows);
      if (first) this.#estimate(part, rowCount);
      first = false;
      for await (const block of ahead(this.finder.find(part))) {
        await this.#write(block, rows.rows);
        this.finder.release(block.pairs);
      }
      rows.positionLoan.end();
      rows.loan.end();
    }
  }

  /** All left rows at once: those near the bucket are there to be asked whether a right row is theirs. */
  async mutual(): Promise<void> {
    const { left, runtime, signal, cellRowCount, workerCount, memory, options, judging } = this.setup;
    const rows = await readBucket(runtime, left, left.blocks[this.bucket] ?? [], memory, signal);
    if (rows.rowCount === 0) return;
    const part = bucketPart(rows);
    this.#estimate(part, rows.rowCount);
    const found = await collectPairs(part, this.finder, signal);
    const isOwn = this.#ownRows(part);
    const whole = { part, from: 0, to: part.rowCount, sorted: true, paired: true };
    if (judging) {
      await this.#write({ ...whole, pairs: onlyWhere(keepMutualOf(found), isOwn) }, rows.rows, isOwn);
      rows.positionLoan.end();
      rows.loan.end();
      return;
    }
    const own = onlyWhere(found, isOwn);
    const leftIndex = await SkyIndex.build(runtime, rows.pieces, { rowCount: rows.rowCount, cellRowCount, signal });
    try {
      const pairs = await keepMutual(own, {
        leftIndex,
        rightPositions: this.#positions as Positions,
        radiusArcsec: options.radiusArcsec,
        minRadiusArcsec: options.minRadiusArcsec,
        workerCount,
        signal,
      });
      this.#moreCandidates += pairs.candidateCount - found.candidateCount;
      await this.#write({ ...whole, pairs }, rows.rows, isOwn);
    } finally {
      await leftIndex.dispose();
      rows.positionLoan.end();
      rows.loan.end();
    }
  }

  /** The rows of the bucket with themselves; those near it are there as partners. */
  async self(): Promise<void> {
    const { right, setup } = this;
    const part = bucketPart(right);
    this.#estimate(part, right.rowCount);
    const isOwn = this.#ownRows(part);
    const groups = setup.options.selfMatch === 'groups' ? new Groups(right.rowCount) : undefined;
    for await (const block of ahead(this.finder.find(part))) {
      const { from, pairs } = block;
      const kept = groups ? links(groups, block) : onlyWhere(pairs, (row) => isOwn(row + from));
      await this.#write({ ...block, pairs: kept }, right.rows, isOwn);
      this.finder.release(pairs);
    }
    right.positionLoan.end();
  }

  /** Adds the used rows of the bucket to those of all buckets. */
  async markUsed(): Promise<void> {
    const { runtime, usedRight, marking } = this.setup;
    if (!usedRight || !this.#used) return;
    const task: MarkTask = {
      bucket: this.bucket,
      rows: this.right.rows,
      used: this.#used,
      into: usedRight.rows.words,
      file: usedRight.file.shared,
    };
    // One bucket after the other, so that words need no atomic operations.
    const mark = async (): Promise<void> => {
      this.#usedBlocks = await runtime.call<Block[]>(workerModule(), 'markRows', [task]);
    };
    marking.last = marking.last.then(mark, mark);
    await marking.last;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.finder.releaseAll();
    if (this.finder instanceof RefinedFinder) await this.finder[Symbol.asyncDispose]();
    this.right.loan.end();
  }

  result(): JoinedBucket {
    const { candidateCount, cellCount } = this.finder.counts;
    return {
      pairBlocks: this.#pairBlocks,
      countBlocks: this.#countBlocks,
      usedBlocks: this.#usedBlocks,
      pairCount: this.#pairCount,
      candidateCount: candidateCount + this.#moreCandidates,
      cellCount,
      matchedLeftCount: this.#matchedLeftCount,
    };
  }

  /** Which left rows belong to the bucket, and not to one near it. */
  #ownRows({ positions, astrometry }: LeftPart): (row: number) => boolean {
    const { buckets, reach, judging } = this.setup;
    const decDeg = judging ? sortedDeclinations(positions, astrometry, judging.leftColumns, reach.left) : positions.dec;
    return (row) => buckets.bucketOfBin[binOf(decDeg[row])] === this.bucket;
  }

  #estimate(part: LeftPart, leftRowCount: number): void {
    const { options, judging } = this.setup;
    const unbounded = options.find === 'all' || options.find === 'one-to-one';
    if (!unbounded && !judging) return;
    const most = unbounded ? this.maxPairs : Infinity;
    const share = options.selfMatch === undefined ? 1 : 0.5;
    estimatePairs(this.finder, this.index, part, leftRowCount, { ...options, find: 'all' }, share, most);
  }

  /** `isOwn`: the rows of the part that are counted, where they are not all. */
  async #write(block: PairBlock, leftRows: Int32Array, isOwn?: (row: number) => boolean): Promise<void> {
    const { runtime, signal, rangeRowCount, options, shape } = this.setup;
    const { pairs, from, to } = block;
    const task: PairTask = {
      left: pairs.left,
      right: pairs.right,
      separationArcsec: pairs.separationArcsec,
      leftFrom: options.selfMatch === undefined ? undefined : from,
      key: shape.key ? pairs.key : undefined,
      rank: pairs.rank,
      judged: shape.judged.map((name) => pairs.judged?.get(name) as Float64Array),
      leftRows: leftRows.subarray(from, to),
      rightRows: shape.rightRow ? this.right.rows : undefined,
      positions: shape.positions ? this.#positions : undefined,
      payload: this.#payload,
      used: this.#used,
      rangeRowCount,
      file: this.setup.pairs.shared,
    };
    // Not to be left by a signal: memory and file stay as they are until the write has ended.
    this.#pairBlocks.push(...(await runtime.call<Block[]>(workerModule(), 'writePairs', [task])));
    await this.#writeCounts(block, leftRows, isOwn);
    this.#pairCount += pairs.pairCount;
    this.#matchedLeftCount += distinctLeftRows(pairs, true, options.find === 'nearest');
    signal.throwIfAborted();
  }

  /** Of the rows of the bucket: what is seen of those beside it is not all of their neighbours. */
  async #writeCounts(
    { pairs, from, to }: PairBlock,
    leftRows: Int32Array,
    isOwn: ((row: number) => boolean) | undefined,
  ): Promise<void> {
    const { runtime, counts, rangeRowCount } = this.setup;
    if (!counts) return;
    const all = Int32Array.from({ length: to - from }, (_, i) => i);
    const own = isOwn ? all.filter((row) => isOwn(row + from)) : all;
    const { neighbourCount, secondSeparationArcsec } = pairs;
    const task: CountTask = {
      left: own.map((row) => leftRows[row + from]),
      neighbourCount: own.map((row) => neighbourCount?.[row] ?? 0),
      secondSeparationArcsec: Float64Array.from(own, (row) => secondSeparationArcsec?.[row] ?? NaN),
      rangeRowCount,
      file: counts.shared,
    };
    this.#countBlocks.push(...(await runtime.call<Block[]>(workerModule(), 'writeCounts', [task])));
  }
}

/** The pairs whose left row is wanted. */
function onlyWhere(pairs: JudgedPairs, isWanted: (leftRow: number) => boolean): JudgedPairs {
  const kept = new Int32Array(pairs.pairCount);
  let count = 0;
  for (let p = 0; p < pairs.pairCount; p++) if (isWanted(pairs.left[p])) kept[count++] = p;
  return takePairs(pairs, kept.subarray(0, count));
}

function takePairs(pairs: JudgedPairs, at: Int32Array): JudgedPairs {
  return {
    ...pairs,
    pairCount: at.length,
    left: at.map((p) => pairs.left[p]),
    right: at.map((p) => pairs.right[p]),
    separationArcsec: takeFloats(pairs.separationArcsec, at),
    key: pairs.key && takeFloats(pairs.key, at),
    rank: pairs.rank && at.map((p) => (pairs.rank as Int32Array)[p]),
    judged: pairs.judged && new Map([...pairs.judged].map(([name, values]) => [name, takeFloats(values, at)])),
  };
}

/** The pairs of a block that connect rows which no pair before them has. */
function links(groups: Groups, { pairs, from }: PairBlock): JudgedPairs {
  const kept: number[] = [];
  for (let p = 0; p < pairs.pairCount; p++) if (groups.connectRows(pairs.left[p] + from, pairs.right[p])) kept.push(p);
  return takePairs(pairs, Int32Array.from(kept));
}

function takeFloats(values: Float64Array, at: Int32Array): Float64Array {
  return Float64Array.from(at, (p) => values[p]);
}
