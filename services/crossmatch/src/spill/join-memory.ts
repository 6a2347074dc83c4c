import { fail, formatBytes } from '@armilla/base';
import type { ResolvedOptions } from '../options.js';
import { type BucketCut, crowdedRowCount, cutBuckets, type DeclinationCounts, MOST_BUCKETS } from './buckets.js';

/** Rows, and pairs, that are always planned with at least. */
export const LEAST_ROWS = 1024;
/** Position and row number of a spilled row. */
export const SPILLED_ROW_BYTES = 20;
/** Index of a right row while it is made: staged row, record, offsets. */
export const INDEX_ROW_BYTES = 45;
/** Right row of a bucket whose pairs are judged: its position twice, where it is compared, and another index. */
const JUDGED_ROW_BYTES = 80;
/** The same in each further index. */
const FURTHER_INDEX_ROW_BYTES = 24;
/** Left row of a chunk: as it is read, staged, sorted; its pair. */
const CHUNK_ROW_BYTES = 92;
/** Pair while it is found: unordered, and in the columns that it is written from. */
const FOUND_PAIR_BYTES = 48;
/** What a thread needs to make an index or to search it, and what an index takes besides its rows. */
const THREAD_BYTES = 160 * 1024;
const INDEX_BYTES = 128 * 1024;
/** Buckets that are indexed and searched at a time. */
const JOINED_BUCKETS = 2;

/** Memory of the join of buckets, by what it is for. */
export interface JoinMemory {
  /** Whatever the sizes. */
  readonly fixedBytes: number;
  /** A right row of a bucket: two buckets are indexed at a time, while a third is read. */
  readonly bucketRowBytes: number;
  /** A left row of a chunk, and a pair that is found, of all that are alive. */
  readonly chunkRowBytes: number;
  readonly pairBytes: number;
}

export function joinMemory({ find }: Pick<ResolvedOptions, 'find'>, input: MemoryInput): JoinMemory {
  const { judgedIndexCount, rightAlongBytes, leftAlongBytes, threadCount } = input;
  const judged = judgedIndexCount === 0 ? 0 : JUDGED_ROW_BYTES + (judgedIndexCount - 1) * FURTHER_INDEX_ROW_BYTES;
  const rowBytes = JOINED_BUCKETS * (INDEX_ROW_BYTES + judged) + 3 * (SPILLED_ROW_BYTES + 2 * rightAlongBytes);
  return {
    fixedBytes: JOINED_BUCKETS * fixedBytes(threadCount),
    bucketRowBytes: rowBytes * (find === 'mutual' ? 2 : 1),
    chunkRowBytes: 3 * (CHUNK_ROW_BYTES + 2 * leftAlongBytes),
    pairBytes: JOINED_BUCKETS * FOUND_PAIR_BYTES,
  };
}

export interface MemoryInput {
  /** Indexes of a bucket that its pairs are judged by, one by one; 0 where the radius decides. */
  readonly judgedIndexCount: number;
  /** Bytes that go along with positions into the buckets, per row. */
  readonly leftAlongBytes: number;
  readonly rightAlongBytes: number;
  /** Threads of the runtime, each of which has room of its own in the search. */
  readonly threadCount: number;
}

/** Memory of an index and its search besides rows and pairs. */
export function fixedBytes(threadCount: number): number {
  return INDEX_BYTES + threadCount * THREAD_BYTES;
}

/** The least memory of a join whose largest bucket holds `bucketRowCount` rows, however it is cut besides. */
export function leastJoinBytes(memory: JoinMemory, bucketRowCount: number): number {
  const { fixedBytes: fixed, bucketRowBytes, chunkRowBytes, pairBytes } = memory;
  return fixed + Math.max(LEAST_ROWS, bucketRowCount) * bucketRowBytes + LEAST_ROWS * (chunkRowBytes + pairBytes);
}

/** Memory of a join of buckets of so many rows. */
export function joinBytesOf(
  memory: JoinMemory,
  sizes: { readonly bucketRowCount: number; readonly chunkRowCount: number; readonly chunkPairCount: number },
): number {
  return (
    memory.fixedBytes +
    sizes.bucketRowCount * memory.bucketRowBytes +
    sizes.chunkRowCount * memory.chunkRowBytes +
    sizes.chunkPairCount * memory.pairBytes
  );
}

/**
 * Cuts the sky into buckets of about `wantedRowCount` rows. Throws MEMORY_OVER_LIMIT, with what would do, where a bucket and all that
 * lies within reach of it do not fit the memory however narrow it is, or where there would be more buckets than can be told apart.
 */
export function fittingCut(
  counts: DeclinationCounts,
  reachDeg: number,
  wantedRowCount: number,
  memory: JoinMemory,
  memoryBytes: number,
): BucketCut {
  const cut = cutBuckets(counts, reachDeg, wantedRowCount);
  const largest = largestBucket(cut);
  if (leastJoinBytes(memory, largest) > memoryBytes)
    throw memoryOverLimit(leastJoinBytes(memory, Math.max(largest, crowdedRowCount(counts, reachDeg))), memoryBytes);
  const bucketCount = cut.intervals.length;
  if (bucketCount > MOST_BUCKETS) {
    const rowCount = Math.ceil((1.25 * wantedRowCount * bucketCount) / MOST_BUCKETS);
    // Buckets are planned with half of what is not fixed.
    const halfBytes = memory.fixedBytes + 2 * rowCount * memory.bucketRowBytes;
    throw memoryOverLimit(Math.max(halfBytes, leastJoinBytes(memory, rowCount)), memoryBytes);
  }
  return cut;
}

/** Rows of the largest bucket. */
export function largestBucket({ rowCounts }: Pick<BucketCut, 'rowCounts'>): number {
  return rowCounts.reduce((most, count) => Math.max(most, count), 0);
}

/** `neededBytes` is told rounded up, so that what is told will do. */
export function memoryOverLimit(neededBytes: number, limitBytes: number): Error {
  let unit = 1;
  while (neededBytes / unit >= 1024) unit *= 1024;
  const step = neededBytes / unit >= 100 ? unit : unit / 10;
  const needed = formatBytes(Math.ceil(neededBytes / step) * step);
  return fail('MEMORY_OVER_LIMIT', { needed, limit: formatBytes(limitBytes) });
}
