import { isProblem } from '@armilla/base';
import { Field, Float64, makeData, RecordBatch, Schema, Struct } from 'apache-arrow';
import { encodeParquet, openParquetIsolated, openTable, type TableReader } from '../../index.js';

const ROWS = 100_000;

function table(rowCount: number): RecordBatch {
  const data = Float64Array.from({ length: rowCount }, (_, i) => i / 7);
  const fields = [new Field('a', new Float64(), true), new Field('b', new Float64(), true)];
  const children = fields.map(() => makeData({ type: new Float64(), length: rowCount, nullCount: 0, data }));
  return new RecordBatch(
    new Schema(fields),
    makeData({ type: new Struct(fields), length: rowCount, nullCount: 0, children }),
  );
}

async function parquet(rowCount = ROWS): Promise<Buffer> {
  const batch = table(rowCount);
  const parts: Uint8Array[] = [];
  async function* source(): AsyncGenerator<RecordBatch> {
    yield batch;
  }
  for await (const part of encodeParquet(batch.schema, source(), { rowGroupRowCount: 20_000, codec: 'uncompressed' }))
    parts.push(part.slice());
  return Buffer.concat(parts);
}

async function sum(reader: TableReader, columns?: string[]): Promise<{ rows: number; last: unknown; names: string }> {
  let rows = 0;
  let last: unknown;
  let names = '';
  for await (const batch of reader.batches({ columns })) {
    rows += batch.numRows;
    last = batch.getChildAt(0)?.get(batch.numRows - 1);
    names = batch.schema.fields.map((field) => field.name).join();
  }
  return { rows, last, names };
}

const reasonOf = async (attempt: Promise<unknown>): Promise<string> => {
  const error = await attempt.then(
    () => 'nothing thrown',
    (thrown: unknown) => thrown,
  );
  return isProblem(error) ? `${error.reason}: ${error.message}` : String(error);
};

test('a child process gives the same rows, as often as asked, also after a reader that left', async () => {
  const reader = await openParquetIsolated({ bytes: await parquet() }, { where: 'upload' });
  expect(reader.rowCount).toBe(ROWS);
  expect(reader.schema.fields.map((field) => field.name)).toEqual(['a', 'b']);
  expect(await sum(reader)).toEqual({ rows: ROWS, last: (ROWS - 1) / 7, names: 'a,b' });
  for await (const batch of reader.batches()) {
    expect(batch.numRows).toBeGreaterThan(0);
    break;
  }
  expect(await sum(reader, ['b'])).toEqual({ rows: ROWS, last: (ROWS - 1) / 7, names: 'b' });
  await reader.close();
});

test('a stream of foreign bytes is decoded there', async () => {
  const bytes = await parquet();
  async function* stream(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += 70_000) yield bytes.subarray(at, at + 70_000);
  }
  const reader = await openTable({ name: 'upload', stream: stream() }, { trusted: false });
  expect((await sum(reader)).rows).toBe(ROWS);
  await reader.close();
});

test('broken bytes, a child over its memory and one that is silent are PARQUET_INVALID', async () => {
  const bytes = await parquet();
  expect(await reasonOf(openParquetIsolated({ bytes: bytes.subarray(0, 5000) }, { where: 'cut' }))).toMatch(
    /^PARQUET_INVALID: cut: /,
  );
  const broken = Buffer.from(bytes);
  broken.fill(0xff, 4, 40);
  const reader = await openParquetIsolated({ bytes: broken }, { where: 'broken' });
  expect(await reasonOf(sum(reader))).toMatch(/^PARQUET_INVALID: broken, column 'a'/);
  await reader.close();
  expect(await reasonOf(openParquetIsolated({ bytes }, { where: 'fat', memoryBytes: 8 << 20 }).then(sum))).toMatch(
    /^PARQUET_INVALID: fat: .*memory/,
  );
  expect(await reasonOf(openParquetIsolated({ bytes }, { where: 'slow', silenceMs: 1 }))).toMatch(
    /^PARQUET_INVALID: slow: .*progress/,
  );
});

test('too long a stream is refused', async () => {
  const bytes = await parquet();
  expect(await reasonOf(openParquetIsolated({ bytes }, { where: 'long', maxFileBytes: 1000 }))).toMatch(
    /^MESSAGE_TOO_LARGE: long/,
  );
});

test('an abort ends the child', async () => {
  const reader = await openParquetIsolated({ bytes: await parquet() });
  const abort = new AbortController();
  const read = async (): Promise<void> => {
    for await (const _ of reader.batches({ signal: abort.signal, batchRowCount: 8 })) abort.abort(new Error('enough'));
  };
  await expect(read()).rejects.toThrow('enough');
  await reader.close();
});
