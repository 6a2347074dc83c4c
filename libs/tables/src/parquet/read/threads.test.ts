import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isProblem, Random } from '@armilla/base';
import {
  Field,
  Float64,
  Int64,
  makeData,
  RecordBatch,
  Schema,
  Struct,
  Utf8,
  type Vector,
  vectorFromArray,
} from 'apache-arrow';
import { FileSource, openParquet, type ParquetOptions, ParquetWriter } from '../../index.js';

const ROWS = 30_000;
let folder: string;
let path: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'armilla-parquet-'));
  path = join(folder, 'a.parquet');
  const random = new Random(31);
  const columns: [string, Vector][] = [
    [
      'id',
      vectorFromArray(
        Array.from({ length: ROWS }, (_, i) => BigInt(i)),
        new Int64(),
      ),
    ],
    [
      'ra',
      vectorFromArray(
        Array.from({ length: ROWS }, () => (random.below(9) === 0 ? null : random.between(0, 360))),
        new Float64(),
      ),
    ],
    [
      'name',
      vectorFromArray(
        Array.from({ length: ROWS }, () => `star ${random.below(500)}`),
        new Utf8(),
      ),
    ],
  ];
  const fields = columns.map(([name, vector]) => new Field(name, vector.type, true));
  const children = columns.map(([, vector]) => vector.data[0]);
  const batch = new RecordBatch(
    new Schema(fields),
    makeData({ type: new Struct(fields), length: ROWS, nullCount: 0, children }),
  );
  const parts: Uint8Array[] = [];
  const writer = new ParquetWriter(batch.schema, (bytes) => (parts.push(bytes.slice()), Promise.resolve()), {
    rowGroupRowCount: 1000,
  });
  for (let from = 0; from < ROWS; from += 1000) await writer.write(batch.slice(from, from + 1000));
  await writer.finish();
  await writeFile(path, Buffer.concat(parts));
});

afterAll(() => rm(folder, { recursive: true }));

async function digest(options: ParquetOptions): Promise<{ rows: number; text: string }> {
  const reader = await openParquet(await FileSource.open(path), options);
  let rows = 0;
  const seen: unknown[] = [];
  for await (const batch of reader.batches({ batchRowCount: 256 })) {
    rows += batch.numRows;
    seen.push(
      batch.getChildAt(0)?.get(0),
      batch.getChildAt(1)?.get(7),
      batch.getChildAt(2)?.get(batch.numRows - 1),
      batch.getChildAt(1)?.nullCount,
    );
  }
  await reader.close();
  return { rows, text: seen.map(String).join() };
}

test('threads give what this thread gives, in ordinary and in shared memory', async () => {
  const plain = await digest({ workers: 0 });
  expect(plain.rows).toBe(ROWS);
  expect(await digest({ workers: 2 })).toEqual(plain);
  expect(await digest({ workers: 3, sharedMemory: true })).toEqual(plain);
  expect(await digest({ workers: 0, sharedMemory: true })).toEqual(plain);
});

test.each([0, 2])('the whole table at once is what the batches are, with %i threads', async (workers) => {
  const wholeOf = async (columns?: string[]): Promise<RecordBatch> => {
    const reader = await openParquet(await FileSource.open(path), { workers });
    const seen: number[] = [];
    const whole = await reader.readAll({ columns, onRows: (rows) => seen.push(rows) });
    expect(seen).toEqual(Array.from({ length: 30 }, (_, i) => (i + 1) * 1000));
    await reader.close();
    return whole;
  };
  const reader = await openParquet(await FileSource.open(path), { workers: 0 });
  const whole = await wholeOf();
  expect(whole.numRows).toBe(ROWS);
  let row = 0;
  let nulls = 0;
  for await (const batch of reader.batches()) {
    nulls += batch.getChildAt(1)?.nullCount ?? 0;
    for (let i = 0; i < batch.numRows; i++, row++) {
      for (let column = 0; column < 3; column++)
        if (whole.getChildAt(column)?.get(row) !== batch.getChildAt(column)?.get(i))
          throw new Error(`row ${row}, column ${column}`);
    }
  }
  await reader.close();
  expect(whole.getChildAt(1)?.nullCount).toBe(nulls);
  for (const data of whole.data.children)
    expect((data.values as unknown as Uint8Array).buffer).toBeInstanceOf(SharedArrayBuffer);
  expect((await wholeOf(['name'])).schema.fields.map((field) => field.name)).toEqual(['name']);
});

test('a reader that stops early leaves nothing behind', async () => {
  const reader = await openParquet(await FileSource.open(path), { workers: 2 });
  for await (const batch of reader.batches()) {
    expect(batch.numRows).toBe(1000);
    break;
  }
  await reader.close();
});

test('an abort ends the reading with its reason', async () => {
  const reader = await openParquet(await FileSource.open(path), { workers: 2 });
  const abort = new AbortController();
  const read = async (): Promise<void> => {
    for await (const _ of reader.batches({ signal: abort.signal })) abort.abort(new Error('enough'));
  };
  await expect(read()).rejects.toThrow('enough');
  await reader.close();
});

test('a file that is cut while it is read is a typed error from any thread', async () => {
  const copy = join(folder, 'b.parquet');
  const source = await FileSource.open(path);
  await writeFile(copy, await source.read(0, source.byteLength));
  await source.close();
  const reader = await openParquet(await FileSource.open(copy), { workers: 2, where: copy });
  await truncate(copy, 20_000);
  const read = async (): Promise<void> => {
    for await (const batch of reader.batches()) expect(batch.numRows).toBe(1000);
  };
  const error: unknown = await read().catch((thrown: unknown) => thrown);
  expect(isProblem(error) && error.reason).toBe('PARQUET_INVALID');
  await reader.close();
});
