// The long way of one left row: any window, over the borders of cells and around the sky.
import { asinSqrt, DEGREES_PER_RADIAN, sinAbsDeg } from '../../separation/expression.as';
import { binOf } from './bins.as';
import { Block, BUFFER, candidate, E_BUFFER, HEAP, L_BEST, L_BEST_ROW, L_COS, L_POSITION, L_ROW } from './block.as';
import { bucketOf, cellOf } from './grid.as';
import { flush } from './judge.as';
import {
  B_BYTES, B_CELL_COUNT, B_FIRST_CELL, C_BINS, C_BYTES, C_COUNT, C_DEC_HIGH, C_DEC_LOW, C_DEC_MAX, C_DEC_MIN, C_DEC_SCALE, C_EDGES, C_NX, C_OFFSETS, C_RA_HIGH, C_RA_LOW,
  C_RA_MAX, C_RA_MIN, C_RA_SCALE, C_ROWS, C_STRIPS, G_BUCKETS, G_CELLS, MODE_ALL, MODE_K_NEAREST, MODE_NEAREST, RECORD_BYTES, RECORD_ROW,
} from './layout.as';
import { SORTED_SIZE } from './refine.as';

/** Runs from this length on are cut to the window by bisection, where their fine cells are sorted. */
export const CROWDED: i32 = 16;
/** Longer runs of candidates are judged as they come, so that the best so far shortens the walk. */
const LONG_RUN: i32 = 64;

// Both widen a bound beyond any rounding of it.
export const WIDER: f64 = 1 + 1e-9;
export const WIDER_DEG: f64 = 1e-10;
// Slack of the squared planar distance: (l + e)^2 <= l^2 (1 + 1e-6) + 1e6 e^2 with e = 1e-13 degrees of rounding.
export const SLACK: f64 = 1 + 1e-6;
export const SLACK_DEG2: f64 = 1e-19;
/** h in radians squared over four: (pi / 180)^2 / 4. */
export const QUARTER: f64 = 7.615435494667714e-5;

/** The window of the row at hand. */
export class Window {
  static radius: f64 = 0; // degrees, widened
  static sinRadius: f64 = 0; // 2 from 90 degrees on: no bound on right ascension
  static slot: i32 = 0;
  static ownRow: i32 = -1;
  static limit2: f64 = 0; // planar distance squared beyond which a row is out, degrees^2
  static weightLow: f64 = 0; // of (delta ra)^2, below the true one
  static weightHigh: f64 = 0; // above
  static keyPerLow2: f64 = 0; // key >= planar low^2 * this
  static raReach: f64 = 0; // degrees
}

export function setRadius(degrees: f64): void {
  Window.radius = degrees * WIDER + WIDER_DEG;
  Window.sinRadius = Window.radius >= 90 ? 2 : sinAbsDeg(Window.radius) * WIDER;
}

/** Bounds for the row in `slot`; `limit` is the key beyond which rows are out. */
export function setRow(slot: i32, limit: f64): void {
  const radius = Window.radius;
  Window.slot = slot;
  Window.ownRow = Block.self ? Block.selfFirst + load<i32>(Block.base + (usize(slot) << 2), L_ROW) : -1;
  const cos1 = load<f64>(Block.base + (usize(slot) << 3), L_COS);
  const x = Window.sinRadius / cos1;
  // asin(x) <= x (1 + 0.19 x^2) up to x = 1/2.
  const raReach = x < 0.5 ? x * (1 + 0.19 * x * x) * DEGREES_PER_RADIAN * WIDER + WIDER_DEG : steepReach(x);
  const radians = radius / DEGREES_PER_RADIAN;
  // |cos dec2 - cos dec1| <= |dec2 - dec1| <= radius, and sin^2 a >= a^2 (1 - a^2 / 3).
  const widest = raReach >= 180 ? radians : max(radius, raReach) / DEGREES_PER_RADIAN;
  const shrink = 1 - widest * widest * 0.08333333333333334;
  Window.raReach = raReach;
  Window.weightLow = raReach >= 180 ? 0 : cos1 * max(0, cos1 - radians) * (1 - 1e-9);
  Window.weightHigh = cos1 * min(1, cos1 + radians) * WIDER;
  Window.keyPerLow2 = QUARTER * shrink * (1 - 1e-6);
  Window.limit2 = limit > 0.5 ? Infinity : limitOf(limit);
}

// @ts-ignore: decorator
@inline
function limitOf(key: f64): f64 {
  return key / Window.keyPerLow2 * SLACK + SLACK_DEG2;
}

function steepReach(x: f64): f64 {
  if (!(x < 1)) return 180;
  const reach = asinSqrt(x * x) * DEGREES_PER_RADIAN * WIDER + 1e-6;
  return reach > 179.9 ? 180 : reach;
}

