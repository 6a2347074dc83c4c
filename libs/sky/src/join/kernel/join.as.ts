// The join of one task: blocks of left rows walk the fine cells in their window; cheap bounds reject, the rest goes to
// a buffer that is judged by the exact key, two pairs at a time. Module variables are private to a worker.
import { asinSqrt, cosDeg2, DEGREES_PER_RADIAN, keys2, sinAbsDeg } from '../../separation/expression.as';
import { binOf, bucketOf, cellOf, SORTED_SIZE } from './grid.as';
import {
  B_BYTES, B_CELL_COUNT, B_FIRST_CELL, C_BINS, C_BYTES, C_COUNT, C_DEC_HIGH, C_DEC_LOW, C_DEC_MAX, C_DEC_MIN, C_DEC_SCALE, C_EDGES, C_NX, C_NY, C_OFFSETS, C_RA_HIGH,
  C_RA_LOW, C_RA_MAX, C_RA_MIN, C_RA_SCALE, C_ROWS, C_STRIPS, CONTROL_CANCEL, G_BUCKETS, G_CELLS, J_CANDIDATES, J_GRID, J_K, J_KEY_FLOOR,
  J_KEY_LIMIT, J_MODE, J_OUT_COUNT, J_OUT_NEAREST, J_OUT_SECOND, J_PAIR_CAPACITY, J_PAIR_COUNTS, J_PAIR_KEY, J_PAIR_LEFT,
  J_PAIR_RIGHT, J_PAIR_TOTAL, J_RADIUS, J_RECORDS, J_SCRATCH, J_SCRATCH_STRIDE, J_SELF, J_SELF_FIRST, J_TASKS, J_TRACK, MODE_ALL,
  MODE_K_NEAREST, MODE_NEAREST, RECORD_BYTES, T_BYTES, T_CELL, T_FROM, T_TO,
} from './layout.as';

/** Left rows of a block. */
const BLOCK: i32 = 256;
/** Buffered candidates. */
const BUFFER: i32 = 1024;
/** Candidates of a block before the cheap bound. */
const RUNS: i32 = 2048;
/** Candidates of one row from which on near ones are sought first. */
const MANY: i32 = 128;
/** Runs from this length on are cut to the window by bisection, where their fine cells are sorted. */
const CROWDED: i32 = 16;
/** Right ascension windows up to this, in degrees, take the short way. */
const SHORT_REACH: f64 = 1;
/** 1 - a^2 / 12 for the widest window of the short way. */
const SHORT_SHRINK: f64 = 0.99997;
/** Longer runs of candidates are judged as they come, so that the best so far shortens the walk. */
const LONG_RUN: i32 = 64;

// Private memory of a worker, from `base`: columns of the block, then of the buffer, then the k best.
const L_RA: usize = 0;
const L_DEC: usize = L_RA + 8 * BLOCK;
const L_COS: usize = L_DEC + 8 * BLOCK;
const L_BEST: usize = L_COS + 8 * BLOCK;
const L_SECOND: usize = L_BEST + 8 * BLOCK;
const L_ROW: usize = L_SECOND + 8 * BLOCK;
const L_BEST_ROW: usize = L_ROW + 4 * BLOCK;
const L_FOUND: usize = L_BEST_ROW + 4 * BLOCK;
const L_WEIGHT: usize = L_FOUND + 4 * BLOCK;
const L_WEIGHT_HIGH: usize = L_WEIGHT + 8 * BLOCK;
const L_LIMIT: usize = L_WEIGHT_HIGH + 8 * BLOCK;
const L_WEST: usize = L_LIMIT + 8 * BLOCK;
const L_EAST: usize = L_WEST + 8 * BLOCK;
const L_X0: usize = L_EAST + 8 * BLOCK;
const L_X1: usize = L_X0 + 4 * BLOCK;
const L_Y0: usize = L_X1 + 4 * BLOCK;
const L_Y1: usize = L_Y0 + 4 * BLOCK;
const L_INSIDE: usize = L_Y1 + 4 * BLOCK;
const E_RUNS: usize = L_INSIDE + 4 * BLOCK;
const U_RA: usize = E_RUNS + 8 * (RUNS + 8);
const U_DEC: usize = U_RA + 8 * (BUFFER + 2);
const U_KEY: usize = U_DEC + 8 * (BUFFER + 2);
const U_ROW: usize = U_KEY + 8 * (BUFFER + 2);
const U_SLOT: usize = U_ROW + 4 * (BUFFER + 2);
const HEAP: usize = U_SLOT + 4 * (BUFFER + 2) + 16;

// Both widen a bound beyond any rounding of it.
const WIDER: f64 = 1 + 1e-9;
const WIDER_DEG: f64 = 1e-10;
// Slack of the squared planar distance: (l + e)^2 <= l^2 (1 + 1e-6) + 1e6 e^2 with e = 1e-13 degrees of rounding.
const SLACK: f64 = 1 + 1e-6;
const SLACK_DEG2: f64 = 1e-19;
/** h in radians squared over four: (pi / 180)^2 / 4. */
const QUARTER: f64 = 7.615435494667714e-5;

let parameters: usize = 0;
let base: usize = 0;
let grid: usize = 0;
let mode: i32 = 0;
let track: bool = false;
let kWanted: i32 = 0;
let self: bool = false;
let selfFirst: i32 = 0;
let keyLimit: f64 = 0;
let keyFloor: f64 = 0;
let control: usize = 0;

let buffered: i32 = 0;
let candidates: i64 = 0;
let kHeld: i32 = 0;

