const ZERO = 48;
/** "00" to "99", two bytes each. */
const PAIRS = Uint8Array.from({ length: 200 }, (_, i) => ZERO + (i % 2 === 0 ? Math.floor(i / 20) : (i >> 1) % 10));

/** Writes the integer `value` in [0, 10^8) with exactly eight digits. */
export function writeEight(value: number, out: Uint8Array, at: number): number {
  const high = (value / 10_000) | 0;
  const low = value - high * 10_000;
  writeFour(high, out, at);
  writeFour(low, out, at + 4);
  return at + 8;
}

function writeFour(value: number, out: Uint8Array, at: number): void {
  const high = (value / 100) | 0;
  const low = value - high * 100;
  out[at] = PAIRS[2 * high];
  out[at + 1] = PAIRS[2 * high + 1];
  out[at + 2] = PAIRS[2 * low];
  out[at + 3] = PAIRS[2 * low + 1];
}

/** Writes the integer `value` in [0, 2^53]; gives the position behind it. */
export function writeUnsigned(value: number, out: Uint8Array, at: number): number {
  if (value < 100_000_000) return writeShort(value | 0, out, at);
  const high = Math.floor(value / 100_000_000);
  return writeEight(value - high * 100_000_000, out, writeUnsigned(high, out, at));
}

function writeShort(value: number, out: Uint8Array, at: number): number {
  let count = 1;
  for (let limit = 10; value >= limit; limit *= 10) count++;
  let p = at + count;
  let rest = value;
  while (rest >= 100) {
    const next = (rest / 100) | 0;
    const pair = 2 * (rest - next * 100);
    out[--p] = PAIRS[pair + 1];
    out[--p] = PAIRS[pair];
    rest = next;
  }
  if (rest >= 10) {
    out[--p] = PAIRS[2 * rest + 1];
    out[--p] = PAIRS[2 * rest];
  } else out[--p] = ZERO + rest;
  return at + count;
}

/** Writes the integer `value`, |value| <= 2^53. */
export function writeInteger(value: number, out: Uint8Array, at: number): number {
  if (value >= 0) return writeUnsigned(value, out, at);
  out[at] = 45;
  return writeUnsigned(-value, out, at + 1);
}

/** Writes the 64-bit integer of two 32-bit words, `high` signed or not as the type says: at most 20 bytes. */
export function writeInt64(low: number, high: number, out: Uint8Array, at: number): number {
  let p = at;
  let word0 = low >>> 0;
  let word1 = high;
  if (word1 < 0) {
    out[p++] = 45;
    word0 = -word0 >>> 0;
    word1 = word0 === 0 ? -high : -high - 1;
  }
  if (word1 < 2 ** 21) return writeUnsigned(word1 * 2 ** 32 + word0, out, p);
  // Long division by 10^9 in steps that stay below 2^53.
  const quotient1 = Math.floor(word1 / 1e9);
  const middle = (word1 - quotient1 * 1e9) * 65536 + (word0 >>> 16);
  const quotient2 = Math.floor(middle / 1e9);
  const last = (middle - quotient2 * 1e9) * 65536 + (word0 & 65535);
  const quotient3 = Math.floor(last / 1e9);
  p = writeUnsigned(quotient1 * 2 ** 32 + quotient2 * 65536 + quotient3, out, p);
  const rest = last - quotient3 * 1e9;
  const top = (rest / 1e8) | 0;
  out[p] = ZERO + top;
  return writeEight(rest - top * 1e8, out, p + 1);
}
