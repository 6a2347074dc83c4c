// What Parquet pages need on linear memory: Snappy (both ways), LZ4 blocks (decode), dictionary indices and their values. Every block may be read
// and written up to 64 bytes beyond its end (the caller leaves that room), so short copies are single vector moves.

export { boundsF32, boundsF64, boundsI32, boundsI64 } from './bounds.as';

// @ts-ignore: decorator
@inline
const WILD: usize = 16;

// @ts-ignore: decorator
@inline
function copyForward(target: usize, source: usize, length: usize): void {
  // Source and target are at least 16 apart or do not overlap.
  if (length > 128) {
    memory.copy(target, source, length);
    return;
  }
  let i: usize = 0;
  do {
    v128.store(target + i, v128.load(source + i));
    i += WILD;
  } while (i < length);
}

// @ts-ignore: decorator
@inline
function copyMatch(target: usize, offset: usize, length: usize): void {
  const source = target - offset;
  if (offset >= 16) {
    let i: usize = 0;
    do {
      v128.store(target + i, v128.load(source + i));
      i += 16;
    } while (i < length);
  } else if (offset >= 8) {
    let i: usize = 0;
    do {
      store<u64>(target + i, load<u64>(source + i));
      i += 8;
    } while (i < length);
  } else if (offset == 1) {
    const pattern = i8x16.splat(load<i8>(source));
    let i: usize = 0;
    do {
      v128.store(target + i, pattern);
      i += 16;
    } while (i < length);
  } else if (offset == 4) {
    const pattern = i32x4.splat(load<i32>(source));
    let i: usize = 0;
    do {
      v128.store(target + i, pattern);
      i += 16;
    } while (i < length);
  } else {
    for (let i: usize = 0; i < length; i++) store<u8>(target + i, load<u8>(source + i));
  }
}

/** Length of the decoded block from its preamble; -1 when the preamble is broken. The preamble's own length is not told. */
export function snappyDecodedLength(source: usize, sourceLength: usize): i64 {
  let value: u64 = 0;
  for (let i: usize = 0; i < 5 && i < sourceLength; i++) {
    const byte = load<u8>(source + i);
    value |= (<u64>(byte & 0x7f)) << (7 * i);
    if (byte < 0x80) return value;
  }
  return -1;
}

/** Decodes a Snappy block of exactly `targetLength` bytes; false when it is broken. */
export function snappyDecode(source: usize, sourceLength: usize, target: usize, targetLength: usize): bool {
  const sourceEnd = source + sourceLength;
  const targetEnd = target + targetLength;
  let s = source;
  while (s < sourceEnd && load<u8>(s) >= 0x80) s++;
  s++;
  let d = target;
  while (s < sourceEnd) {
    const tag = <usize>load<u8>(s++);
    let length: usize;
    let offset: usize;
    if ((tag & 3) == 0) {
      length = (tag >> 2) + 1;
      if (length > 60) {
        const extra = length - 60;
        if (extra > sourceEnd - s) return false;
        const raw = <usize>load<u32>(s) & (<usize>0xffffffff >> (32 - 8 * extra));
        if (raw >= 0x7fffffff) return false;
        length = raw + 1;
        s += extra;
      }
      if (length > sourceEnd - s || length > targetEnd - d) return false;
      copyForward(d, s, length);
      s += length;
      d += length;
      continue;
    }
    if ((tag & 3) == 1) {
      if (s >= sourceEnd) return false;
      length = ((tag >> 2) & 7) + 4;
      offset = ((tag >> 5) << 8) | <usize>load<u8>(s);
      s += 1;
    } else if ((tag & 3) == 2) {
      if (sourceEnd - s < 2) return false;
      length = (tag >> 2) + 1;
      offset = <usize>load<u16>(s);
      s += 2;
    } else {
      if (sourceEnd - s < 4) return false;
      length = (tag >> 2) + 1;
      offset = <usize>load<u32>(s);
      s += 4;
    }
    if (offset == 0 || offset > d - target || length > targetEnd - d) return false;
    copyMatch(d, offset, length);
    d += length;
  }
  return d == targetEnd;
}

const HASH_BITS: u32 = 14;
const BLOCK: usize = 65536;