/** Windows that double until they surely hold what is wanted. Leaves the full radius set. */
export function searchWide(cell: usize, slot: i32): void {
  if (Block.buffered > 0) flush();
  const fullRadius = Block.fullRadius;
  let reach = fullRadius;
  // All rows of the window are wanted, or the window is small anyway.
  if (!Block.track && Block.mode != MODE_ALL) {
    const start = max(firstRadius(cell, slot), 2 * degreesOfKey(Block.keyFloor));
    if (fullRadius > 3 * start) reach = start;
  }
  for (;;) {
    setRadius(reach);
    Block.kHeld = 0;
    store<f64>(Block.base + (usize(slot) << 3), Infinity, L_BEST);
    store<i32>(Block.base + (usize(slot) << 2), -1, L_BEST_ROW);
    setRow(slot, Block.keyLimit);
    searchWindow(cell);
    if (Block.buffered > 0) flush();
    if (reach >= fullRadius || complete(slot, reach)) break;
    if (Block.isCancelled()) break;
    reach = reach >= 45 ? fullRadius : min(fullRadius, 2 * reach);
  }
  setRadius(fullRadius);
}

/** A radius that holds a few rows where the row in `slot` is, in degrees: where a search for the nearest begins. */
function firstRadius(cell: usize, slot: i32): f64 {
  if (load<i32>(cell, C_COUNT) == 0) return min(5, 0.25 * (load<f64>(cell, C_DEC_HIGH) - load<f64>(cell, C_DEC_LOW)) + 1e-3);
  const position = Block.base + (usize(slot) << 4);
  const y = stripOf(cell, load<f64>(position, L_POSITION + 8));
  const x = columnOf(cell, load<f64>(position, L_POSITION));
  const fine: usize = usize(load<u32>(cell, C_OFFSETS)) + (usize(y * load<i32>(cell, C_NX) + x) << 2);
  const rows = max(1, load<i32>(fine, 4) - load<i32>(fine));
  const edges: usize = usize(load<u32>(cell, C_EDGES)) + (usize(y) << 1);
  const decScale = load<f64>(cell, C_DEC_SCALE);
  const raScale = load<f64>(cell, C_RA_SCALE);
  const height = decScale > 0 ? f64(max(1, i32(load<u16>(edges, 2)) - i32(load<u16>(edges)))) / decScale : 0;
  const width = raScale > 0 ? load<f64>(Block.base + (usize(slot) << 3), L_COS) / raScale : 0;
  const wanted = Block.mode == MODE_K_NEAREST ? f64(Block.kWanted) : 1;
  return min(5, max(1e-7, sqrt<f64>(1.5 * wanted * height * width / f64(rows))));
}

/** Whether all that is wanted lies so near that a window of this radius, below 90 degrees, must have held it. */
function complete(slot: i32, reach: f64): bool {
  if (reach >= 90) return false;
  const s = sinAbsDeg(reach * 0.5);
  const seen = s * s * (1 - 1e-9);
  if (Block.mode == MODE_K_NEAREST) return Block.kHeld == Block.kWanted && load<f64>(Block.base, HEAP) <= seen;
  return load<i32>(Block.base + (usize(slot) << 2), L_BEST_ROW) >= 0 && load<f64>(Block.base + (usize(slot) << 3), L_BEST) <= seen;
}

function degreesOfKey(key: f64): f64 {
  return key > 0.5 ? 180 : 2 * asinSqrt(key) * DEGREES_PER_RADIAN;
}

/** Strip of a declination. */
function stripOf(cell: usize, dec: f64): i32 {
  const bin = binOf(dec, load<f64>(cell, C_DEC_MIN), load<f64>(cell, C_DEC_SCALE), f64(load<i32>(cell, C_BINS) - 1));
  return i32(load<u16>(load<u32>(cell, C_STRIPS) + (usize(bin) << 1)));
}

/** Column of fine cells of a right ascension. */
function columnOf(cell: usize, ra: f64): i32 {
  return binOf(ra, load<f64>(cell, C_RA_MIN), load<f64>(cell, C_RA_SCALE), f64(load<i32>(cell, C_NX) - 1));
}

export function searchWindow(cell: usize): void {
  const position = Block.base + (usize(Window.slot) << 4);
  const ra = load<f64>(position, L_POSITION);
  const dec = load<f64>(position, L_POSITION + 8);
  const radius = Window.radius;
  const raReach = Window.raReach;
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
  const grid = Block.grid;
  const last = bucketOf(grid, dec + Window.radius);
  const buckets: usize = load<u32>(grid, G_BUCKETS);
  // The row's own bucket first: what it finds shortens the others.
  const home = bucketOf(grid, dec);
  searchBucket(buckets + home * B_BYTES, ra, dec);
  for (let b = bucketOf(grid, dec - Window.radius); b <= last; b++) {
    if (b == home) continue;
    if (Block.isCancelled()) return;
    searchBucket(buckets + b * B_BYTES, ra, dec);
  }
}

