/** Bits of `source` at `offset` + rows[i], packed; 0 for a row of -1. */
export function takeBits(source: Uint8Array, offset: number, rows: Int32Array): Uint8Array {
  const out = new Uint8Array((rows.length + 7) >>> 3);
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i];
    if (row < 0) continue;
    const at = offset + row;
    out[i >>> 3] |= ((source[at >>> 3] >>> (at & 7)) & 1) << (i & 7);
  }
  return out;
}

/** Copies `count` bits of `source` from bit `from` on to `target` from bit `to` on; the target's later bits are zero before. */
export function copyBits(target: Uint8Array, to: number, source: Uint8Array, from: number, count: number): void {
  if ((to & 7) === 0 && (from & 7) === 0) {
    const bytes = count >>> 3;
    target.set(source.subarray(from >>> 3, (from >>> 3) + bytes), to >>> 3);
    const rest = count & 7;
    if (rest > 0) target[(to >>> 3) + bytes] = source[(from >>> 3) + bytes] & ((1 << rest) - 1);
    return;
  }
  let at = 0;
  // Bit by bit up to a whole byte of the target, then bytes made of two of the source.
  for (; at < count && ((to + at) & 7) !== 0; at++) copyBit(target, to + at, source, from + at);
  const shift = (from + at) & 7;
  let read = (from + at) >>> 3;
  let write = (to + at) >>> 3;
  for (; at + 8 <= count; at += 8, read++)
    target[write++] = (source[read] >>> shift) | (source[read + 1] << (8 - shift));
  for (; at < count; at++) copyBit(target, to + at, source, from + at);
}

function copyBit(target: Uint8Array, to: number, source: Uint8Array, from: number): void {
  target[to >>> 3] |= ((source[from >>> 3] >>> (from & 7)) & 1) << (to & 7);
}

/** Sets `count` bits of `target` from bit `to` on. */
export function setBits(target: Uint8Array, to: number, count: number): void {
  let at = to;
  const end = to + count;
  for (; at < end && (at & 7) !== 0; at++) target[at >>> 3] |= 1 << (at & 7);
  const bytes = (end - at) >>> 3;
  target.fill(255, at >>> 3, (at >>> 3) + bytes);
  for (at += 8 * bytes; at < end; at++) target[at >>> 3] |= 1 << (at & 7);
}

/** `count` bits of `source` from bit `from` on, from bit 0 on; a view when that is what `source` holds. Bits behind the end are zero. */
export function bitsFrom(source: Uint8Array, from: number, count: number): Uint8Array {
  const byteCount = (count + 7) >>> 3;
  const rest = count & 7;
  if ((from & 7) === 0) {
    const start = from >>> 3;
    const view = source.subarray(start, start + byteCount);
    if (rest === 0 || view[byteCount - 1] >>> rest === 0) return view;
  }
  const out = new Uint8Array(byteCount);
  copyBits(out, 0, source, from, count);
  return out;
}
