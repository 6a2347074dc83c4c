// CRC-32C of bytes in memory. Layout of the memory, written by `init`:
//   1024  8 tables of 256 words: table k advances a byte by k further bytes ("slicing by 8")
//   9216  4 tables of 256 words: advance a checksum by LANE_BYTES zero bytes
// A step of 8 bytes waits for the one before it, so three lanes run side by side and are joined afterwards.

const TABLES: usize = 1024;
const SHIFT: usize = 9216;
const LANE_BYTES: usize = 4096;
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
  // A checksum is linear in its bits: the images of the 32 single bits make up all the others.
  for (let part: usize = 0; part < 4; part++) {
    const table = SHIFT + (part << 10);
    store<u32>(table, 0);
    for (let byte: u32 = 1; byte < 256; byte++) {
      const rest = byte & (byte - 1);
      if (rest != 0) {
        store<u32>(table + (byte << 2), load<u32>(table + (rest << 2)) ^ load<u32>(table + ((byte ^ rest) << 2)));
        continue;
      }
      let crc = byte << (<u32>part << 3);
      for (let n: usize = 0; n < LANE_BYTES; n++) crc = load<u32>(TABLES + ((crc & 255) << 2)) ^ (crc >>> 8);
      store<u32>(table + (byte << 2), crc);
    }
  }
}

// Not inverted at either end: the caller does that.
export function update(start: usize, length: usize, previous: u32): u32 {
  let crc = previous;
  let at = start;
  const end = start + length;
  while (end - at >= 3 * LANE_BYTES) {
    let second: u32 = 0;
    let third: u32 = 0;
    const stop = at + LANE_BYTES;
    for (; at < stop; at += 8) {
      crc = step(crc, load<u64>(at));
      second = step(second, load<u64>(at, LANE_BYTES));
      third = step(third, load<u64>(at, 2 * LANE_BYTES));
    }
    crc = shift(shift(crc) ^ second) ^ third;
    at += 2 * LANE_BYTES;
  }
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

// @ts-ignore: decorator
@inline
function shift(crc: u32): u32 {
  return (
    load<u32>((crc & 255) << 2, SHIFT) ^
    load<u32>(((crc >>> 8) & 255) << 2, SHIFT + 1024) ^
    load<u32>(((crc >>> 16) & 255) << 2, SHIFT + 2048) ^
    load<u32>((crc >>> 24) << 2, SHIFT + 3072)
  );
}
