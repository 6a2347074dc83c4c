import { POWERS_OF_TEN, productError, scaled } from './decimal.js';
import { writeEight, writeUnsigned } from './digits.js';

/** Room that one written double needs at most. */
export const DOUBLE_BYTES = 26;

const POINT = 46;
const ZERO = 48;
const digits = new Uint8Array(24);

/**
 * Writes the shortest decimal number that reads back as `value`, the nearest of them, as JavaScript's String() gives it, except that
 * it always shows that it is no integer: 1 is "1.0". NaN is "NaN", the infinities "Infinity" and "-Infinity". Gives the position behind it.
 */
export function writeDouble(value: number, out: Uint8Array, at: number): number {
  let p = at;
  let a = value;
  if (a < 0 || (a === 0 && 1 / a < 0)) {
    out[p++] = 45;
    a = -a;
  }
  if (a < 1e15 && a >= 1e-6) {
    if (a < 2147483648 && (a | 0) === a) return writePointZero(out, writeUnsigned(a, out, p));
    // 10^(e-1) <= a < 10^e
    let e = -5;
    if (a >= 1) for (e = 1; a >= POWERS_OF_TEN[e];) e++;
    else while (a * POWERS_OF_TEN[-e] >= 1) e++;
    const scale = 15 - e;
    const power = POWERS_OF_TEN[scale];
    const mantissa = Math.round(a * power);
    // At most one number of 15 digits reads back as `a`; nothing shorter can unless it is this one with zeros at its end.
    if (mantissa / power === a && mantissa < 1e15) {
      const high = Math.floor(mantissa / 1e8);
      return place(high, mantissa - high * 1e8, scale, out, p);
    }
    const end = writeLong(a, scale + 1, out, p);
    if (end > 0) return end;
  } else if (a === 0) return writePointZero(out, writeUnsigned(0, out, p));
  return writeText(textOf(a), out, p);
}

/** Sixteen digits where they read back, seventeen where not; -1 where the arithmetic cannot decide. */
function writeLong(a: number, scale: number, out: Uint8Array, at: number): number {
  for (let k = scale; k <= scale + 1 && k <= 22; k++) {
    // a * 10^k = product + rest exactly; high and low are its integer part cut at 10^8.
    const product = a * POWERS_OF_TEN[k];
    let high = Math.floor(product / 1e8);
    const exactLow = product - high * 1e8 + productError(a, POWERS_OF_TEN[k], product);
    let low = Math.floor(exactLow);
    const fraction = exactLow - low;
    if (fraction > 0.499999 && fraction < 0.500001) return -1;
    if (fraction > 0.5) low++;
    if (low < 0) {
      low += 1e8;
      high--;
    } else if (low >= 1e8) {
      low -= 1e8;
      high++;
    }
    if (k === scale) {
      const tenths = Math.floor(low / 10);
      const back = scaled(high * 1e7 + tenths, low - tenths * 10, 1, -k);
      if (back !== back) return -1;
      if (back !== a) continue;
    }
    return place(high, low, k, out, at);
  }
  return -1;
}

/** Writes (high * 10^8 + low) / 10^scale, zeros at the end left out. */
function place(high: number, low: number, scale: number, out: Uint8Array, at: number): number {
  let count = writeUnsigned(high, digits, 0);
  if (high === 0) count = 0;
  count = writeEight(low, digits, count);
  let integerCount = count - scale;
  let from = 0;
  while (digits[from] === ZERO && from < integerCount) {
    from++;
  }
  integerCount -= from;
  let to = count;
  while (digits[to - 1] === ZERO) to--;
  let p = at;
  if (integerCount <= 0) {
    out[p++] = ZERO;
    out[p++] = POINT;
    for (let i = integerCount; i < 0; i++) out[p++] = ZERO;
    // Digits that only fill the eight of `low`.
    for (let i = from; i < to; i++) out[p++] = digits[i];
    return p;
  }
  const pointAt = from + integerCount;
  for (let i = from; i < pointAt; i++) out[p++] = digits[i];
  out[p++] = POINT;
  if (to <= pointAt) out[p++] = ZERO;
  else for (let i = pointAt; i < to; i++) out[p++] = digits[i];
  return p;
}

function writePointZero(out: Uint8Array, at: number): number {
  out[at] = POINT;
  out[at + 1] = ZERO;
  return at + 2;
}

function textOf(a: number): string {
  const text = String(a);
  return /^\d+$/.test(text) ? `${text}.0` : text;
}

function writeText(text: string, out: Uint8Array, at: number): number {
  for (let i = 0; i < text.length; i++) out[at + i] = text.charCodeAt(i);
  return at + text.length;
}

/** As writeDouble, for a number that came from 32 bits: the fewest digits that read back as the same float32. */
export function writeFloat(value: number, out: Uint8Array, at: number): number {
  const exact = !Number.isFinite(value) || (Number.isInteger(value) && Math.abs(value) < 2 ** 53);
  return writeDouble(exact ? value : shortestFloat(value), out, at);
}

/** The double with the fewest decimal digits that rounds to the float32 `value`. */
function shortestFloat(value: number): number {
  for (let digitCount = 6; digitCount < 9; digitCount++) {
    const candidate = Number(value.toPrecision(digitCount));
    if (Math.fround(candidate) === value) return candidate;
  }
  return Number(value.toPrecision(9));
}