// @ts-ignore: decorator
@inline
function hash(word: u32): usize {
  return <usize>((word * 0x1e35a7bd) >> (32 - HASH_BITS)) << 1;
}

// @ts-ignore: decorator
@inline
function emitLiteral(d: usize, from: usize, length: usize): usize {
  const n = length - 1;
  if (n < 60) {
    store<u8>(d, n << 2);
    d += 1;
  } else if (n < 256) {
    store<u8>(d, 60 << 2);
    store<u8>(d + 1, n);
    d += 2;
  } else {
    store<u8>(d, 61 << 2);
    store<u16>(d + 1, <u16>n);
    d += 3;
  }
  copyForward(d, from, length);
  return d + length;
}

// @ts-ignore: decorator
@inline
function emitCopy(d: usize, offset: usize, length: usize): usize {
  while (length >= 68) {
    store<u8>(d, (63 << 2) | 2);
    store<u16>(d + 1, <u16>offset);
    d += 3;
    length -= 64;
  }
  if (length > 64) {
    store<u8>(d, (59 << 2) | 2);
    store<u16>(d + 1, <u16>offset);
    d += 3;
    length -= 60;
  }
  if (length >= 12 || offset >= 2048) {
    store<u8>(d, ((length - 1) << 2) | 2);
    store<u16>(d + 1, <u16>offset);
    return d + 3;
  }
  store<u8>(d, ((offset >> 8) << 5) | ((length - 4) << 2) | 1);
  store<u8>(d + 1, <u8>offset);
  return d + 2;
}

/**
 * Encodes `length` bytes at `source` as a Snappy block at `target`, which has room for length + length / 6 + 32;
 * `table` is 32 KiB of scratch. Returns the length of the block.
 */
export function snappyEncode(source: usize, length: usize, target: usize, table: usize): usize {
  let d = target;
  let rest = length;
  while (rest >= 0x80) {
    store<u8>(d++, (rest & 0x7f) | 0x80);
    rest >>= 7;
  }
  store<u8>(d++, rest);
  let base = source;
  const end = source + length;
  while (base < end) {
    const blockEnd = base + min(BLOCK, end - base);
    d = encodeBlock(base, blockEnd, d, table);
    base = blockEnd;
  }
  return d - target;
}

function encodeBlock(base: usize, end: usize, d: usize, table: usize): usize {
  let from = base; // first byte not yet written
  if (end - base >= 20) {
    memory.fill(table, 0, <usize>2 << HASH_BITS);
    const limit = end - 16;
    let s = base + 1;
    for (;;) {
      // The step grows while nothing matches: incompressible data pass at the speed of a copy.
      let skip: usize = 32;
      let match: usize;
      let next = s;
      let word: u32;
      do {
        s = next;
        word = load<u32>(s);
        next = s + (skip >> 5);
        skip += skip >> 5;
        if (next > limit) {
          return emitLiteral(d, from, end - from);
        }
        const slot = table + hash(word);
        match = base + <usize>load<u16>(slot);
        store<u16>(slot, <u16>(s - base));
      } while (load<u32>(match) != word);
      if (s > from) d = emitLiteral(d, from, s - from);
      for (;;) {
        let n: usize = 4;
        while (s + n + 8 <= end) {
          const difference = load<u64>(s + n) ^ load<u64>(match + n);
          if (difference != 0) {
            n += <usize>(ctz(difference) >> 3);
            break;
          }
          n += 8;
        }
        if (s + n + 8 > end) while (s + n < end && load<u8>(s + n) == load<u8>(match + n)) n++;
        d = emitCopy(d, s - match, n);
        s += n;
        from = s;
        if (s >= limit) break;
        store<u16>(table + hash(load<u32>(s - 1)), <u16>(s - 1 - base));
        const slot = table + hash(load<u32>(s));
        match = base + <usize>load<u16>(slot);
        store<u16>(slot, <u16>(s - base));
        if (load<u32>(match) != load<u32>(s)) break;
      }
      if (s >= limit) break;
      s++;
    }
  }
  return from < end ? emitLiteral(d, from, end - from) : d;
}

