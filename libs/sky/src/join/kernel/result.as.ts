// From keys by left row, or pairs in no order, to the columns of the answer.
import { separationOfKey, separationsOfKeys } from '../../separation/expression.as';
import { MATCH_BYTES, SHELF_ROWS } from './layout.as';

/** Parameters of the passes over results. */
const P_ROWS: usize = 0; // i32 left rows
const P_STEP: usize = 4; // i32 left rows (or pairs) of an item
const P_NEAREST: usize = 8; // -> matches, by shelf
const P_SCRATCH: usize = 12; // -> private memory of worker 0, SHELF_ROWS * 4 + 64 bytes each
const P_SIZES: usize = 20; // -> i32[items] what an item holds; of shelves, i32[shelves + 1], where their columns begin
const P_SECOND: usize = 24; // -> f64[rows] or 0
const P_COUNTS: usize = 28; // -> i32[rows] pairs of a left row; then where its next goes; then where they end
const P_PAIR_COUNT: usize = 32; // i32
const P_PAIR_LEFT: usize = 36; // -> i32[pairs] in no order
const P_PAIR_RIGHT: usize = 40;
const P_PAIR_KEY: usize = 44; // -> f64[pairs]
const P_OUT_LEFT: usize = 48; // -> i32[pairs] by left row
const P_OUT_RIGHT: usize = 52;
const P_OUT_KEY: usize = 56; // -> f64[pairs]
const P_OUT_SEPARATION: usize = 60; // -> f64[pairs]
const P_OUT_RANK: usize = 64; // -> i32[pairs] or 0
const P_OUT_LEFT_NUMBER: usize = 68; // -> i64[pairs] left row of the table, or 0
const P_OUT_RIGHT_NUMBER: usize = 72; // -> i64[pairs] right row, or 0
const P_FIRST_NUMBER: usize = 80; // i64 row of the table that is left row 0
const P_MARKS: usize = 88; // -> private bits of worker 0, one for each right row, or 0
const P_MARKS_STRIDE: usize = 92; // bytes to those of the next worker

// @ts-ignore: decorator
@inline
function at(params: usize, field: usize): usize {
  return load<u32>(params + field);
}

/**
 * Nearest: puts the matches of a shelf in the order of their left rows and fills the columns of the answer, from the
 * shelf's place on.
 */
export function compact(params: usize, item: i32, _control: usize, slot: i32): void {
  const first = item * SHELF_ROWS;
  const end = min(i32(at(params, P_ROWS)), first + SHELF_ROWS);
  const places = at(params, P_SIZES) + (usize(item) << 2);
  const from = usize(load<i32>(places));
  const count = usize(load<i32>(places, 4)) - from;
  const matches = at(params, P_NEAREST) + usize(first) * MATCH_BYTES;
  // By left row: 1 + place of its match on the shelf, or 0; then these without the zeros.
  const table = at(params, P_SCRATCH) + usize(slot) * (usize(SHELF_ROWS) * 4 + 64);
  const order = table + usize(SHELF_ROWS) * 2;
  memory.fill(table, 0, usize(SHELF_ROWS) * 2);
  for (let i: usize = 0; i < count; i++) {
    store<u16>(table + (usize(load<i32>(matches + i * MATCH_BYTES, 8) - first) << 1), u16(i + 1));
  }
  let ordered: usize = 0;
  for (let row: usize = 0, n = usize(end - first); row < n; row++) {
    const place = load<u16>(table + (row << 1));
    store<u16>(order + (ordered << 1), place);
    ordered += usize(place != 0);
  }
  const keys = at(params, P_OUT_SEPARATION) + (from << 3);
  const lefts = at(params, P_OUT_LEFT) + (from << 2);
  const rights = at(params, P_OUT_RIGHT) + (from << 2);
  for (let i: usize = 0; i < count; i++) {
    const match = matches + (usize(load<u16>(order + (i << 1))) - 1) * MATCH_BYTES;
    store<f64>(keys + (i << 3), load<f64>(match));
    store<i32>(lefts + (i << 2), load<i32>(match, 8));
    store<i32>(rights + (i << 2), load<i32>(match, 12));
  }
  separationsOfKeys(keys, count);
  const leftNumbers = at(params, P_OUT_LEFT_NUMBER);
  if (leftNumbers != 0) {
    numberRows(leftNumbers + (from << 3), lefts, count, load<i64>(params + P_FIRST_NUMBER));
    numberRows(at(params, P_OUT_RIGHT_NUMBER) + (from << 3), rights, count, 0);
  }
  const marks = at(params, P_MARKS);
  if (marks != 0) markRows(marks + usize(slot) * at(params, P_MARKS_STRIDE), rights, count);
  measureSeconds(params, first, end);
}

