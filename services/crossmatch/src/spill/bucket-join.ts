import type { Runtime } from '@armilla/gpu-core';
import { type ChunkPairs, concatPositions, type PairQuery, type Positions, SkyIndex } from '@armilla/sky';
import type { SharedColumns } from '@armilla/tables';
import { Schema } from 'apache-arrow';
import { ahead } from '../ahead.js';
import { collectPairs, estimatePairs } from '../blocks.js';
import type { RowSet } from '../join.js';
import { keepMutual } from '../mutual.js';
import { workerModule } from '../ops/module.js';
import type { ResolvedOptions } from '../options.js';
import { PairFinder } from '../pairs.js';
import { distinctLeftRows, type LeftPart, type PairBlock } from '../parts.js';
import { Payload } from '../result/payload.js';
import type { Block } from './block.js';
import type { BlockFile } from './block-file.js';
import type { SharedMemory } from '../shared-memory.js';
import { bucketParts, type BucketRows, readBucket } from './bucket-rows.js';
import { binOf, type Buckets } from './buckets.js';
import type { CountTask, PairShape, PairTask } from './pair-blocks.js';

/** Blocks of a table by bucket, in the order of its rows. */
export interface PartitionedTable {
  readonly file: BlockFile;
  readonly rowCount: number;
  readonly blocks: readonly (readonly Block[])[]; // [buckets]
}

/** What all buckets of a match have in common. */
export interface JoinSetup {
  readonly runtime: Runtime;
  readonly options: ResolvedOptions;
  readonly query: PairQuery;
  readonly workerCount: number | undefined;
  readonly cellRowCount: number | undefined;
  readonly signal: AbortSignal;
  readonly fairKey: object;
  readonly buckets: Buckets;
  readonly left: PartitionedTable;
  readonly chunkRowCount: number;
  readonly chunkPairCount: number;
  /** Left rows whose pairs are put in order at a time. */
  readonly rangeRowCount: number;
  readonly shape: PairShape;
  readonly memory: SharedMemory;
  readonly pairs: BlockFile;
  /** Undefined where nothing is counted for left rows. */
  readonly counts: BlockFile | undefined;
  /** Where the right rows of pairs are added; undefined where not all pairs stay. */
  readonly usedRight: RowSet | undefined;
}

/** What the join of one bucket gave. */
export interface JoinedBucket {
  readonly pairBlocks: readonly Block[];
  readonly countBlocks: readonly Block[];
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
  const work = new BucketWork(setup, bucket, right, index, maxPairs);
  right.positionLoan.end();
  try {
    await (setup.options.find === 'mutual' ? work.mutual() : work.stream());
    return work.result();
  } finally {
    work.releaseAll();
    await index.dispose();
  }
}

class BucketWork {
  readonly #finder: PairFinder;
  readonly #payload: SharedColumns;
  readonly #positions: Positions | undefined;
  readonly #pairBlocks: Block[] = [];
  readonly #countBlocks: Block[] = [];
  #pairCount = 0;
  #matchedLeftCount = 0;
  #moreCandidates = 0;