// The window of the row at hand.
let radius: f64 = 0; // degrees, widened
let sinRadius: f64 = 0; // 2 from 90 degrees on: no bound on right ascension
let fullRadius: f64 = 0; // degrees
let slotNow: i32 = 0;
let ownRow: i32 = -1;
let limit2: f64 = 0; // planar distance squared beyond which a row is out, degrees^2
let weightLow: f64 = 0; // of (delta ra)^2, below the true one
let weightHigh: f64 = 0; // above
let keyPerLow2: f64 = 0; // key >= planar low^2 * this
let raReach: f64 = 0; // degrees
let shortLimit: f64 = 0; // limit2 of all rows on the short way

export function join(params: usize, item: i32, controlBlock: usize, slot: i32): void {
  parameters = params;
  control = controlBlock;
  base = usize(load<u32>(params, J_SCRATCH)) + usize(slot) * load<u32>(params, J_SCRATCH_STRIDE);
  grid = load<u32>(params, J_GRID);
  mode = load<i32>(params, J_MODE);
  track = load<i32>(params, J_TRACK) != 0;
  kWanted = load<i32>(params, J_K);
  self = load<i32>(params, J_SELF) != 0;
  selfFirst = load<i32>(params, J_SELF_FIRST);
  keyLimit = load<f64>(params, J_KEY_LIMIT);
  keyFloor = load<f64>(params, J_KEY_FLOOR);
  buffered = 0;
  candidates = 0;

  const task: usize = usize(load<u32>(params, J_TASKS)) + usize(item) * T_BYTES;
  const cell: usize = usize(load<u32>(grid, G_CELLS)) + usize(load<i32>(task, T_CELL)) * C_BYTES;
  const to = load<i32>(task, T_TO);
  if ((to - load<i32>(task, T_FROM)) * 16 > load<i32>(cell, C_COUNT)) fetch(cell);
  for (let from = load<i32>(task, T_FROM); from < to; from += BLOCK) {
    if (atomic.load<i32>(controlBlock, CONTROL_CANCEL) != 0) break;
    const count = min(BLOCK, to - from);
    readBlock(usize(load<u32>(params, J_RECORDS)) + usize(from) * RECORD_BYTES, count);
    searchBlock(cell, count);
    writeBlock(count);
  }
  atomic.add<i64>(params, candidates, J_CANDIDATES);
}

/** Reads a cell once in order: its lines then come at the pace of memory, not one by one as the rows ask for them. */
function fetch(cell: usize): void {
  const n = usize(load<i32>(cell, C_COUNT));
  if (n == 0) return;
  const fine = usize(load<i32>(cell, C_NX) * load<i32>(cell, C_NY) + 1) << 2;
  fetched += readLines(load<u32>(cell, C_ROWS), n * RECORD_BYTES) + readLines(load<u32>(cell, C_OFFSETS), fine);
}

/** What `fetch` has read, so that it is not optimised away. */
let fetched: i32 = 0;

function readLines(start: usize, bytes: usize): i32 {
  let sum: i32 = 0;
  for (let at = start, end = start + bytes - 3; at < end; at += 64) sum += load<i32>(at);
  return sum;
}

function readBlock(records: usize, count: i32): void {
  for (let i: usize = 0, n = usize(count), from = records; i < n; i++, from += RECORD_BYTES) {
    store<f64>(base + (i << 3), load<f64>(from), L_RA);
    store<f64>(base + (i << 3), load<f64>(from, 8), L_DEC);
    store<i32>(base + (i << 2), load<i32>(from, 16), L_ROW);
    store<f64>(base + (i << 3), Infinity, L_BEST);
    store<f64>(base + (i << 3), Infinity, L_SECOND);
    store<i32>(base + (i << 2), -1, L_BEST_ROW);
    store<i32>(base + (i << 2), 0, L_FOUND);
  }
  for (let i: usize = 0, n = usize(count); i < n; i += 2) {
    v128.store(base + (i << 3), cosDeg2(v128.load(base + (i << 3), L_DEC)), L_COS);
  }
}

/** A radius that holds a few rows where the row in `slot` is, in degrees: where a search for the nearest begins. */
function firstRadius(cell: usize, slot: i32): f64 {
  if (load<i32>(cell, C_COUNT) == 0) return min(5, 0.25 * (load<f64>(cell, C_DEC_HIGH) - load<f64>(cell, C_DEC_LOW)) + 1e-3);
  const at = base + (usize(slot) << 3);
  const y = stripOf(cell, load<f64>(at, L_DEC));
  const x = binOf(load<f64>(at, L_RA), load<f64>(cell, C_RA_MIN), load<f64>(cell, C_RA_SCALE), load<i32>(cell, C_NX));
  const fine: usize = usize(load<u32>(cell, C_OFFSETS)) + (usize(y * load<i32>(cell, C_NX) + x) << 2);
  const rows = max(1, load<i32>(fine, 4) - load<i32>(fine));
  const edges: usize = usize(load<u32>(cell, C_EDGES)) + (usize(y) << 1);
  const decScale = load<f64>(cell, C_DEC_SCALE);
  const raScale = load<f64>(cell, C_RA_SCALE);
  const height = decScale > 0 ? f64(max(1, i32(load<u16>(edges, 2)) - i32(load<u16>(edges)))) / decScale : 0;
  const width = raScale > 0 ? load<f64>(at, L_COS) / raScale : 0;
  const wanted = mode == MODE_K_NEAREST ? f64(kWanted) : 1;
  return min(5, max(1e-7, sqrt<f64>(1.5 * wanted * height * width / f64(rows))));
}

/** Strip of a declination. */
// @ts-ignore: decorator
@inline
function stripOf(cell: usize, dec: f64): i32 {
  const bin = binOf(dec, load<f64>(cell, C_DEC_MIN), load<f64>(cell, C_DEC_SCALE), load<i32>(cell, C_BINS));
  return i32(load<u16>(load<u32>(cell, C_STRIPS) + (usize(bin) << 1)));
}