function searchBucket(bucket: usize, ra: f64, dec: f64): void {
  const reach = Window.raReach;
  if (reach >= 180) {
    const first = load<i32>(bucket, B_FIRST_CELL);
    searchCells(first, first + load<i32>(bucket, B_CELL_COUNT) - 1, ra, dec);
    return;
  }
  searchCells(cellOf(bucket, ra - reach), cellOf(bucket, ra + reach), ra, dec);
  if (ra - reach < 0) searchCells(cellOf(bucket, ra - reach + 360), cellOf(bucket, 360), ra + 360, dec);
  if (ra + reach >= 360) searchCells(cellOf(bucket, 0), cellOf(bucket, ra + reach - 360), ra - 360, dec);
}

function searchCells(first: i32, last: i32, ra: f64, dec: f64): void {
  const cells: usize = load<u32>(Block.grid, G_CELLS);
  for (let c = first; c <= last; c++) searchCell(cells + usize(c) * C_BYTES, ra, dec);
}

/** The rows of a cell within the window; `ra` may be a turn away so that differences are small. */
function searchCell(cell: usize, ra: f64, dec: f64): void {
  const radius = Window.radius;
  const raReach = Window.raReach;
  const decMin = load<f64>(cell, C_DEC_MIN);
  const decMax = load<f64>(cell, C_DEC_MAX);
  const raMin = load<f64>(cell, C_RA_MIN);
  const raMax = load<f64>(cell, C_RA_MAX);
  const free = raReach >= 180;
  if (dec + radius < decMin || dec - radius > decMax || (!free && (ra + raReach < raMin || ra - raReach > raMax))) return;
  const gap = max(0, max(decMin - dec, dec - decMax));
  if (gap * gap > Window.limit2) return;
  const first = stripOf(cell, dec - radius);
  const last = stripOf(cell, dec + radius);
  if (Block.mode == MODE_ALL || Block.track) {
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
    if (away > 0 && away * away > Window.limit2) break;
    searchStrip(cell, y, ra, dec, true);
  }
  for (let y = middle - 1; y >= first; y--) {
    const away = dec - decMin - f64(load<u16>(edges + (usize(y + 1) << 1))) * height - 1e-9;
    if (away > 0 && away * away > Window.limit2) break;
    searchStrip(cell, y, ra, dec, true);
  }
}