function numberRows(out: usize, rows: usize, count: usize, first: i64): void {
  for (let i: usize = 0; i < count; i++) store<i64>(out + (i << 3), i64(load<i32>(rows + (i << 2))) + first);
}

function markRows(marks: usize, rows: usize, count: usize): void {
  for (let i: usize = 0; i < count; i++) {
    const row = load<i32>(rows + (i << 2));
    const word = marks + (usize(row >> 5) << 2);
    store<i32>(word, load<i32>(word) | (1 << (row & 31)));
  }
}

function measureSeconds(params: usize, first: i32, end: i32): void {
  const seconds = at(params, P_SECOND);
  if (seconds == 0) return;
  for (let row = usize(first); row < usize(end); row++) {
    const key = load<f64>(seconds + (row << 3));
    if (key == key) store<f64>(seconds + (row << 3), separationOfKey(key));
  }
}

/** Pairs of an item's left rows. */
export function countPairs(params: usize, item: i32, _control: usize, _slot: i32): void {
  const first = item * i32(at(params, P_STEP));
  const end = min(i32(at(params, P_ROWS)), first + i32(at(params, P_STEP)));
  const counts = at(params, P_COUNTS);
  let sum: i32 = 0;
  for (let row = usize(first); row < usize(end); row++) sum += load<i32>(counts + (row << 2));
  store<i32>(at(params, P_SIZES) + (usize(item) << 2), sum);
  measureSeconds(params, first, end);
}

/** Counts become places; the item's size has become its first place. */
export function placePairs(params: usize, item: i32, _control: usize, _slot: i32): void {
  const first = item * i32(at(params, P_STEP));
  const end = min(i32(at(params, P_ROWS)), first + i32(at(params, P_STEP)));
  const counts = at(params, P_COUNTS);
  let place = load<i32>(at(params, P_SIZES) + (usize(item) << 2));
  for (let row = usize(first); row < usize(end); row++) {
    const count = load<i32>(counts + (row << 2));
    store<i32>(counts + (row << 2), place);
    place += count;
  }
}

/** Pairs go to their left row's place; items are ranges of pairs, so places are taken atomically. */
export function movePairs(params: usize, item: i32, _control: usize, _slot: i32): void {
  const first = item * i32(at(params, P_STEP));
  const end = min(i32(at(params, P_PAIR_COUNT)), first + i32(at(params, P_STEP)));
  const counts = at(params, P_COUNTS);
  const lefts = at(params, P_PAIR_LEFT);
  const rights = at(params, P_PAIR_RIGHT);
  const keys = at(params, P_PAIR_KEY);
  const outRight = at(params, P_OUT_RIGHT);
  const outKey = at(params, P_OUT_KEY);
  for (let i = usize(first); i < usize(end); i++) {
    const left = usize(load<i32>(lefts + (i << 2)));
    const place = usize(atomic.add<i32>(counts + (left << 2), 1));
    store<i32>(outRight + (place << 2), load<i32>(rights + (i << 2)));
    store<f64>(outKey + (place << 3), load<f64>(keys + (i << 3)));
  }
}