function searchBlock(cell: usize, count: i32): void {
  fullRadius = load<f64>(parameters, J_RADIUS);
  setRadius(fullRadius);
  if (mode != MODE_K_NEAREST) {
    searchShort(cell, count);
    if (buffered > 0) flush();
    return;
  }
  for (let i = 0; i < count; i++) {
    searchWide(cell, i);
    emitHeld(i);
    if (atomic.load<i32>(control, CONTROL_CANCEL) != 0) return;
  }
}

/** The long way of one row: windows that double until they surely hold what is wanted. Leaves the full radius set. */
function searchWide(cell: usize, slot: i32): void {
  if (buffered > 0) flush();
  let reach = fullRadius;
  // All rows of the window are wanted, or the window is small anyway.
  if (!track && mode != MODE_ALL) {
    const start = max(firstRadius(cell, slot), 2 * degreesOfKey(keyFloor));
    if (fullRadius > 3 * start) reach = start;
  }
  for (;;) {
    setRadius(reach);
    kHeld = 0;
    store<f64>(base + (usize(slot) << 3), Infinity, L_BEST);
    store<i32>(base + (usize(slot) << 2), -1, L_BEST_ROW);
    setRow(slot, keyLimit);
    searchWindow(cell);
    if (buffered > 0) flush();
    if (reach >= fullRadius || complete(slot, reach)) break;
    if (atomic.load<i32>(control, CONTROL_CANCEL) != 0) break;
    reach = reach >= 45 ? fullRadius : min(fullRadius, 2 * reach);
  }
  setRadius(fullRadius);
}

/**
 * The block in three steps without unforeseeable branches: the runs of fine cells of each row, the cheap bound on all
 * candidates of the block, the exact keys of those that remain. Rows whose window leaves their cell take the long way.
 */
function searchShort(cell: usize, count: i32): void {
  windows(cell, count);
  const offsets: usize = load<u32>(cell, C_OFFSETS);
  const strips: usize = load<u32>(cell, C_STRIPS);
  const nx = load<i32>(cell, C_NX);
  const empty = load<i32>(cell, C_COUNT) == 0;
  const nearest = mode == MODE_NEAREST && !track;
  let runs: i32 = 0;
  for (let i = 0; i < count; i++) {
    const at = base + (usize(i) << 2);
    if (load<i32>(at, L_INSIDE) == 0) {
      searchLongWay(cell, i);
      continue;
    }
    if (empty) continue;
    const x0 = load<i32>(at, L_X0);
    const x1 = load<i32>(at, L_X1);
    const first = i32(load<u16>(strips + (usize(load<i32>(at, L_Y0)) << 1)));
    const last = i32(load<u16>(strips + (usize(load<i32>(at, L_Y1)) << 1)));
    const before = runs;
    for (let y = first; y <= last; y++) {
      const strip = offsets + (usize(y * nx) << 2);
      let from = load<i32>(strip + (usize(x0) << 2));
      let length = load<i32>(strip + (usize(x1) << 2), 4) - from;
      if (length > CROWDED) {
        const wide = base + (usize(i) << 3);
        const end = runEnd(cell, strip, x1, load<f64>(wide, L_EAST));
        from = runStart(cell, strip, x0, load<f64>(wide, L_WEST));
        length = max(0, end - from);
      }
      if (runs + length > RUNS || (nearest && runs + length - before > MANY)) {
        // The list is full, or this row has so many candidates that it had better look for near ones first.
        if (nearest && runs + length - before > MANY) {
          runs = before;
          searchLongWay(cell, i);
          break;
        }
        sift(cell, runs, count);
        runs = 0;
        if (length > RUNS) {
          setRow(i, keyLimit);
          searchRun(cell, from, from + length, load<f64>(base + (usize(i) << 3), L_RA), load<f64>(base + (usize(i) << 3), L_DEC), false);
          continue;
        }
      }
      // Four at a time, also where there are fewer: most runs are shorter, and a loop would be mispredicted.
      const to = base + (usize(runs) << 3);
      const entry = i64x2.add(i64x2.splat((i64(i) << 32) | i64(from)), i64x2(0, 1));
      v128.store(to, entry, E_RUNS);
      v128.store(to, i64x2.add(entry, i64x2.splat(2)), E_RUNS + 16);
      for (let k = 4; k < length; k += 2) {
        v128.store(to + (usize(k) << 3), i64x2.add(entry, i64x2.splat(i64(k))), E_RUNS);
      }
      runs += length;
    }
  }
  sift(cell, runs, count);
}

function searchLongWay(cell: usize, slot: i32): void {
  if (mode == MODE_NEAREST && !track) {
    searchWide(cell, slot);
    return;
  }
  setRow(slot, keyLimit);
  searchWindow(cell);
}

/** The first row of a strip, from fine cell x on, that is not surely west of the window. */
function runStart(cell: usize, strip: usize, x: i32, west: f64): i32 {
  let from = load<i32>(strip + (usize(x) << 2));
  let to = load<i32>(strip + (usize(x) << 2), 4);
  if (to - from <= SORTED_SIZE) return from;
  const ras: usize = load<u32>(cell, C_ROWS);
  while (from < to) {
    const middle = (from + to) >> 1;
    if (load<f64>(ras + (usize(middle) << 3)) < west) from = middle + 1;
    else to = middle;
  }
  return from;
}

/** The end of the rows of a strip, up to fine cell x, that are not surely east of the window. */
function runEnd(cell: usize, strip: usize, x: i32, east: f64): i32 {
  let from = load<i32>(strip + (usize(x) << 2));
  let to = load<i32>(strip + (usize(x) << 2), 4);
  if (to - from <= SORTED_SIZE) return to;
  const ras: usize = load<u32>(cell, C_ROWS);
  while (from < to) {
    const middle = (from + to) >> 1;
    if (load<f64>(ras + (usize(middle) << 3)) <= east) from = middle + 1;
    else to = middle;
  }
  return from;
}

