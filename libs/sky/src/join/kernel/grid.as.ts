// From rows to cells: which cell a row belongs to, and the records of each cell together.
import { binOf, binOf2, firsts, seconds } from './bins.as';
import {
  B_BYTES, B_LUT, B_RA_LAST, B_RA_MIN, B_RA_SCALE, G_BUCKET_LUT, G_BUCKETS, G_CELL_COUNT, G_DEC_LAST, G_DEC_MIN, G_DEC_SCALE, I_BYTES, I_CELL, I_COUNT, I_DEC,
  I_FIRST_ROW, I_RA, I_STATUS, NO_CELL, R_CLEAR_ONES8, R_CLEAR_ZERO4, R_CLEAR_ZERO4_MORE, R_COUNTS, R_GRID, R_ITEMS, R_OUT, RECORD_BYTES, RECORD_ROW,
} from './layout.as';

// @ts-ignore: decorator
@inline
export function bucketOf(grid: usize, dec: f64): usize {
  const bin = binOf(dec, load<f64>(grid, G_DEC_MIN), load<f64>(grid, G_DEC_SCALE), load<f64>(grid, G_DEC_LAST));
  return load<u16>(load<u32>(grid, G_BUCKET_LUT) + (usize(bin) << 1));
}

// @ts-ignore: decorator
@inline
export function cellOf(bucket: usize, ra: f64): i32 {
  const bin = binOf(ra, load<f64>(bucket, B_RA_MIN), load<f64>(bucket, B_RA_SCALE), load<f64>(bucket, B_RA_LAST));
  return load<u16>(load<u32>(bucket, B_LUT) + (usize(bin) << 1));
}

/** Judges the rows of an item, turns their right ascension into [0, 360), finds their cells and counts them. */
export function assign(params: usize, item: i32, _control: usize, _slot: i32): void {
  const grid: usize = load<u32>(params, R_GRID);
  const cellCount = load<i32>(grid, G_CELL_COUNT);
  const at: usize = load<u32>(params, R_ITEMS) + usize(item) * I_BYTES;
  const ras: usize = load<u32>(at, I_RA);
  const decs: usize = load<u32>(at, I_DEC);
  const statuses: usize = load<u32>(at, I_STATUS);
  const cells: usize = load<u32>(at, I_CELL);
  const count = load<i32>(at, I_COUNT);
  const counts: usize = load<u32>(params, R_COUNTS) + usize(item) * usize(cellCount) * 4;
  memory.fill(counts, 0, usize(cellCount) * 4);
  clear(params, load<i32>(at, I_FIRST_ROW), count);

  const decMin = v128.load64_splat(grid, G_DEC_MIN);
  const decScale = v128.load64_splat(grid, G_DEC_SCALE);
  const decLast = v128.load64_splat(grid, G_DEC_LAST);
  const bucketLut: usize = load<u32>(grid, G_BUCKET_LUT);
  const buckets: usize = load<u32>(grid, G_BUCKETS);
  const even = usize(count & ~1);
  for (let i: usize = 0; i < even; i += 2) {
    const ra = v128.load(ras + (i << 3));
    const dec = v128.load(decs + (i << 3));
    // NaN fails the comparisons.
    const usual = v128.and(v128.and(f64x2.ge(ra, f64x2.splat(0)), f64x2.lt(ra, f64x2.splat(360))), f64x2.le(f64x2.abs(dec), f64x2.splat(90)));
    if (i64x2.bitmask(usual) != 3 || load<u16>(statuses + i) != 0) {
      assignRow(grid, ras, decs, statuses, cells, counts, i);
      assignRow(grid, ras, decs, statuses, cells, counts, i + 1);
      continue;
    }
    const decBin = binOf2(dec, decMin, decScale, decLast);
    const a = buckets + usize(load<u16>(bucketLut + (usize(i32x4.extract_lane(decBin, 0)) << 1))) * B_BYTES;
    const b = buckets + usize(load<u16>(bucketLut + (usize(i32x4.extract_lane(decBin, 2)) << 1))) * B_BYTES;
    // Low and scale of a bucket lie side by side.
    const axisA = v128.load(a, B_RA_MIN);
    const axisB = v128.load(b, B_RA_MIN);
    const raBin = binOf2(ra, firsts(axisA, axisB), seconds(axisA, axisB), v128.load64_lane(b, v128.load64_zero(a, B_RA_LAST), 1, B_RA_LAST));
    const cellA: i32 = load<u16>(load<u32>(a, B_LUT) + (usize(i32x4.extract_lane(raBin, 0)) << 1));
    const cellB: i32 = load<u16>(load<u32>(b, B_LUT) + (usize(i32x4.extract_lane(raBin, 2)) << 1));
    store<i32>(cells + (i << 1), cellA | (cellB << 16));
    countRow(counts, cellA);
    countRow(counts, cellB);
  }
  if (even < usize(count)) assignRow(grid, ras, decs, statuses, cells, counts, even);
}

