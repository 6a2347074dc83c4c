import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isProblem } from '@armilla/base';
import { makeVector, RecordBatch, Table, tableToIPC } from 'apache-arrow';
import { FileSource } from '../parquet/source.js';
import type { TableReader } from '../table/reader.js';
import { openArrow } from './open.js';
import { encodeArrowFile } from './write.js';

const FOLDER = fileURLToPath(new URL('../../../../fixtures/arrow/', import.meta.url));

function table(rowCount: number, batchCount = 3): Table {
  const batches = Array.from({ length: batchCount }, (_, b) => {
    const columns = {
      a: makeVector(Float64Array.from({ length: rowCount }, (_, i) => b * rowCount + i)),
      b: makeVector(Int32Array.from({ length: rowCount }, (_, i) => -i)),
    };
    return new Table(columns).batches[0];
  });
  return new Table(batches);
}

async function columnOf(
  reader: TableReader,
  name: string,
  options: Parameters<TableReader['batches']>[0] = {},
): Promise<unknown[]> {
  const values: unknown[] = [];
  for await (const batch of reader.batches(options)) values.push(...batch.getChild(name)!);
  return values;
}

async function reasonOf(run: () => Promise<unknown>): Promise<string> {
  try {
    await run();
  } catch (error) {
    if (isProblem(error)) return error.reason;
    throw error;
  }
  return 'none';
}

async function fileBytes(from: Table): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of encodeArrowFile(from.schema, from.batches)) parts.push(part);
  return Buffer.concat(parts);
}

async function* chunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += size) yield bytes.subarray(at, at + size);
}

