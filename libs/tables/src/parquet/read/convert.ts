import { ParquetFault } from '../format/fault.js';
import { type Leaf, strideOf } from '../format/leaf.js';
import { Physical } from '../format/metadata.js';

/** [n] bytes that are 0 or 1 as a bitmap, least significant bit first. */
export function packBits(flags: Uint8Array, count: number): Uint8Array {
  const bits = new Uint8Array((count + 7) >> 3);
  const whole = count >> 3;
  for (let i = 0, p = 0; i < whole; i++, p += 8) {
    bits[i] =
      flags[p] |
      (flags[p + 1] << 1) |
      (flags[p + 2] << 2) |
      (flags[p + 3] << 3) |
      (flags[p + 4] << 4) |
      (flags[p + 5] << 5) |
      (flags[p + 6] << 6) |
      (flags[p + 7] << 7);
  }
  for (let p = whole * 8; p < count; p++) bits[p >> 3] |= flags[p] << (p & 7);
  return bits;
}

/** Stored values (strideOf(leaf) bytes each) in the layout of Arrow. */
export function convertValues(leaf: Leaf, bytes: Uint8Array, count: number): Uint8Array {
  if (leaf.layout.kind === 'bits') return packBits(bytes, count);
  if (leaf.layout.kind !== 'fixed' || leaf.layout.convert === 'none') return bytes;
  switch (leaf.layout.convert) {
    case 'narrow':
      return narrow(bytes, leaf.layout.byteWidth, count);
    case 'int96':
      return timestamps(bytes, count);
    case 'decimal':
      return decimals(leaf, bytes, leaf.layout.byteWidth, count);
  }
}

/** 32-bit values that are 8 or 16 bits wide by their type. */
function narrow(bytes: Uint8Array, byteWidth: number, count: number): Uint8Array {
  const from = new Int32Array(bytes.buffer, bytes.byteOffset, count);
  const to = byteWidth === 1 ? new Int8Array(count) : new Int16Array(count);
  for (let i = 0; i < count; i++) to[i] = from[i];
  return new Uint8Array(to.buffer);
}

const JULIAN_DAY_OF_1970 = 2440588n;
const NANOSECONDS_PER_DAY = 86_400_000_000_000n;

/** INT96: nanoseconds of the day (64 bits) and Julian day (32 bits), as nanoseconds since 1970. */
function timestamps(bytes: Uint8Array, count: number): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, count * 12);
  const out = new BigInt64Array(count);
  for (let i = 0; i < count; i++) {
    const day = BigInt(view.getUint32(i * 12 + 8, true));
    if (day !== 0n) out[i] = (day - JULIAN_DAY_OF_1970) * NANOSECONDS_PER_DAY + view.getBigInt64(i * 12, true);
  }
  return new Uint8Array(out.buffer);
}

/** Two's complement, little-endian (INT32, INT64) or big-endian (bytes), to `byteWidth` little-endian bytes. */
function decimals(leaf: Leaf, bytes: Uint8Array, byteWidth: number, count: number): Uint8Array {
  const stride = strideOf(leaf);
  if (stride > byteWidth) throw new ParquetFault(`a decimal of ${stride} bytes`);
  const bigEndian = leaf.physical === Physical.fixed;
  const out = new Uint8Array(count * byteWidth);
  for (let i = 0; i < count; i++) {
    const from = i * stride;
    const to = i * byteWidth;
    if (bigEndian) for (let k = 0; k < stride; k++) out[to + k] = bytes[from + stride - 1 - k];
    else for (let k = 0; k < stride; k++) out[to + k] = bytes[from + k];
    if (stride > 0 && out[to + stride - 1] & 0x80) out.fill(0xff, to + stride, to + byteWidth);
  }
  return out;
}
