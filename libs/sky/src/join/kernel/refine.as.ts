// The fine grid of a cell: its records in the order in which the join walks them.
import { cosDeg } from '../../separation/expression.as';
import { binOf2, firsts, seconds } from './bins.as';
import {
  C_BINS, C_BYTES, C_COUNT, C_DEC_SCALE, C_EDGES, C_NX, C_NY, C_OFFSETS, C_RA_MAX, C_RA_MIN, C_RA_SCALE, C_ROWS, C_STRIPS, G_CELLS, R_GRID,
  R_SCRATCH, R_SCRATCH_STRIDE, RECORD_BYTES, RECORD_ROW,
} from './layout.as';

/** Fine cells with more rows than this are sorted by right ascension. */
export const SORTED_SIZE: i32 = 8;

/**
 * Sorts the records of one cell by a fine grid of about one row a fine cell: strips of declination with equal counts, cut
 * evenly in right ascension. Rows of a fine cell ascend; crowded ones are in order of right ascension, rows of equal right
 * ascension ascending.
 */
export function refine(params: usize, item: i32, _control: usize, slot: i32): void {
  const cell: usize = usize(load<u32>(load<u32>(params, R_GRID), G_CELLS)) + usize(item) * C_BYTES;
  const rows: usize = load<u32>(cell, C_ROWS);
  const n = load<i32>(cell, C_COUNT);
  const end = rows + usize(n) * RECORD_BYTES;
  // Of an empty cell this is an empty box: every window misses it.
  let least = f64x2.splat(Infinity);
  let most = f64x2.splat(-Infinity);
  for (let from = rows; from < end; from += RECORD_BYTES) {
    const position = v128.load(from);
    least = f64x2.pmin(least, position);
    most = f64x2.pmax(most, position);
  }
  // Right ascension and declination lie side by side.
  v128.store(cell, least, C_RA_MIN);
  v128.store(cell, most, C_RA_MAX);
  if (n == 0) return;
  const raMin = f64x2.extract_lane(least, 0);
  const decMin = f64x2.extract_lane(least, 1);
  const width = f64x2.extract_lane(most, 0) - raMin;
  const height = f64x2.extract_lane(most, 1) - decMin;
  const across = width * cosDeg((decMin + f64x2.extract_lane(most, 1)) * 0.5);
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
  store<f64>(cell, raScale, C_RA_SCALE);
  store<f64>(cell, decScale, C_DEC_SCALE);

  const sorted: usize = usize(load<u32>(params, R_SCRATCH)) + usize(slot) * load<u32>(params, R_SCRATCH_STRIDE);
  const xs = sorted + usize(n) * RECORD_BYTES;
  const ys = xs + ((usize(n) + 1) << 2);
  const histogram = ys + ((usize(n) + 1) << 2);
  memory.fill(histogram, 0, usize(bins) << 2);
  const raMin2 = f64x2.splat(raMin);
  const decMin2 = f64x2.splat(decMin);
  const raScale2 = f64x2.splat(raScale);
  const decScale2 = f64x2.splat(decScale);
  const lastX = f64x2.splat(f64(nx - 1));
  const lastY = f64x2.splat(f64(bins - 1));
  for (let i: usize = 0, from = rows; from < end; i += 2, from += 2 * RECORD_BYTES) {
    const a = v128.load(from);
    // An odd last row is taken twice and counted once.
    const alone = from + RECORD_BYTES >= end;
    const b = v128.load(from + (alone ? 0 : RECORD_BYTES));
    const x = binOf2(firsts(a, b), raMin2, raScale2, lastX);
    const y = binOf2(seconds(a, b), decMin2, decScale2, lastY);
    v128.store64_lane(xs + (i << 2), v128.shuffle<i32>(x, x, 0, 2, 0, 2), 0);
    v128.store64_lane(ys + (i << 2), v128.shuffle<i32>(y, y, 0, 2, 0, 2), 0);
    addOne(histogram, i32x4.extract_lane(y, 0));
    if (!alone) addOne(histogram, i32x4.extract_lane(y, 2));
  }
  const strips: usize = load<u32>(cell, C_STRIPS);
  cutStrips(histogram, bins, n, ny, strips, load<u32>(cell, C_EDGES));

  // offsets[f + 1] counts fine cell f, then becomes its next place, and so its end, which is the start of f + 1.
  const offsets: usize = load<u32>(cell, C_OFFSETS);
  const next = offsets + 4;
  const fine = usize(nx * ny);
  memory.fill(offsets, 0, (fine + 1) * 4);
  for (let i: usize = 0; i < usize(n); i++) {
    const y = i32(load<u16>(strips + (usize(load<u32>(ys + (i << 2))) << 1)));
    const id = y * nx + load<i32>(xs + (i << 2));
    store<i32>(xs + (i << 2), id);
    addOne(next, id);
  }
  let sum: i32 = 0;
  let largest: i32 = 0;
  for (let f: usize = 0; f < fine; f++) {
    const size = load<i32>(next + (f << 2));
    store<i32>(next + (f << 2), sum);
    sum += size;
    largest = max(largest, size);
  }
  for (let i: usize = 0, from = rows; i < usize(n); i++, from += RECORD_BYTES) {
    const place = next + (usize(load<u32>(xs + (i << 2))) << 2);
    const to = load<i32>(place);
    store<i32>(place, to + 1);
    copyRecord(sorted + usize(to) * RECORD_BYTES, from);
  }
  if (largest > SORTED_SIZE) {
    for (let f: usize = 0; f < fine; f++) {
      const from = load<i32>(offsets + (f << 2));
      const size = load<i32>(next + (f << 2)) - from;
      if (size > SORTED_SIZE) sortRecords(sorted + usize(from) * RECORD_BYTES, size);
    }
  }
  memory.copy(rows, sorted, usize(n) * RECORD_BYTES);
}

