import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { types } from 'node:util';
import { Worker } from 'node:worker_threads';
import { Random } from '@armilla/base';
import {
  Bool,
  type Data,
  type DataType,
  Dictionary,
  Field,
  Int32,
  makeVector,
  type RecordBatch,
  Schema,
  Table,
  Utf8,
  Vector,
  vectorFromArray,
} from 'apache-arrow';
import { recordBatch } from '../decoder.js';
import { openArrow } from '../open.js';
import { ColumnStore } from './columnStore.js';
import { concatData, GrowingColumn } from './growingColumn.js';
import { packColumn, transferList, unpackColumn } from './packedColumn.js';
import { releaseBuffer } from './releaseBuffer.js';
import { takeData } from './take.js';

const FOLDER = fileURLToPath(new URL('../../../../../fixtures/arrow/', import.meta.url));
const names = readdirSync(FOLDER).filter((name) => name.endsWith('.arrows'));

async function batchesOf(name: string): Promise<RecordBatch[]> {
  const reader = await openArrow({ name, bytes: readFileSync(FOLDER + name) });
  const batches: RecordBatch[] = [];
  for await (const batch of reader.batches()) batches.push(batch);
  return batches;
}

/** Values as text, which says what they are whatever memory they lie in. */
function valuesOf(data: Data): string[] {
  const vector = new Vector([data as Data<DataType>]);
  return Array.from({ length: data.length }, (_, i) => text(vector.get(i)));
}

function text(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  if (value instanceof Vector) return `[${Array.from(value, text).join()}]`;
  if (ArrayBuffer.isView(value)) return Array.from(value as Uint8Array).join();
  return String(value);
}

test.each(names)('%s: any rows in any order are taken as they were put in', async (name) => {
  const batches = await batchesOf(name);
  if (batches.length === 0) return;
  const random = new Random(31);
  const store = new ColumnStore(batches[0].schema);
  const expected: string[][] = batches[0].schema.fields.map(() => []);
  // Slices of odd sizes put every bitmap at every bit.
  for (let n = 0; n < 12; n++) {
    const batch = batches[n % batches.length];
    const from = random.below(batch.numRows + 1);
    const count = random.below(batch.numRows - from + 1);
    const columns = batch.data.children.map((data) => data.slice(from, count));
    store.append(recordBatch(batch.schema, columns, count));
    columns.forEach((data, i) => expected[i].push(...valuesOf(data)));
  }
  store.seal();
  expect(store.columns.map(valuesOf)).toEqual(expected);
  const { rowCount } = store;
  for (let n = 0; n < 5; n++) {
    const rows = Int32Array.from({ length: 1 + random.below(40) }, () =>
      rowCount === 0 ? -1 : random.below(rowCount + 1) - 1,
    );
    const batch = store.takeBatch(rows);
    expect(batch.numRows).toBe(rows.length);
    batch.data.children.forEach((data, i) => {
      const wanted = Array.from(rows, (row) => (row < 0 ? 'null' : expected[i][row]));
      expect([store.schema.fields[i].name, valuesOf(data)]).toEqual([store.schema.fields[i].name, wanted]);
    });
  }
});

test.each(names)('%s: columns can be posted, and be one of several', async (name) => {
  for (const batch of await batchesOf(name)) {
    for (const data of batch.data.children as Data<DataType>[]) {
      const packed = packColumn(data, { dictionaries: true });
      expect(valuesOf(unpackColumn(data.type, structuredClone(packed)))).toEqual(valuesOf(data));
      const without = structuredClone(packColumn(data, { dictionaries: false }));
      expect(valuesOf(unpackColumn(data.type, without, data))).toEqual(valuesOf(data));
      const first = data.slice(0, Math.min(1, data.length));
      expect(valuesOf(concatData([data, first, data]))).toEqual([data, first, data].flatMap(valuesOf));
    }
  }
});

test('another thread takes rows from the same memory', async () => {
  const batches = await batchesOf('pyarrow-flat.arrows');
  const store = new ColumnStore(batches[0].schema);
  batches.forEach((batch) => store.append(batch));
  store.seal();
  const entry = pathToFileURL(createRequire(import.meta.url).resolve('@armilla/tables')).href;
  const code = `
    const { parentPort, workerData } = require('node:worker_threads');
    import(workerData.entry).then(({ ColumnStore, packColumn, transferList }) => {
      const store = ColumnStore.fromShared(workerData.shared);
      const packed = store.take(workerData.rows).map((data) => packColumn(data, { dictionaries: false }));
      parentPort.postMessage({ packed, shared: store.columns.every((data) => !data.values || data.values.buffer instanceof SharedArrayBuffer) }, transferList(packed));
    });`;
  const rows = Int32Array.of(4, 0, -1, 2);
  const worker = new Worker(code, { eval: true, workerData: { entry, shared: store.toShared(), rows } });
  const answer = await new Promise<{ packed: ReturnType<typeof packColumn>[]; shared: boolean }>((resolve, reject) =>
    worker.once('message', resolve).once('error', reject),
  );
  await worker.terminate();
  expect(answer.shared).toBe(true);
  const columns = answer.packed.map((packed, i) =>
    unpackColumn(store.schema.fields[i].type as DataType, packed, store.columns[i]),
  );
  expect(columns.map(valuesOf)).toEqual(store.take(rows).map(valuesOf));
});

