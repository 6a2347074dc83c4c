import { type ExecutionOptions, needsWholeLeft, type ResolvedOptions } from '../options.js';
import type { Plan } from '../plan.js';
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

export interface SpillInput {
  readonly leftRowCount: number;
  readonly rightRowCount: number;
  /** Bytes of the columns that the result needs, per row. */
  readonly leftRowBytes: number;
  readonly rightRowBytes: number;
  /** Bytes that go along with positions into the buckets, per row. */
  readonly leftAlongBytes: number;
  readonly rightAlongBytes: number;
  /** Pairs are judged one by one. */
  readonly judges: boolean;
  /** Bytes that the judge says of each pair. */
  readonly judgedBytes: number;
  readonly workerCount: number;
  readonly memoryBytes: number;
  readonly estimatedPairCount: number;
}

/** Position and row number of a spilled row. */
const SPILLED_ROW_BYTES = 20;
/** Index of a right row while it is made: staged row, record, offsets. */
const INDEX_ROW_BYTES = 45;
/** Right row of a bucket whose pairs are judged: its position twice, where it is compared, and another index. */
const JUDGED_ROW_BYTES = 80;
/** Left row of a chunk: as it is read, staged, sorted; its pair. */
const CHUNK_ROW_BYTES = 92;
/** Rows, separation and what orders them, in memory. */
const PAIR_BYTES = 24;
/** Headers and padding of the blocks. */
const BLOCK_SHARE = 1.01;
const LEAST_ROWS = 1024;
const MOST_ROWS = 2 ** 20;
const MOST_GROUP_ROWS = 2 ** 23;
/** One heap of WebAssembly holds the index of a bucket and a chunk beside it. */
const MOST_BUCKET_ROWS = 2 ** 25;

/** Memory of a right row of a bucket: two buckets are indexed at a time, while a third is read. */
export function bucketRowBytes(rightAlongBytes: number, judges: boolean): number {
  const judged = judges ? JUDGED_ROW_BYTES : 0;
  return 2 * (INDEX_ROW_BYTES + judged) + 3 * (SPILLED_ROW_BYTES + 2 * rightAlongBytes);
}

/** Sizes before the tables are looked at. Pure. */
export function planSpill(options: ResolvedOptions, execution: ExecutionOptions, input: SpillInput): SpillSizes {
  const { memoryBytes, leftRowBytes, judges } = input;
  const alongBytes = Math.max(input.leftAlongBytes, input.rightAlongBytes);
  const rowBytes = bucketRowBytes(input.rightAlongBytes, judges) * (options.find === 'mutual' ? 2 : 1);
  const bucketRowCount = execution.bucketRowCount ?? rowsIn(memoryBytes / 2, rowBytes, MOST_BUCKET_ROWS);
  const bucketCount = Math.max(1, Math.ceil(input.rightRowCount / bucketRowCount));
  const runBytes = 3 * (SPILLED_ROW_BYTES + alongBytes);
  const runRowCount = rowsIn(memoryBytes / 2 / (input.workerCount + 2), runBytes, MOST_ROWS);
  const groupBytes = 2 * (SPILLED_ROW_BYTES + alongBytes) + 16;
  const groupRowCount = rowsIn((0.75 * memoryBytes) / input.workerCount, groupBytes, MOST_GROUP_ROWS);
  const pairsPerRow = Math.max(1, input.estimatedPairCount / Math.max(1, input.leftRowCount));
  const pairBytes = PAIR_BYTES + input.rightRowBytes + input.judgedBytes;
  const chunkRowBytes = CHUNK_ROW_BYTES + 2 * input.leftAlongBytes;
  const rangeBytes = 2 * leftRowBytes + 3 * pairsPerRow * pairBytes;
  const chunkRowCount = execution.chunkRowCount ?? rowsIn(memoryBytes / 4, 3 * chunkRowBytes, MOST_ROWS);
  const rangeRowCount = execution.chunkRowCount ?? rowsIn(memoryBytes / 4, 3 * rangeBytes, MOST_ROWS);
  return {
    bucketRowCount,
    bucketCount,
    runRowCount,
    groupRowCount,
    chunkRowCount,
    rangeRowCount,
    memoryBytes: Math.round(
      Math.max(
        bucketRowCount * rowBytes + 3 * chunkRowCount * chunkRowBytes,
        (input.workerCount + 2) * runRowCount * runBytes,
        3 * rangeRowCount * rangeBytes,
      ),
    ),
  };
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
export function fitsMemory(plan: Plan, options: ResolvedOptions, rightRowCount: number, memoryBytes: number): boolean {
  // Twice what stays of the index is there while it is made.
  const making = (INDEX_ROW_BYTES - 28) * rightRowCount;
  const rows = rightRowCount + (needsWholeLeft(options) ? 0 : plan.chunkRowCount);
  return plan.plannedBytes + making <= memoryBytes && rows <= MOST_INDEXED_ROWS;
}

function rowsIn(bytes: number, rowBytes: number, most: number): number {
  return Math.max(LEAST_ROWS, Math.min(most, Math.floor(bytes / rowBytes)));
}
