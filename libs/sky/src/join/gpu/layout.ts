/** Structures in the heap, as byte offsets; layout.as.ts says what each field is. A test holds the two equal. */
export const ARRANGE = {
  tasks: 0,
  records: 4,
  order: 8,
  firstRecords: 12,
  ranks: 16,
  offsets: 20,
  stride: 24,
  ends: 28,
  balls: 32,
  counts: 36,
  most: 40,
  scratch: 44,
  scratchStride: 48,
  lonePlaces: 52,
  loneCount: 56,
  selfFirst: 60,
  bytes: 64,
} as const;

export const LONE = { records: 0, order: 4, firstRecords: 8, placeCount: 12, step: 16, out: 20, bytes: 24 } as const;

export const VISITING = {
  levels: 0,
  levelCount: 4,
  cellEnds: 8,
  firstPlace: 12,
  blockBalls: 16,
  blockCount: 20,
  step: 24,
  sureCount: 28,
  reaches: 32,
  counts: 36,
  cells: 40,
  firstVisits: 44,
  visits: 48,
  limitChord: 56,
  floorChord: 64,
  bytes: 72,
} as const;

export const DECIDE = {
  firstTask: 0,
  from: 4,
  to: 8,
  ranks: 12,
  rightRecords: 16,
  order: 20,
  firstRecords: 24,
  mostOfPlace: 28,
  parts: 32,
  partCount: 36,
  bytes: 40,
} as const;

export const FOUND_PART = { found: 0, candidates: 4, firstPlace: 8, bytes: 12 } as const;

export const BALL_BYTES = 32;
/** Cells that the search remembers of each block; it looks again for those of blocks with more. */
export const REMEMBERED_CELLS = 32;
/** Private memory of a worker in `arrange`: so much, and so much more for each row of its largest task. */
export const ARRANGE_SCRATCH_BYTES = 12 * 1024;
export const ARRANGE_SCRATCH_ROW_BYTES = 32;
/** Number that no place has. */
export const NO_PLACE = 0xffff_ffff;