/** Bins, weights and the test whether its window stays within the cell, two rows at a time. */
function windows(cell: usize, count: i32): void {
  const raMin = f64x2.splat(load<f64>(cell, C_RA_MIN));
  const decMin = f64x2.splat(load<f64>(cell, C_DEC_MIN));
  const raScale = f64x2.splat(load<f64>(cell, C_RA_SCALE));
  const decScale = f64x2.splat(load<f64>(cell, C_DEC_SCALE));
  const raLow = f64x2.splat(load<f64>(cell, C_RA_LOW));
  const raHigh = f64x2.splat(load<f64>(cell, C_RA_HIGH));
  const decLow = f64x2.splat(load<f64>(cell, C_DEC_LOW));
  const decHigh = f64x2.splat(load<f64>(cell, C_DEC_HIGH));
  const lastX = i32x4.splat(load<i32>(cell, C_NX) - 1);
  const lastY = i32x4.splat(load<i32>(cell, C_BINS) - 1);
  const zero = i32x4.splat(0);
  const window = f64x2.splat(radius);
  const radians = f64x2.splat(radius / DEGREES_PER_RADIAN * (1 + 1e-4));
  shortLimit = keyLimit / (QUARTER * SHORT_SHRINK * (1 - 1e-6)) * SLACK + SLACK_DEG2;
  const start = f64x2.splat(shortLimit);
  for (let i: usize = 0, n = usize(count); i < n; i += 2) {
    const at = base + (i << 3);
    const ra = v128.load(at, L_RA);
    const dec = v128.load(at, L_DEC);
    const cos1 = v128.load(at, L_COS);
    const x = f64x2.div(f64x2.splat(sinRadius), cos1);
    // asin(x) <= x (1 + 0.19 x^2) up to x = 1/2, far beyond the short reach.
    const bend = f64x2.add(f64x2.splat(1), f64x2.mul(f64x2.splat(0.19), f64x2.mul(x, x)));
    const reach = f64x2.add(f64x2.mul(f64x2.mul(x, bend), f64x2.splat(DEGREES_PER_RADIAN * WIDER)), f64x2.splat(WIDER_DEG));
    const west = f64x2.sub(ra, reach);
    const east = f64x2.add(ra, reach);
    const south = f64x2.sub(dec, window);
    const north = f64x2.add(dec, window);
    const inside = v128.and(
      v128.and(v128.and(f64x2.gt(west, raLow), f64x2.lt(east, raHigh)), v128.and(f64x2.gt(south, decLow), f64x2.lt(north, decHigh))),
      f64x2.lt(reach, f64x2.splat(SHORT_REACH)),
    );
    const bits = i64x2.bitmask(inside);
    const four = base + (i << 2);
    store<i32>(four, bits & 1, L_INSIDE);
    store<i32>(four, bits >> 1, L_INSIDE + 4);
    v128.store64_lane(four, bins2(west, raMin, raScale, zero, lastX), 0, L_X0);
    v128.store64_lane(four, bins2(east, raMin, raScale, zero, lastX), 0, L_X1);
    v128.store64_lane(four, bins2(south, decMin, decScale, zero, lastY), 0, L_Y0);
    v128.store64_lane(four, bins2(north, decMin, decScale, zero, lastY), 0, L_Y1);
    // |cos dec2 - cos dec1| <= |dec2 - dec1|, which the bound holds below radius * (1 + 1e-4).
    const low = f64x2.max(f64x2.splat(0), f64x2.sub(cos1, radians));
    const high = f64x2.min(f64x2.splat(1), f64x2.add(cos1, radians));
    v128.store(at, f64x2.mul(f64x2.mul(cos1, low), f64x2.splat(1 - 1e-9)), L_WEIGHT);
    v128.store(at, f64x2.mul(f64x2.mul(cos1, high), f64x2.splat(WIDER)), L_WEIGHT_HIGH);
    v128.store(at, start, L_LIMIT);
    v128.store(at, west, L_WEST);
    v128.store(at, east, L_EAST);
  }
}

/** binOf of two values. */
// @ts-ignore: decorator
@inline
function bins2(value: v128, low: v128, scale: v128, first: v128, last: v128): v128 {
  return i32x4.min_s(i32x4.max_s(i32x4.trunc_sat_f64x2_s_zero(f64x2.mul(f64x2.sub(value, low), scale)), first), last);
}

