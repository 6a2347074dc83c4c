import { Random } from '@armilla/base';
import { crc32c } from './index.js';
import { referenceCrc32c } from './reference.js';

/** Bit by bit, from the definition of the polynomial. */
function bitwise(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  return ~crc >>> 0;
}

test('equals the check values of RFC 3720', () => {
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
  expect(crc32c(Buffer.alloc(32))).toBe(0x8a9136aa);
  expect(crc32c(Buffer.alloc(32, 0xff))).toBe(0x62a8ab43);
  expect(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i))).toBe(0x46dd794e);
  expect(crc32c(new Uint8Array(0))).toBe(0);
});

test('equals the bitwise definition at every length and offset, in one piece and in parts', () => {
  const random = new Random(5);
  const bytes = Uint8Array.from({ length: 70_001 }, () => random.below(256));
  for (let n = 0; n < 300; n++) {
    const start = random.below(64);
    const length = n < 200 ? n : random.below(3000);
    const piece = bytes.subarray(start, start + length);
    const cut = random.below(length + 1);
    const expected = bitwise(piece);
    expect(crc32c(piece)).toBe(expected);
    expect(crc32c(piece.subarray(cut), crc32c(piece.subarray(0, cut)))).toBe(expected);
  }
  for (const length of [1023, 1024, 4095, 12_287, 12_288, 12_289, 24_576, 65_535, 65_536, 65_537, 70_000]) {
    const piece = bytes.subarray(1, length + 1);
    expect(crc32c(piece, 77)).toBe(referenceCrc32c(piece, 77));
    expect(referenceCrc32c(piece)).toBe(bitwise(piece));
  }
});

test('the kernel and the reference agree however the end lies in a block', () => {
  const random = new Random(7);
  const bytes = Uint8Array.from({ length: 70_000 }, () => random.below(256));
  for (let length = 1024; length < 1024 + 300; length++) {
    const start = random.below(64);
    for (const piece of [bytes.subarray(start, start + length), bytes.subarray(start, start + length + 65_280)])
      expect(crc32c(piece, length)).toBe(referenceCrc32c(piece, length));
  }
});

test('the kernel and the reference agree beyond the window of the kernel', () => {
  const random = new Random(9);
  const bytes = new Uint8Array(Uint32Array.from({ length: 600_000 }, () => random.uint32()).buffer);
  for (const length of [2 ** 17 - 1, 2 ** 17, 2 ** 17 + 1, 2 ** 20, 2 ** 21 + 5])
    expect(crc32c(bytes.subarray(3, length))).toBe(referenceCrc32c(bytes.subarray(3, length)));
});