/** Orders the pairs of each left row by (key, right row) and fills the other columns. */
export function orderPairs(params: usize, item: i32, _control: usize, _slot: i32): void {
  const first = item * i32(at(params, P_STEP));
  const end = min(i32(at(params, P_ROWS)), first + i32(at(params, P_STEP)));
  const ends = at(params, P_COUNTS);
  const outLeft = at(params, P_OUT_LEFT);
  const outRight = at(params, P_OUT_RIGHT);
  const outKey = at(params, P_OUT_KEY);
  const outSeparation = at(params, P_OUT_SEPARATION);
  const outRank = at(params, P_OUT_RANK);
  let from = first == 0 ? 0 : load<i32>(ends + (usize(first - 1) << 2));
  for (let row = first; row < end; row++) {
    const to = load<i32>(ends + (usize(row) << 2));
    const size = to - from;
    if (size > 1) {
      if (size <= 24) sortShort(outKey + (usize(from) << 3), outRight + (usize(from) << 2), size);
      else sortLong(outKey + (usize(from) << 3), outRight + (usize(from) << 2), size);
    }
    for (let i = from; i < to; i++) {
      store<i32>(outLeft + (usize(i) << 2), row);
      store<f64>(outSeparation + (usize(i) << 3), separationOfKey(load<f64>(outKey + (usize(i) << 3))));
      if (outRank != 0) store<i32>(outRank + (usize(i) << 2), i - from + 1);
    }
    from = to;
  }
}

// @ts-ignore: decorator
@inline
function before(keyA: f64, rowA: i32, keyB: f64, rowB: i32): bool {
  return keyA < keyB || (keyA == keyB && rowA < rowB);
}

function sortShort(keys: usize, rows: usize, size: i32): void {
  for (let i = 1; i < size; i++) {
    const key = load<f64>(keys + (usize(i) << 3));
    const row = load<i32>(rows + (usize(i) << 2));
    let j = i - 1;
    for (; j >= 0; j--) {
      const otherKey = load<f64>(keys + (usize(j) << 3));
      const otherRow = load<i32>(rows + (usize(j) << 2));
      if (!before(key, row, otherKey, otherRow)) break;
      store<f64>(keys + (usize(j) << 3), otherKey, 8);
      store<i32>(rows + (usize(j) << 2), otherRow, 4);
    }
    store<f64>(keys + (usize(j + 1) << 3), key);
    store<i32>(rows + (usize(j + 1) << 2), row);
  }
}

/** Heapsort: no memory, no bad case. */
function sortLong(keys: usize, rows: usize, size: i32): void {
  for (let i = (size >> 1) - 1; i >= 0; i--) siftDown(keys, rows, i, size, load<f64>(keys + (usize(i) << 3)), load<i32>(rows + (usize(i) << 2)));
  for (let last = size - 1; last > 0; last--) {
    const key = load<f64>(keys + (usize(last) << 3));
    const row = load<i32>(rows + (usize(last) << 2));
    store<f64>(keys + (usize(last) << 3), load<f64>(keys));
    store<i32>(rows + (usize(last) << 2), load<i32>(rows));
    siftDown(keys, rows, 0, last, key, row);
  }
}

function siftDown(keys: usize, rows: usize, start: i32, size: i32, key: f64, row: i32): void {
  let place = start;
  for (;;) {
    let down = 2 * place + 1;
    if (down >= size) break;
    let downKey = load<f64>(keys + (usize(down) << 3));
    let downRow = load<i32>(rows + (usize(down) << 2));
    if (down + 1 < size) {
      const otherKey = load<f64>(keys + (usize(down + 1) << 3));
      const otherRow = load<i32>(rows + (usize(down + 1) << 2));
      if (before(downKey, downRow, otherKey, otherRow)) {
        down++;
        downKey = otherKey;
        downRow = otherRow;
      }
    }
    if (!before(key, row, downKey, downRow)) break;
    store<f64>(keys + (usize(place) << 3), downKey);
    store<i32>(rows + (usize(place) << 2), downRow);
    place = down;
  }
  store<f64>(keys + (usize(place) << 3), key);
  store<i32>(rows + (usize(place) << 2), row);
}
