import { type ExecutionOptions, needsWholeLeft, type ResolvedOptions } from '../options.js';
import type { Plan } from '../plan.js';
import {
  fixedBytes,
  INDEX_ROW_BYTES,
  joinBytesOf,
  type JoinMemory,
  joinMemory,
  LEAST_ROWS,
  leastJoinBytes,
  type MemoryInput,
  memoryOverLimit,
  SPILLED_ROW_BYTES,
} from './join-memory.js';
import type { StepSeconds } from './spill-time.js';

/** How a join is cut that does not stay in memory. */
export interface SpillSizes {
  /** Rows of the right table that a bucket holds at most, copies included. */
  readonly bucketRowCount: number;
  readonly bucketCount: number;
  /** Rows of a table that are sorted into buckets at a time. */
  readonly runRowCount: number;
  /** Rows of a row group that a thread reads and sorts by itself. */
  readonly groupRowCount: number;
  /** Left rows of a bucket that are matched at a time. */
  readonly chunkRowCount: number;
  /** Pairs of a bucket that are found at a time, about. */
  readonly chunkPairCount: number;
  /** Left rows whose pairs are put in order at a time. */
  readonly rangeRowCount: number;
  /** Memory besides the program itself, its threads and the file cache. */
  readonly memoryBytes: number;
}

/** What such a join will take. */
export interface SpillPlan extends SpillSizes {
  /** Most that the scratch folder holds, unless rows are crowded: with a pair for each left row, or more where an even sky gives more. */
  readonly scratchBytes: number;
  /** Expected time of each step, from what a sample of the right table took on this machine. */
  readonly seconds: StepSeconds;
}

export interface SpillInput extends MemoryInput {
  readonly leftRowCount: number;
  readonly rightRowCount: number;
  /** Bytes of the columns that the result needs, per row. */
  readonly leftRowBytes: number;
  readonly rightRowBytes: number;
  /** Bytes that the judge says of each pair. */
  readonly judgedBytes: number;
  readonly workerCount: number;
  readonly memoryBytes: number;
  readonly estimatedPairCount: number;
}

/** Rows, separation and what orders them, in memory. */
const PAIR_BYTES = 24;
/** Headers and padding of the blocks. */
const BLOCK_SHARE = 1.01;
const MOST_ROWS = 2 ** 20;
const MOST_PAIRS = 2 ** 22;
const LEAST_RANGE_ROWS = 64;
const MOST_GROUP_ROWS = 2 ** 23;
/** One heap of WebAssembly holds the index of a bucket and a chunk beside it. */
const MOST_BUCKET_ROWS = 2 ** 25;

/** Sizes before the tables are looked at. Pure. Throws MEMORY_OVER_LIMIT where the least sizes are more than the memory. */
export function planSpill(options: ResolvedOptions, execution: ExecutionOptions, input: SpillInput): SpillSizes {
  const { memoryBytes, leftRowBytes } = input;
  const memory = joinMemory(options, input);
  const alongBytes = Math.max(input.leftAlongBytes, input.rightAlongBytes);
  const runBytes = (input.workerCount + 2) * 3 * (SPILLED_ROW_BYTES + alongBytes);
  const groupBytes = 2 * (SPILLED_ROW_BYTES + alongBytes) + 16;
  const pairsPerRow = Math.max(1, input.estimatedPairCount / Math.max(1, input.leftRowCount));
  const rangeBytes = 3 * (2 * leftRowBytes + 3 * pairsPerRow * (PAIR_BYTES + input.rightRowBytes + input.judgedBytes));
  const leastBytes = Math.max(leastJoinBytes(memory, 0), LEAST_ROWS * runBytes, LEAST_RANGE_ROWS * rangeBytes);
  if (leastBytes > memoryBytes) throw memoryOverLimit(leastBytes, memoryBytes);
  const joinBytes = memoryBytes - memory.fixedBytes;
  const leastBucketBytes = LEAST_ROWS * memory.bucketRowBytes;
  const chunkBytes = Math.min(joinBytes / 4, joinBytes - leastBucketBytes - LEAST_ROWS * memory.pairBytes);
  const chunkRowCount = execution.chunkRowCount ?? rowsIn(chunkBytes, memory.chunkRowBytes, MOST_ROWS);
  const leftBytes = joinBytes - Math.max(chunkBytes, LEAST_ROWS * memory.chunkRowBytes);
  const chunkPairCount = rowsIn(Math.min(joinBytes / 8, leftBytes - leastBucketBytes), memory.pairBytes, MOST_PAIRS);
  const bucketBytes = Math.min(joinBytes / 2, leftBytes - chunkPairCount * memory.pairBytes);
  const bucketRowCount = execution.bucketRowCount ?? rowsIn(bucketBytes, memory.bucketRowBytes, MOST_BUCKET_ROWS);
  const runRowCount = rowsIn(memoryBytes / 2, runBytes, MOST_ROWS);
  const rangeRowCount =
    execution.chunkRowCount ?? Math.max(LEAST_RANGE_ROWS, rowsIn(memoryBytes / 4, rangeBytes, MOST_ROWS, 0));
  return {
    bucketRowCount,
    bucketCount: Math.max(1, Math.ceil(input.rightRowCount / bucketRowCount)),
    runRowCount,
    groupRowCount: rowsIn((0.75 * memoryBytes) / input.workerCount, groupBytes, MOST_GROUP_ROWS),
    chunkRowCount,
    chunkPairCount,
    rangeRowCount,
    memoryBytes: Math.round(
      Math.max(
        joinBytesOf(memory, { bucketRowCount, chunkRowCount, chunkPairCount }),
        runRowCount * runBytes,
        rangeRowCount * rangeBytes,
      ),
    ),
  };
}