  constructor(
    private readonly setup: JoinSetup,
    private readonly bucket: number,
    private readonly right: BucketRows,
    private readonly index: SkyIndex,
    private readonly maxPairs: number,
  ) {
    const { query, workerCount, signal, fairKey, chunkRowCount, chunkPairCount, options, shape } = setup;
    this.#payload = right.payload;
    this.#positions = shape.positions || options.find === 'mutual' ? sharedPositions(right.pieces) : undefined;
    this.#finder = new PairFinder({
      index,
      query,
      self: false,
      workerCount,
      signal,
      fairKey,
      blockRowCount: chunkRowCount,
      blockPairCount: chunkPairCount,
      maxPairs,
      inPlace: options.find !== 'mutual',
      rowNumbers: false,
    });
  }

  /** Left rows part by part. */
  async stream(): Promise<void> {
    const { left, chunkRowCount, memory, signal } = this.setup;
    const blocks = left.blocks[this.bucket] ?? [];
    const rowCount = blocks.reduce((sum, block) => sum + block.rowCount, 0);
    let first = true;
    for await (const rows of ahead(bucketParts(left.file, blocks, chunkRowCount, memory, signal))) {
      const part = partOf(rows);
      if (first) this.#estimate(part, rowCount);
      first = false;
      for await (const block of ahead(this.#finder.find(part))) {
        await this.#write(block, rows.rows);
        this.#finder.release(block.pairs);
      }
      rows.positionLoan.end();
      rows.loan.end();
    }
  }

  /** All left rows at once: those near the bucket are there to be asked whether a right row is theirs. */
  async mutual(): Promise<void> {
    const { left, runtime, signal, cellRowCount, workerCount, memory, options } = this.setup;
    const rows = await readBucket(left.file, left.blocks[this.bucket] ?? [], memory, signal);
    if (rows.rowCount === 0) return;
    const part = partOf(rows);
    const nearest = await collectPairs(part, this.#finder, signal);
    const { dec } = part.positions;
    const own = onlyWhere(nearest, (row) => this.#isOwn(dec[row]));
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
      this.#moreCandidates += pairs.candidateCount - nearest.candidateCount;
      await this.#write({ part, from: 0, to: part.rowCount, pairs, sorted: true, paired: true }, rows.rows);
    } finally {
      await leftIndex.dispose();
      rows.positionLoan.end();
      rows.loan.end();
    }
  }

  releaseAll(): void {
    this.#finder.releaseAll();
    this.right.loan.end();
  }

  result(): JoinedBucket {
    const { candidateCount, cellCount } = this.#finder.counts;
    return {
      pairBlocks: this.#pairBlocks,
      countBlocks: this.#countBlocks,
      pairCount: this.#pairCount,
      candidateCount: candidateCount + this.#moreCandidates,
      cellCount,
      matchedLeftCount: this.#matchedLeftCount,
    };
  }

  #isOwn(decDeg: number): boolean {
    return this.setup.buckets.bucketOfBin[binOf(decDeg)] === this.bucket;
  }

  #estimate(part: LeftPart, leftRowCount: number): void {
    const { options } = this.setup;
    if (options.find !== 'all' && options.find !== 'one-to-one') return;
    estimatePairs(this.#finder, this.index, part, leftRowCount, { ...options, find: 'all' }, 1, this.maxPairs);
  }

  async #write(block: PairBlock, leftRows: Int32Array): Promise<void> {
    const { runtime, signal, usedRight, rangeRowCount, options, shape } = this.setup;
    const { pairs, from, to } = block;
    const task: PairTask = {
      left: pairs.left,
      right: pairs.right,
      separationArcsec: pairs.separationArcsec,
      key: shape.key ? pairs.key : undefined,
      rank: pairs.rank,
      leftRows: leftRows.subarray(from, to),
      rightRows: this.right.rows,
      positions: shape.positions ? this.#positions : undefined,
      payload: this.#payload,
      usedRight: usedRight?.words,
      rangeRowCount,
      file: this.setup.pairs.shared,
    };
    // Not to be left by a signal: memory and file stay as they are until the write has ended.
    this.#pairBlocks.push(...(await runtime.call<Block[]>(workerModule(), 'writePairs', [task])));
    await this.#writeCounts(block, leftRows);
    this.#pairCount += pairs.pairCount;
    this.#matchedLeftCount += distinctLeftRows(pairs, true, options.find === 'nearest');
    signal.throwIfAborted();
  }

  /** Of the rows of the bucket: what is seen of those beside it is not all of their neighbours. */
  async #writeCounts({ part, pairs, from, to }: PairBlock, leftRows: Int32Array): Promise<void> {
    const { runtime, counts, rangeRowCount, options } = this.setup;
    if (!counts) return;
    const all = Int32Array.from({ length: to - from }, (_, i) => i);
    const own = options.find === 'mutual' ? all.filter((row) => this.#isOwn(part.positions.dec[row])) : all;
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

function partOf({ rowCount, pieces }: BucketRows): LeftPart {
  let whole: Positions | undefined;
  return {
    firstRow: 0,
    rowCount,
    pieces,
    get positions() {
      return (whole ??= concatPositions(pieces));
    },
    payload: Payload.empty(new Schema([])),
    astrometry: undefined,
    faults: undefined,
    filtered: undefined,
  };
}

/** In one piece that threads read without a copy. */
function sharedPositions(pieces: readonly Positions[]): Positions {
  const rowCount = pieces.reduce((sum, { ra }) => sum + ra.length, 0);
  const ra = new Float64Array(new SharedArrayBuffer(8 * rowCount));
  const dec = new Float64Array(new SharedArrayBuffer(8 * rowCount));
  let at = 0;
  for (const piece of pieces) {
    ra.set(piece.ra, at);
    dec.set(piece.dec, at);
    at += piece.ra.length;
  }
  return { ra, dec };
}

/** The pairs whose left row is wanted. */
function onlyWhere(pairs: ChunkPairs, isWanted: (leftRow: number) => boolean): ChunkPairs {
  const kept = new Int32Array(pairs.pairCount);
  let count = 0;
  for (let p = 0; p < pairs.pairCount; p++) if (isWanted(pairs.left[p])) kept[count++] = p;
  const at = kept.subarray(0, count);
  return {
    ...pairs,
    pairCount: count,
    left: at.map((p) => pairs.left[p]),
    right: at.map((p) => pairs.right[p]),
    separationArcsec: Float64Array.from(at, (p) => pairs.separationArcsec[p]),
  };
}
