import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isProblem, Random } from '@armilla/base';
import { MemorySource, openParquet } from '../index.js';

const FIXTURES = join(dirname(fileURLToPath(import.meta.url)), '../../../../fixtures/parquet');
const seeds = readdirSync(FIXTURES)
  .filter((name) => name.endsWith('.parquet'))
  .map((name) => ({ name, bytes: readFileSync(join(FIXTURES, name)) }));

/** Reasons that a broken file may have; anything else is a fault of ours. */
const EXPECTED = new Set(['PARQUET_INVALID', 'PARQUET_UNSUPPORTED', 'COLUMN_DUPLICATE']);

/** Reads everything; the number of rows, or the reason why not. Any other end is thrown. */
async function outcome(bytes: Uint8Array): Promise<number | string> {
  try {
    const reader = await openParquet(new MemorySource(bytes), { maxRowGroupBytes: 64 << 20 });
    let rows = 0;
    for await (const batch of reader.batches()) {
      rows += batch.numRows;
      // Every buffer holds what its length says, so that no reader runs beyond it.
      for (const [i, field] of batch.schema.fields.entries()) {
        const vector = batch.getChildAt(i);
        expect(vector?.length).toBe(batch.numRows);
        void [field.name, vector?.get(0), vector?.get(batch.numRows - 1)];
        const { valueOffsets, values } = batch.data.children[i];
        if (valueOffsets) {
          const offsets = valueOffsets as unknown as Int32Array;
          for (let row = 0; row < batch.numRows; row++)
            if (offsets[row + 1] < offsets[row]) throw new Error('offsets go back');
          expect(offsets[batch.numRows]).toBeLessThanOrEqual((values as unknown as Uint8Array).length);
        }
      }
    }
    expect(rows).toBe(reader.rowCount);
    return rows;
  } catch (error) {
    if (isProblem(error) && EXPECTED.has(error.reason)) return error.reason;
    throw error;
  }
}

/** Flips, overwrites, cuts or doubles some bytes; every third mutant within the metadata at the end. */
function mutant(random: Random, bytes: Uint8Array): Uint8Array {
  const out = Uint8Array.from(bytes);
  const footerLength = new DataView(bytes.buffer, bytes.byteOffset).getUint32(bytes.length - 8, true);
  const footer = bytes.length - 8 - footerLength;
  const place = (): number =>
    random.below(3) === 0 ? footer + random.below(footerLength + 8) : random.below(bytes.length);
  for (let count = 1 + random.below(4); count > 0; count--) {
    const at = place();
    switch (random.below(5)) {
      case 0:
        out[at] ^= 1 << random.below(8);
        break;
      case 1:
        out[at] = [0, 1, 0x7f, 0x80, 0xff][random.below(5)];
        break;
      case 2:
        out.fill(0xff, at, at + 1 + random.below(10));
        break;
      case 3:
        out.copyWithin(at, place(), place());
        break;
      default:
        out[at] = random.below(256);
    }
  }
  return random.below(10) === 0 ? out.slice(0, random.below(out.length)) : out;
}

test('2,000 mutants: a typed error or whole columns, never anything else', async () => {
  const random = new Random(2026);
  const counts = new Map<string, number>();
  for (let round = 0; round < 2000; round++) {
    const { bytes } = seeds[random.below(seeds.length)];
    const result = String(await outcome(mutant(random, bytes)));
    counts.set(result, (counts.get(result) ?? 0) + 1);
  }
  expect(counts.get('PARQUET_INVALID') ?? 0).toBeGreaterThan(500);
});

test('a file cut short anywhere is refused', async () => {
  for (const { bytes } of seeds.slice(0, 4)) {
    const step = Math.ceil(bytes.length / 150);
    for (let length = 0; length < bytes.length; length += step)
      expect(await outcome(bytes.subarray(0, length))).toBe('PARQUET_INVALID');
  }
});

test('rows that a few bytes stand for are refused before memory is taken', async () => {
  const bytes = seeds.find(({ name }) => name === 'pyarrow-types.parquet')?.bytes as Buffer;
  const reader = await openParquet(new MemorySource(bytes), { where: 'bomb', maxRowGroupBytes: 1000 });
  const read = async (): Promise<void> => {
    for await (const _ of reader.batches()) throw new Error('a batch came');
  };
  const error: unknown = await read().catch((thrown: unknown) => thrown);
  expect(isProblem(error) && error.reason).toBe('PARQUET_UNSUPPORTED');
});