/** The cheap bound on the listed candidates of the block; what passes goes to the buffer. */
function sift(cell: usize, runs: i32, count: i32): void {
  candidates += runs;
  const ras: usize = load<u32>(cell, C_ROWS);
  const decs = ras + (usize(load<i32>(cell, C_COUNT)) << 3);
  const rows = decs + (usize(load<i32>(cell, C_COUNT)) << 3);
  // With few candidates a row the exact keys cost less than to keep track of the best so far.
  const shrinks = mode == MODE_NEAREST && !track && keyFloor <= 0 && runs > 3 * count;
  const limit = shortLimit;
  const ratio = SLACK / (SHORT_SHRINK * (1 - 1e-6));
  let to = buffered;
  for (let e: usize = 0, n = usize(runs) << 3; e < n; e += 8) {
    const j = usize(load<u32>(base + e, E_RUNS));
    const slot = usize(load<u32>(base + e, E_RUNS + 4));
    const left = base + (slot << 3);
    const ra2 = load<f64>(ras + (j << 3));
    const dec2 = load<f64>(decs + (j << 3));
    const row = load<i32>(rows + (j << 2));
    const deltaDec = dec2 - load<f64>(left, L_DEC);
    const deltaRa = ra2 - load<f64>(left, L_RA);
    const dd = deltaDec * deltaDec;
    const aa = deltaRa * deltaRa;
    const low = dd + load<f64>(left, L_WEIGHT) * aa;
    const at = base + (usize(to) << 3);
    store<f64>(at, ra2, U_RA);
    store<f64>(at, dec2, U_DEC);
    store<i32>(base + (usize(to) << 2), row, U_ROW);
    store<i32>(base + (usize(to) << 2), i32(slot), U_SLOT);
    let passes: i32;
    if (shrinks) {
      const best = load<f64>(left, L_LIMIT);
      passes = i32(low <= best) & i32(!self || row != selfFirst + load<i32>(base + (slot << 2), L_ROW));
      const next = (dd + load<f64>(left, L_WEIGHT_HIGH) * aa) * ratio + SLACK_DEG2;
      store<f64>(left, passes ? min(best, next) : best, L_LIMIT);
    } else {
      passes = i32(low <= limit);
      if (self) passes &= i32(row != selfFirst + load<i32>(base + (slot << 2), L_ROW));
    }
    to += passes;
    if (to == BUFFER) {
      buffered = to;
      flush();
      to = 0;
    }
  }
  buffered = to;
}

/** Whether all that is wanted lies so near that a window of this radius, below 90 degrees, must have held it. */
function complete(slot: i32, reach: f64): bool {
  if (reach >= 90) return false;
  const s = sinAbsDeg(reach * 0.5);
  const seen = s * s * (1 - 1e-9);
  if (mode == MODE_K_NEAREST) return kHeld == kWanted && load<f64>(base, HEAP) <= seen;
  return load<i32>(base + (usize(slot) << 2), L_BEST_ROW) >= 0 && load<f64>(base + (usize(slot) << 3), L_BEST) <= seen;
}

function degreesOfKey(key: f64): f64 {
  return key > 0.5 ? 180 : 2 * asinSqrt(key) * DEGREES_PER_RADIAN;
}

function setRadius(degrees: f64): void {
  radius = degrees * WIDER + WIDER_DEG;
  sinRadius = radius >= 90 ? 2 : sinAbsDeg(radius) * WIDER;
}

/** Bounds for the row in `slot`; `limit` is the key beyond which rows are out. */
// @ts-ignore: decorator
@inline
function setRow(slot: i32, limit: f64): void {
  slotNow = slot;
  ownRow = self ? selfFirst + load<i32>(base + (usize(slot) << 2), L_ROW) : -1;
  const cos1 = load<f64>(base + (usize(slot) << 3), L_COS);
  const x = sinRadius / cos1;
  // asin(x) <= x (1 + 0.19 x^2) up to x = 1/2.
  raReach = x < 0.5 ? x * (1 + 0.19 * x * x) * DEGREES_PER_RADIAN * WIDER + WIDER_DEG : steepReach(x);
  const radians = radius / DEGREES_PER_RADIAN;
  // |cos dec2 - cos dec1| <= |dec2 - dec1| <= radius, and sin^2 a >= a^2 (1 - a^2 / 3).
  const widest = raReach >= 180 ? radians : max(radius, raReach) / DEGREES_PER_RADIAN;
  const shrink = 1 - widest * widest * 0.08333333333333334;
  weightLow = raReach >= 180 ? 0 : cos1 * max(0, cos1 - radians) * (1 - 1e-9);
  weightHigh = cos1 * min(1, cos1 + radians) * WIDER;
  keyPerLow2 = QUARTER * shrink * (1 - 1e-6);
  limit2 = limit > 0.5 ? Infinity : limit / keyPerLow2 * SLACK + SLACK_DEG2;
}

function steepReach(x: f64): f64 {
  if (!(x < 1)) return 180;
  const reach = asinSqrt(x * x) * DEGREES_PER_RADIAN * WIDER + 1e-6;
  return reach > 179.9 ? 180 : reach;
}

function searchWindow(cell: usize): void {
  const dec = load<f64>(base + (usize(slotNow) << 3), L_DEC);
  const ra = load<f64>(base + (usize(slotNow) << 3), L_RA);
  if (
    dec - radius > load<f64>(cell, C_DEC_LOW) && dec + radius < load<f64>(cell, C_DEC_HIGH) &&
    ra - raReach > load<f64>(cell, C_RA_LOW) && ra + raReach < load<f64>(cell, C_RA_HIGH)
  ) {
    searchCell(cell, ra, dec);
    return;
  }
  searchAround(ra, dec);
}

/** The window reaches over the border of its cell: all cells that it touches, in up to two parts of right ascension. */
function searchAround(ra: f64, dec: f64): void {
  const last = bucketOf(grid, dec + radius);
  const buckets: usize = load<u32>(grid, G_BUCKETS);
  // The row's own bucket first: what it finds shortens the others.
  const home = bucketOf(grid, dec);
  searchBucket(buckets + home * B_BYTES, ra, dec);
  for (let b = bucketOf(grid, dec - radius); b <= last; b++) {
    if (b == home) continue;
    if (atomic.load<i32>(control, CONTROL_CANCEL) != 0) return;
    searchBucket(buckets + b * B_BYTES, ra, dec);
  }
}

function searchBucket(bucket: usize, ra: f64, dec: f64): void {
  if (raReach >= 180) {
    const first = load<i32>(bucket, B_FIRST_CELL);
    searchCells(first, first + load<i32>(bucket, B_CELL_COUNT) - 1, ra, dec);
    return;
  }
  searchCells(cellOf(bucket, ra - raReach), cellOf(bucket, ra + raReach), ra, dec);
  if (ra - raReach < 0) searchCells(cellOf(bucket, ra - raReach + 360), cellOf(bucket, 360), ra + 360, dec);
  if (ra + raReach >= 360) searchCells(cellOf(bucket, 0), cellOf(bucket, ra + raReach - 360), ra - 360, dec);
}