test('packing a slice does not carry the memory around it', () => {
  const big = vectorFromArray(Int32Array.from({ length: 1000 }, (_, i) => i)).data[0];
  const packed = packColumn(big.slice(10, 2) as Data<DataType>, { dictionaries: true });
  expect(packed.buffers[1]?.buffer.byteLength).toBe(8);
  expect(transferList([packed])).toHaveLength(1);
});

test('equal values of different dictionaries get one index', () => {
  const type = new Dictionary(new Utf8(), new Int32(), 0);
  const schema = new Schema([new Field('band', type)]);
  const store = new ColumnStore(schema);
  for (const words of [
    ['V', 'R', 'V'],
    ['R', 'I'],
    ['I', null, 'V'],
  ]) {
    store.append(
      recordBatch(schema, [vectorFromArray(words, new Dictionary(new Utf8(), new Int32(), 0)).data[0]], words.length),
    );
  }
  const [column] = store.seal().columns;
  expect([...new Vector([column])]).toEqual(['V', 'R', 'V', 'R', 'I', 'I', null, 'V']);
  expect([...(column.dictionary as Vector)]).toEqual(['V', 'R', 'I']);
});

test('rows without gaps are views, others are in memory of their own', () => {
  const data = vectorFromArray(Float64Array.of(0, 1, 2, 3, 4)).data[0] as Data<DataType>;
  expect(takeData(data, Int32Array.of(1, 2, 3)).values.buffer).toBe(data.values.buffer);
  expect(takeData(data, Int32Array.of(3, 2)).values.buffer).not.toBe(data.values.buffer);
  expect(valuesOf(takeData(data, new Int32Array(0)))).toEqual([]);
});

test('bits of any number fall where they belong', () => {
  const random = new Random(8);
  const column = new GrowingColumn(new Bool(), false);
  const expected: (boolean | null)[] = [];
  for (let n = 0; n < 200; n++) {
    const values = Array.from({ length: random.below(40) }, () => [true, false, null][random.below(n < 50 ? 2 : 3)]);
    const data = vectorFromArray([null, ...values, true], new Bool()).data[0].slice(1, values.length);
    column.append(data as Data<DataType>);
    expected.push(...values);
  }
  expect([...new Vector([column.data()])]).toEqual(expected);
});

test.each([0, 100, 3_000_000, 10_000_000])(
  'columns larger than a segment are whole when %d rows were expected',
  (rowCount) => {
    const numbers = Float64Array.from({ length: 999_999 }, (_, i) => i);
    const batch = new Table({ n: makeVector(numbers) }).batches[0];
    const store = new ColumnStore(batch.schema, { rowCount });
    for (let n = 0; n < 3; n++) store.append(batch);
    const [column] = store.seal().columns;
    expect(column.length).toBe(3 * numbers.length);
    expect(column.values.length).toBe(3 * numbers.length);
    expect(types.isSharedArrayBuffer(column.values.buffer)).toBe(true);
    for (let n = 0; n < 3; n++)
      expect(
        Buffer.compare(
          new Uint8Array(column.values.buffer, n * numbers.byteLength, numbers.byteLength),
          new Uint8Array(numbers.buffer),
        ),
      ).toBe(0);
  },
);

test('a released buffer is empty', () => {
  const buffer = new ArrayBuffer(1000);
  releaseBuffer(buffer);
  expect(buffer.byteLength).toBe(0);
});

test('a store that is not sealed cannot be read, a sealed one not be added to', async () => {
  const [batch] = await batchesOf('pyarrow-metadata.arrows');
  const store = new ColumnStore(batch.schema, { rowCount: 2 });
  expect(() => store.columns).toThrow('not sealed');
  store.append(batch);
  expect(store.bytes).toBe(32);
  store.seal();
  expect(() => store.append(batch)).toThrow('sealed');
  expect(store.bytes).toBe(32);
  expect([...store.schema.fields[0].metadata]).toEqual([
    ['unit', 'deg'],
    ['ucd', 'pos.eq.ra;meta.main'],
  ]);
  store.dispose();
  expect(store.rowCount).toBe(0);
});
