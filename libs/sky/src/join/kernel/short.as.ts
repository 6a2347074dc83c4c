// The short way of a block: windows that lie within one cell, in three steps without unforeseeable branches.
import { DEGREES_PER_RADIAN } from '../../separation/expression.as';
import { binOf2, firsts, seconds } from './bins.as';
import { Block, candidate, E_RUNS, L_BINS, L_COLUMNS, L_COS, L_LIMIT, L_POSITION, L_ROW, L_WEIGHT, recordOf, RUNS, slotOf } from './block.as';
import { judge } from './judge.as';
import {
  C_BINS, C_COUNT, C_DEC_HIGH, C_DEC_LOW, C_DEC_MIN, C_DEC_SCALE, C_NX, C_OFFSETS, C_RA_HIGH, C_RA_LOW, C_RA_MIN, C_RA_SCALE, C_ROWS, C_STRIPS, MODE_NEAREST,
  RECORD_BYTES, RECORD_ROW,
} from './layout.as';
import { CROWDED, QUARTER, runEnd, runStart, searchRun, searchWide, searchWindow, setRow, SLACK, SLACK_DEG2, WIDER, WIDER_DEG, Window } from './wide.as';

/** Candidates of one row from which on near ones are sought first. */
const MANY: i32 = 128;
/** Right ascension windows up to this, in degrees, take the short way. */
const SHORT_REACH: f64 = 1;
/** 1 - a^2 / 12 for the widest window of the short way. */
const SHORT_SHRINK: f64 = 0.99997;

/** From a record to the next ones: eight multiples of RECORD_BYTES, in memory as the numbers of the exact key are. */
const STEPS: usize = memory.data<i64>([0, 20, 40, 60, 80, 100, 120, 140]);

/**
 * The runs of fine cells of each row, the cheap bound on all candidates of the block, the exact keys of those that remain.
 * Rows whose window leaves their cell take the long way.
 */
export function searchShort(cell: usize, count: i32): void {
  windows(cell, count);
  const base = Block.base;
  const records: usize = load<u32>(cell, C_ROWS);
  const offsets: usize = load<u32>(cell, C_OFFSETS);
  const strips: usize = load<u32>(cell, C_STRIPS);
  const nx = load<i32>(cell, C_NX);
  const empty = load<i32>(cell, C_COUNT) == 0;
  const nearest = Block.mode == MODE_NEAREST && !Block.track;
  let runs: i32 = 0;
  for (let i = 0; i < count; i++) {
    const at = base + (usize(i) << 3);
    const x0 = load<i32>(at, L_COLUMNS);
    if (x0 < 0) {
      searchLongWay(cell, i);
      continue;
    }
    if (empty) continue;
    const x1 = load<i32>(at, L_COLUMNS + 4);
    const first = i32(load<u16>(strips + (usize(load<i32>(at, L_BINS)) << 1)));
    const last = i32(load<u16>(strips + (usize(load<i32>(at, L_BINS + 4)) << 1)));
    // Where the list of this row begins, as far as it is not judged yet.
    let before = runs;
    for (let y = first; y <= last; y++) {
      const strip = offsets + (usize(y * nx) << 2);
      let from = load<i32>(strip + (usize(x0) << 2));
      let length = load<i32>(strip + (usize(x1) << 2), 4) - from;
      if (length > CROWDED) {
        const ra = load<f64>(base + (usize(i) << 4), L_POSITION);
        const reach = shortReach(i);
        const end = runEnd(cell, strip, x1, ra + reach);
        from = runStart(cell, strip, x0, ra - reach);
        length = max(0, end - from);
      }
      if (runs + length > RUNS || (nearest && runs + length - before > MANY)) {
        // The list is full, or this row has so many candidates that it had better look for near ones first.
        if (nearest && runs + length - before > MANY) {
          runs = before;
          searchLongWay(cell, i);
          break;
        }
        sift(runs, count);
        runs = before = 0;
        if (length > RUNS) {
          setRow(i, Block.keyLimit);
          searchRun(cell, from, from + length, load<f64>(base + (usize(i) << 4), L_POSITION), load<f64>(base + (usize(i) << 4), L_POSITION + 8), false);
          continue;
        }
      }
      // Eight at a time, also where there are fewer: most runs are shorter, and a loop would be mispredicted.
      const to = base + (usize(runs) << 3);
      const entry = i64x2.splat(candidate(records + usize(from) * RECORD_BYTES, i));
      v128.store(to, i64x2.add(entry, v128.load(STEPS)), E_RUNS);
      v128.store(to, i64x2.add(entry, v128.load(STEPS, 16)), E_RUNS + 16);
      v128.store(to, i64x2.add(entry, v128.load(STEPS, 32)), E_RUNS + 32);
      v128.store(to, i64x2.add(entry, v128.load(STEPS, 48)), E_RUNS + 48);
      for (let k = 8; k < length; k++) {
        store<u64>(to + (usize(k) << 3), candidate(records + usize(from + k) * RECORD_BYTES, i), E_RUNS);
      }
      runs += length;
    }
  }
  sift(runs, count);
}

function searchLongWay(cell: usize, slot: i32): void {
  if (Block.mode == MODE_NEAREST && !Block.track) {
    searchWide(cell, slot);
    return;
  }
  setRow(slot, Block.keyLimit);
  searchWindow(cell);
}