/** Decodes an LZ4 block of exactly `targetLength` bytes; false when it is broken. */
export function lz4Decode(source: usize, sourceLength: usize, target: usize, targetLength: usize): bool {
  const sourceEnd = source + sourceLength;
  const targetEnd = target + targetLength;
  let s = source;
  let d = target;
  while (s < sourceEnd) {
    const token = <usize>load<u8>(s++);
    let length = token >> 4;
    if (length == 15) {
      let byte: usize;
      do {
        if (s >= sourceEnd || length > 0x7fff0000) return false;
        byte = <usize>load<u8>(s++);
        length += byte;
      } while (byte == 255);
    }
    if (length > sourceEnd - s || length > targetEnd - d) return false;
    if (length > 0) copyForward(d, s, length);
    s += length;
    d += length;
    if (s == sourceEnd) break; // the last sequence has no match
    if (sourceEnd - s < 2) return false;
    const offset = <usize>load<u16>(s);
    s += 2;
    length = (token & 15) + 4;
    if (length == 19) {
      let byte: usize;
      do {
        if (s >= sourceEnd || length > 0x7fff0000) return false;
        byte = <usize>load<u8>(s++);
        length += byte;
      } while (byte == 255);
    }
    if (offset == 0 || offset > d - target || length > targetEnd - d) return false;
    copyMatch(d, offset, length);
    d += length;
  }
  return d == targetEnd;
}

/** The run header at `at` with the position behind it in the high half; 0 when it does not end before `end`. */
// @ts-ignore: decorator
@inline
function readHeader(at: usize, end: usize): u64 {
  let value: u32 = 0;
  let shift: u32 = 0;
  while (at < end && shift <= 28) {
    const byte = <u32>load<u8>(at++);
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) return (<u64>at << 32) | <u64>value;
    shift += 7;
  }
  return 0;
}

/**
 * Decodes `count` indices of `bitWidth` <= 32 bits from the RLE / bit-packed hybrid at `source` to 32-bit ones at
 * `target`. 0: done; 1: the bytes end early or are broken; 2: an index is not below `size`.
 */
export function decodeIndices(source: usize, sourceLength: usize, bitWidth: u32, size: u32, target: usize, count: u32): i32 {
  const end = source + sourceLength;
  const mask: u64 = (<u64>1 << bitWidth) - 1;
  const valueBytes = (bitWidth + 7) >> 3;
  let s = source;
  let done: u32 = 0;
  while (done < count) {
    const head = readHeader(s, end);
    if (head == 0) return 1;
    s = <usize>(head >> 32);
    const runs = <u32>head >> 1;
    if (runs == 0) return 1;
    if ((<u32>head & 1) == 0) {
      if (end - s < <usize>valueBytes) return 1;
      const value = <u32>(load<u64>(s) & ((<u64>1 << (8 * valueBytes)) - 1));
      if (value >= size) return 2;
      s += valueBytes;
      const run = min(runs, count - done);
      for (let i: u32 = 0; i < run; i++) store<u32>(target + (<usize>(done + i) << 2), value);
      done += run;
    } else {
      const run = <u32>min(<u64>runs * 8, <u64>(count - done));
      if ((<u64>run * bitWidth + 7) / 8 > <u64>(end - s)) return 1;
      let bit: u64 = 0;
      let worst: u32 = 0;
      let d = target + (<usize>done << 2);
      for (let i: u32 = 0; i < run; i++) {
        const value = <u32>((load<u64>(s + <usize>(bit >> 3)) >> (bit & 7)) & mask);
        worst = max(worst, value);
        store<u32>(d, value);
        d += 4;
        bit += bitWidth;
      }
      if (worst >= size) return 2;
      s = <usize>min(<u64>end, <u64>s + <u64>runs * bitWidth);
      done += run;
    }
  }
  return 0;
}

/** target[i] = dictionary[indices[i]] for values of 4 bytes. */
export function gather4(dictionary: usize, indices: usize, target: usize, count: u32): void {
  for (let i: usize = 0, n = <usize>count << 2; i < n; i += 4) store<u32>(target + i, load<u32>(dictionary + (<usize>load<u32>(indices + i) << 2)));
}

/** target[i] = dictionary[indices[i]] for values of 8 bytes. */
export function gather8(dictionary: usize, indices: usize, target: usize, count: u32): void {
  for (let i: usize = 0, n = <usize>count << 2; i < n; i += 4) store<u64>(target + (i << 1), load<u64>(dictionary + (<usize>load<u32>(indices + i) << 3)));
}