function searchCells(first: i32, last: i32, ra: f64, dec: f64): void {
  const cells: usize = load<u32>(grid, G_CELLS);
  for (let c = first; c <= last; c++) searchCell(cells + usize(c) * C_BYTES, ra, dec);
}

/** The rows of a cell within the window; `ra` may be a turn away so that differences are small. */
function searchCell(cell: usize, ra: f64, dec: f64): void {
  const decMin = load<f64>(cell, C_DEC_MIN);
  const decMax = load<f64>(cell, C_DEC_MAX);
  const raMin = load<f64>(cell, C_RA_MIN);
  const raMax = load<f64>(cell, C_RA_MAX);
  const free = raReach >= 180;
  if (dec + radius < decMin || dec - radius > decMax || (!free && (ra + raReach < raMin || ra - raReach > raMax))) return;
  const gap = max(0, max(decMin - dec, dec - decMax));
  if (gap * gap > limit2) return;
  const first = stripOf(cell, dec - radius);
  const last = stripOf(cell, dec + radius);
  if (mode == MODE_ALL || track) {
    for (let y = first; y <= last; y++) searchStrip(cell, y, ra, dec, false);
    return;
  }
  // Outwards from the row's own strip, until a strip lies beyond the best so far.
  const middle = stripOf(cell, dec);
  const edges: usize = load<u32>(cell, C_EDGES);
  const decScale = load<f64>(cell, C_DEC_SCALE);
  const height = decScale > 0 ? 1 / decScale : 0;
  for (let y = middle; y <= last; y++) {
    const away = decMin + f64(load<u16>(edges + (usize(y) << 1))) * height - dec - 1e-9;
    if (away > 0 && away * away > limit2) break;
    searchStrip(cell, y, ra, dec, true);
  }
  for (let y = middle - 1; y >= first; y--) {
    const away = dec - decMin - f64(load<u16>(edges + (usize(y + 1) << 1))) * height - 1e-9;
    if (away > 0 && away * away > limit2) break;
    searchStrip(cell, y, ra, dec, true);
  }
}

/** The rows of one strip within the window, or within the best so far. */
function searchStrip(cell: usize, y: i32, ra: f64, dec: f64, shrinks: bool): void {
  const nx = load<i32>(cell, C_NX);
  const strip: usize = usize(load<u32>(cell, C_OFFSETS)) + (usize(y * nx) << 2);
  let from = load<i32>(strip);
  let to = load<i32>(strip + (usize(nx) << 2));
  if (to == from) return;
  if (raReach < 180) {
    // Rows further off in right ascension than the best so far lie beyond the bound as well.
    const reach = shrinks && weightLow > 0 ? min(raReach, sqrt<f64>(limit2 / weightLow) * WIDER + WIDER_DEG) : raReach;
    const raMin = load<f64>(cell, C_RA_MIN);
    const raScale = load<f64>(cell, C_RA_SCALE);
    const x0 = binOf(ra - reach, raMin, raScale, nx);
    const x1 = binOf(ra + reach, raMin, raScale, nx);
    from = load<i32>(strip + (usize(x0) << 2));
    to = load<i32>(strip + (usize(x1) << 2), 4);
    if (to - from > CROWDED) {
      from = runStart(cell, strip, x0, ra - reach);
      to = runEnd(cell, strip, x1, ra + reach);
    }
  }
  if (shrinks && to - from > LONG_RUN) searchLong(cell, from, to, ra, dec);
  else searchRun(cell, from, to, ra, dec, shrinks);
}

/**
 * A long run, judged piece by piece. Once a row at no distance at all is found, later rows of the same right ascension
 * can only lose: a million equal positions cost no more than a few looks each.
 */
function searchLong(cell: usize, start: i32, end: i32, ra: f64, dec: f64): void {
  const ras: usize = load<u32>(cell, C_ROWS);
  const rows = ras + (usize(load<i32>(cell, C_COUNT)) << 4);
  let from = start;
  while (from < end) {
    if (worstKey() == 0 && load<i32>(rows + (usize(from) << 2)) > worstRow()) {
      const past = equalEnd(ras, from, end);
      if (past > from) {
        from = past;
        continue;
      }
    }
    const to = min(end, from + LONG_RUN);
    searchRun(cell, from, to, ra, dec, true);
    if (buffered >= LONG_RUN / 2) {
      flush();
      const worst = worstKey();
      if (worst <= 0.5) limit2 = min(limit2, worst / keyPerLow2 * SLACK + SLACK_DEG2);
    }
    from = to;
  }
}

/**
 * The end of the rows whose right ascension equals that of `from`; `from` itself when they are few. Rows of equal right
 * ascension share a fine cell, so more than SORTED_SIZE of them are adjacent and ascend.
 */
function equalEnd(ras: usize, from: i32, end: i32): i32 {
  const ra = load<f64>(ras + (usize(from) << 3));
  let step = SORTED_SIZE;
  if (from + step >= end || load<f64>(ras + (usize(from + step) << 3)) != ra) return from;
  while (from + 2 * step < end && load<f64>(ras + (usize(from + 2 * step) << 3)) == ra) step *= 2;
  let low = from + step;
  let high = min(end, from + 2 * step);
  while (low + 1 < high) {
    const middle = (low + high) >> 1;
    if (load<f64>(ras + (usize(middle) << 3)) == ra) low = middle;
    else high = middle;
  }
  return low + 1;
}