/** Columns, bins, weights and the test whether its window stays within the cell, two rows at a time. */
function windows(cell: usize, count: i32): void {
  const base = Block.base;
  const raMin = v128.load64_splat(cell, C_RA_MIN);
  const decMin = v128.load64_splat(cell, C_DEC_MIN);
  const raScale = v128.load64_splat(cell, C_RA_SCALE);
  const decScale = v128.load64_splat(cell, C_DEC_SCALE);
  const raLow = v128.load64_splat(cell, C_RA_LOW);
  const raHigh = v128.load64_splat(cell, C_RA_HIGH);
  const decLow = v128.load64_splat(cell, C_DEC_LOW);
  const decHigh = v128.load64_splat(cell, C_DEC_HIGH);
  const lastX = f64x2.splat(f64(load<i32>(cell, C_NX) - 1));
  const lastY = f64x2.splat(f64(load<i32>(cell, C_BINS) - 1));
  const window = f64x2.splat(Window.radius);
  const radians = f64x2.splat(radiansOfWindow());
  for (let i: usize = 0, n = usize(count); i < n; i += 2) {
    const a = v128.load(base + (i << 4), L_POSITION);
    const b = v128.load(base + (i << 4), L_POSITION + 16);
    const ra = firsts(a, b);
    const dec = seconds(a, b);
    const at = base + (i << 3);
    const cos1 = v128.load(at, L_COS);
    const x = f64x2.div(f64x2.splat(Window.sinRadius), cos1);
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
    const x0 = v128.or(binOf2(west, raMin, raScale, lastX), v128.not(inside));
    v128.store(at, v128.shuffle<i32>(x0, binOf2(east, raMin, raScale, lastX), 0, 4, 2, 6), L_COLUMNS);
    v128.store(at, v128.shuffle<i32>(binOf2(south, decMin, decScale, lastY), binOf2(north, decMin, decScale, lastY), 0, 4, 2, 6), L_BINS);
    // |cos dec2 - cos dec1| <= |dec2 - dec1|, which the bound holds below radius * (1 + 1e-4).
    const low = f64x2.pmax(f64x2.splat(0), f64x2.sub(cos1, radians));
    v128.store(at, f64x2.mul(f64x2.mul(cos1, low), f64x2.splat(1 - 1e-9)), L_WEIGHT);
  }
}

/** Reach in right ascension of a row on the short way, as in `windows`, degrees. */
function shortReach(slot: i32): f64 {
  const x = Window.sinRadius / load<f64>(Block.base + (usize(slot) << 3), L_COS);
  return x * (1 + 0.19 * x * x) * (DEGREES_PER_RADIAN * WIDER) + WIDER_DEG;
}

function radiansOfWindow(): f64 {
  return Window.radius / DEGREES_PER_RADIAN * (1 + 1e-4);
}

/** The cheap bound on the listed candidates of the block; what passes is judged. */
function sift(runs: i32, count: i32): void {
  Block.candidates += runs;
  const base = Block.base;
  const limit = Block.keyLimit / (QUARTER * SHORT_SHRINK * (1 - 1e-6)) * SLACK + SLACK_DEG2;
  // With few candidates a row the exact keys cost less than to keep track of the best so far.
  if (Block.mode == MODE_NEAREST && !Block.track && Block.keyFloor <= 0 && runs > 3 * count) {
    siftShrinking(runs, count, limit);
    return;
  }
  const self = Block.self;
  let to: usize = 0;
  for (let e: usize = 0, n = usize(runs) << 3; e < n; e += 8) {
    const entry = load<u64>(base + e, E_RUNS);
    const slot = slotOf(entry);
    const delta = f64x2.sub(v128.load(recordOf(entry)), v128.load(base + (slot << 4), L_POSITION));
    const square = f64x2.mul(delta, delta);
    const low = f64x2.extract_lane(square, 1) + load<f64>(base + (slot << 3), L_WEIGHT) * f64x2.extract_lane(square, 0);
    store<u64>(base + (to << 3), entry, E_RUNS);
    let passes = i32(low <= limit);
    if (self) passes &= i32(!isSelf(entry));
    to += usize(passes);
  }
  judge(E_RUNS, i32(to));
}

/** The same for rows with many candidates: each near one lowers the bound of its row. */
function siftShrinking(runs: i32, count: i32, limit: f64): void {
  const base = Block.base;
  const self = Block.self;
  const radians = radiansOfWindow();
  const ratio = SLACK / (SHORT_SHRINK * (1 - 1e-6));
  for (let i: usize = 0, n = usize(count); i < n; i++) store<f64>(base + (i << 3), limit, L_LIMIT);
  let to: usize = 0;
  for (let e: usize = 0, n = usize(runs) << 3; e < n; e += 8) {
    const entry = load<u64>(base + e, E_RUNS);
    const slot = slotOf(entry);
    const left = base + (slot << 3);
    const delta = f64x2.sub(v128.load(recordOf(entry)), v128.load(base + (slot << 4), L_POSITION));
    const square = f64x2.mul(delta, delta);
    const dd = f64x2.extract_lane(square, 1);
    const aa = f64x2.extract_lane(square, 0);
    const best = load<f64>(left, L_LIMIT);
    store<u64>(base + (to << 3), entry, E_RUNS);
    let passes = i32(dd + load<f64>(left, L_WEIGHT) * aa <= best);
    if (self) passes &= i32(!isSelf(entry));
    const cos1 = load<f64>(left, L_COS);
    const weightHigh = cos1 * min(1, cos1 + radians) * WIDER;
    const next = (dd + weightHigh * aa) * ratio + SLACK_DEG2;
    store<f64>(left, passes ? min(best, next) : best, L_LIMIT);
    to += usize(passes);
  }
  judge(E_RUNS, i32(to));
}

// @ts-ignore: decorator
@inline
function isSelf(entry: u64): bool {
  return load<i32>(recordOf(entry), RECORD_ROW) == Block.selfFirst + load<i32>(Block.base + (slotOf(entry) << 2), L_ROW);
}
