/** Number of set bits among the first `bitCount` bits of `bitmap` (bit 0 is the lowest of byte 0). */
export function countBits(bitmap: Uint8Array, bitCount: number): number {
  const fullBytes = bitCount >>> 3;
  let count = 0;
  let at = 0;
  if (bitmap.byteOffset % 4 === 0) {
    const words = new Int32Array(bitmap.buffer, bitmap.byteOffset, fullBytes >>> 2);
    const wordCount = words.length;
    for (let i = 0; i < wordCount; i++) {
      let v = words[i];
      v -= (v >>> 1) & 0x55555555;
      v = (v & 0x33333333) + ((v >>> 2) & 0x33333333);
      count += Math.imul((v + (v >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
    }
    at = wordCount * 4;
  }
  for (; at < fullBytes; at++) count += bitsOfByte(bitmap[at]);
  const rest = bitCount & 7;
  if (rest > 0) count += bitsOfByte(bitmap[at] & ((1 << rest) - 1));
  return count;
}

function bitsOfByte(byte: number): number {
  let v = byte - ((byte >>> 1) & 0x55);
  v = (v & 0x33) + ((v >>> 2) & 0x33);
  return (v + (v >>> 4)) & 0x0f;
}
