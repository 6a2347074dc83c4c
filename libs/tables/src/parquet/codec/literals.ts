/**
 * Decodes a Snappy block of `length` bytes that hardly shrank straight to where its bytes belong: measured numbers are
 * nearly all literals, and one copy takes a third of the time of decoding to memory in between. The first `prefix`
 * decoded bytes are left out. False when the block is not of that kind or is broken; `target` may then hold anything.
 */
export function decodeLiterals(block: Uint8Array, length: number, prefix: number, target: Uint8Array): boolean {
  const end = block.length;
  let s = bodyOf(block, length);
  if (s < 0 || target.length !== length - prefix) return false;
  let d = -prefix;
  while (s < end) {
    const tag = block[s++];
    if ((tag & 3) === 0) {
      let size = (tag >> 2) + 1;
      if (size > 60) {
        const extra = size - 60;
        size = 0;
        for (let k = 0; k < extra; k++) size += block[s + k] * 2 ** (8 * k);
        size += 1;
        s += extra;
      }
      if (!(size <= end - s)) return false;
      let from = s;
      s += size;
      if (d < 0) {
        if (d !== -prefix || size < prefix) return false;
        from += prefix;
        d = 0;
      }
      const count = s - from;
      if (count > target.length - d) return false;
      if (count > 32) target.set(block.subarray(from, s), d);
      else for (let k = 0; k < count; k++) target[d + k] = block[from + k];
      d += count;
      continue;
    }
    const kind = tag & 3;
    const size = kind === 1 ? ((tag >> 2) & 7) + 4 : (tag >> 2) + 1;
    const bytes = kind === 1 ? 1 : kind === 2 ? 2 : 4;
    if (bytes > end - s) return false;
    let offset = kind === 1 ? (tag >> 5) << 8 : 0;
    for (let k = 0; k < bytes; k++) offset += block[s + k] * 2 ** (8 * k);
    s += bytes;
    if (offset === 0 || offset > d || size > target.length - d) return false;
    for (let k = 0; k < size; k++, d++) target[d] = target[d - offset];
  }
  return d === target.length;
}

/** The decoded bytes [0, count) of a block whose first element is a literal of at least that length; a view. */
export function firstLiteral(block: Uint8Array, length: number, count: number): Uint8Array | undefined {
  let s = bodyOf(block, length);
  if (s < 0 || s >= block.length || (block[s] & 3) !== 0) return undefined;
  let size = (block[s++] >> 2) + 1;
  if (size > 60) {
    const extra = size - 60;
    size = 0;
    for (let k = 0; k < extra; k++) size += block[s + k] * 2 ** (8 * k);
    size += 1;
    s += extra;
  }
  return size >= count && count <= block.length - s ? block.subarray(s, s + count) : undefined;
}

/** Where the elements of a block of `length` decoded bytes begin; -1 when its own length is another. */
function bodyOf(block: Uint8Array, length: number): number {
  let declared = 0;
  for (let i = 0; i < 5 && i < block.length; i++) {
    declared += (block[i] & 0x7f) * 2 ** (7 * i);
    if (block[i] < 0x80) return declared === length ? i + 1 : -1;
  }
  return -1;
}
