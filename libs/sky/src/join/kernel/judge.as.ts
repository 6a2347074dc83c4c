// The exact keys of candidates, and what becomes of those within the radius.
import { keys2 } from '../../separation/expression.as';
import { firsts, seconds } from './bins.as';
import { Block, E_BUFFER, HEAP, L_BEST, L_BEST_ROW, L_COS, L_FOUND, L_POSITION, L_ROW, L_SECOND, recordOf, RUNS, slotOf, U_KEY, U_LEFT, U_RIGHT } from './block.as';
import {
  J_PAIR_CAPACITY, J_PAIR_COUNTS, J_PAIR_KEY, J_PAIR_LEFT, J_PAIR_RIGHT, J_PAIR_TOTAL, MODE_ALL, MODE_K_NEAREST, MODE_NEAREST, RECORD_ROW,
} from './layout.as';

/** Judges the candidates that the long way has gathered. */
export function flush(): void {
  const count = Block.buffered;
  Block.buffered = 0;
  judge(E_BUFFER, count);
}

/** Judges the first `count` of a list, two at a time; there is room for one more. */
export function judge(list: usize, count: i32): void {
  if (count == 0) return;
  const base = Block.base;
  const entries = base + list;
  // A spare candidate evens the number; its key is not read.
  store<u64>(entries + (usize(count) << 3), load<u64>(entries));
  for (let i: usize = 0, n = usize(count); i < n; i += 2) {
    const a = load<u64>(entries + (i << 3));
    const b = load<u64>(entries + (i << 3), 8);
    const leftA = v128.load(base + (slotOf(a) << 4), L_POSITION);
    const leftB = v128.load(base + (slotOf(b) << 4), L_POSITION);
    const rightA = v128.load(recordOf(a));
    const rightB = v128.load(recordOf(b));
    keys2(
      firsts(leftA, leftB),
      seconds(leftA, leftB),
      v128.load64_lane(base + (slotOf(b) << 3), v128.load64_zero(base + (slotOf(a) << 3), L_COS), 1, L_COS),
      firsts(rightA, rightB),
      seconds(rightA, rightB),
      base + (i << 3) + U_KEY,
    );
  }
  if (Block.mode == MODE_ALL) takeAll(entries, count);
  else if (Block.mode == MODE_NEAREST && !Block.track) takeNearest(entries, count);
  else takeBest(entries, count);
}

function takeNearest(entries: usize, count: i32): void {
  const base = Block.base;
  const keyLimit = Block.keyLimit;
  const keyFloor = Block.keyFloor;
  for (let i: usize = 0, n = usize(count); i < n; i++) {
    const key = load<f64>(base + (i << 3), U_KEY);
    if (!(key <= keyLimit && key >= keyFloor)) continue;
    const entry = load<u64>(entries + (i << 3));
    const slot = slotOf(entry);
    const row = load<i32>(recordOf(entry), RECORD_ROW);
    const best = load<f64>(base + (slot << 3), L_BEST);
    if (key > best || (key == best && u32(row) > u32(load<i32>(base + (slot << 2), L_BEST_ROW)))) continue;
    store<f64>(base + (slot << 3), key, L_BEST);
    store<i32>(base + (slot << 2), row, L_BEST_ROW);
  }
}

/** Nearest or k nearest, with the count of neighbours and the second key. */
function takeBest(entries: usize, count: i32): void {
  for (let i: usize = 0, n = usize(count); i < n; i++) {
    const key = load<f64>(Block.base + (i << 3), U_KEY);
    if (!(key <= Block.keyLimit && key >= Block.keyFloor)) continue;
    const entry = load<u64>(entries + (i << 3));
    const row = load<i32>(recordOf(entry), RECORD_ROW);
    note(slotOf(entry), key, row);
    if (Block.mode == MODE_K_NEAREST) hold(key, row);
  }
}

