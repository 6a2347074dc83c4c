import { cosDeg } from '../../separation/expression.as';
import {
  B_BYTES, B_LUT, B_RA_BINS, B_RA_MIN, B_RA_SCALE, C_BINS, C_BYTES, C_COUNT, C_DEC_MAX, C_DEC_MIN, C_DEC_SCALE, C_EDGES, C_NX, C_NY, C_OFFSETS, C_RA_MAX, C_RA_MIN,
  C_RA_SCALE, C_ROWS, C_STRIPS, G_BUCKET_LUT, G_BUCKETS, G_CELL_COUNT, G_CELLS, G_DEC_BINS, G_DEC_MIN, G_DEC_SCALE, I_BYTES, I_CELL, I_COUNT, I_DEC,
  I_FIRST_ROW, I_RA, I_STATUS, NO_CELL, R_CLEAR_ONES16, R_CLEAR_ONES8, R_CLEAR_ZERO4, R_CLEAR_ZERO4_MORE, R_COUNTS, R_GRID, R_ITEMS, R_OUT, R_SCRATCH,
  R_SCRATCH_STRIDE, RECORD_BYTES,
} from './layout.as';

/**
 * Bin of a value; values outside go to the first and last bin. Subtraction, multiplication and truncation are
 * monotone, so the rows between two values lie in the bins between theirs: all the safety the search needs.
 */
// @ts-ignore: decorator
@inline
export function binOf(value: f64, low: f64, scale: f64, bins: i32): i32 {
  const bin = i32((value - low) * scale);
  return min(max(bin, 0), bins - 1);
}

// @ts-ignore: decorator
@inline
export function bucketOf(grid: usize, dec: f64): usize {
  const bin = binOf(dec, load<f64>(grid, G_DEC_MIN), load<f64>(grid, G_DEC_SCALE), load<i32>(grid, G_DEC_BINS));
  return load<u16>(load<u32>(grid, G_BUCKET_LUT) + (usize(bin) << 1));
}

// @ts-ignore: decorator
@inline
export function cellOf(bucket: usize, ra: f64): i32 {
  const bin = binOf(ra, load<f64>(bucket, B_RA_MIN), load<f64>(bucket, B_RA_SCALE), load<i32>(bucket, B_RA_BINS));
  return load<u16>(load<u32>(bucket, B_LUT) + (usize(bin) << 1));
}

// @ts-ignore: decorator
@inline
function normaliseRa(ra: f64): f64 {
  if (ra >= 0 && ra < 360) return ra;
  const rest = ra % 360;
  const positive = rest < 0 ? rest + 360 : rest;
  return positive >= 360 ? 0 : positive;
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
  const firstRow = load<i32>(at, I_FIRST_ROW);
  const counts: usize = load<u32>(params, R_COUNTS) + usize(item) * usize(cellCount) * 4;
  memory.fill(counts, 0, usize(cellCount) * 4);
  clear(params, firstRow, count);

  const decMin = load<f64>(grid, G_DEC_MIN);
  const decScale = load<f64>(grid, G_DEC_SCALE);
  const decBins = load<i32>(grid, G_DEC_BINS);
  const bucketLut: usize = load<u32>(grid, G_BUCKET_LUT);
  const buckets: usize = load<u32>(grid, G_BUCKETS);
  for (let i: usize = 0, n = usize(count); i < n; i++) {
    let ra = load<f64>(ras + (i << 3));
    const dec = load<f64>(decs + (i << 3));
    let status: i32 = 0;
    // One comparison each for the usual row; NaN fails both.
    if (!(ra >= 0 && ra < 360) || !(abs(dec) <= 90) || load<u8>(statuses + i) != 0) {
      if (load<u8>(statuses + i) != 0) status = 1;
      else if (ra != ra || dec != dec) status = 2;
      else if (abs(ra) == Infinity || abs(dec) == Infinity) status = 3;
      else if (abs(dec) > 90) status = 4;
      store<u8>(statuses + i, u8(status));
      if (status != 0) {
        store<u16>(cells + (i << 1), u16(NO_CELL));
        continue;
      }
      ra = normaliseRa(ra);
      store<f64>(ras + (i << 3), ra);
    }
    const bucket = buckets + usize(load<u16>(bucketLut + (usize(binOf(dec, decMin, decScale, decBins)) << 1))) * B_BYTES;
    const cell = cellOf(bucket, ra);
    store<u16>(cells + (i << 1), u16(cell));
    const slot = counts + (usize(cell) << 2);
    store<i32>(slot, load<i32>(slot) + 1);
  }
}

