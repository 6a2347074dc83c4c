// One task of the join: left rows of one cell, block after block.
import { cosDeg2 } from '../../separation/expression.as';
import { seconds } from './bins.as';
import { Block, BLOCK, L_BEST, L_BEST_ROW, L_COS, L_FOUND, L_MATCHES, L_POSITION, L_ROW, L_SECOND } from './block.as';
import { emitHeld, flush } from './judge.as';
import {
  C_BYTES, C_COUNT, C_NX, C_NY, C_OFFSETS, C_ROWS, G_CELLS, J_CANDIDATES, J_OUT_COUNT, J_OUT_NEAREST, J_OUT_SECOND, J_RECORDS, J_SHELF_COUNTS,
  J_TASKS, MATCH_BYTES, MODE_K_NEAREST, RECORD_BYTES, RECORD_ROW, SHELF_SHIFT, T_BYTES, T_CELL, T_FROM, T_TO,
} from './layout.as';
import { searchShort } from './short.as';
import { searchWide, setRadius } from './wide.as';

export function join(params: usize, item: i32, control: usize, slot: i32): void {
  Block.begin(params, control, slot);
  const task: usize = usize(load<u32>(params, J_TASKS)) + usize(item) * T_BYTES;
  const cell: usize = usize(load<u32>(Block.grid, G_CELLS)) + usize(load<i32>(task, T_CELL)) * C_BYTES;
  const to = load<i32>(task, T_TO);
  if ((to - load<i32>(task, T_FROM)) * 16 > load<i32>(cell, C_COUNT)) fetch(cell);
  for (let from = load<i32>(task, T_FROM); from < to; from += BLOCK) {
    if (Block.isCancelled()) break;
    const count = min(BLOCK, to - from);
    readBlock(usize(load<u32>(params, J_RECORDS)) + usize(from) * RECORD_BYTES, count);
    searchBlock(cell, count);
    writeBlock(count);
  }
  atomic.add<i64>(params, Block.candidates, J_CANDIDATES);
}

/** Reads a cell once in order: its lines then come at the pace of memory, not one by one as the rows ask for them. */
export function fetch(cell: usize): void {
  const n = usize(load<i32>(cell, C_COUNT));
  if (n == 0) return;
  const fine = usize(load<i32>(cell, C_NX) * load<i32>(cell, C_NY) + 1) << 2;
  fetchLines(load<u32>(cell, C_ROWS), n * RECORD_BYTES);
  fetchLines(load<u32>(cell, C_OFFSETS), fine);
}

/** What has been fetched, so that it is not optimised away. */
let fetched: i32 = 0;

export function fetchLines(start: usize, bytes: usize): void {
  let sum: i32 = 0;
  for (let at = start, end = start + bytes - 3; at < end; at += 64) sum += load<i32>(at);
  fetched += sum;
}

/** Copies the records of a block into its columns; two at a time, so there is room for one more. */
export function readBlock(records: usize, count: i32): void {
  const base = Block.base;
  for (let i: usize = 0, n = usize(count), from = records; i < n; i += 2, from += 2 * RECORD_BYTES) {
    const a = v128.load(from);
    const b = v128.load(from, RECORD_BYTES);
    const wide = base + (i << 3);
    const narrow = base + (i << 2);
    v128.store(base + (i << 4), a, L_POSITION);
    v128.store(base + (i << 4), b, L_POSITION + 16);
    v128.store(wide, cosDeg2(seconds(a, b)), L_COS);
    v128.store(wide, f64x2.splat(Infinity), L_BEST);
    store<i32>(narrow, load<i32>(from, RECORD_ROW), L_ROW);
    store<i32>(narrow, load<i32>(from, RECORD_BYTES + RECORD_ROW), L_ROW + 4);
    store<i64>(narrow, -1, L_BEST_ROW);
    if (!Block.track) continue;
    v128.store(wide, f64x2.splat(Infinity), L_SECOND);
    store<i64>(narrow, 0, L_FOUND);
  }
}

function searchBlock(cell: usize, count: i32): void {
  setRadius(Block.fullRadius);
  if (Block.mode != MODE_K_NEAREST) {
    searchShort(cell, count);
    if (Block.buffered > 0) flush();
    return;
  }
  for (let i = 0; i < count; i++) {
    searchWide(cell, i);
    emitHeld(i);
    if (Block.isCancelled()) return;
  }
}

export function writeBlock(count: i32): void {
  const base = Block.base;
  if (load<u32>(Block.params, J_OUT_NEAREST) != 0) writeMatches(count);
  const counts: usize = load<u32>(Block.params, J_OUT_COUNT);
  const seconds: usize = load<u32>(Block.params, J_OUT_SECOND);
  if (counts == 0 && seconds == 0) return;
  for (let i: usize = 0, n = usize(count); i < n; i++) {
    const leftRow = usize(load<i32>(base + (i << 2), L_ROW));
    const found = load<i32>(base + (i << 2), L_FOUND);
    if (counts != 0) store<i32>(counts + (leftRow << 2), found);
    if (seconds != 0 && found > 1) store<f64>(seconds + (leftRow << 3), load<f64>(base + (i << 3), L_SECOND));
  }
}

/** Puts the matches of a block on their shelves. Its left rows ascend, as those of each cell do. */
function writeMatches(count: i32): void {
  const base = Block.base;
  let found: usize = 0;
  for (let i: usize = 0, n = usize(count); i < n; i++) {
    const row = load<i32>(base + (i << 2), L_BEST_ROW);
    const at = base + found * MATCH_BYTES;
    // Always written, then kept or not: whether a row matches cannot be foreseen.
    store<f64>(at, load<f64>(base + (i << 3), L_BEST), L_MATCHES);
    store<i32>(at, load<i32>(base + (i << 2), L_ROW), L_MATCHES + 8);
    store<i32>(at, row, L_MATCHES + 12);
    found += usize(row >= 0);
  }
  const shelves: usize = load<u32>(Block.params, J_OUT_NEAREST);
  const counts: usize = load<u32>(Block.params, J_SHELF_COUNTS);
  for (let from: usize = 0; from < found; ) {
    const shelf = shelfOf(from);
    let to = from + 1;
    if (shelfOf(found - 1) == shelf) to = found;
    else while (shelfOf(to) == shelf) to++;
    const place = usize(shelf << SHELF_SHIFT) + usize(atomic.add<i32>(counts + (usize(shelf) << 2), i32(to - from)));
    for (let out = shelves + place * MATCH_BYTES; from < to; from++, out += MATCH_BYTES) v128.store(out, v128.load(base + from * MATCH_BYTES, L_MATCHES));
  }
}

// @ts-ignore: decorator
@inline
function shelfOf(match: usize): i32 {
  return load<i32>(Block.base + match * MATCH_BYTES, L_MATCHES + 8) >> SHELF_SHIFT;
}
