/** 10^k, exact for k in [0, 22]. */
export const POWERS_OF_TEN = Float64Array.from({ length: 23 }, (_, k) => Number(`1e${k}`));

const SPLITTER = 2 ** 27 + 1;

/**
 * The double nearest to the decimal number in bytes [from, to), correctly rounded as Number() would; NaN where the bytes are no
 * number. `[+-] digits [. digits] [e [+-] digits]`, with a digit on one side of the point at least.
 */
export function parseDecimal(bytes: Uint8Array, from: number, to: number): number {
  let at = from;
  let negative = false;
  if (bytes[at] === 45) {
    negative = true;
    at++;
  } else if (bytes[at] === 43) at++;
  // The first 15 digits in `high`, up to four more in `low`: value = (high * 10^lowCount + low) * 10^exponent.
  let high = 0;
  let low = 0;
  let lowCount = 0;
  let digitCount = 0;
  let anyDigit = false;
  let exponent = 0;
  let point = false;
  let exact = true;
  for (; at < to; at++) {
    const digit = bytes[at] - 48;
    if (digit >= 0 && digit <= 9) {
      anyDigit = true;
      if (point) exponent--;
      if (digitCount === 0 && digit === 0) continue;
      if (digitCount < 15) high = high * 10 + digit;
      else if (digitCount < 19) {
        low = low * 10 + digit;
        lowCount++;
      } else {
        exponent++;
        if (digit !== 0) exact = false;
      }
      digitCount++;
    } else if (digit === -2 && !point) point = true;
    else break;
  }
  if (!anyDigit) return NaN;
  if (at < to) {
    const letter = bytes[at++];
    if (letter !== 69 && letter !== 101) return NaN;
    let exponentNegative = false;
    if (bytes[at] === 45) {
      exponentNegative = true;
      at++;
    } else if (bytes[at] === 43) at++;
    if (at >= to) return NaN;
    let given = 0;
    for (; at < to; at++) {
      const digit = bytes[at] - 48;
      if (!(digit >= 0 && digit <= 9)) return NaN;
      if (given < 100_000) given = given * 10 + digit;
    }
    exponent += exponentNegative ? -given : given;
  }
  if (digitCount === 0) return negative ? -0 : 0;
  const magnitude = exact && exponent >= -22 && exponent <= 22 ? scaled(high, low, lowCount, exponent) : NaN;
  if (Number.isNaN(magnitude)) return Number(asciiText(bytes, from, to));
  return negative ? -magnitude : magnitude;
}

/**
 * (high * 10^lowCount + low) * 10^exponent rounded once, or NaN where double-double arithmetic cannot tell to which side. high < 10^15,
 * low < 10^lowCount, lowCount <= 4, |exponent| <= 22.
 */
export function scaled(high: number, low: number, lowCount: number, exponent: number): number {
  const power = POWERS_OF_TEN[exponent < 0 ? -exponent : exponent];
  if (lowCount === 0) return exponent < 0 ? high / power : high * power;
  // mantissa = m + mRest exactly (Dekker's product; 10^lowCount * high < 2^64).
  const lift = POWERS_OF_TEN[lowCount];
  const product = high * lift;
  const productRest = productError(high, lift, product);
  const tail = productRest + low;
  const m = product + tail;
  const mRest = tail - (m - product);
  let result: number;
  let rest: number;
  if (exponent < 0) {
    result = m / power;
    const back = result * power;
    rest = (m - back - productError(result, power, back) + mRest) / power;
  } else {
    result = m * power;
    rest = productError(m, power, result) + mRest * power;
  }
  // Rounded the same from both ends of the error interval, the sum is the nearest double.
  const slack = result * 2 ** -98;
  const below = result + (rest - slack);
  const above = result + (rest + slack);
  return below === above ? below : NaN;
}

/** a * b - product exactly, where product = fl(a * b) and nothing overflows (Dekker 1971). */
export function productError(a: number, b: number, product: number): number {
  const aScaled = SPLITTER * a;
  const aHigh = aScaled - (aScaled - a);
  const aLow = a - aHigh;
  const bScaled = SPLITTER * b;
  const bHigh = bScaled - (bScaled - b);
  const bLow = b - bHigh;
  return aLow * bLow - (product - aHigh * bHigh - aLow * bHigh - aHigh * bLow);
}

function asciiText(bytes: Uint8Array, from: number, to: number): string {
  let text = '';
  for (let i = from; i < to; i++) text += String.fromCharCode(bytes[i]);
  return text;
}