test('both formats from bytes, a file and a stream are the same table', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'armilla-arrow-'));
  try {
    const source = table(1000);
    for (const [format, bytes] of [
      ['arrow-stream', tableToIPC(source, 'stream')],
      ['arrow-file', await fileBytes(source)],
      ['arrow-file', tableToIPC(source, 'file')],
    ] as const) {
      const path = join(folder, format);
      await writeFile(path, bytes);
      const inputs = [
        { name: 'x', bytes },
        { name: 'x', source: await FileSource.open(path) },
        { name: 'x', stream: chunks(bytes, 777) },
      ];
      for (const input of inputs) {
        const reader = await openArrow(input);
        expect(reader.format).toBe(format);
        expect(await columnOf(reader, 'a')).toEqual(Array.from({ length: 3000 }, (_, i) => i));
        await reader.close();
      }
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('a file can be read again and says its rows; a stream only once', async () => {
  const source = table(10);
  const file = await openArrow({ name: 'x', bytes: await fileBytes(source) });
  expect(file.rowCount).toBe(30);
  expect(await columnOf(file, 'b')).toEqual(await columnOf(file, 'b'));
  const stream = await openArrow({ name: 'x', stream: chunks(tableToIPC(source, 'stream'), 100) });
  expect(await columnOf(stream, 'b')).toHaveLength(30);
  await expect(columnOf(stream, 'b')).rejects.toThrow('only once');
});

test('columns come in the order asked for, batches not larger than asked for', async () => {
  const reader = await openArrow({ name: 'x', bytes: tableToIPC(table(10), 'stream') });
  const sizes: number[] = [];
  for await (const batch of reader.batches({ columns: ['b', 'a'], batchRowCount: 4 })) {
    expect(batch).toBeInstanceOf(RecordBatch);
    expect(batch.schema.fields.map((field) => field.name)).toEqual(['b', 'a']);
    sizes.push(batch.numRows);
  }
  expect(sizes).toEqual([4, 4, 2, 4, 4, 2, 4, 4, 2]);
  expect(await reasonOf(() => columnOf(reader, 'a', { columns: ['nope'] }))).toBe('COLUMN_NOT_FOUND');
});

test.each([
  ['nothing', Buffer.alloc(0), 'ARROW_TRUNCATED'],
  ['text', Buffer.from('ra,dec\n1,2\n3,4\n'), 'ARROW_INVALID'],
  ['only the magic of a file', Buffer.from('ARROW1\0\0'), 'ARROW_TRUNCATED'],
  ['only an end mark', Buffer.from([255, 255, 255, 255, 0, 0, 0, 0]), 'ARROW_TRUNCATED'],
])('%s is refused from bytes and from a stream', async (_, bytes, reason) => {
  expect(await reasonOf(() => openArrow({ name: 'x', bytes }))).toBe(reason);
  expect(await reasonOf(() => openArrow({ name: 'x', stream: chunks(bytes, 3) }))).toBe(reason);
});

test('a file that was cut is refused wherever it was', async () => {
  const bytes = await fileBytes(table(100));
  for (let length = 6; length < bytes.byteLength; length += 101) {
    expect(await reasonOf(() => openArrow({ name: 'x', bytes: bytes.subarray(0, length) }))).toBe('ARROW_TRUNCATED');
  }
});

test('a stream without its end mark is an error after its rows', async () => {
  const bytes = tableToIPC(table(10), 'stream').slice(0, -8);
  for (const input of [
    { name: 'x', bytes },
    { name: 'x', stream: chunks(bytes, 1000) },
  ]) {
    const reader = await openArrow(input);
    expect(await reasonOf(() => columnOf(reader, 'a'))).toBe('ARROW_TRUNCATED');
  }
});

test('a source that hangs is left when the signal says so', async () => {
  const bytes = tableToIPC(table(10), 'stream');
  let returned = false;
  async function* hanging(): AsyncGenerator<Uint8Array> {
    try {
      yield bytes.slice(0, bytes.byteLength - 100);
      await new Promise(() => undefined);
    } finally {
      returned = true;
    }
  }
  const controller = new AbortController();
  const reader = await openArrow({ name: 'x', stream: hanging() });
  const read = columnOf(reader, 'a', { signal: controller.signal });
  setTimeout(() => controller.abort(new Error('enough')), 10);
  await expect(read).rejects.toThrow('enough');
  expect(returned).toBe(false);
  const opening = openArrow({ name: 'x', stream: hanging() }, { signal: AbortSignal.abort(new Error('before')) });
  await expect(opening).rejects.toThrow('before');
});

test('a reader that stops early closes its source', async () => {
  const bytes = tableToIPC(table(10), 'stream');
  let closed = 0;
  async function* source(): AsyncGenerator<Uint8Array> {
    try {
      yield* chunks(bytes, 64);
    } finally {
      closed++;
    }
  }
  const early = await openArrow({ name: 'x', stream: source() });
  for await (const batch of early.batches()) {
    expect(batch.numRows).toBe(10);
    break;
  }
  expect(closed).toBe(1);
  const unread = await openArrow({ name: 'x', stream: source() });
  await unread.close();
  expect(closed).toBe(2);
  expect(
    await reasonOf(() =>
      openArrow({
        name: 'x',
        stream: (async function* () {
          try {
            yield Buffer.from('no arrow at all');
          } finally {
            closed++;
          }
        })(),
      }),
    ),
  ).toBe('ARROW_INVALID');
  expect(closed).toBe(3);
});

test('an error of the source comes through', async () => {
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield tableToIPC(table(10), 'stream').slice(0, 700);
    throw new Error('connection reset');
  }
  const reader = await openArrow({ name: 'x', stream: broken() });
  await expect(columnOf(reader, 'a')).rejects.toThrow('connection reset');
});

test('a file of polars, which has no stream inside, is read from a stream too, within the limit', async () => {
  const bytes = await readFile(join(FOLDER, 'polars.arrow'));
  const reader = await openArrow({ name: 'x', stream: chunks(bytes, 100) });
  expect(await columnOf(reader, 'i')).toEqual([1n, 2n, null, 4n]);
  expect(
    await reasonOf(() => openArrow({ name: 'x', stream: chunks(bytes, 100) }, { limits: { messageBytes: 1000 } })),
  ).toBe('ARROW_LIMIT');
});
