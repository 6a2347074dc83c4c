import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isProblem, Random } from '@armilla/base';
import { Field, Float64, Int32, makeData, RecordBatch, Schema, Struct, Utf8, vectorFromArray } from 'apache-arrow';
import {
  encodeParquet,
  FileSource,
  MemorySource,
  openParquet,
  type ParquetReader,
  type ParquetWriterOptions,
  type PickedRows,
  readStoredGroup,
  writePickedRows,
} from '../../index.js';
import { readPageHeader } from '../format/page.js';
import { pageChecksum } from '../format/page-checksum.js';

const ROWS = 200_000;
const FIXTURES = new URL('../../../../../fixtures/parquet/', import.meta.url);
let folder: string;
let batch: RecordBatch;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'armilla-checksum-'));
  const random = new Random(31);
  const fields = [
    new Field('ra', new Float64(), false),
    new Field('row', new Int32(), true),
    new Field('gaps', new Float64(), true),
    new Field('name', new Utf8(), true),
  ];
  const children = [
    vectorFromArray(Float64Array.from({ length: ROWS }, () => random.between(0, 360))),
    vectorFromArray(Int32Array.from({ length: ROWS }, (_, i) => i)),
    vectorFromArray(
      Array.from({ length: ROWS }, () => (random.below(5) === 0 ? null : random.normal())),
      new Float64(),
    ),
    vectorFromArray(
      Array.from({ length: ROWS }, () => (random.below(9) === 0 ? null : `star ${random.below(500)}`)),
      new Utf8(),
    ),
  ].map(({ data }) => data[0]);
  batch = new RecordBatch(
    new Schema(fields),
    makeData({ type: new Struct(fields), length: ROWS, nullCount: 0, children }),
  );
});
afterAll(() => rm(folder, { recursive: true }));

async function* one<T>(item: T): AsyncGenerator<T> {
  yield item;
}

async function written(options: ParquetWriterOptions): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of encodeParquet(batch.schema, one(batch), options)) parts.push(part.slice());
  return Buffer.concat(parts);
}

interface PlacedPage {
  readonly column: string;
  readonly rowGroup: number;
  readonly offset: number;
  readonly bodyOffset: number;
  readonly bodyLength: number;
  readonly checksum: number | undefined;
}

async function pagesOf(bytes: Uint8Array): Promise<PlacedPage[]> {
  const { metadata } = await openParquet(new MemorySource(bytes));
  return metadata.rowGroups.flatMap(({ columns }, rowGroup) =>
    columns.flatMap(({ path, offset: start, byteLength }) => {
      const pages: PlacedPage[] = [];
      for (let offset = start; offset < start + byteLength;) {
        const header = readPageHeader(bytes, offset);
        const bodyOffset = offset + header.headerLength;
        const bodyLength = header.compressedLength;
        pages.push({ column: path.join('.'), rowGroup, offset, bodyOffset, bodyLength, checksum: header.crc32 });
        offset = bodyOffset + bodyLength;
      }
      return pages;
    }),
  );
}

async function problemOf(work: Promise<unknown>): Promise<string> {
  const error: unknown = await work.then(
    () => 'nothing was wrong',
    (thrown: unknown) => thrown,
  );
  return isProblem(error) ? `${error.reason}: ${error.message}` : String(error);
}

async function readBatches(reader: ParquetReader): Promise<number> {
  let rows = 0;
  for await (const { numRows } of reader.batches()) rows += numRows;
  return rows;
}

test('the checksum is that of gzip: 0xcbf43926 for "123456789"', () => {
  const bytes = new TextEncoder().encode('123456789');
  for (const cut of [0, 1, 5, 9]) expect(pageChecksum([bytes.subarray(0, cut), bytes.subarray(cut)])).toBe(0xcbf43926);
});

