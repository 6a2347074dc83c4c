import type { Execution } from '../host/execution.js';
import type { Floats } from '../host/operand.js';
import { Turns } from '../host/turns.js';

/** As in kernel.as.ts. */
const BLOCK = 256;
/** Values between two looks at `turns`: blocks whose number is a power of two. */
const PART = 256 * BLOCK;

/** `plainSum` of any number of values, the same bits; the promise of a long one throws the reason of the signal. */
export function plainSumInTurns({ signal }: Execution, values: Floats): Promise<number> | number {
  return values.length <= PART ? plainSum(values) : longSum(values, new Turns(signal));
}

/** `plainExtreme` of any number of values; the promise of a long one throws the reason of the signal. */
export function plainExtremeInTurns({ signal }: Execution, values: Floats, largest: boolean): Promise<number> | number {
  return values.length <= PART ? plainExtreme(values, largest) : longExtreme(values, largest, new Turns(signal));
}

/**
 * Sum of values [from, from + count) in f64, in an order that depends on their number alone: blocks of 256 values, each by
 * 8 lanes (lane l takes values l, l + 8, ...), the lanes in pairs, and the blocks in pairs: the first 2^k and the rest, with
 * the largest 2^k below their number.
 */
export function plainSum(values: Floats, from = 0, count = values.length): number {
  if (count <= BLOCK) return blockSum(values, from, count);
  const left = halfOf(Math.ceil(count / BLOCK)) * BLOCK;
  return plainSum(values, from, left) + plainSum(values, from + left, count - left);
}

/** The sum of parts of a number of blocks each that is a power of two, in the order of `plainSum`. */
export function sumOfParts(parts: Float64Array, from = 0, count = parts.length): number {
  if (count <= 1) return count === 0 ? 0 : parts[from];
  const left = halfOf(count);
  return sumOfParts(parts, from, left) + sumOfParts(parts, from + left, count - left);
}

export function plainExtreme(values: Floats, largest: boolean): number {
  let best = values[0];
  if (largest) for (let i = 1; i < values.length; i++) best = Math.max(best, values[i]);
  else for (let i = 1; i < values.length; i++) best = Math.min(best, values[i]);
  return best;
}

/** The largest power of two below `count`, which is 2 or more. */
function halfOf(count: number): number {
  return 2 ** (31 - Math.clz32(count - 1));
}

function blockSum(values: Floats, from: number, count: number): number {
  let [s0, s1, s2, s3, s4, s5, s6, s7] = [0, 0, 0, 0, 0, 0, 0, 0];
  const end = from + count;
  let i = from;
  for (const last = from + (count & ~7); i < last; i += 8) {
    s0 += values[i];
    s1 += values[i + 1];
    s2 += values[i + 2];
    s3 += values[i + 3];
    s4 += values[i + 4];
    s5 += values[i + 5];
    s6 += values[i + 6];
    s7 += values[i + 7];
  }
  if (i < end) s0 += values[i];
  if (i + 1 < end) s1 += values[i + 1];
  if (i + 2 < end) s2 += values[i + 2];
  if (i + 3 < end) s3 += values[i + 3];
  if (i + 4 < end) s4 += values[i + 4];
  if (i + 5 < end) s5 += values[i + 5];
  if (i + 6 < end) s6 += values[i + 6];
  return s0 + s4 + (s2 + s6) + (s1 + s5 + (s3 + s7));
}

async function longSum(values: Floats, turns: Turns): Promise<number> {
  const parts = new Float64Array(Math.ceil(values.length / PART));
  for (let i = 0; i < parts.length; i++) {
    parts[i] = plainSum(values, i * PART, Math.min(PART, values.length - i * PART));
    if (turns.due(4 * PART)) await turns.take();
  }
  return sumOfParts(parts);
}

async function longExtreme(values: Floats, largest: boolean, turns: Turns): Promise<number> {
  let best = values[0];
  for (let from = 0; from < values.length; from += PART) {
    const part = plainExtreme(values.subarray(from, from + PART), largest);
    best = largest ? Math.max(best, part) : Math.min(best, part);
    if (turns.due(4 * PART)) await turns.take();
  }
  return best;
}