// @ts-ignore: decorator
@inline
function addOne(counts: usize, at: i32): void {
  const place = counts + (usize(at) << 2);
  store<i32>(place, load<i32>(place) + 1);
}

// @ts-ignore: decorator
@inline
function copyRecord(to: usize, from: usize): void {
  v128.store(to, v128.load(from));
  store<i32>(to, load<i32>(from, RECORD_ROW), RECORD_ROW);
}

/** Gives bins to strips so that these hold about equal counts; a strip may stay empty beside a crowded bin. */
function cutStrips(histogram: usize, bins: i32, n: i32, ny: i32, strips: usize, edges: usize): void {
  const stripsPerRow = f64(ny) / f64(n);
  let seen: i32 = 0;
  let strip: i32 = 0;
  store<u16>(edges, 0);
  for (let bin = 0; bin < bins; bin++) {
    const due = min(ny - 1, i32(f64(seen) * stripsPerRow));
    while (strip < due) store<u16>(edges + (usize(++strip) << 1), u16(bin));
    store<u16>(strips + (usize(bin) << 1), u16(strip));
    seen += load<i32>(histogram + (usize(bin) << 2));
  }
  while (strip < ny) store<u16>(edges + (usize(++strip) << 1), u16(bins));
}

/** Sorts records by (ra, row), which records that come in ascending order need not move for when their ra are equal. */
function sortRecords(records: usize, size: i32): void {
  if (size > 48) {
    for (let i = (size >> 1) - 1; i >= 0; i--) sift(records, i, size, i);
    for (let last = size - 1; last > 0; last--) sift(records, 0, last, last);
    return;
  }
  for (let i = 1; i < size; i++) {
    const position = v128.load(recordAt(records, i));
    const row = rowOf(records, i);
    const ra = f64x2.extract_lane(position, 0);
    let j = i - 1;
    for (; j >= 0 && raOf(records, j) > ra; j--) copyRecord(recordAt(records, j + 1), recordAt(records, j));
    put(records, j + 1, position, row);
  }
}

/** Heapsort's step: the record at `from` goes in at `start` of the first `size`; at the end the top has gone to `from`. */
function sift(records: usize, start: i32, size: i32, from: i32): void {
  const position = v128.load(recordAt(records, from));
  const row = rowOf(records, from);
  const ra = f64x2.extract_lane(position, 0);
  if (from != start) copyRecord(recordAt(records, from), records);
  let place = start;
  for (;;) {
    let down = 2 * place + 1;
    if (down >= size) break;
    if (down + 1 < size && isBefore(raOf(records, down), rowOf(records, down), raOf(records, down + 1), rowOf(records, down + 1))) down++;
    if (!isBefore(ra, row, raOf(records, down), rowOf(records, down))) break;
    copyRecord(recordAt(records, place), recordAt(records, down));
    place = down;
  }
  put(records, place, position, row);
}

// @ts-ignore: decorator
@inline
function isBefore(ra: f64, row: i32, otherRa: f64, otherRow: i32): bool {
  return ra < otherRa || (ra == otherRa && row < otherRow);
}

// @ts-ignore: decorator
@inline
function recordAt(records: usize, i: i32): usize {
  return records + usize(i) * RECORD_BYTES;
}

// @ts-ignore: decorator
@inline
function raOf(records: usize, i: i32): f64 {
  return load<f64>(recordAt(records, i));
}

// @ts-ignore: decorator
@inline
function rowOf(records: usize, i: i32): i32 {
  return load<i32>(recordAt(records, i), RECORD_ROW);
}

// @ts-ignore: decorator
@inline
function put(records: usize, i: i32, position: v128, row: i32): void {
  v128.store(recordAt(records, i), position);
  store<i32>(recordAt(records, i), row, RECORD_ROW);
}
