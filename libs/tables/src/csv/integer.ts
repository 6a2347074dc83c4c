/**
 * Writes the integer in bytes [from, to) to row `at` of an int64 column given as pairs of 32-bit words (low word first); false where it is
 * no integer or beyond int64.
 */
export function parseInt64(bytes: Uint8Array, from: number, to: number, words: Int32Array, at: number): boolean {
  let p = from;
  let negative = false;
  if (bytes[p] === 45) {
    negative = true;
    p++;
  } else if (bytes[p] === 43) p++;
  if (p >= to) return false;
  while (p < to - 1 && bytes[p] === 48) p++;
  const digitCount = to - p;
  if (digitCount > 19) return false;
  // value = high * 10^9 + low with high < 10^10, low < 10^9: no step leaves the exact range of a double.
  const lowFrom = digitCount > 9 ? to - 9 : p;
  let high = 0;
  for (; p < lowFrom; p++) {
    const digit = bytes[p] - 48;
    if (!(digit >= 0 && digit <= 9)) return false;
    high = high * 10 + digit;
  }
  let low = 0;
  for (; p < to; p++) {
    const digit = bytes[p] - 48;
    if (!(digit >= 0 && digit <= 9)) return false;
    low = low * 10 + digit;
  }
  const highHigh = Math.floor(high / 65536);
  const inner = (high - highHigh * 65536) * 1e9 + low;
  const outer = highHigh * 1e9;
  const innerHigh = Math.floor(inner / 4294967296);
  const outerHigh = Math.floor(outer / 65536);
  let word0 = inner - innerHigh * 4294967296 + (outer - outerHigh * 65536) * 65536;
  let word1 = innerHigh + outerHigh;
  if (word0 >= 4294967296) {
    word0 -= 4294967296;
    word1++;
  }
  if (word1 >= 2147483648 && !(negative && word1 === 2147483648 && word0 === 0)) return false;
  if (negative) {
    word1 = word0 === 0 ? -word1 : -word1 - 1;
    word0 = word0 === 0 ? 0 : 4294967296 - word0;
  }
  words[2 * at] = word0 | 0;
  words[2 * at + 1] = word1 | 0;
  return true;
}