describe.each(['auto', 'uncompressed', 'snappy', 'gzip'] as const)('written as %s', (codec) => {
  test('every page has its checksum', async () => {
    const pages = await pagesOf(await written({ codec, rowGroupRowCount: 120_000 }));
    expect(pages.length).toBeGreaterThan(8);
    expect(pages.filter(({ checksum }) => checksum === undefined)).toEqual([]);
  });

  test('a bit that changed in any page is told with its column, row group and place', async () => {
    const whole = await written({ codec, rowGroupRowCount: 120_000 });
    const random = new Random(8);
    for (const { column, rowGroup, offset, bodyOffset, bodyLength } of await pagesOf(whole)) {
      const bytes = Buffer.from(whole);
      bytes[bodyOffset + random.below(bodyLength)] ^= 1 << random.below(8);
      const reader = await openParquet(new MemorySource(bytes), { where: 'sky.parquet' });
      const told = `PARQUET_INVALID: sky.parquet, column '${column}', row group ${rowGroup}: not a valid Parquet file: the checksum of the page at byte ${offset} is wrong`;
      expect(await problemOf(readBatches(reader))).toContain(told);
    }
  });
});

/** A file of which a page of a column is not as it was written. */
async function altered(name: string, column: string): Promise<{ reader: ParquetReader; told: string }> {
  const bytes = await written({ codec: 'uncompressed' });
  const path = join(folder, name);
  const page = (await pagesOf(bytes)).filter((one) => one.column === column).at(-1) as PlacedPage;
  bytes[page.bodyOffset + page.bodyLength - 1] ^= 1;
  await writeFile(path, bytes);
  const reader = await openParquet(await FileSource.open(path), { where: path, workers: 2 });
  return { reader, told: `column '${column}', row group ${page.rowGroup}` };
}

describe.each(['ra', 'row', 'gaps', 'name'])('column %s, changed, is refused', (column) => {
  test.each<[string, (reader: ParquetReader) => Promise<unknown>]>([
    ['in batches of threads', readBatches],
    ['as a whole', (reader) => reader.readAll()],
    [
      'as a stored group',
      async (reader) => {
        for (const group of reader.storedGroups([column]) ?? [])
          await readStoredGroup(group, new Schema(batch.schema.fields.filter(({ name }) => name === column)));
      },
    ],
    [
      'as picked rows',
      async (reader) => {
        const field = batch.schema.fields.find(({ name }) => name === column) as Field;
        const stored = reader.storedColumn(column);
        const rows = new Int32Array(new SharedArrayBuffer(40));
        for (let i = 0; i < rows.length; i++) rows[i] = i * 20_000 + 19_999;
        const group: PickedRows = {
          rowCount: 10,
          columns: [{ from: 'file', column: stored as NonNullable<typeof stored>, rows }],
          release: () => undefined,
        };
        await writePickedRows(join(folder, 'picked.parquet'), new Schema([field]), one(group), { overwrite: true });
      },
    ],
  ])('%s', async (name, read) => {
    const { reader, told } = await altered(`${column}-${name}.parquet`, column);
    const problem = await problemOf(read(reader));
    await reader.close();
    expect(problem).toMatch(/^PARQUET_INVALID: .*the checksum of the page at byte \d+ is wrong/);
    expect(problem).toContain(told);
  });
});

test('rows beyond a limit are not read, nor held against a checksum', async () => {
  const { reader } = await altered('limit.parquet', 'ra');
  const [group] = reader.storedGroups(['ra']) ?? [];
  const schema = new Schema([batch.schema.fields[0]]);
  expect((await readStoredGroup({ ...group, rowLimit: 1000 }, schema)).numRows).toBe(1000);
  await reader.close();
});

test('checksums of pyarrow, dictionaries and compressed pages, are checked', async () => {
  const whole = await readFile(new URL('pyarrow-pages.parquet', FIXTURES));
  const pages = await pagesOf(whole);
  expect(pages.filter(({ checksum }) => checksum === undefined)).toEqual([]);
  for (const { bodyOffset, bodyLength, offset } of pages) {
    if (bodyLength === 0) continue;
    const bytes = Buffer.from(whole);
    bytes[bodyOffset + (bodyLength >> 1)] ^= 4;
    expect(await problemOf(openParquet(new MemorySource(bytes)).then(readBatches))).toContain(
      `the checksum of the page at byte ${offset} is wrong`,
    );
  }
});