/** The same sizes with chunks that leave room for a bucket of more rows than were wanted, where there is room. */
export function withLargestBucket(
  sizes: SpillSizes,
  memory: JoinMemory,
  largestRowCount: number,
  memoryBytes: number,
): SpillSizes {
  const planned = joinBytesOf(memory, { ...sizes, bucketRowCount: largestRowCount });
  if (planned <= sizes.memoryBytes) return sizes;
  const least = leastJoinBytes(memory, largestRowCount);
  // What the least chunks leave is shared by both as before.
  const kept = Math.max(0, Math.min(1, (memoryBytes - least) / Math.max(1, planned - least)));
  const shrunk = (count: number): number =>
    Math.min(count, Math.floor(LEAST_ROWS + kept * Math.max(0, count - LEAST_ROWS)));
  const chunks = { chunkRowCount: shrunk(sizes.chunkRowCount), chunkPairCount: shrunk(sizes.chunkPairCount) };
  const joinBytes = joinBytesOf(memory, { bucketRowCount: largestRowCount, ...chunks });
  return { ...sizes, ...chunks, memoryBytes: Math.round(Math.max(sizes.memoryBytes, joinBytes)) };
}

/** What lies in the scratch folder, copies included. */
export interface ScratchRows {
  readonly rightRowCount: number;
  readonly leftRowCount: number;
  readonly pairCount: number;
  /** Bytes that go along with positions. */
  readonly rightAlongBytes: number;
  readonly leftAlongBytes: number;
  /** Bytes of a pair, and of what is counted for a left row besides. */
  readonly pairBytes: number;
  readonly countBytes: number;
}

export function scratchBytesOf(rows: ScratchRows): number {
  const { rightRowCount, rightAlongBytes, leftRowCount, leftAlongBytes, pairCount, pairBytes, countBytes } = rows;
  return Math.ceil(
    BLOCK_SHARE *
      (rightRowCount * (SPILLED_ROW_BYTES + rightAlongBytes) +
        leftRowCount * (SPILLED_ROW_BYTES + leftAlongBytes + countBytes) +
        pairCount * pairBytes),
  );
}

/** Pairs that are planned with: tables that are matched mostly have stars in common, which an even sky knows nothing of. */
export function plannedPairCount(estimatedPairCount: number, leftRowCount: number): number {
  return Math.max(estimatedPairCount, leftRowCount);
}

/** What one heap of WebAssembly holds beside a chunk; more rows than that are never indexed at once. */
const MOST_INDEXED_ROWS = 2 ** 26;

/** Whether a join stays in memory. */
export function fitsMemory(
  plan: Plan,
  options: ResolvedOptions,
  { rightRowCount, threadCount }: { readonly rightRowCount: number; readonly threadCount: number },
  memoryBytes: number,
): boolean {
  // Twice what stays of the index is there while it is made.
  const making = (INDEX_ROW_BYTES - 28) * rightRowCount;
  const rows = rightRowCount + (needsWholeLeft(options) ? 0 : plan.chunkRowCount);
  return plan.plannedBytes + making + fixedBytes(threadCount) <= memoryBytes && rows <= MOST_INDEXED_ROWS;
}

function rowsIn(bytes: number, rowBytes: number, most: number, least = LEAST_ROWS): number {
  return Math.max(least, Math.min(most, Math.floor(bytes / rowBytes)));
}