/** Keeps best, second and number of a left row's neighbours. */
// @ts-ignore: decorator
@inline
function note(slot: usize, key: f64, row: i32): void {
  const base = Block.base;
  const best = load<f64>(base + (slot << 3), L_BEST);
  store<i32>(base + (slot << 2), load<i32>(base + (slot << 2), L_FOUND) + 1, L_FOUND);
  if (key < best || (key == best && u32(row) < u32(load<i32>(base + (slot << 2), L_BEST_ROW)))) {
    store<f64>(base + (slot << 3), best, L_SECOND);
    store<f64>(base + (slot << 3), key, L_BEST);
    store<i32>(base + (slot << 2), row, L_BEST_ROW);
  } else if (key < load<f64>(base + (slot << 3), L_SECOND)) store<f64>(base + (slot << 3), key, L_SECOND);
}

function takeAll(entries: usize, count: i32): void {
  const base = Block.base;
  const keyLimit = Block.keyLimit;
  const keyFloor = Block.keyFloor;
  const counts: usize = load<u32>(Block.params, J_PAIR_COUNTS);
  let taken: usize = 0;
  for (let i: usize = 0, n = usize(count); i < n; i++) {
    const key = load<f64>(base + (i << 3), U_KEY);
    if (!(key <= keyLimit && key >= keyFloor)) continue;
    const entry = load<u64>(entries + (i << 3));
    const slot = slotOf(entry);
    const row = load<i32>(recordOf(entry), RECORD_ROW);
    if (Block.track) note(slot, key, row);
    const leftRow = load<i32>(base + (slot << 2), L_ROW);
    if (Block.self && row < Block.selfFirst + leftRow) continue;
    const place = counts + (usize(leftRow) << 2);
    store<i32>(place, load<i32>(place) + 1);
    store<f64>(base + (taken << 3), key, U_KEY);
    store<i32>(base + (taken << 2), leftRow, U_LEFT);
    store<i32>(base + (taken << 2), row, U_RIGHT);
    taken++;
  }
  emit(i32(taken));
}

/** Hands out the first `count` pairs. */
function emit(count: i32): void {
  if (count == 0) return;
  const params = Block.params;
  const base = Block.base;
  const at = atomic.add<i64>(params, i64(count), J_PAIR_TOTAL);
  // Over the capacity pairs are only counted; the host makes room and joins again.
  if (at + i64(count) > i64(load<i32>(params, J_PAIR_CAPACITY))) return;
  const lefts: usize = usize(load<u32>(params, J_PAIR_LEFT)) + (usize(at) << 2);
  const rights: usize = usize(load<u32>(params, J_PAIR_RIGHT)) + (usize(at) << 2);
  const keys: usize = usize(load<u32>(params, J_PAIR_KEY)) + (usize(at) << 3);
  memory.copy(lefts, base + U_LEFT, usize(count) << 2);
  memory.copy(rights, base + U_RIGHT, usize(count) << 2);
  memory.copy(keys, base + U_KEY, usize(count) << 3);
}

// The k best of the row at hand: a heap of (key f64, row i32), 16 bytes each, the worst on top.

// @ts-ignore: decorator
@inline
function worse(keyA: f64, rowA: i32, keyB: f64, rowB: i32): bool {
  return keyA > keyB || (keyA == keyB && rowA > rowB);
}

function hold(key: f64, row: i32): void {
  const heap = Block.base + HEAP;
  if (Block.kHeld < Block.kWanted) {
    let at = Block.kHeld++;
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
  sink(key, row, Block.kHeld);
}

/** Puts (key, row) in place of the top of the first `size`. */
function sink(key: f64, row: i32, size: i32): void {
  const heap = Block.base + HEAP;
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
export function emitHeld(slot: i32): void {
  const base = Block.base;
  const leftRow = load<i32>(base + (usize(slot) << 2), L_ROW);
  store<i32>(usize(load<u32>(Block.params, J_PAIR_COUNTS)) + (usize(leftRow) << 2), Block.kHeld);
  for (let from = 0; from < Block.kHeld; from += RUNS) {
    const count = min(RUNS, Block.kHeld - from);
    for (let i = 0; i < count; i++) {
      const held = base + HEAP + (usize(from + i) << 4);
      store<f64>(base + (usize(i) << 3), load<f64>(held), U_KEY);
      store<i32>(base + (usize(i) << 2), load<i32>(held, 8), U_RIGHT);
      store<i32>(base + (usize(i) << 2), leftRow, U_LEFT);
    }
    emit(count);
  }
}
