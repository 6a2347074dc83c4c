/** Pixels of order 29, in nested numbering, as two words each: the number is high * 2^32 + low. */
export interface PixelWords {
  /** In [0, 12 * 4^13), or -1 for a row that has no position. */
  readonly high: Int32Array; // [rows]
  readonly low: Uint32Array; // [rows]
}

const DIGIT_BITS = 16;
const DIGITS = 2 ** DIGIT_BITS;

/** Row numbers in ascending order of their pixel; rows of one pixel stay as they are. No row may be without one. */
export function pixelOrder({ high, low }: PixelWords): Int32Array {
  const n = high.length;
  let order = Int32Array.from({ length: n }, (_, i) => i);
  if (isAscending(high, low)) return order;
  let next = new Int32Array(n);
  const counts = new Int32Array(DIGITS + 1);
  // From the least significant digit to the most significant one.
  for (const { words, shift } of [
    { words: low, shift: 0 },
    { words: low, shift: DIGIT_BITS },
    { words: high, shift: 0 },
    { words: high, shift: DIGIT_BITS },
  ]) {
    counts.fill(0);
    for (let i = 0; i < n; i++) counts[((words[i] >>> shift) & (DIGITS - 1)) + 1]++;
    for (let digit = 0; digit < DIGITS; digit++) counts[digit + 1] += counts[digit];
    for (let i = 0; i < n; i++) {
      const row = order[i];
      next[counts[(words[row] >>> shift) & (DIGITS - 1)]++] = row;
    }
    [order, next] = [next, order];
  }
  return order;
}

function isAscending(high: Int32Array, low: Uint32Array): boolean {
  for (let i = 1; i < high.length; i++)
    if (high[i] < high[i - 1] || (high[i] === high[i - 1] && low[i] < low[i - 1])) return false;
  return true;
}
