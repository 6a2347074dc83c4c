import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isProblem } from '@armilla/base';
import { Field, Int64, makeData, RecordBatch, Schema, Struct, type Vector, vectorFromArray } from 'apache-arrow';
import { columnSpec } from '../parquet/write/column.js';
import { encodeFooter } from '../parquet/write/footer.js';
import { ParquetWriter } from '../parquet/write/writer.js';
import type { BatchOptions } from '../table/reader.js';
import { SAMPLE_PROPERTIES, writeSampleCatalog } from '../testing/sample-catalog.js';
import { findCatalog, type HatsCatalog } from './catalog.js';
import { partitionPath } from './pixel.js';
import { HatsReader } from './reader.js';

const folder = mkdtempSync(join(tmpdir(), 'armilla-pixels-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Partition 17 of order 1. */
const ORDER_28 = 28n * 2n;
const START = 17n << ORDER_28;
const END = 18n << ORDER_28;
const PLACE = partitionPath({ order: 1, number: 17 }, '.parquet');

interface Written {
  readonly column?: string;
  readonly statistics?: boolean;
  readonly rowGroupRowCount?: number;
  readonly properties?: Readonly<Record<string, string>>;
}

/** A file with the columns `id` (from 0) and that of the pixels. */
async function fileOf(
  pixels: readonly (bigint | null)[],
  { column = '_healpix_29', statistics = true, rowGroupRowCount }: Written,
): Promise<Buffer> {
  const fields = [new Field('id', new Int64(), false), new Field(column, new Int64(), true)];
  const ids = vectorFromArray(BigInt64Array.from(pixels, (_, row) => BigInt(row)));
  const children = [ids, vectorFromArray([...pixels], new Int64()) as Vector].map(({ data }) => data[0]);
  const data = makeData({ type: new Struct(fields), length: pixels.length, nullCount: 0, children });
  const parts: Uint8Array[] = [];
  const sink = (bytes: Uint8Array): Promise<void> => Promise.resolve(void parts.push(bytes.slice()));
  const writer = new ParquetWriter(new Schema(fields), sink, { rowGroupRowCount });
  await writer.write(new RecordBatch(new Schema(fields), data));
  await writer.finish();
  const whole = Buffer.concat(parts);
  if (statistics) return whole;
  const footerLength = whole.readUInt32LE(whole.length - 8);
  const groups = writer.rowGroups.map(({ rowCount, columns }) => ({
    rowCount,
    columns: columns.map((one) => ({ ...one, min: undefined, max: undefined })),
  }));
  const specs = fields.map((field) => columnSpec(field, 'test'));
  return Buffer.concat([whole.subarray(0, whole.length - 8 - footerLength), encodeFooter(specs, groups, new Map())]);
}

let count = 0;
async function catalogOf(pixels: readonly (bigint | null)[], options: Written = {}): Promise<HatsCatalog> {
  const path = join(folder, `catalog-${++count}`);
  const properties = { ...SAMPLE_PROPERTIES, hats_nrows: String(pixels.length), ...options.properties };
  await writeSampleCatalog(path, [{ order: 1, number: 17, ids: [[0]] }], properties);
  writeFileSync(join(path, 'dataset', PLACE), await fileOf(pixels, options));
  writeFileSync(join(path, 'partition_info.csv'), `Norder,Npix,num_rows\n1,17,${pixels.length}\n`);
  return (await findCatalog(path)) as HatsCatalog;
}

async function idsOf(reader: HatsReader, options: BatchOptions = {}): Promise<number[]> {
  const ids: number[] = [];
  for await (const batch of reader.batches(options)) {
    if (options.columns) expect(batch.schema.fields.map(({ name }) => name)).toEqual(options.columns);
    ids.push(...Array.from(batch.getChild('id') as Vector, Number));
  }
  return ids;
}

async function problemOf(work: () => Promise<unknown>): Promise<string> {
  try {
    await work();
  } catch (error) {
    if (isProblem(error)) return `${error.reason}: ${error.message}`;
    throw error;
  }
  return 'read';
}

const INSIDE = [START, null, START + 5n, END - 1n];
/** As a catalog is opened that is looked at beforehand, and as one that is not. */
const OPENINGS = [{}, { fewFiles: 0 }];
const WITH_AND_WITHOUT = [true, false];

test.each(WITH_AND_WITHOUT)('rows in the pixel of their partition are read, statistics: %p', async (statistics) => {
  const catalog = await catalogOf(INSIDE, { statistics });
  for (const opening of OPENINGS)
    for (const columns of [undefined, ['id'], ['_healpix_29', 'id']])
      expect(await idsOf(await HatsReader.open(catalog, opening), { columns })).toEqual([0, 1, 2, 3]);
});

describe.each(WITH_AND_WITHOUT)('a row elsewhere is refused, statistics: %p', (statistics) => {
  test.each<[string, bigint]>([
    ['just before', START - 1n],
    ['just behind', END],
    ['far away', 3n],
    ['nowhere', -1n],
  ])('%s', async (_, pixel) => {
    const catalog = await catalogOf([...INSIDE, pixel, START], { statistics, rowGroupRowCount: 3 });
    const told = [
      `HATS_INVALID: ${join(catalog.folder, 'dataset', PLACE)}: not a usable HATS catalog: `,
      `row 4 has _healpix_29 ${pixel}, which lies outside the pixel of its partition (Norder=1, Npix=17: [${START}, ${END}))`,
    ];
    for (const opening of OPENINGS) {
      for (const columns of [undefined, ['id'], ['_healpix_29', 'id']]) {
        const read = async (): Promise<unknown> => idsOf(await HatsReader.open(catalog, opening), { columns });
        expect(await problemOf(read)).toBe(told.join(''));
      }
    }
  });

  test('row numbers count rows that are left out', async () => {
    const catalog = await catalogOf([START, START, START, END], { statistics, rowGroupRowCount: 2 });
    let skips = 0;
    let skipped = 0;
    const skipping = { canSkip: () => skips++ === 0, onSkipped: (rows: number) => void (skipped += rows) };
    const read = async (): Promise<unknown> => idsOf(await HatsReader.open(catalog, { fewFiles: 0 }), { skipping });
    expect(await problemOf(read)).toContain('row 3 has _healpix_29');
    expect(skipped).toBe(2);
  });
});

test('what is known before the first row is told then', async () => {
  const catalog = await catalogOf([START, END]);
  expect(await problemOf(() => HatsReader.open(catalog))).toContain('HATS_INVALID');
});

test('a catalog may name another column, of pixels of another order', async () => {
  const properties = { hats_col_healpix: 'pixel', hats_col_healpix_order: '3' };
  const inside = [17n * 16n, 18n * 16n - 1n];
  const good = await catalogOf(inside, { column: 'pixel', properties });
  expect(await idsOf(await HatsReader.open(good))).toEqual([0, 1]);
  const bad = await catalogOf([...inside, 18n * 16n], { column: 'pixel', properties });
  expect(await problemOf(() => HatsReader.open(bad))).toContain('row 2 has pixel 288, which lies outside');
  const coarse = await catalogOf([9n], { column: 'pixel', properties: { ...properties, hats_col_healpix_order: '0' } });
  expect(await idsOf(await HatsReader.open(coarse))).toEqual([0]);
});

test('without such a column nothing is held against the pixel', async () => {
  const catalog = await catalogOf([3n], { column: 'other' });
  expect(await idsOf(await HatsReader.open(catalog))).toEqual([0]);
});
