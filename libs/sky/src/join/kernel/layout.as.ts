// Structures in the heap, as byte offsets; layout.ts holds the same numbers for the host.

/** Grid: how a position finds its cell. */
export const G_DEC_MIN: usize = 0; // f64 degrees
export const G_DEC_SCALE: usize = 8; // f64 bins per degree
export const G_DEC_LAST: usize = 16; // f64 last bin
export const G_BUCKET_LUT: usize = 24; // -> u16[decLast + 1] bucket of a bin
export const G_BUCKETS: usize = 28; // -> buckets
export const G_CELLS: usize = 32; // -> cells
export const G_CELL_COUNT: usize = 36; // i32

/** Declination bucket. */
export const B_RA_MIN: usize = 0; // f64 degrees
export const B_RA_SCALE: usize = 8; // f64 bins per degree
export const B_RA_LAST: usize = 16; // f64 last bin
export const B_LUT: usize = 24; // -> u16[raLast + 1] cell of a bin
export const B_FIRST_CELL: usize = 28; // i32
export const B_CELL_COUNT: usize = 32; // i32
export const B_BYTES: usize = 40;

/** Cell: a range of right ascension of a bucket, with its own fine grid. */
export const C_ROWS: usize = 0; // -> records[n], by fine cell
export const C_COUNT: usize = 4; // i32 n
export const C_OFFSETS: usize = 8; // -> i32[nx * ny + 1] first row of each fine cell, by strip of declination, then right ascension
export const C_NX: usize = 12; // i32
export const C_NY: usize = 16; // i32
export const C_RA_MIN: usize = 24; // f64 degrees, of the rows
export const C_DEC_MIN: usize = 32;
export const C_RA_MAX: usize = 40;
export const C_DEC_MAX: usize = 48;
export const C_RA_SCALE: usize = 56; // f64 fine cells per degree
export const C_DEC_SCALE: usize = 64; // f64 bins per degree
export const C_RA_LOW: usize = 72; // f64: a position strictly within low..high belongs to this cell
export const C_RA_HIGH: usize = 80;
export const C_DEC_LOW: usize = 88;
export const C_DEC_HIGH: usize = 96;
export const C_STRIPS: usize = 104; // -> u16[bins] strip of a bin
export const C_EDGES: usize = 108; // -> u16[ny + 1] first bin of a strip
export const C_BINS: usize = 112; // i32
export const C_BYTES: usize = 120;

/** Item of the passes over rows. */
export const I_RA: usize = 0; // -> f64[count]
export const I_DEC: usize = 4; // -> f64[count]
export const I_STATUS: usize = 8; // -> u8[count]; in: 1 = null; out: RowStatus
export const I_CELL: usize = 12; // -> u16[count]
export const I_FIRST_ROW: usize = 16; // i32
export const I_COUNT: usize = 20; // i32
export const I_BYTES: usize = 24;

/** Parameters of the passes over rows. */
export const R_GRID: usize = 0;
export const R_ITEMS: usize = 4;
export const R_COUNTS: usize = 8; // -> i32[items, cells] rows; then the place of the next row
export const R_OUT: usize = 12; // -> records by cell
export const R_SCRATCH: usize = 16; // grid pass: -> private memory of worker 0
export const R_SCRATCH_STRIDE: usize = 20;
export const R_CLEAR_ONES8: usize = 24; // -> f64[rows] set to NaN, or 0
export const R_CLEAR_ZERO4: usize = 28; // -> i32[rows] set to 0, or 0
export const R_CLEAR_ZERO4_MORE: usize = 32; // -> i32[rows] set to 0, or 0

/** A record: ra f64, dec f64, row i32. */
export const RECORD_BYTES: usize = 20;
export const RECORD_ROW: usize = 16;
/** Cell of a row that takes no part. */
export const NO_CELL: i32 = 65535;

/** Parameters of the join. */
export const J_GRID: usize = 0;
export const J_TASKS: usize = 4; // -> tasks
export const J_RECORDS: usize = 8; // -> left records by cell
export const J_SCRATCH: usize = 12; // -> private memory of worker 0
export const J_SCRATCH_STRIDE: usize = 16;
export const J_MODE: usize = 20; // i32 MODE_*
export const J_TRACK: usize = 24; // i32: 1 = count neighbours and find the second separation, which needs the whole window
export const J_K: usize = 28; // i32
export const J_SELF: usize = 32; // i32: 1 = self-match
export const J_SELF_FIRST: usize = 36; // i32
export const J_OUT_NEAREST: usize = 40; // nearest: -> matches, by shelf, or 0
export const J_SHELF_COUNTS: usize = 44; // -> i32[shelves] matches of each shelf, atomic
export const J_OUT_COUNT: usize = 48; // -> i32[rows] neighbours, or 0
export const J_OUT_SECOND: usize = 52; // -> f64[rows] key of the second, or 0
export const J_PAIR_LEFT: usize = 56; // -> i32[capacity] in no order
export const J_PAIR_RIGHT: usize = 60; // -> i32[capacity]
export const J_PAIR_KEY: usize = 64; // -> f64[capacity]
export const J_PAIR_CAPACITY: usize = 68; // i32
export const J_PAIR_COUNTS: usize = 72; // -> i32[rows] pairs of each left row
export const J_ANSWERS: usize = 76; // -> what a device found, with a device
export const J_RADIUS: usize = 80; // f64 degrees
export const J_KEY_LIMIT: usize = 88; // f64
export const J_KEY_FLOOR: usize = 96; // f64
export const J_PAIR_TOTAL: usize = 104; // i64, atomic; may pass the capacity
export const J_CANDIDATES: usize = 112; // i64, atomic
export const J_BYTES: usize = 128;

export const MODE_NEAREST: i32 = 0;
export const MODE_ALL: i32 = 1;
export const MODE_K_NEAREST: i32 = 2;

/**
 * Nearest matches (key f64, left row i32, right row i32) lie on shelves by left row, in no order: those of left rows
 * [s * SHELF_ROWS, (s + 1) * SHELF_ROWS) from s * SHELF_ROWS on. Written one behind the other, not at random.
 */
export const SHELF_SHIFT: i32 = 14;
export const SHELF_ROWS: i32 = 16384;
export const MATCH_BYTES: usize = 16;

/** Task of the join: left records [from, to) of one cell. */
export const T_CELL: usize = 0; // i32
export const T_FROM: usize = 4; // i32
export const T_TO: usize = 8; // i32
export const T_BYTES: usize = 16;

/** Control block of a phase (gpu-core CONTROL). */
export const CONTROL_CANCEL: usize = 8;
