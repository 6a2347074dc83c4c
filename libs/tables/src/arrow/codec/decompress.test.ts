import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Random } from '@armilla/base';
import { decompress } from './decompress.js';
import { decompressLz4Frame } from './lz4.js';
import { decodeZstd } from './zstd.js';

const FOLDER = fileURLToPath(new URL('../../../../../fixtures/arrow/codec/', import.meta.url));

/** The bytes that fixtures/generate/arrow.py compressed. */
function sample(name: string): Uint8Array {
  switch (name) {
    case 'lines':
      return Buffer.from(
        Array.from({ length: 6000 }, (_, i) => `row ${i} of the table, ${(i * i) % 97} counts\n`).join(''),
      );
    case 'zeros':
      return new Uint8Array(300_000);
    case 'skewed': {
      let state = 12345n;
      return Uint8Array.from({ length: 9000 }, () => {
        state = (state * 1103515245n + 12345n) % 2n ** 31n;
        const word = Number(state);
        return Math.min((word >> 16) & 255, (word >> 8) & 63);
      });
    }
    case 'squares':
      return new Uint8Array(Uint32Array.from({ length: 4000 }, (_, i) => (i * i) % 65536).buffer);
    default:
      return Buffer.from('abc');
  }
}

const CASES = ['lines', 'zeros', 'skewed', 'squares', 'short'].flatMap((name) =>
  [`${name}.lz4`, `${name}.1.zst`, `${name}.19.zst`].map((file) => ({
    name,
    file,
    codec: file.endsWith('lz4') ? ('lz4' as const) : ('zstd' as const),
  })),
);

test.each(CASES)('$file gives the bytes that were compressed', ({ name, file, codec }) => {
  const expected = sample(name);
  const data = readFileSync(FOLDER + file);
  expect(Buffer.compare(decompress(codec, data, expected.byteLength), expected)).toBe(0);
  if (codec === 'zstd') expect(Buffer.compare(decodeZstd(data, expected.byteLength), expected)).toBe(0);
});

test.each(CASES)('$file is refused with another length, and cut anywhere', ({ name, file, codec }) => {
  const { byteLength } = sample(name);
  const data = readFileSync(FOLDER + file);
  expect(() => decompress(codec, data, byteLength + 1)).toThrow();
  expect(() => decompress(codec, data, byteLength - 1)).toThrow();
  const random = new Random(5);
  for (let i = 0; i < 20; i++)
    expect(() => decompress(codec, data.subarray(0, random.below(data.byteLength)), byteLength)).toThrow();
});

test('two frames one behind the other, and a frame to be skipped, are read', () => {
  const skipped = Uint8Array.of(0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 9, 9, 9);
  for (const [codec, file] of [
    ['lz4', 'short.lz4'],
    ['zstd', 'short.1.zst'],
  ] as const) {
    const frame = readFileSync(FOLDER + file);
    expect(Buffer.from(decompress(codec, Buffer.concat([frame, skipped, frame]), 6)).toString()).toBe('abcabc');
  }
});

test('damaged data is refused or gives the declared number of bytes, and never takes long', () => {
  const random = new Random(77);
  for (let i = 0; i < 1500; i++) {
    const { name, file, codec } = CASES[i % CASES.length];
    const data = new Uint8Array(readFileSync(FOLDER + file));
    for (let n = 1 + random.below(3); n > 0; n--)
      data[random.below(Math.min(data.byteLength, 200))] = random.below(256);
    const { byteLength } = sample(name);
    try {
      const out = codec === 'lz4' ? decompressLz4Frame(data, byteLength) : decodeZstd(data, byteLength);
      expect(out.byteLength).toBe(byteLength);
    } catch (error) {
      expect(error).toBeInstanceOf(RangeError);
    }
  }
});

test('a declared length that the data cannot give takes no memory', () => {
  expect(() => decompress('zstd', readFileSync(`${FOLDER}short.1.zst`), 2 ** 31)).toThrow(/cannot give/);
  expect(() => decompress('lz4', readFileSync(`${FOLDER}short.lz4`), 2 ** 31)).toThrow(/cannot give/);
});
