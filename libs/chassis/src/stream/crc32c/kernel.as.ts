// CRC-32C of bytes in memory. Layout of the memory, written by `init`:
//   1024  8 tables of 256 words: table k advances a byte by k further bytes ("slicing by 8")
//   9216  16 pairs of 16 bytes, [output row][input row]: what the low and the high half of an input byte give
//   9728  a block of 128 bytes
//   9856  the basis that `init` solves in: 32 words, and which rows each is made of
//
// A checksum is linear over GF(2): a block of 128 bytes may be replaced by any other one with the same checksum, and
// there is one, found by a linear map, that lies in the next block instead. So each block is mapped onto the next and
// added to it, until one is left. Seen as 8 rows of 16 bytes, 32 columns of 4 bytes each (every second row) map onto
// themselves: 32 bits, as many as a checksum has. The map looks up 16 half bytes at a time.

const TABLES: usize = 1024;
const MAP: usize = 9216;
const BLOCK: usize = 9728;
const BASIS: usize = 9856;
const MADE_OF: usize = BASIS + 128;
const BLOCK_BYTES: usize = 128;
/** Bytes from one row of a column to the next. */
const ROW_STEP: usize = 32;
const POLYNOMIAL: u32 = 0x82f63b78;

export function init(): void {
  for (let byte: u32 = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ ((crc & 1) * POLYNOMIAL);
    store<u32>(TABLES + (byte << 2), crc);
  }
  for (let k: usize = 1; k < 8; k++) {
    for (let byte: usize = 0; byte < 256; byte++) {
      const crc = load<u32>(TABLES + ((k - 1) << 10) + (byte << 2));
      store<u32>(TABLES + (k << 10) + (byte << 2), load<u32>(TABLES + ((crc & 255) << 2)) ^ (crc >>> 8));
    }
  }
  makeBasis();
  for (let row: usize = 0; row < 4; row++) {
    for (let bit: usize = 0; bit < 8; bit++) {
      const image = solve(zeros(load<u32>(TABLES + (4 << bit)), ROW_STEP * (3 - row) + BLOCK_BYTES));
      for (let out: usize = 0; out < 4; out++) {
        const table = MAP + (((out << 2) + row) << 5) + ((bit >> 2) << 4);
        const byte = <u8>(image >>> (<u32>out << 3));
        for (let half: usize = 0; half < 16; half++) {
          if (((half >> (bit & 3)) & 1) != 0) store<u8>(table + half, load<u8>(table + half) ^ byte);
        }
      }
    }
  }
}

// The checksums of the 32 single bits of a column, each reduced by those before it that share its highest bit.
function makeBasis(): void {
  for (let at: u32 = 0; at < 32; at++) {
    let crc = zeros(load<u32>(TABLES + (4 << (at & 7))), ROW_STEP * (3 - (at >> 3)));
    let madeOf: u32 = 1 << at;
    while (load<u32>(BASIS + ((31 - clz(crc)) << 2)) != 0) {
      const top = (31 - clz(crc)) << 2;
      crc ^= load<u32>(BASIS + top);
      madeOf ^= load<u32>(MADE_OF + top);
    }
    const top = (31 - clz(crc)) << 2;
    store<u32>(BASIS + top, crc);
    store<u32>(MADE_OF + top, madeOf);
  }
}

// The bits of a column whose checksum is `crc`.
function solve(crc: u32): u32 {
  let bits: u32 = 0;
  while (crc != 0) {
    const top = (31 - clz(crc)) << 2;
    crc ^= load<u32>(BASIS + top);
    bits ^= load<u32>(MADE_OF + top);
  }
  return bits;
}

function zeros(crc: u32, count: usize): u32 {
  for (; count > 0; count--) crc = load<u32>(TABLES + ((crc & 255) << 2)) ^ (crc >>> 8);
  return crc;
}

