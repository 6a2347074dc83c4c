/**
 * Rows in the order in which they lie in memory: values are fetched in that order, as a stream instead of one cache miss
 * each. What is fetched goes to the block of rows that it belongs to, and within the block, in the cache, to its row.
 */
export interface RowOrder {
  /** [n] the rows, ascending. */
  readonly sorted: Int32Array;
  /** [n] where the value of sorted[k] is kept: in its block, behind those of the block that were fetched before. */
  readonly slot: Int32Array;
  /** [n] where the value of the row wanted as i-th is kept. */
  readonly place: Int32Array;
}

/** Rows of a block: their values fill a part of the second-level cache, and the ends of all blocks lie in the first. */
const BLOCK_BITS = 14;

const DIGIT_BITS = 11;
const DIGIT_COUNT = 1 << DIGIT_BITS;

/** Memory for the order of `rowCount` rows that threads share. */
export function sharedOrder(rowCount: number): RowOrder {
  const words = (): Int32Array => new Int32Array(new SharedArrayBuffer(4 * rowCount));
  return { sorted: words(), slot: words(), place: words() };
}

let scratch = [new Int32Array(0)];

/** Whether rows were put in order; else nothing of use is in it: a row is -1, or they lie in memory as they are wanted. */
export type Ordered = 'sorted' | 'missing' | 'consecutive';

/** Fills `order` from `rows` by a radix sort. */
export function orderRows(rows: Int32Array, order: RowOrder): Ordered {
  const count = rows.length;
  let all = 0;
  for (let i = 0; i < count; i++) all |= rows[i];
  if (all < 0) return 'missing';
  if (isConsecutive(rows)) return 'consecutive';
  if (scratch[0].length < count) scratch = [0, 1, 2].map(() => new Int32Array(count));
  const [first, second, other] = scratch.map((words) => words.subarray(0, count));
  let keys = rows;
  let from = first;
  for (let i = 0; i < count; i++) from[i] = i;
  let spareKeys = order.sorted;
  let to = second;
  const passes = Math.max(1, Math.ceil((32 - Math.clz32(all)) / DIGIT_BITS));
  for (let pass = 0; pass < passes; pass++) {
    scatterByDigit(keys, from, pass * DIGIT_BITS, spareKeys, to);
    [keys, spareKeys] = [spareKeys, keys === rows ? other : keys];
    [from, to] = [to, from];
  }
  if (keys !== order.sorted) order.sorted.set(keys);
  const { slot, place } = order;
  const next = Int32Array.from({ length: (count >>> BLOCK_BITS) + 1 }, (_, block) => block << BLOCK_BITS);
  for (let k = 0; k < count; k++) {
    const i = from[k];
    const at = next[i >>> BLOCK_BITS]++;
    slot[k] = at;
    place[i] = at;
  }
  return 'sorted';
}

function isConsecutive(rows: Int32Array): boolean {
  let steps = 0;
  for (let i = 0; i < rows.length; i++) steps |= rows[i] - rows[0] - i;
  return steps === 0;
}

function scatterByDigit(
  keys: Int32Array,
  positions: Int32Array,
  shift: number,
  outKeys: Int32Array,
  outPositions: Int32Array,
): void {
  const next = new Int32Array(DIGIT_COUNT + 1);
  const mask = DIGIT_COUNT - 1;
  for (let i = 0; i < keys.length; i++) next[((keys[i] >>> shift) & mask) + 1]++;
  for (let d = 0; d < mask; d++) next[d + 1] += next[d];
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i];
    const at = next[(key >>> shift) & mask]++;
    outKeys[at] = key;
    outPositions[at] = positions[i];
  }
}