/** The key that a row must not exceed to count, as far as is known. */
function worstKey(): f64 {
  if (mode == MODE_K_NEAREST) return kHeld < kWanted ? Infinity : load<f64>(base, HEAP);
  return load<f64>(base + (usize(slotNow) << 3), L_BEST);
}

function worstRow(): i32 {
  if (mode == MODE_K_NEAREST) return load<i32>(base, HEAP + 8);
  return load<i32>(base + (usize(slotNow) << 2), L_BEST_ROW);
}

function searchRun(cell: usize, from: i32, to: i32, ra: f64, dec: f64, shrinks: bool): void {
  const ras: usize = load<u32>(cell, C_ROWS);
  const count = usize(load<i32>(cell, C_COUNT));
  const decs = ras + (count << 3);
  const rows = decs + (count << 3);
  const reach = raReach >= 180 ? Infinity : raReach;
  const radius2 = radius * radius;
  const nearest = shrinks && mode == MODE_NEAREST;
  candidates += to - from;
  for (let j = usize(from), end = usize(to); j < end; j++) {
    const dec2 = load<f64>(decs + (j << 3));
    const ra2 = load<f64>(ras + (j << 3));
    const deltaDec = dec2 - dec;
    const deltaRa = ra2 - ra;
    const dd = deltaDec * deltaDec;
    const aa = deltaRa * deltaRa;
    // The bounds hold inside the window only.
    if (!(dd + weightLow * aa <= limit2) || abs(deltaRa) > reach || dd > radius2) continue;
    const row = load<i32>(rows + (j << 2));
    if (row == ownRow) continue;
    if (nearest && (keyFloor <= 0 || (dd + weightLow * aa) * keyPerLow2 >= keyFloor)) {
      limit2 = min(limit2, (dd + weightHigh * aa) * (QUARTER * SLACK) / keyPerLow2 + SLACK_DEG2);
    }
    const at = base + (usize(buffered) << 3);
    store<f64>(at, ra2, U_RA);
    store<f64>(at, dec2, U_DEC);
    store<i32>(base + (usize(buffered) << 2), row, U_ROW);
    store<i32>(base + (usize(buffered) << 2), slotNow, U_SLOT);
    if (++buffered == BUFFER) flush();
  }
}

/** Judges the buffered candidates by their exact keys. */
function flush(): void {
  const count = buffered;
  buffered = 0;
  // A spare candidate evens the number; its key is not read.
  store<i32>(base + (usize(count) << 2), load<i32>(base, U_SLOT), U_SLOT);
  for (let i: usize = 0, n = usize(count); i < n; i += 2) {
    const a = base + (usize(load<i32>(base + (i << 2), U_SLOT)) << 3);
    const b = base + (usize(load<i32>(base + (i << 2), U_SLOT + 4)) << 3);
    const at = base + (i << 3);
    keys2(
      v128.load64_lane(b, v128.load64_zero(a, L_RA), 1, L_RA),
      v128.load64_lane(b, v128.load64_zero(a, L_DEC), 1, L_DEC),
      v128.load64_lane(b, v128.load64_zero(a, L_COS), 1, L_COS),
      v128.load(at, U_RA),
      v128.load(at, U_DEC),
      at + U_KEY,
    );
  }
  if (mode == MODE_ALL) takeAll(count);
  else if (mode == MODE_NEAREST && !track) takeNearest(count);
  else takeBest(count);
}

function takeNearest(count: i32): void {
  for (let i: usize = 0, n = usize(count); i < n; i++) {
    const key = load<f64>(base + (i << 3), U_KEY);
    if (!(key <= keyLimit && key >= keyFloor)) continue;
    const slot = usize(load<i32>(base + (i << 2), U_SLOT));
    const row = load<i32>(base + (i << 2), U_ROW);
    const best = load<f64>(base + (slot << 3), L_BEST);
    if (key > best || (key == best && u32(row) > u32(load<i32>(base + (slot << 2), L_BEST_ROW)))) continue;
    store<f64>(base + (slot << 3), key, L_BEST);
    store<i32>(base + (slot << 2), row, L_BEST_ROW);
  }
}

/** Nearest or k nearest, with the count of neighbours and the second key. */
function takeBest(count: i32): void {
  for (let i: usize = 0, n = usize(count); i < n; i++) {
    const key = load<f64>(base + (i << 3), U_KEY);
    if (!(key <= keyLimit && key >= keyFloor)) continue;
    const row = load<i32>(base + (i << 2), U_ROW);
    note(usize(load<i32>(base + (i << 2), U_SLOT)), key, row);
    if (mode == MODE_K_NEAREST) hold(key, row);
  }
}

/** Keeps best, second and number of a left row's neighbours. */
// @ts-ignore: decorator
@inline
function note(slot: usize, key: f64, row: i32): void {
  const best = load<f64>(base + (slot << 3), L_BEST);
  store<i32>(base + (slot << 2), load<i32>(base + (slot << 2), L_FOUND) + 1, L_FOUND);
  if (key < best || (key == best && u32(row) < u32(load<i32>(base + (slot << 2), L_BEST_ROW)))) {
    store<f64>(base + (slot << 3), best, L_SECOND);
    store<f64>(base + (slot << 3), key, L_BEST);
    store<i32>(base + (slot << 2), row, L_BEST_ROW);
  } else if (key < load<f64>(base + (slot << 3), L_SECOND)) store<f64>(base + (slot << 3), key, L_SECOND);
}