// Not inverted at either end: the caller does that.
export function update(start: usize, length: usize, previous: u32): u32 {
  if (length < 2 * BLOCK_BYTES) return bytewise(start, length, previous);
  let a0 = v128.load(start);
  let b0 = v128.load(start, 16);
  let a1 = v128.load(start, 32);
  let b1 = v128.load(start, 48);
  let a2 = v128.load(start, 64);
  let b2 = v128.load(start, 80);
  let a3 = v128.load(start, 96);
  let b3 = v128.load(start, 112);
  a0 = v128.xor(a0, i32x4.replace_lane(i32x4.splat(0), 0, previous));
  let at = start + BLOCK_BYTES;
  const last = start + length - BLOCK_BYTES;
  for (; at <= last; at += BLOCK_BYTES) {
    const half = i8x16.splat(15);
    const p0 = v128.and(a0, half), q0 = v128.and(i16x8.shr_u(a0, 4), half);
    const p1 = v128.and(a1, half), q1 = v128.and(i16x8.shr_u(a1, 4), half);
    const p2 = v128.and(a2, half), q2 = v128.and(i16x8.shr_u(a2, 4), half);
    const p3 = v128.and(a3, half), q3 = v128.and(i16x8.shr_u(a3, 4), half);
    a0 = v128.xor(v128.load(at), row(0, p0, q0, p1, q1, p2, q2, p3, q3));
    a1 = v128.xor(v128.load(at, 32), row(1, p0, q0, p1, q1, p2, q2, p3, q3));
    a2 = v128.xor(v128.load(at, 64), row(2, p0, q0, p1, q1, p2, q2, p3, q3));
    a3 = v128.xor(v128.load(at, 96), row(3, p0, q0, p1, q1, p2, q2, p3, q3));
    const r0 = v128.and(b0, half), s0 = v128.and(i16x8.shr_u(b0, 4), half);
    const r1 = v128.and(b1, half), s1 = v128.and(i16x8.shr_u(b1, 4), half);
    const r2 = v128.and(b2, half), s2 = v128.and(i16x8.shr_u(b2, 4), half);
    const r3 = v128.and(b3, half), s3 = v128.and(i16x8.shr_u(b3, 4), half);
    b0 = v128.xor(v128.load(at, 16), row(0, r0, s0, r1, s1, r2, s2, r3, s3));
    b1 = v128.xor(v128.load(at, 48), row(1, r0, s0, r1, s1, r2, s2, r3, s3));
    b2 = v128.xor(v128.load(at, 80), row(2, r0, s0, r1, s1, r2, s2, r3, s3));
    b3 = v128.xor(v128.load(at, 112), row(3, r0, s0, r1, s1, r2, s2, r3, s3));
  }
  v128.store(BLOCK, a0);
  v128.store(BLOCK, b0, 16);
  v128.store(BLOCK, a1, 32);
  v128.store(BLOCK, b1, 48);
  v128.store(BLOCK, a2, 64);
  v128.store(BLOCK, b2, 80);
  v128.store(BLOCK, a3, 96);
  v128.store(BLOCK, b3, 112);
  return bytewise(at, start + length - at, bytewise(BLOCK, BLOCK_BYTES, 0));
}

// One row of a mapped block, from the halves of the bytes of its four rows.
// @ts-ignore: decorator
@inline
function row(
  out: usize,
  p0: v128, q0: v128, p1: v128, q1: v128,
  p2: v128, q2: v128, p3: v128, q3: v128,
): v128 {
  const table = MAP + (out << 7);
  return v128.xor(
    v128.xor(lookUp(table, p0, q0), lookUp(table + 32, p1, q1)),
    v128.xor(lookUp(table + 64, p2, q2), lookUp(table + 96, p3, q3)),
  );
}

// @ts-ignore: decorator
@inline
function lookUp(table: usize, low: v128, high: v128): v128 {
  return v128.xor(i8x16.swizzle(v128.load(table), low), i8x16.swizzle(v128.load(table, 16), high));
}

function bytewise(start: usize, length: usize, previous: u32): u32 {
  let crc = previous;
  let at = start;
  const end = start + length;
  for (; end - at >= 8; at += 8) crc = step(crc, load<u64>(at));
  for (; at < end; at++) crc = load<u32>(TABLES + (((crc ^ load<u8>(at)) & 255) << 2)) ^ (crc >>> 8);
  return crc;
}

// @ts-ignore: decorator
@inline
function step(crc: u32, word: u64): u32 {
  const low = <u32>word ^ crc;
  const high = <u32>(word >> 32);
  return (
    load<u32>((low & 255) << 2, TABLES + 7168) ^
    load<u32>(((low >>> 8) & 255) << 2, TABLES + 6144) ^
    load<u32>(((low >>> 16) & 255) << 2, TABLES + 5120) ^
    load<u32>((low >>> 24) << 2, TABLES + 4096) ^
    load<u32>((high & 255) << 2, TABLES + 3072) ^
    load<u32>(((high >>> 8) & 255) << 2, TABLES + 2048) ^
    load<u32>(((high >>> 16) & 255) << 2, TABLES + 1024) ^
    load<u32>((high >>> 24) << 2, TABLES)
  );
}
