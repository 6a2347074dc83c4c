import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isProblem } from '@armilla/base';
import { type Data, type Decimal, Type } from 'apache-arrow';
import { decodeColumnChunkInto, FileSource, MemorySource, openParquet, prepareCodecs } from '../index.js';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '../../../..');
const FIXTURES = join(ROOT, 'fixtures/parquet');
const DATA = process.env.ARMILLA_DATA_DIR ?? join(ROOT, '../shared/data');

const index = JSON.parse(readFileSync(join(FIXTURES, 'index.json'), 'utf8')) as Record<
  string,
  { program: string; values: string }
>;
const valuesOf = (name: string): Record<string, unknown[]> =>
  JSON.parse(readFileSync(join(FIXTURES, `${index[name].values}.json`), 'utf8')) as Record<string, unknown[]>;

/** The form of the fixtures of one value: exact, see fixtures/generate/parquet.py. */
function textOf(data: Data, row: number, get: (row: number) => unknown): unknown {
  const bit = data.offset + row;
  if (data.type.typeId === Type.Null) return null;
  if (data.nullCount > 0 && ((data.nullBitmap as Uint8Array)[bit >> 3] & (1 << (bit & 7))) === 0) return null;
  switch (data.type.typeId as Type) {
    case Type.Float: {
      const value = get(row) as number;
      return Number.isFinite(value) ? value : String(value).replace('Infinity', 'inf').replace('NaN', 'nan');
    }
    case Type.Binary:
    case Type.FixedSizeBinary:
      return Buffer.from(get(row) as Uint8Array).toString('hex');
    case Type.Bool:
    case Type.Utf8:
      return get(row);
    case Type.Decimal: {
      const words = (data.type as Decimal).bitWidth / 32;
      let value = 0n;
      for (let k = words - 1; k >= 0; k--)
        value = (value << 32n) | BigInt((data.values as Uint32Array)[row * words + k]);
      return String(BigInt.asIntN(words * 32, value));
    }
    default:
      return String((data.values as unknown as ArrayLike<unknown>)[row]);
  }
}

async function valuesRead(bytes: Uint8Array, columns?: string[]): Promise<Record<string, unknown[]>> {
  const reader = await openParquet(new MemorySource(bytes), { columns });
  const out: Record<string, unknown[]> = Object.fromEntries(
    reader.schemaOf(columns).fields.map((field) => [field.name, []]),
  );
  for await (const batch of reader.batches({ batchRowCount: 32 })) {
    batch.schema.fields.forEach((field, i) => {
      const data = batch.data.children[i];
      const vector = batch.getChildAt(i);
      for (let row = 0; row < batch.numRows; row++) out[field.name].push(textOf(data, row, (at) => vector?.get(at)));
    });
  }
  return out;
}

test('no fixture is left out', () => {
  const files = readdirSync(FIXTURES)
    .filter((name) => name.endsWith('.parquet'))
    .map((name) => name.slice(0, -8));
  expect(files.sort()).toEqual(Object.keys(index).sort());
});

test.each(Object.keys(index))('%s reads as its program wrote it', async (name) => {
  const wanted = valuesOf(name);
  const columns = name.endsWith('nested') ? Object.keys(wanted) : undefined;
  expect(await valuesRead(readFileSync(join(FIXTURES, `${name}.parquet`)), columns)).toEqual(wanted);
});

test('a nested column is in the schema and refused by name when it is asked for', async () => {
  const reader = await openParquet(new MemorySource(readFileSync(join(FIXTURES, 'pyarrow-nested.parquet'))), {
    where: 'n',
  });
  expect(reader.schema.fields.map((field) => `${field.name}: ${field.type}`)).toEqual([
    'i: Int64',
    'list: List<Float64>',
    'struct: Struct<{a:Int64}>',
    'f: Float64',
  ]);
  expect([...reader.unreadable]).toEqual([
    ['list', 'is nested (list)'],
    ['struct', 'is nested (struct)'],
  ]);
  for (const columns of [undefined, ['i', 'list']]) {
    const error: unknown = await reader
      .batches({ columns })
      .next()
      .catch((thrown: unknown) => thrown);
    expect(isProblem(error) && [error.reason, error.message]).toEqual([
      'PARQUET_UNSUPPORTED',
      expect.stringContaining("n: column 'list' is nested (list)"),
    ]);
  }
});

test('a caller with threads of its own decodes chunk by chunk into its arrays', async () => {
  const bytes = readFileSync(join(FIXTURES, 'pyarrow-snappy.parquet'));
  const reader = await openParquet(new MemorySource(bytes));
  const { leaf, chunks } = reader.columnChunks('f64');
  await prepareCodecs(chunks.map((chunk) => chunk.codec));
  const values = new Float64Array(new SharedArrayBuffer(reader.rowCount * 8));
  const nulls = new Uint8Array(reader.rowCount);
  let at = 0;
  for (const chunk of chunks) {
    decodeColumnChunkInto(bytes.subarray(chunk.offset, chunk.offset + chunk.byteLength), chunk, leaf, 'f64', {
      values,
      at,
      nulls,
    });
    at += chunk.valueCount;
  }
  const wanted = valuesOf('pyarrow-snappy').f64;
  expect(
    [...values].map((value, i) =>
      nulls[i] === 1
        ? null
        : Number.isFinite(value)
          ? value
          : String(value).replace('Infinity', 'inf').replace('NaN', 'nan'),
    ),
  ).toEqual(wanted);
});

const hats = join(DATA, 'hats');
const withData = existsSync(hats) ? test : test.skip;

withData(`HATS catalogs are read (in ${hats})`, async () => {
  const files = readdirSync(hats, { recursive: true, encoding: 'utf8' }).filter(
    (name) => name.endsWith('.parquet') && name.includes('Npix'),
  );
  expect(files.length).toBeGreaterThan(10);
  let rows = 0;
  for (const file of files.filter((name) => name.startsWith('small_sky_source'))) {
    const reader = await openParquet(await FileSource.open(join(hats, file)), { where: file });
    for await (const batch of reader.batches()) rows += batch.numRows;
    await reader.close();
  }
  expect(rows).toBe(17_161);
});

const neowise = join(DATA, 'neowise/neowise_epochs.parquet');
const withNeowise = existsSync(neowise) ? test : test.skip;

withNeowise(`the nulls of NEOWISE stay nulls (in ${neowise})`, async () => {
  const reader = await openParquet(await FileSource.open(neowise));
  const nulls: Record<string, number> = { w1mpro_ep: 0, w2mpro_ep: 0 };
  for await (const batch of reader.batches())
    for (const name of Object.keys(nulls)) nulls[name] += batch.getChild(name)?.nullCount ?? 0;
  await reader.close();
  expect(reader.rowCount).toBe(38_700);
  expect(nulls).toEqual({ w1mpro_ep: 11, w2mpro_ep: 51 });
});
