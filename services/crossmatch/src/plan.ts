import { usualCellCount, WHOLE_SKY_SQUARE_DEGREES } from '@armilla/sky';
import type { SpillPlan } from './spill/spill-plan.js';
import { DEFAULT_MAX_PAIRS, type ExecutionOptions, needsWholeLeft, type ResolvedOptions } from './options.js';

/** What a plan is made from; nothing here needs the data. */
export interface PlanInput {
  /** Undefined where the input does not say. */
  readonly leftRowCount?: number;
  readonly rightRowCount?: number;
  /** Bytes of the payload columns that the result needs, per row. */
  readonly leftRowBytes: number;
  readonly rightRowBytes: number;
  /** Threads of the runtime. */
  readonly workerCount: number;
  /** Memory of the runtime. */
  readonly memoryLimitBytes: number;
  /** Solid angle that the tables cover, (0, 41253]; the whole sky when undefined. */
  readonly areaSquareDegrees?: number;
  /** The right table is stored and indexed already: its memory is not this match's. */
  readonly rightIsResident?: boolean;
}

export interface Plan {
  readonly cellCount: number;
  readonly bucketCount: number;
  readonly chunkRowCount: number;
  /** Rows of the first chunk: small when results may come in any order, so that they come at once. */
  readonly firstChunkRowCount: number;
  readonly workerCount: number;
  readonly indexBytes: number;
  readonly chunkBytes: number;
  readonly payloadBytes: number;
  readonly plannedBytes: number;
  /** For rows spread evenly over the area. */
  readonly estimatedPairCount: number;
  readonly needsWholeLeft: boolean;
  /** Pairs that a chunk's result may hold before it is matched in smaller parts. */
  readonly chunkPairCount: number;
  /** Pairs within the radius that the search may find; for one-to-one, which holds them all, what memory allows. */
  readonly maxPairs: number;
  /** Undefined for a join that stays in memory. */
  readonly spill?: SpillPlan;
  readonly notes: readonly string[];
}

const LEAST_CHUNK_ROW_COUNT = 2 ** 20;
const MOST_CHUNK_ROW_COUNT = 2 ** 22;
const FIRST_CHUNK_ROW_COUNT = 2 ** 16;
/** Index memory of a row: ra, dec and row (20 bytes), offsets and slack. */
const INDEX_BYTES_PER_ROW = 28;
/** Left row of a chunk: position (then its match), status, cell, record. */
const CHUNK_BYTES_PER_ROW = 40;
/** Pair of a chunk: two rows, separation, key, rank. */
export const PAIR_BYTES = 32;
/** Chunks alive at a time: one decoded, one matched, one gathered. */
const CHUNKS_IN_FLIGHT = 3;
/** Rows assumed where the input does not say how many it has. */
const UNKNOWN_ROW_COUNT = 1_000_000;

