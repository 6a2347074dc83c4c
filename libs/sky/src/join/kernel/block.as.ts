// What a worker holds of the task at hand: parameters, and its private memory with the columns of a block of left rows,
// lists of candidates, and the k best of a row.
import { CONTROL_CANCEL, J_GRID, J_K, J_KEY_FLOOR, J_KEY_LIMIT, J_MODE, J_RADIUS, J_SCRATCH, J_SCRATCH_STRIDE, J_SELF, J_SELF_FIRST, J_TRACK } from './layout.as';

/** Left rows of a block. */
export const BLOCK: i32 = 256;
/** Candidates of a block before the cheap bound. */
export const RUNS: i32 = 2048;
/** Candidates of the long way that wait for their exact keys. */
export const BUFFER: i32 = 1024;

// From `base`; with room for one more, as most is done two at a time.
const ROWS: usize = usize(BLOCK) + 2;
/** f64[rows, 2] right ascension and declination, degrees. */
export const L_POSITION: usize = 0;
/** f64[rows] cosine of the declination. */
export const L_COS: usize = L_POSITION + 16 * ROWS;
/** f64[rows] key of the best so far. */
export const L_BEST: usize = L_COS + 8 * ROWS;
/** f64[rows] key of the second; with `track` only. */
export const L_SECOND: usize = L_BEST + 8 * ROWS;
/** f64[rows] weight of (delta ra)^2, below the true one. */
export const L_WEIGHT: usize = L_SECOND + 8 * ROWS;
/** f64[rows] planar distance squared of the best so far, degrees^2. */
export const L_LIMIT: usize = L_WEIGHT + 8 * ROWS;
/** i32[rows, 2] first and last column of fine cells; the first is -1 where the window leaves the cell. */
export const L_COLUMNS: usize = L_LIMIT + 8 * ROWS;
/** i32[rows, 2] first and last bin of declination. */
export const L_BINS: usize = L_COLUMNS + 8 * ROWS;
/** i32[rows] left row. */
export const L_ROW: usize = L_BINS + 8 * ROWS;
/** i32[rows] right row of the best so far, or -1. */
export const L_BEST_ROW: usize = L_ROW + 4 * ROWS;
/** i32[rows] neighbours; with `track` only. */
export const L_FOUND: usize = L_BEST_ROW + 4 * ROWS;
/** Matches of the block (MATCH_BYTES each), on their way to the shelves. */
export const L_MATCHES: usize = L_FOUND + 4 * ROWS;
// Lists of candidates: address of the right record in the low word, place of the left row in the block in the high one.
export const E_RUNS: usize = L_MATCHES + 16 * ROWS;
export const E_BUFFER: usize = E_RUNS + 8 * (usize(RUNS) + 8);
/** f64[RUNS + 2] keys of the list that is judged. */
export const U_KEY: usize = E_BUFFER + 8 * (usize(BUFFER) + 2);
/** i32[RUNS + 2] pairs to hand out. */
export const U_LEFT: usize = U_KEY + 8 * (usize(RUNS) + 2);
export const U_RIGHT: usize = U_LEFT + 4 * (usize(RUNS) + 2);
/** The k best: (key f64, row i32), 16 bytes each. */
export const HEAP: usize = U_RIGHT + 4 * (usize(RUNS) + 2);

export class Block {
  static params: usize = 0;
  static control: usize = 0;
  static base: usize = 0;
  static grid: usize = 0;
  static mode: i32 = 0;
  /** Count neighbours and find the second, which needs the whole window. */
  static track: bool = false;
  static kWanted: i32 = 0;
  static self: bool = false;
  static selfFirst: i32 = 0;
  static keyLimit: f64 = 0;
  static keyFloor: f64 = 0;
  static fullRadius: f64 = 0; // degrees
  static buffered: i32 = 0;
  static candidates: i64 = 0;
  static kHeld: i32 = 0;

  static begin(params: usize, control: usize, slot: i32): void {
    Block.params = params;
    Block.control = control;
    Block.base = usize(load<u32>(params, J_SCRATCH)) + usize(slot) * load<u32>(params, J_SCRATCH_STRIDE);
    Block.grid = load<u32>(params, J_GRID);
    Block.mode = load<i32>(params, J_MODE);
    Block.track = load<i32>(params, J_TRACK) != 0;
    Block.kWanted = load<i32>(params, J_K);
    Block.self = load<i32>(params, J_SELF) != 0;
    Block.selfFirst = load<i32>(params, J_SELF_FIRST);
    Block.keyLimit = load<f64>(params, J_KEY_LIMIT);
    Block.keyFloor = load<f64>(params, J_KEY_FLOOR);
    Block.fullRadius = load<f64>(params, J_RADIUS);
    Block.buffered = 0;
    Block.candidates = 0;
  }

  static isCancelled(): bool {
    return atomic.load<i32>(Block.control, CONTROL_CANCEL) != 0;
  }
}

/** A candidate: the right record at `record` for the left row in `slot`. */
// @ts-ignore: decorator
@inline
export function candidate(record: usize, slot: i32): u64 {
  return (u64(slot) << 32) | u64(record);
}

// @ts-ignore: decorator
@inline
export function recordOf(entry: u64): usize {
  return usize(u32(entry));
}

// @ts-ignore: decorator
@inline
export function slotOf(entry: u64): usize {
  return usize(entry >> 32);
}
