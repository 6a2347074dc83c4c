import type { Turns } from '../host/turns.js';

const F32 = new Float32Array(1);
const BITS = new Uint32Array(F32.buffer);

/** Bits of the nearest f16 (IEEE 754 binary16, ties to even) of each value; beyond 65519.99 infinity. */
export function toHalf(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const out = new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const magnitude = bits[i] & 0x7fffffff;
    const sign = (bits[i] >>> 16) & 0x8000;
    // The exponent loses 112; half of the last place that is kept, less one where that is even, rounds to even.
    if (magnitude >= 0x38800000 && magnitude < 0x477ff000)
      out[i] = sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13);
    else out[i] = sign | magnitudeAtTheEnds(magnitude, values[i]);
  }
  return out;
}

/** The values that the bits stand for. */
export function fromHalf(bits: Uint16Array): Float32Array {
  table ??= Float32Array.from({ length: 2 ** 16 }, (_, half) => valueOf(half));
  const out = new Float32Array(bits.length);
  for (let i = 0; i < bits.length; i++) out[i] = table[bits[i]];
  return out;
}

/** Values rounded between two looks at `turns`. */
const ROUNDED_AT_ONCE = 2 ** 16;

/** The nearest f16 of each value, as f32. Throws the reason of the signal of `turns`. */
export async function roundToHalf(values: Float32Array, turns: Turns): Promise<Float32Array> {
  const out = new Float32Array(values.length);
  for (let from = 0; from < values.length; from += ROUNDED_AT_ONCE) {
    const part = values.subarray(from, from + ROUNDED_AT_ONCE);
    out.set(fromHalf(toHalf(part)), from);
    if (turns.due(4 * part.length)) await turns.take();
  }
  return out;
}

/** Of every f16. */
let table: Float32Array | undefined;

function valueOf(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 31;
  const fraction = half & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
}

/** Values beyond the normal numbers of f16. */
function magnitudeAtTheEnds(magnitude: number, value: number): number {
  if (magnitude > 0x7f800000) return 0x7e00;
  if (magnitude >= 0x477ff000) return 0x7c00;
  // Below 2^-14: multiples of 2^-24, which adding 0.5 leaves in the last bits of an f32.
  F32[0] = Math.abs(value) + 0.5;
  return BITS[0] - 0x3f000000;
}
