import { Random } from '@armilla/base';
import { crc32c } from './crc32c.js';

/** Bit by bit, from the definition of the polynomial. */
function reference(bytes: Uint8Array): number {
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
  const bytes = Uint8Array.from({ length: 70_000 }, () => random.below(256));
  for (let n = 0; n < 300; n++) {
    const start = random.below(64);
    const length = n < 200 ? n : random.below(3000);
    const piece = bytes.subarray(start, start + length);
    const cut = random.below(length + 1);
    const expected = reference(piece);
    expect(crc32c(piece)).toBe(expected);
    expect(crc32c(piece.subarray(cut), crc32c(piece.subarray(0, cut)))).toBe(expected);
  }
  for (const length of [4095, 4096, 16_384, 65_537, 70_000]) expect(crc32c(bytes.subarray(0, length))).toBe(reference(bytes.subarray(0, length)));
});