function clear(params: usize, firstRow: i32, count: i32): void {
  const ones16: usize = load<u32>(params, R_CLEAR_ONES16);
  const ones8: usize = load<u32>(params, R_CLEAR_ONES8);
  const zero4: usize = load<u32>(params, R_CLEAR_ZERO4);
  const more: usize = load<u32>(params, R_CLEAR_ZERO4_MORE);
  if (ones16 != 0) memory.fill(ones16 + usize(firstRow) * 16, 0xff, usize(count) * 16);
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
    store<f64>(to, load<f64>(ras + (usize(i) << 3)));
    store<f64>(to, load<f64>(decs + (usize(i) << 3)), 8);
    store<i32>(to, firstRow + i, 16);
  }
}

/** Fine cells with more rows than this are sorted by right ascension. */
export const SORTED_SIZE: i32 = 8;

/**
 * Turns the records of one cell into columns sorted by a fine grid of about one row a fine cell: strips of declination
 * with equal counts, cut evenly in right ascension. Rows of a fine cell ascend; crowded ones are in order of right
 * ascension, rows of equal right ascension ascending.
 */
export function refine(params: usize, item: i32, _control: usize, slot: i32): void {
  const cell: usize = usize(load<u32>(load<u32>(params, R_GRID), G_CELLS)) + usize(item) * C_BYTES;
  const rows: usize = load<u32>(cell, C_ROWS);
  const n = load<i32>(cell, C_COUNT);
  if (n == 0) {
    // An empty box: every window misses it.
    store<f64>(cell, Infinity, C_RA_MIN);
    store<f64>(cell, -Infinity, C_RA_MAX);
    store<f64>(cell, Infinity, C_DEC_MIN);
    store<f64>(cell, -Infinity, C_DEC_MAX);
    return;
  }
  const count = usize(n);
  let raMin = Infinity, raMax = -Infinity, decMin = Infinity, decMax = -Infinity;
  for (let i: usize = 0, from = rows; i < count; i++, from += RECORD_BYTES) {
    const ra = load<f64>(from);
    const dec = load<f64>(from, 8);
    raMin = min(raMin, ra);
    raMax = max(raMax, ra);
    decMin = min(decMin, dec);
    decMax = max(decMax, dec);
  }
  const width = raMax - raMin;
  const height = decMax - decMin;
  const across = width * cosDeg((decMin + decMax) * 0.5);
  // Below this extent (nanoarcseconds) one fine cell serves: the scales stay finite.
  const wide = across > 1e-12;
  const high = height > 1e-12;
  const bins = load<i32>(cell, C_BINS);
  const ny = !high ? 1 : min(bins, !wide ? n : max(1, min(n, i32(sqrt<f64>(f64(n) * height / across) + 0.5))));
  const nx = !wide ? 1 : max(1, n / ny);
  const raScale = wide ? f64(nx) / width : 0;
  const decScale = high ? f64(bins) / height : 0;
  store<i32>(cell, nx, C_NX);
  store<i32>(cell, ny, C_NY);
  store<f64>(cell, raMin, C_RA_MIN);
  store<f64>(cell, raMax, C_RA_MAX);
  store<f64>(cell, decMin, C_DEC_MIN);
  store<f64>(cell, decMax, C_DEC_MAX);
  store<f64>(cell, raScale, C_RA_SCALE);
  store<f64>(cell, decScale, C_DEC_SCALE);

  const columns: usize = usize(load<u32>(params, R_SCRATCH)) + usize(slot) * load<u32>(params, R_SCRATCH_STRIDE);
  const decOut = columns + (count << 3);
  const rowOut = decOut + (count << 3);
  const ids = rowOut + (count << 2);
  const histogram = ids + (count << 2);
  memory.fill(histogram, 0, usize(bins) << 2);
  for (let i: usize = 0, from = rows; i < count; i++, from += RECORD_BYTES) {
    const bin = usize(binOf(load<f64>(from, 8), decMin, decScale, bins)) << 2;
    store<u32>(ids + (i << 2), u32(bin));
    store<i32>(histogram + bin, load<i32>(histogram + bin) + 1);
  }
  const strips: usize = load<u32>(cell, C_STRIPS);
  cutStrips(histogram, bins, n, ny, strips, load<u32>(cell, C_EDGES));

  // offsets[f + 1] counts fine cell f, then becomes its next place, and so its end, which is the start of f + 1.
  const offsets: usize = load<u32>(cell, C_OFFSETS);
  const next = offsets + 4;
  const fine = usize(nx * ny);
  memory.fill(offsets, 0, (fine + 1) * 4);
  for (let i: usize = 0, from = rows; i < count; i++, from += RECORD_BYTES) {
    const y = i32(load<u16>(strips + (usize(load<u32>(ids + (i << 2))) >> 1)));
    const x = binOf(load<f64>(from), raMin, raScale, nx);
    const id = usize(y * nx + x) << 2;
    store<u32>(ids + (i << 2), u32(id));
    store<i32>(next + id, load<i32>(next + id) + 1);
  }
  let sum: i32 = 0;
  let largest: i32 = 0;
  for (let f: usize = 0; f < fine; f++) {
    const size = load<i32>(next + (f << 2));
    store<i32>(next + (f << 2), sum);
    sum += size;
    largest = max(largest, size);
  }
  for (let i: usize = 0, from = rows; i < count; i++, from += RECORD_BYTES) {
    const id = usize(load<u32>(ids + (i << 2)));
    const place = usize(load<i32>(next + id));
    store<i32>(next + id, i32(place) + 1);
    store<f64>(columns + (place << 3), load<f64>(from));
    store<f64>(decOut + (place << 3), load<f64>(from, 8));
    store<i32>(rowOut + (place << 2), load<i32>(from, 16));
  }
  if (largest > SORTED_SIZE) {
    for (let f: usize = 0; f < fine; f++) {
      const from = load<i32>(offsets + (f << 2));
      const size = load<i32>(next + (f << 2)) - from;
      if (size > SORTED_SIZE) sortRows(columns + (usize(from) << 3), decOut + (usize(from) << 3), rowOut + (usize(from) << 2), size);
    }
  }
  memory.copy(rows, columns, count * RECORD_BYTES);
}

