import { Random } from '@armilla/base';
import { ParquetFault } from '../format/fault.js';
import { BlockKernel, type NumberKind } from './kernel.js';
import { decodeLiterals, firstLiteral } from './literals.js';

/** Bytes with repeats of many lengths and distances, so that every kind of copy occurs. */
function compressible(random: Random, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let at = 0;
  while (at < length) {
    const run = 1 + random.below(random.below(8) === 0 ? 400 : 30);
    const distance = 1 + random.below(random.below(2) === 0 ? 20 : 60_000);
    const repeat = at > distance && random.below(3) > 0;
    for (let i = 0; i < run && at < length; i++, at++) bytes[at] = repeat ? bytes[at - distance] : random.below(256);
  }
  return bytes;
}

describe('the Snappy kernel', () => {
  test('decodes what it encodes, at every size and kind of content', () => {
    const random = new Random(11);
    const sizes = [0, 1, 2, 15, 16, 17, 59, 60, 61, 63, 64, 65, 255, 256, 257, 65_535, 65_536, 65_537, 200_000];
    for (const size of sizes) {
      for (const bytes of [
        compressible(random, size),
        new Uint8Array(size),
        Uint8Array.from({ length: size }, () => random.below(256)),
      ]) {
        const block = BlockKernel.get().encode(bytes).slice();
        expect(Buffer.compare(BlockKernel.get().decode('snappy', block, size), bytes)).toBe(0);
      }
    }
  });

  test('refuses broken blocks and never writes a wrong length', () => {
    const random = new Random(12);
    const bytes = compressible(random, 3000);
    const block = BlockKernel.get().encode(bytes).slice();
    let refused = 0;
    for (let round = 0; round < 2000; round++) {
      const mutant = block.slice(0, random.below(4) === 0 ? random.below(block.length) : block.length);
      if (mutant.length > 0) mutant[random.below(mutant.length)] ^= 1 << random.below(8);
      try {
        expect(BlockKernel.get().decode('snappy', mutant, bytes.length)).toHaveLength(bytes.length);
      } catch (error) {
        expect(error).toBeInstanceOf(ParquetFault);
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(500);
  });
});

describe('the LZ4 kernel', () => {
  test('decodes literals, overlapping matches and long lengths', () => {
    // Token 0x1f: one literal, match of 15 + 4 and 6 more, distance 1; then the last five literals.
    const block = Uint8Array.from([0x1f, 7, 1, 0, 6, 0x50, 1, 2, 3, 4, 5]);
    const wanted = [...Array<number>(26).fill(7), 1, 2, 3, 4, 5];
    expect([...BlockKernel.get().decode('lz4', block, wanted.length)]).toEqual(wanted);
    expect(() => BlockKernel.get().decode('lz4', block, wanted.length + 1)).toThrow(ParquetFault);
    expect(() => BlockKernel.get().decode('lz4', block.subarray(0, 3), wanted.length)).toThrow(ParquetFault);
  });
});

describe('blocks of literals', () => {
  test('are decoded to their place, or not at all', () => {
    const random = new Random(13);
    for (let round = 0; round < 300; round++) {
      const bytes = compressible(random, 20 + random.below(70_000));
      const block = BlockKernel.get().encode(bytes).slice();
      const prefix = random.below(10);
      const target = new Uint8Array(bytes.length - prefix);
      const head = firstLiteral(block, bytes.length, prefix);
      if (head) expect([...head]).toEqual([...bytes.subarray(0, prefix)]);
      if (decodeLiterals(block, bytes.length, prefix, target))
        expect(Buffer.compare(target, bytes.subarray(prefix))).toBe(0);
      if (prefix === 0) expect(decodeLiterals(block, bytes.length, 0, target)).toBe(true);
      expect(decodeLiterals(block, bytes.length + 1, 0, new Uint8Array(bytes.length + 1))).toBe(false);
      expect(decodeLiterals(block.subarray(0, block.length - 1), bytes.length, prefix, target)).toBe(false);
    }
  });
});

describe('bounds', () => {
  const odd: Readonly<
    Record<
      string,
      (random: Random) => Float64Array | Float32Array | Int32Array | Uint32Array | BigInt64Array | BigUint64Array
    >
  > = {
    f64: (random) => drawn(Float64Array, random, [NaN, -0, 0, Infinity, -Infinity, 1.5, -2.5, 1e300]),
    f32: (random) => drawn(Float32Array, random, [NaN, -0, 0, Infinity, -Infinity, 1.5, -2.5]),
    i32: (random) => drawn(Int32Array, random, [-(2 ** 31), 2 ** 31 - 1, -1, 0, 7]),
    u32: (random) => drawn(Uint32Array, random, [0, 2 ** 32 - 1, 2 ** 31, 7]),
    i64: (random) => drawn(BigInt64Array, random, [-(2n ** 63n), 2n ** 63n - 1n, -1n, 0n, 2n ** 32n, -(2n ** 32n)]),
    u64: (random) => drawn(BigUint64Array, random, [0n, 2n ** 64n - 1n, 2n ** 63n, 2n ** 32n]),
  };

  /** Some of `choices`, few or many, so that extremes are there and are not. */
  function drawn<T extends number | bigint, A>(type: new (values: T[]) => A, random: Random, choices: readonly T[]): A {
    const some = choices.filter(() => random.below(2) === 0);
    const from = some.length > 0 ? some : choices;
    return new type(Array.from({ length: 1 + random.below(40) }, () => from[random.below(from.length)]));
  }

  test.each(Object.keys(odd) as NumberKind[])('of %s are those of a plain search', (kind) => {
    const random = new Random(21);
    const kernel = BlockKernel.get();
    for (let round = 0; round < 500; round++) {
      const values = odd[kind](random);
      const page = kernel.page(values.byteLength);
      page.set(new Uint8Array(values.buffer));
      const ordered = Array.from<number | bigint>(values as Float64Array).filter((value) => !Number.isNaN(value));
      const wanted = ordered.reduce<{ min: number | bigint; max: number | bigint } | undefined>(
        (found, value) => ({
          min: found && found.min <= value ? found.min : value,
          max: found && found.max >= value ? found.max : value,
        }),
        undefined,
      );
      const found = kernel.bounds(kind, page, values.length);
      // Zeros of either sign are equal.
      const plain = (bounds: typeof wanted): unknown => bounds && [String(bounds.min), String(bounds.max)];
      expect(plain(found)).toEqual(plain(wanted));
      BlockKernel.release();
    }
  });
});
