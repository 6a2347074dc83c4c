import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isProblem } from '@armilla/base';
import { tableFromArrays } from 'apache-arrow';
import { parquetOf, SAMPLE_PROPERTIES, sampleFile, writeSampleCatalog } from '../testing/sample-catalog.js';
import { findCatalog, type HatsCatalog } from './catalog.js';
import { partitionPath } from './pixel.js';
import { HatsReader } from './reader.js';
import { writeHats } from './write/catalog-writer.js';

const folder = mkdtempSync(join(tmpdir(), 'armilla-listed-'));
afterAll(() => rmSync(folder, { recursive: true }));

let count = 0;
const fresh = (): string => join(folder, `catalog-${++count}`);
const catalogAt = async (path: string): Promise<HatsCatalog> => (await findCatalog(path)) as HatsCatalog;
const fileAt = (path: string, number: number): string =>
  join(path, 'dataset', partitionPath({ order: 1, number }, '.parquet'));

/** Four partitions, of 1, 2, 3 and 4 rows by what they hold, and by what is listed. */
async function listedCatalog(listed: readonly number[] = [1, 2, 3, 4]): Promise<string> {
  const path = fresh();
  const partitions = [1, 2, 3, 4].map((rows) => ({
    order: 1,
    number: rows,
    ids: [Array.from({ length: rows }, (_, i) => 10 * rows + i)],
  }));
  await writeSampleCatalog(path, partitions, { ...SAMPLE_PROPERTIES, hats_nrows: '10' });
  const lines = listed.map((rows, i) => `1,${i + 1},${rows}\n`);
  writeFileSync(join(path, 'partition_info.csv'), `Norder,Npix,num_rows\n${lines.join('')}`);
  return path;
}

async function idsOf(reader: HatsReader): Promise<number[]> {
  const ids: number[] = [];
  for await (const batch of reader.batches({ columns: ['id'] }))
    ids.push(...Array.from(batch.getChildAt(0) ?? [], Number));
  return ids;
}

async function problemOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (isProblem(error)) return `${error.reason}: ${error.message}`;
    throw error;
  }
  return 'read';
}

const IDS = [10, 20, 21, 30, 31, 32, 40, 41, 42, 43];

test('a catalog that lists its rows is the same table, whenever its files are looked at', async () => {
  const catalog = await catalogAt(await listedCatalog());
  const [now, later] = [await HatsReader.open(catalog), await HatsReader.open(catalog, { fewFiles: 3 })];
  expect(await idsOf(later)).toEqual(IDS);
  expect(await idsOf(later)).toEqual(await idsOf(now));
  for (const reader of [now, later]) {
    expect(reader.rowCount).toBe(10);
    expect(reader.parts.map(({ rowCount }) => rowCount)).toEqual([1, 2, 3, 4]);
    const some = reader.only([catalog.partitions[1], catalog.partitions[3]]);
    expect(await idsOf(some)).toEqual([20, 21, 40, 41, 42, 43]);
    expect(Array.from({ length: 6 }, (_, row) => some.skipped?.numberOf(row))).toEqual([1, 2, 6, 7, 8, 9]);
  }
});

test('its _metadata list them as well', async () => {
  const path = fresh();
  const ids = Float64Array.from({ length: 60 }, (_, i) => i);
  const table = tableFromArrays({ id: ids, ra: ids, dec: ids });
  const pixels = {
    ra: 'ra',
    dec: 'dec',
    of: () => ({ high: Int32Array.from(ids, (id) => (id % 12) << 26), low: new Uint32Array(60) }),
  };
  const batches = (async function* () {
    yield* table.batches;
  })();
  await writeHats(path, table.schema, batches, { pixels, partitionRows: 5, largestOrder: 0, builder: 'test' });
  const catalog = await catalogAt(path);
  const [now, later] = [await HatsReader.open(catalog), await HatsReader.open(catalog, { fewFiles: 0 })];
  expect(later.parts).toEqual(now.parts);
  expect(await idsOf(later)).toEqual(await idsOf(now));
  writeFileSync(fileAt(path, 7).replace('Norder=1', 'Norder=0'), 'nothing of the kind');
  expect((await HatsReader.open(catalog, { fewFiles: 0 })).rowCount).toBe(60);
  writeFileSync(join(path, 'dataset/_metadata'), 'nothing of the kind');
  expect(await problemOf(HatsReader.open(catalog, { fewFiles: 0 }))).toContain('PARQUET_INVALID');
});

