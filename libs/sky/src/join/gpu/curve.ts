import { setImmediate as turn } from 'node:timers/promises';
import { pixelOf } from '../../healpix/pixel.js';
import type { PlainRows } from '../plain.js';
import { gather } from './gather.js';

const DIGIT_BITS = 11;
const DIGITS = 2 ** DIGIT_BITS;
/** The lowest bits of a pixel, less than 13 mas: rows that differ in them alone are put in order by comparing. */
const REST_BITS = 10;

/** Rows along a curve that fills the sphere: the nested pixels of HEALPix. Neighbours on it are neighbours on the sky. */
export interface Curve {
  readonly order: Uint32Array; // [n] places in the rows given, by pixel, then position, then place
  readonly high: Uint32Array; // [n] pixel of each, in this order
  readonly low: Uint32Array; // [n]
}

/** Orders rows along the curve; equal positions become neighbours, by their place. */
export async function orderAlongCurve({ ra, dec }: PlainRows, signal?: AbortSignal): Promise<Curve> {
  const n = ra.length;
  const pixel = { high: 0, low: 0 };
  const words = { high: new Uint32Array(n), low: new Uint32Array(n) };
  for (let i = 0; i < n; i++) {
    pixelOf(ra[i], dec[i], pixel);
    words.high[i] = pixel.high;
    words.low[i] = pixel.low;
    if ((i & 0xffff) === 0xffff) await breathe(signal);
  }
  let order = new Uint32Array(n);
  for (let i = 0; i < n; i++) order[i] = i;
  let spare = new Uint32Array(n);
  for (const [word, shift] of [
    [words.low, REST_BITS],
    [words.low, REST_BITS + DIGIT_BITS],
    [words.high, 0],
    [words.high, DIGIT_BITS],
    [words.high, 2 * DIGIT_BITS],
  ] as const) {
    if (sortByDigit(word, shift, order, spare)) [order, spare] = [spare, order];
    await breathe(signal);
  }
  const high = gather(words.high, order);
  const low = gather(words.low, order);
  for (let from = 0; from < n;) {
    let to = from + 1;
    while (to < n && high[to] === high[from] && low[to] >>> REST_BITS === low[from] >>> REST_BITS) to++;
    if (to > from + 1) order.subarray(from, to).sort((a, b) => ra[a] - ra[b] || dec[a] - dec[b] || a - b);
    from = to;
  }
  return { order, high, low };
}

/**
 * Ends of runs of `least` to `most` rows of the curve, n last: each run ends where the curve crosses the border of the largest
 * pixel that it can, so that runs are compact.
 */
export function cutCurve({ high, low }: Pick<Curve, 'high' | 'low'>, most: number): Int32Array {
  const n = high.length;
  const least = Math.ceil(most / 2);
  const ends: number[] = [];
  for (let from = 0; from < n;) {
    let end = Math.min(n, from + most);
    let largest = -1;
    for (let at = from + least; end < n && at <= from + most; at++) {
      const apart = high[at - 1] ^ high[at];
      const size = apart !== 0 ? 64 - Math.clz32(apart) : 32 - Math.clz32(low[at - 1] ^ low[at]);
      if (size > largest) [largest, end] = [size, at];
    }
    ends.push(end);
    from = end;
  }
  return Int32Array.from(ends);
}

async function breathe(signal: AbortSignal | undefined): Promise<void> {
  await turn();
  signal?.throwIfAborted();
}

/** Stable, from `order` to `out`; false and nothing done where all digits are equal. */
function sortByDigit(word: Uint32Array, shift: number, order: Uint32Array, out: Uint32Array): boolean {
  const starts = new Uint32Array(DIGITS + 1);
  for (let i = 0; i < word.length; i++) starts[((word[i] >>> shift) & (DIGITS - 1)) + 1]++;
  for (let digit = 1; digit <= DIGITS; digit++) {
    if (starts[digit] === word.length) return false;
    starts[digit] += starts[digit - 1];
  }
  for (let i = 0; i < order.length; i++) {
    const at = order[i];
    out[starts[(word[at] >>> shift) & (DIGITS - 1)]++] = at;
  }
  return true;
}