/** Sizes, chunks and memory of a match. Pure. */
export function planMatch(options: ResolvedOptions, execution: ExecutionOptions, input: PlanInput): Plan {
  const notes: string[] = [];
  if (input.leftRowCount === undefined) notes.push(`left rows unknown: planned with ${UNKNOWN_ROW_COUNT}`);
  if (input.rightRowCount === undefined) notes.push(`right rows unknown: planned with ${UNKNOWN_ROW_COUNT}`);
  const left = input.leftRowCount ?? UNKNOWN_ROW_COUNT;
  const right = input.rightRowCount ?? UNKNOWN_ROW_COUNT;
  const wholeLeft = needsWholeLeft(options);
  const workerCount = Math.min(execution.workerCount ?? input.workerCount, input.workerCount);
  const memoryBytes = execution.memoryBytes ?? Math.floor(input.memoryLimitBytes / 2);

  const area = input.areaSquareDegrees ?? WHOLE_SKY_SQUARE_DEGREES;
  const share = (capSquareDegrees(options.radiusArcsec) - capSquareDegrees(options.minRadiusArcsec)) / area;
  const allPairs = left * right * Math.min(share, 1) * (options.selfMatch === undefined ? 1 : 0.5);
  const mostPairs = {
    nearest: left,
    mutual: left,
    'one-to-one': left,
    'k-nearest': left * (options.k ?? 1),
    all: allPairs,
  }[options.find];
  const estimatedPairCount = Math.min(allPairs, mostPairs);

  const keepsPairs = options.find === 'one-to-one';
  const maxPairs = keepsPairs
    ? Math.min(DEFAULT_MAX_PAIRS, Math.floor(memoryBytes / 2 / PAIR_BYTES))
    : (options.maxPairs ?? DEFAULT_MAX_PAIRS);
  const needsAllPairs = keepsPairs || options.find === 'all';
  if (needsAllPairs && allPairs > maxPairs)
    notes.push(`about ${Math.round(allPairs)} pairs are over the limit of ${maxPairs}: the match would be refused`);

  const indexBytes =
    (input.rightIsResident ? 0 : right * INDEX_BYTES_PER_ROW) +
    (options.find === 'mutual' ? left * INDEX_BYTES_PER_ROW : 0);
  const rowBytes = CHUNK_BYTES_PER_ROW + input.leftRowBytes;
  const forChunks = Math.max(memoryBytes / 4, 2 ** 24);
  // Each chunk reads the whole index once, so that many small ones cost more than the memory of large ones is worth.
  const mostRows = clamp(
    Math.max(LEAST_CHUNK_ROW_COUNT, right / 5),
    1024,
    Math.min(MOST_CHUNK_ROW_COUNT, Math.max(1024, forChunks / CHUNKS_IN_FLIGHT / rowBytes)),
  );
  const chunkRowCount = execution.chunkRowCount ?? Math.ceil(evenPart(left, mostRows));
  const firstChunkRowCount =
    options.order === 'any' && !wholeLeft ? Math.min(FIRST_CHUNK_ROW_COUNT, chunkRowCount) : chunkRowCount;
  const chunkPairCount = Math.round(clamp(forChunks / CHUNKS_IN_FLIGHT / PAIR_BYTES, 2 ** 16, 2 ** 22));
  const chunkPairBytes =
    Math.min(chunkPairCount, Math.max(Math.min(chunkRowCount, left), estimatedPairCount)) * PAIR_BYTES;
  const chunkCount = Math.max(1, Math.ceil(left / chunkRowCount));
  // A chunk with many pairs is matched in several blocks, of which as many are alive.
  const blockCount = Math.max(chunkCount, Math.ceil(estimatedPairCount / chunkPairCount));
  const chunkBytes =
    Math.min(CHUNKS_IN_FLIGHT, chunkCount) * Math.min(chunkRowCount, left) * rowBytes +
    Math.min(CHUNKS_IN_FLIGHT, blockCount) * chunkPairBytes;
  const payloadBytes =
    (input.rightIsResident ? 0 : right * input.rightRowBytes) +
    (wholeLeft ? left * (input.leftRowBytes + 16) : 0) +
    (keepsPairs ? Math.min(allPairs, maxPairs) * 16 : 0);
  const cellCount = usualCellCount(right, execution.cellRowCount);
  return {
    cellCount,
    bucketCount: Math.max(1, Math.round(Math.sqrt(cellCount / 2))),
    chunkRowCount,
    firstChunkRowCount,
    workerCount,
    indexBytes,
    chunkBytes: Math.round(chunkBytes),
    payloadBytes: Math.round(payloadBytes),
    plannedBytes: Math.round(indexBytes + chunkBytes + payloadBytes),
    estimatedPairCount,
    needsWholeLeft: wholeLeft,
    chunkPairCount,
    maxPairs,
    notes,
  };
}

/** Solid angle of a cap: 2 pi (1 - cos r) steradians; 4 pi sin^2(r / 2) keeps its digits at small radii. */
function capSquareDegrees(radiusArcsec: number): number {
  return WHOLE_SKY_SQUARE_DEGREES * Math.sin(((radiusArcsec / 3600 / 2) * Math.PI) / 180) ** 2;
}

/** The largest even part of `rowCount` that is at most `most`; `most` where the rows are fewer. */
function evenPart(rowCount: number, most: number): number {
  return rowCount <= most ? most : rowCount / Math.ceil(rowCount / most);
}

function clamp(value: number, least: number, most: number): number {
  return Math.max(least, Math.min(value, most));
}
