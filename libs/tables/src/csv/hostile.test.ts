import { Random } from '@armilla/base';
import { bytesOf, each, inPieces, rowsOf, sampleTable } from '../testing/sample-table.js';
import { encodeTable } from '../table/encode.js';
import { openTable } from '../table/open.js';

const encoder = new TextEncoder();
const reasons = new Set([
  'CSV_INVALID',
  'COLUMN_DUPLICATE',
  'FORMAT_UNKNOWN',
  'GZIP_INVALID',
  'ARROW_INVALID',
  'ARROW_TRUNCATED',
  'PARQUET_INVALID',
]);

test('changed bytes give a table or a typed error, the same from a file and a stream', async () => {
  const table = sampleTable(21, 1, 40);
  const good = await bytesOf(encodeTable('csv', table.schema, each(table.batches)));
  const random = new Random(22);
  const outcome = async (bytes: Uint8Array, size: number): Promise<string> => {
    try {
      const reader = await openTable({ name: 'm', stream: inPieces(bytes, size) });
      const rows = await rowsOf(reader.batches());
      return rows.map((row) => row.map(String).join('|')).join('\n');
    } catch (error) {
      const { reason, fields } = error as { reason: string; fields: { line?: number } };
      if (!reasons.has(reason)) throw error;
      return `${reason} ${fields.line}`;
    }
  };
  for (let i = 0; i < 600; i++) {
    const bytes = Uint8Array.from(good);
    for (let edits = 1 + random.below(3); edits > 0; edits--) {
      const kind = random.below(3);
      const at = random.below(bytes.length);
      if (kind === 0) bytes[at] ^= 1 << random.below(8);
      else if (kind === 1) bytes[at] = [34, 44, 10, 13, 92, 0, 255][random.below(7)];
      else bytes.copyWithin(at, random.below(bytes.length), bytes.length);
    }
    const cut = random.below(4) === 0 ? bytes.subarray(0, random.below(bytes.length)) : bytes;
    expect(await outcome(cut, 1 + random.below(500))).toBe(await outcome(cut, 1 << 20));
  }
});

test('a bomb of gzip is read in bounded memory', async () => {
  const { gzipSync } = await import('node:zlib');
  // 64 MiB of one line in 65 KB: refused at the cap of a record, not at the end of the memory.
  const bomb = gzipSync(Buffer.concat([Buffer.from('a,b\n1,2\n'), Buffer.alloc(64 * 2 ** 20, 120)]));
  await expect(openTable({ name: 'bomb', bytes: bomb })).rejects.toMatchObject({ reason: 'CSV_INVALID' });
});

test('too many columns are refused before anything is built for them', async () => {
  const header = Array.from({ length: 20_000 }, (_, i) => `c${i}`).join(',');
  await expect(openTable({ name: 'wide', bytes: encoder.encode(`${header}\n`) })).rejects.toMatchObject({
    reason: 'CSV_INVALID',
  });
  const names = Array.from({ length: 5000 }, (_, i) => `c${i}`).join(',');
  const row = Array.from({ length: 5000 }, (_, i) => String(i)).join(',');
  const reader = await openTable({ name: 'wide', bytes: encoder.encode(`${names}\n${row}\n${row}\n`) });
  expect((await rowsOf(reader.batches()))[1][4999]).toBe(4999n);
});

test('a first record that does not end in the first mebibyte is refused', async () => {
  const header = Array.from({ length: 9000 }, (_, i) =>
    `a_rather_long_name_of_a_column_that_goes_on_and_on_and_on_and_on_and_on_and_on_and_on_${i}`.repeat(2),
  ).join(',');
  const bytes = encoder.encode(`${header}\n`);
  await expect(openTable({ name: 'wide', bytes })).rejects.toMatchObject({
    reason: 'CSV_INVALID',
    fields: { line: 1 },
  });
});

test('names that objects have are columns as any other', async () => {
  const reader = await openTable(
    { name: 'p', bytes: encoder.encode('__proto__,constructor,toString\n1,2,3\n') },
    { types: { constructor: 'float64' } },
  );
  expect(await rowsOf(reader.batches())).toEqual([[1n, 2, 3n]]);
});