function takeAll(count: i32): void {
  let taken: i32 = 0;
  const counts: usize = load<u32>(parameters, J_PAIR_COUNTS);
  for (let i: usize = 0, n = usize(count); i < n; i++) {
    const key = load<f64>(base + (i << 3), U_KEY);
    if (!(key <= keyLimit && key >= keyFloor)) continue;
    const slot = usize(load<i32>(base + (i << 2), U_SLOT));
    const row = load<i32>(base + (i << 2), U_ROW);
    if (track) note(slot, key, row);
    const leftRow = load<i32>(base + (slot << 2), L_ROW);
    if (self && row < selfFirst + leftRow) continue;
    const place = counts + (usize(leftRow) << 2);
    store<i32>(place, load<i32>(place) + 1);
    store<f64>(base + (usize(taken) << 3), key, U_KEY);
    store<i32>(base + (usize(taken) << 2), row, U_ROW);
    store<i32>(base + (usize(taken) << 2), leftRow, U_SLOT);
    taken++;
  }
  emit(taken);
}

/** Appends the first `count` of the buffer (left row in the slot column) to the pairs. */
function emit(count: i32): void {
  if (count == 0) return;
  const at = atomic.add<i64>(parameters, i64(count), J_PAIR_TOTAL);
  // Over the capacity pairs are only counted; the host makes room and joins again.
  if (at + i64(count) > i64(load<i32>(parameters, J_PAIR_CAPACITY))) return;
  const lefts: usize = usize(load<u32>(parameters, J_PAIR_LEFT)) + (usize(at) << 2);
  const rights: usize = usize(load<u32>(parameters, J_PAIR_RIGHT)) + (usize(at) << 2);
  const keys: usize = usize(load<u32>(parameters, J_PAIR_KEY)) + (usize(at) << 3);
  memory.copy(lefts, base + U_SLOT, usize(count) << 2);
  memory.copy(rights, base + U_ROW, usize(count) << 2);
  memory.copy(keys, base + U_KEY, usize(count) << 3);
}

// The k best of the row at hand: a heap of (key f64, row i32), 16 bytes each, the worst on top.

// @ts-ignore: decorator
@inline
function worse(keyA: f64, rowA: i32, keyB: f64, rowB: i32): bool {
  return keyA > keyB || (keyA == keyB && rowA > rowB);
}

function hold(key: f64, row: i32): void {
  const heap = base + HEAP;
  if (kHeld < kWanted) {
    let at = kHeld++;
    while (at > 0) {
      const up = (at - 1) >> 1;
      const upKey = load<f64>(heap + (usize(up) << 4));
      const upRow = load<i32>(heap + (usize(up) << 4), 8);
      if (!worse(key, row, upKey, upRow)) break;
      store<f64>(heap + (usize(at) << 4), upKey);
      store<i32>(heap + (usize(at) << 4), upRow, 8);
      at = up;
    }
    store<f64>(heap + (usize(at) << 4), key);
    store<i32>(heap + (usize(at) << 4), row, 8);
    return;
  }
  if (!worse(load<f64>(heap), load<i32>(heap, 8), key, row)) return;
  sink(key, row, kHeld);
}

/** Puts (key, row) in place of the top of the first `size`. */
function sink(key: f64, row: i32, size: i32): void {
  const heap = base + HEAP;
  let at: i32 = 0;
  for (;;) {
    let down = 2 * at + 1;
    if (down >= size) break;
    let downKey = load<f64>(heap + (usize(down) << 4));
    let downRow = load<i32>(heap + (usize(down) << 4), 8);
    if (down + 1 < size) {
      const otherKey = load<f64>(heap + (usize(down + 1) << 4));
      const otherRow = load<i32>(heap + (usize(down + 1) << 4), 8);
      if (worse(otherKey, otherRow, downKey, downRow)) {
        down++;
        downKey = otherKey;
        downRow = otherRow;
      }
    }
    if (!worse(downKey, downRow, key, row)) break;
    store<f64>(heap + (usize(at) << 4), downKey);
    store<i32>(heap + (usize(at) << 4), downRow, 8);
    at = down;
  }
  store<f64>(heap + (usize(at) << 4), key);
  store<i32>(heap + (usize(at) << 4), row, 8);
}

/** Hands out the held rows of a left row as pairs. */
function emitHeld(slot: i32): void {
  const leftRow = load<i32>(base + (usize(slot) << 2), L_ROW);
  store<i32>(usize(load<u32>(parameters, J_PAIR_COUNTS)) + (usize(leftRow) << 2), kHeld);
  for (let from = 0; from < kHeld; from += BUFFER) {
    const count = min(BUFFER, kHeld - from);
    for (let i = 0; i < count; i++) {
      const held = base + HEAP + (usize(from + i) << 4);
      store<f64>(base + (usize(i) << 3), load<f64>(held), U_KEY);
      store<i32>(base + (usize(i) << 2), load<i32>(held, 8), U_ROW);
      store<i32>(base + (usize(i) << 2), leftRow, U_SLOT);
    }
    emit(count);
  }
}

function writeBlock(count: i32): void {
  const counts: usize = load<u32>(parameters, J_OUT_COUNT);
  const seconds: usize = load<u32>(parameters, J_OUT_SECOND);
  const nearest: usize = load<u32>(parameters, J_OUT_NEAREST);
  for (let i: usize = 0, n = usize(count); i < n; i++) {
    const leftRow = usize(load<i32>(base + (i << 2), L_ROW));
    if (mode == MODE_NEAREST) {
      // Key and row side by side: left rows come in no order, and each write is a miss.
      store<f64>(nearest + (leftRow << 4), load<f64>(base + (i << 3), L_BEST));
      store<i32>(nearest + (leftRow << 4), load<i32>(base + (i << 2), L_BEST_ROW), 8);
    }
    if (counts != 0) store<i32>(counts + (leftRow << 2), load<i32>(base + (i << 2), L_FOUND));
    if (seconds != 0 && load<i32>(base + (i << 2), L_FOUND) > 1) store<f64>(seconds + (leftRow << 3), load<f64>(base + (i << 3), L_SECOND));
  }
}