/** The rows of one strip within the window, or within the best so far. */
function searchStrip(cell: usize, y: i32, ra: f64, dec: f64, shrinks: bool): void {
  const raReach = Window.raReach;
  const weightLow = Window.weightLow;
  const limit2 = Window.limit2;
  const nx = load<i32>(cell, C_NX);
  const strip: usize = usize(load<u32>(cell, C_OFFSETS)) + (usize(y * nx) << 2);
  let from = load<i32>(strip);
  let to = load<i32>(strip + (usize(nx) << 2));
  if (to == from) return;
  if (raReach < 180) {
    // Rows further off in right ascension than the best so far lie beyond the bound as well.
    const reach = shrinks && weightLow > 0 ? min(raReach, sqrt<f64>(limit2 / weightLow) * WIDER + WIDER_DEG) : raReach;
    const x0 = columnOf(cell, ra - reach);
    const x1 = columnOf(cell, ra + reach);
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

/** The first row of a strip, from fine cell x on, that is not surely west of the window. */
export function runStart(cell: usize, strip: usize, x: i32, west: f64): i32 {
  const from = load<i32>(strip + (usize(x) << 2));
  const size = load<i32>(strip + (usize(x) << 2), 4) - from;
  if (size <= SORTED_SIZE) return from;
  const first = usize(load<u32>(cell, C_ROWS)) + usize(from) * RECORD_BYTES;
  // Halves are chosen without branches, which could not be foreseen.
  let at = first;
  let left = size;
  while (left > 0) {
    const half = (left + 1) >> 1;
    const next = at + usize(half) * RECORD_BYTES;
    at = select<usize>(next, at, load<f64>(next - RECORD_BYTES) < west);
    left -= half;
  }
  return from + i32((at - first) / RECORD_BYTES);
}

/** The end of the rows of a strip, up to fine cell x, that are not surely east of the window. */
export function runEnd(cell: usize, strip: usize, x: i32, east: f64): i32 {
  const from = load<i32>(strip + (usize(x) << 2));
  const to = load<i32>(strip + (usize(x) << 2), 4);
  if (to - from <= SORTED_SIZE) return to;
  const first = usize(load<u32>(cell, C_ROWS)) + usize(from) * RECORD_BYTES;
  let at = first;
  let left = to - from;
  while (left > 0) {
    const half = (left + 1) >> 1;
    const next = at + usize(half) * RECORD_BYTES;
    at = select<usize>(next, at, load<f64>(next - RECORD_BYTES) <= east);
    left -= half;
  }
  return from + i32((at - first) / RECORD_BYTES);
}

/**
 * A long run, judged piece by piece. Once a row at no distance at all is found, later rows of the same right ascension
 * can only lose: a million equal positions cost no more than a few looks each.
 */
function searchLong(cell: usize, start: i32, end: i32, ra: f64, dec: f64): void {
  const records: usize = load<u32>(cell, C_ROWS);
  let from = start;
  while (from < end) {
    if (worstKey() == 0 && load<i32>(records + usize(from) * RECORD_BYTES, RECORD_ROW) > worstRow()) {
      const past = equalEnd(records, from, end);
      if (past > from) {
        from = past;
        continue;
      }
    }
    const to = min(end, from + LONG_RUN);
    searchRun(cell, from, to, ra, dec, true);
    if (Block.buffered >= LONG_RUN / 2) {
      flush();
      const worst = worstKey();
      if (worst <= 0.5) Window.limit2 = min(Window.limit2, limitOf(worst));
    }
    from = to;
  }
}

/**
 * The end of the rows whose right ascension equals that of `from`; `from` itself when they are few. Rows of equal right
 * ascension share a fine cell, so more than SORTED_SIZE of them are adjacent and ascend.
 */
function equalEnd(records: usize, from: i32, end: i32): i32 {
  const ra = raOf(records, from);
  let step = SORTED_SIZE;
  if (from + step >= end || raOf(records, from + step) != ra) return from;
  while (from + 2 * step < end && raOf(records, from + 2 * step) == ra) step *= 2;
  let low = from + step;
  let high = min(end, from + 2 * step);
  while (low + 1 < high) {
    const middle = (low + high) >> 1;
    if (raOf(records, middle) == ra) low = middle;
    else high = middle;
  }
  return low + 1;
}

// @ts-ignore: decorator
@inline
function raOf(records: usize, i: i32): f64 {
  return load<f64>(records + usize(i) * RECORD_BYTES);
}

/** The key that a row must not exceed to count, as far as is known. */
function worstKey(): f64 {
  if (Block.mode == MODE_K_NEAREST) return Block.kHeld < Block.kWanted ? Infinity : load<f64>(Block.base, HEAP);
  return load<f64>(Block.base + (usize(Window.slot) << 3), L_BEST);
}

function worstRow(): i32 {
  if (Block.mode == MODE_K_NEAREST) return load<i32>(Block.base, HEAP + 8);
  return load<i32>(Block.base + (usize(Window.slot) << 2), L_BEST_ROW);
}

export function searchRun(cell: usize, from: i32, to: i32, ra: f64, dec: f64, shrinks: bool): void {
  const records: usize = load<u32>(cell, C_ROWS);
  const slot = Window.slot;
  const ownRow = Window.ownRow;
  const weightLow = Window.weightLow;
  const weightHigh = Window.weightHigh;
  const keyPerLow2 = Window.keyPerLow2;
  const reach = Window.raReach >= 180 ? Infinity : Window.raReach;
  const radius2 = Window.radius * Window.radius;
  const nearest = shrinks && Block.mode == MODE_NEAREST;
  const keyFloor = Block.keyFloor;
  let limit2 = Window.limit2;
  Block.candidates += to - from;
  for (let record = records + usize(from) * RECORD_BYTES, end = records + usize(to) * RECORD_BYTES; record < end; record += RECORD_BYTES) {
    const deltaRa = load<f64>(record) - ra;
    const deltaDec = load<f64>(record, 8) - dec;
    const dd = deltaDec * deltaDec;
    const aa = deltaRa * deltaRa;
    // The bounds hold inside the window only.
    if (!(dd + weightLow * aa <= limit2) || abs(deltaRa) > reach || dd > radius2) continue;
    if (load<i32>(record, RECORD_ROW) == ownRow) continue;
    if (nearest && (keyFloor <= 0 || (dd + weightLow * aa) * keyPerLow2 >= keyFloor)) {
      limit2 = min(limit2, (dd + weightHigh * aa) * (QUARTER * SLACK) / keyPerLow2 + SLACK_DEG2);
    }
    store<u64>(Block.base + (usize(Block.buffered) << 3), candidate(record, slot), E_BUFFER);
    if (++Block.buffered == BUFFER) flush();
  }
  Window.limit2 = limit2;
}