// @ts-ignore: decorator
@inline
function countRow(counts: usize, cell: i32): void {
  const place = counts + (usize(cell) << 2);
  store<i32>(place, load<i32>(place) + 1);
}

/** Any row: the others of `assign` are usual ones. */
function assignRow(grid: usize, ras: usize, decs: usize, statuses: usize, cells: usize, counts: usize, i: usize): void {
  const ra = load<f64>(ras + (i << 3));
  const dec = load<f64>(decs + (i << 3));
  let status: i32 = 0;
  if (load<u8>(statuses + i) != 0) status = 1;
  else if (ra != ra || dec != dec) status = 2;
  else if (abs(ra) == Infinity || abs(dec) == Infinity) status = 3;
  else if (abs(dec) > 90) status = 4;
  store<u8>(statuses + i, u8(status));
  if (status != 0) {
    store<u16>(cells + (i << 1), u16(NO_CELL));
    return;
  }
  const turned = normaliseRa(ra);
  store<f64>(ras + (i << 3), turned);
  const cell = cellOf(usize(load<u32>(grid, G_BUCKETS)) + bucketOf(grid, dec) * B_BYTES, turned);
  store<u16>(cells + (i << 1), u16(cell));
  countRow(counts, cell);
}

function normaliseRa(ra: f64): f64 {
  if (ra >= 0 && ra < 360) return ra;
  const rest = ra % 360;
  const positive = rest < 0 ? rest + 360 : rest;
  return positive >= 360 ? 0 : positive;
}

function clear(params: usize, firstRow: i32, count: i32): void {
  const ones8: usize = load<u32>(params, R_CLEAR_ONES8);
  const zero4: usize = load<u32>(params, R_CLEAR_ZERO4);
  const more: usize = load<u32>(params, R_CLEAR_ZERO4_MORE);
  if (ones8 != 0) memory.fill(ones8 + usize(firstRow) * 8, 0xff, usize(count) * 8);
  if (zero4 != 0) memory.fill(zero4 + usize(firstRow) * 4, 0, usize(count) * 4);
  if (more != 0) memory.fill(more + usize(firstRow) * 4, 0, usize(count) * 4);
}

/** Writes the records of an item's rows to their cells, in the order of the rows. */
export function scatter(params: usize, item: i32, _control: usize, _slot: i32): void {
  const cellCount = load<i32>(load<u32>(params, R_GRID), G_CELL_COUNT);
  const at: usize = load<u32>(params, R_ITEMS) + usize(item) * I_BYTES;
  const ras: usize = load<u32>(at, I_RA);
  const decs: usize = load<u32>(at, I_DEC);
  const cells: usize = load<u32>(at, I_CELL);
  const count = load<i32>(at, I_COUNT);
  const firstRow = load<i32>(at, I_FIRST_ROW);
  const places: usize = load<u32>(params, R_COUNTS) + usize(item) * usize(cellCount) * 4;
  const out: usize = load<u32>(params, R_OUT);
  for (let i: i32 = 0; i < count; i++) {
    const cell = i32(load<u16>(cells + (usize(i) << 1)));
    if (cell == NO_CELL) continue;
    const slot = places + (usize(cell) << 2);
    const place = load<i32>(slot);
    store<i32>(slot, place + 1);
    const to = out + usize(place) * RECORD_BYTES;
    v128.store(to, v128.load64_lane(decs + (usize(i) << 3), v128.load64_zero(ras + (usize(i) << 3)), 1));
    store<i32>(to, firstRow + i, RECORD_ROW);
  }
}