describe('a list is not believed that', () => {
  test.each<[string, readonly number[], Readonly<Record<string, string>>]>([
    ['has other rows than the properties say', [1, 2, 3, 5], { hats_nrows: '10' }],
    ['no properties confirm', [1, 2, 3, 4], { hats_nrows: '' }],
  ])('%s: its files are looked at', async (_, listed, properties) => {
    const path = await listedCatalog(listed);
    writeFileSync(join(path, 'hats.properties'), `hats_col_ra=x\nhats_nrows=${properties.hats_nrows}\n`);
    writeFileSync(fileAt(path, 3), 'nothing of the kind');
    expect(await problemOf(HatsReader.open(await catalogAt(path), { fewFiles: 0 }))).toContain('PARQUET_INVALID');
  });
});

describe('what is wrong with a file is told in its turn', () => {
  test.each<[string, readonly number[], (path: string) => Promise<void>, string]>([
    [
      'other rows than listed',
      [1, 3, 2, 4],
      () => Promise.resolve(),
      'HATS_INVALID: * partition Norder=1, Npix=2 has 2 rows, 3 are listed',
    ],
    [
      'other columns',
      [1, 2, 3, 4],
      async (path) => {
        const { schema, batches } = tableFromArrays({ id: BigInt64Array.of(1n, 2n) });
        writeFileSync(fileAt(path, 2), await parquetOf(schema, batches));
      },
      "SCHEMAS_DIFFER: * column 'x' is missing",
    ],
    [
      'nothing of the kind',
      [1, 2, 3, 4],
      async (path) => writeFileSync(fileAt(path, 2), 'nothing of the kind'),
      'PARQUET_INVALID: * Npix=2.parquet',
    ],
    ['a file that is gone', [1, 2, 3, 4], async (path) => rmSync(fileAt(path, 2)), 'INPUT_NOT_FOUND: * Npix=2.parquet'],
  ])('%s', async (_, listed, change, message) => {
    const path = await listedCatalog(listed);
    const reader = await HatsReader.open(await catalogAt(path), { fewFiles: 0 });
    await change(path);
    const batches = reader.batches();
    expect((await batches.next()).value?.numRows).toBe(1);
    const told = await problemOf(batches.next());
    for (const part of message.split('*')) expect(told).toContain(part.trim());
  });

  test('but a missing one at once', async () => {
    const path = await listedCatalog();
    rmSync(fileAt(path, 4));
    const told = await problemOf(HatsReader.open(await catalogAt(path), { fewFiles: 0 }));
    expect(told).toContain('HATS_PARTITION_MISSING: ');
    expect(told).toContain('partition Norder=1, Npix=4 has no file');
  });

  test('and a folder in the place of a file', async () => {
    const path = await listedCatalog();
    rmSync(fileAt(path, 4));
    await writeSampleCatalog(fileAt(path, 4));
    expect(await problemOf(HatsReader.open(await catalogAt(path), { fewFiles: 0 }))).toContain(
      'HATS_PARTITION_MISSING',
    );
  });
});

const descriptors = '/proc/self/fd';
(existsSync(descriptors) ? test : test.skip)('a reader that leaves early leaves no file open', async () => {
  const path = await listedCatalog();
  const reader = await HatsReader.open(await catalogAt(path), { fewFiles: 0 });
  const openFiles = (): number => readdirSync(descriptors).length;
  const before = openFiles();
  for await (const batch of reader.batches()) {
    expect(batch.numRows).toBe(1);
    break;
  }
  expect(openFiles()).toBe(before);
  writeFileSync(fileAt(path, 2), await sampleFile([1]));
  expect(await problemOf(idsOf(reader))).toContain('HATS_INVALID');
  expect(openFiles()).toBe(before);
});
