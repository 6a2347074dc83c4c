/** Structures in the heap, as byte offsets; kernel/layout.as.ts says what each field is. A test holds the two equal. */
export const GRID = {
  decMin: 0,
  decScale: 8,
  decLast: 16,
  bucketLut: 24,
  buckets: 28,
  cells: 32,
  cellCount: 36,
  bytes: 40,
} as const;

export const BUCKET = { raMin: 0, raScale: 8, raLast: 16, lut: 24, firstCell: 28, cellCount: 32, bytes: 40 } as const;

export const CELL = {
  rows: 0,
  count: 4,
  offsets: 8,
  nx: 12,
  ny: 16,
  raMin: 24,
  decMin: 32,
  raMax: 40,
  decMax: 48,
  raScale: 56,
  decScale: 64,
  raLow: 72,
  raHigh: 80,
  decLow: 88,
  decHigh: 96,
  strips: 104,
  edges: 108,
  bins: 112,
  bytes: 120,
} as const;

export const ITEM = { ra: 0, dec: 4, status: 8, cell: 12, firstRow: 16, count: 20, bytes: 24 } as const;

export const ROWS_PASS = {
  grid: 0,
  items: 4,
  counts: 8,
  out: 12,
  scratch: 16,
  scratchStride: 20,
  clearOnes8: 24,
  clearZero4: 28,
  clearZero4More: 32,
  bytes: 40,
} as const;

export const JOIN = {
  grid: 0,
  tasks: 4,
  records: 8,
  scratch: 12,
  scratchStride: 16,
  mode: 20,
  track: 24,
  k: 28,
  self: 32,
  selfFirst: 36,
  outNearest: 40,
  shelfCounts: 44,
  outCount: 48,
  outSecond: 52,
  pairLeft: 56,
  pairRight: 60,
  pairKey: 64,
  pairCapacity: 68,
  pairCounts: 72,
  answers: 76,
  radius: 80,
  keyLimit: 88,
  keyFloor: 96,
  pairTotal: 104,
  candidates: 112,
  bytes: 128,
} as const;

export const TASK = { cell: 0, from: 4, to: 8, bytes: 16 } as const;

export const RESULT_PASS = {
  rows: 0,
  step: 4,
  nearest: 8,
  scratch: 12,
  sizes: 20,
  second: 24,
  counts: 28,
  pairCount: 32,
  pairLeft: 36,
  pairRight: 40,
  pairKey: 44,
  outLeft: 48,
  outRight: 52,
  outKey: 56,
  outSeparation: 60,
  outRank: 64,
  outLeftNumber: 68,
  outRightNumber: 72,
  firstNumber: 80,
  marks: 88,
  marksStride: 92,
  bytes: 96,
} as const;

export const MODE = { nearest: 0, all: 1, 'k-nearest': 2 } as const;

/** A record: ra f64, dec f64, row i32. */
export const RECORD_BYTES = 20;
/** Left rows of a shelf of nearest matches. */
export const SHELF_ROWS = 16_384;
export const MATCH_BYTES = 16;
/** Kernels read two records, keys or matches at a time: what they may read past the last. */
export const SPARE_BYTES = 64;
/** Private memory of a worker in the join, without the k best (16 bytes each). */
export const JOIN_SCRATCH_BYTES = 96 * 1024;
/** The largest number of cells: a row stores its cell in 16 bits, and the last value means none. */
export const MAX_CELLS = 65_000;