/** Gives bins to strips so that these hold about equal counts; a strip may stay empty beside a crowded bin. */
function cutStrips(histogram: usize, bins: i32, n: i32, ny: i32, strips: usize, edges: usize): void {
  let seen: i32 = 0;
  let strip: i32 = 0;
  store<u16>(edges, 0);
  for (let bin = 0; bin < bins; bin++) {
    const due = min(ny - 1, i32(i64(seen) * ny / n));
    while (strip < due) store<u16>(edges + (usize(++strip) << 1), u16(bin));
    store<u16>(strips + (usize(bin) << 1), u16(strip));
    seen += load<i32>(histogram + (usize(bin) << 2));
  }
  while (strip < ny) store<u16>(edges + (usize(++strip) << 1), u16(bins));
}

/** Sorts rows by (ra, row), which rows that come in ascending order need not move for when their ra are equal. */
function sortRows(ras: usize, decs: usize, rows: usize, size: i32): void {
  if (size > 48) {
    for (let i = (size >> 1) - 1; i >= 0; i--) sift(ras, decs, rows, i, size, i);
    for (let last = size - 1; last > 0; last--) sift(ras, decs, rows, 0, last, last);
    return;
  }
  for (let i = 1; i < size; i++) {
    const ra = load<f64>(ras + (usize(i) << 3));
    const dec = load<f64>(decs + (usize(i) << 3));
    const row = load<i32>(rows + (usize(i) << 2));
    let j = i - 1;
    for (; j >= 0 && load<f64>(ras + (usize(j) << 3)) > ra; j--) moveRow(ras, decs, rows, j, j + 1);
    putRow(ras, decs, rows, j + 1, ra, dec, row);
  }
}

/** Heapsort's step: the row at `from` goes in at `start` of the first `size`; at the end the top has gone to `from`. */
function sift(ras: usize, decs: usize, rows: usize, start: i32, size: i32, from: i32): void {
  const ra = load<f64>(ras + (usize(from) << 3));
  const dec = load<f64>(decs + (usize(from) << 3));
  const row = load<i32>(rows + (usize(from) << 2));
  if (from != start) moveRow(ras, decs, rows, 0, from);
  let place = start;
  for (;;) {
    let down = 2 * place + 1;
    if (down >= size) break;
    if (down + 1 < size && rowBefore(ras, rows, down, load<f64>(ras + (usize(down + 1) << 3)), load<i32>(rows + (usize(down + 1) << 2)))) down++;
    if (!rowAfter(ras, rows, down, ra, row)) break;
    moveRow(ras, decs, rows, down, place);
    place = down;
  }
  putRow(ras, decs, rows, place, ra, dec, row);
}

// @ts-ignore: decorator
@inline
function rowBefore(ras: usize, rows: usize, i: i32, ra: f64, row: i32): bool {
  const other = load<f64>(ras + (usize(i) << 3));
  return other < ra || (other == ra && load<i32>(rows + (usize(i) << 2)) < row);
}

// @ts-ignore: decorator
@inline
function rowAfter(ras: usize, rows: usize, i: i32, ra: f64, row: i32): bool {
  const other = load<f64>(ras + (usize(i) << 3));
  return other > ra || (other == ra && load<i32>(rows + (usize(i) << 2)) > row);
}

// @ts-ignore: decorator
@inline
function moveRow(ras: usize, decs: usize, rows: usize, from: i32, to: i32): void {
  putRow(ras, decs, rows, to, load<f64>(ras + (usize(from) << 3)), load<f64>(decs + (usize(from) << 3)), load<i32>(rows + (usize(from) << 2)));
}

// @ts-ignore: decorator
@inline
function putRow(ras: usize, decs: usize, rows: usize, at: i32, ra: f64, dec: f64, row: i32): void {
  store<f64>(ras + (usize(at) << 3), ra);
  store<f64>(decs + (usize(at) << 3), dec);
  store<i32>(rows + (usize(at) << 2), row);
}
