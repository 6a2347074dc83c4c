// The candidates of a device, held against the one expression as those of the CPU's own search are.
import { Block, BLOCK, BUFFER, candidate, E_BUFFER, E_RUNS, L_ROW } from '../kernel/block.as';
import { emitHeld, flush } from '../kernel/judge.as';
import { C_BYTES, C_COUNT, G_CELLS, J_ANSWERS, J_RECORDS, J_TASKS, MODE_K_NEAREST, RECORD_BYTES, RECORD_ROW, T_BYTES, T_CELL, T_FROM, T_TO } from '../kernel/layout.as';
import { fetch, fetchLines, readBlock, writeBlock } from '../kernel/task.as';
import {
  D_FIRST_RECORDS, D_FIRST_TASK, D_FROM, D_MOST_OF_PLACE, D_ORDER, D_PART_COUNT, D_PARTS, D_RANKS, D_RIGHT_RECORDS, D_TO, F_BYTES, F_CANDIDATES, F_FIRST_PLACE, F_FOUND,
  FOUND_BYTES, FOUND_COUNT, L_FIRST_RECORDS, L_ORDER, L_OUT, L_PLACE_COUNT, L_RECORDS, L_STEP,
} from './layout.as';

// The list of runs is not in use: records of the block's left rows, and where each lies among the answers.
const E_RECORDS: usize = E_RUNS;
const E_ANSWERS: usize = E_RECORDS + usize(BLOCK + 2) * RECORD_BYTES;

/** Left rows of a task that a device has answered, in the order of the table, so that their matches go to few shelves at a time. */
export function decide(params: usize, item: i32, control: usize, slot: i32): void {
  Block.begin(params, control, slot);
  const base = Block.base;
  const answers: usize = load<u32>(params, J_ANSWERS);
  const task: usize = usize(load<u32>(params, J_TASKS)) + usize(load<i32>(answers, D_FIRST_TASK) + item) * T_BYTES;
  const ranks: usize = load<u32>(answers, D_RANKS);
  const records: usize = load<u32>(params, J_RECORDS);
  const from = load<i32>(answers, D_FROM);
  const cell: usize = usize(load<u32>(Block.grid, G_CELLS)) + usize(load<i32>(task, T_CELL)) * C_BYTES;
  if ((load<i32>(task, T_TO) - load<i32>(task, T_FROM)) * 16 > load<i32>(cell, C_COUNT)) fetch(cell);
  fetchAnswers(answers, max(0, load<i32>(task, T_FROM) - from), min(load<i32>(answers, D_TO), load<i32>(task, T_TO)) - from);
  const answered = u32(load<i32>(answers, D_TO) - from);
  let count: i32 = 0;
  for (let i = load<i32>(task, T_FROM), to = load<i32>(task, T_TO); i < to; i++) {
    const answer = u32(load<i32>(ranks + (usize(i) << 2)) - from);
    if (answer >= answered) continue;
    const record = records + usize(i) * RECORD_BYTES;
    const copy = base + E_RECORDS + usize(count) * RECORD_BYTES;
    v128.store(copy, v128.load(record));
    store<i32>(copy, load<i32>(record, RECORD_ROW), RECORD_ROW);
    store<u32>(base + E_ANSWERS + (usize(count) << 2), answer);
    if (++count < BLOCK) continue;
    if (Block.isCancelled()) return;
    decideBlock(answers, count);
    count = 0;
  }
  if (count > 0) decideBlock(answers, count);
}

/** Another thread has brought the answers [first, end): they come faster in order than as the rows ask for them. */
function fetchAnswers(answers: usize, first: i32, end: i32): void {
  let part: usize = load<u32>(answers, D_PARTS);
  for (let i = 0, parts = load<i32>(answers, D_PART_COUNT); i < parts; i++, part += F_BYTES)
    fetchLines(usize(load<u32>(part, F_FOUND)) + usize(first) * FOUND_BYTES, usize(end - first) * FOUND_BYTES);
}

function decideBlock(answers: usize, count: i32): void {
  readBlock(Block.base + E_RECORDS, count);
  for (let i = 0; i < count; i++) {
    Block.kHeld = 0;
    offer(answers, i);
    if (Block.mode != MODE_K_NEAREST) continue;
    flush();
    emitHeld(i);
  }
  flush();
  writeBlock(count);
}

/** Offers the right rows that a device names for the left row in `slot`. */
function offer(answers: usize, slot: i32): void {
  const base = Block.base;
  const answer = usize(load<u32>(base + E_ANSWERS + (usize(slot) << 2)));
  const records: usize = load<u32>(answers, D_RIGHT_RECORDS);
  const order: usize = load<u32>(answers, D_ORDER);
  const firstRecords: usize = load<u32>(answers, D_FIRST_RECORDS);
  const most = load<i32>(answers, D_MOST_OF_PLACE);
  const own = Block.self ? Block.selfFirst + load<i32>(base + (usize(slot) << 2), L_ROW) : -1;
  let part: usize = load<u32>(answers, D_PARTS);
  for (let end = part + usize(load<i32>(answers, D_PART_COUNT)) * F_BYTES; part < end; part += F_BYTES) {
    const found: usize = usize(load<u32>(part, F_FOUND)) + answer * FOUND_BYTES;
    const firstPlace = load<i32>(part, F_FIRST_PLACE);
    let at: usize = usize(load<u32>(part, F_CANDIDATES)) + (usize(load<u32>(found)) << 2);
    for (const last = at + (usize(load<u32>(found, FOUND_COUNT)) << 2); at < last; at += 4) {
      const place = firstRecords + (usize(firstPlace + load<i32>(at)) << 2);
      const first = load<i32>(place);
      // Rows of one place ascend: of many the first can only win.
      for (let i = first, to = first + min(most, load<i32>(place, 4) - first); i < to; i++) {
        const record = records + usize(load<i32>(order + (usize(i) << 2))) * RECORD_BYTES;
        if (load<i32>(record, RECORD_ROW) == own) continue;
        store<u64>(base + (usize(Block.buffered) << 3), candidate(record, slot), E_BUFFER);
        if (++Block.buffered == BUFFER) flush();
      }
    }
  }
}

/** Notes the places that right rows have alone, by row. */
export function nameLonePlaces(params: usize, item: i32, _control: usize, _slot: i32): void {
  const records: usize = load<u32>(params, L_RECORDS);
  const order: usize = load<u32>(params, L_ORDER);
  const firstRecords: usize = load<u32>(params, L_FIRST_RECORDS);
  const out: usize = load<u32>(params, L_OUT);
  const step = load<i32>(params, L_STEP);
  for (let place = item * step, end = min(load<i32>(params, L_PLACE_COUNT), place + step); place < end; place++) {
    const at = firstRecords + (usize(place) << 2);
    const first = load<i32>(at);
    if (load<i32>(at, 4) != first + 1) continue;
    const record = records + usize(load<i32>(order + (usize(first) << 2))) * RECORD_BYTES;
    store<i32>(out + (usize(load<i32>(record, RECORD_ROW)) << 2), place);
  }
}
