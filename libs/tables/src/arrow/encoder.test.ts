import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Random } from '@armilla/base';
import {
  Data,
  type DataType,
  Dictionary,
  Field,
  Int32,
  type RecordBatch,
  Schema,
  tableFromIPC,
  Utf8,
  Vector,
  vectorFromArray,
} from 'apache-arrow';
import { MessageDecoder, recordBatch } from './decoder.js';
import { MessageEncoder } from './encoder.js';
import { IPC_END, ipcBytes, type IpcMessage } from './message.js';
import { openArrow } from './open.js';
import { ColumnStore } from './store/columnStore.js';
import { encodeArrowFile, encodeArrowStream } from './write.js';

const FOLDER = fileURLToPath(new URL('../../../../fixtures/arrow/', import.meta.url));
const names = readdirSync(FOLDER).filter((name) => name.endsWith('.arrows'));

async function batchesOf(name: string): Promise<RecordBatch[]> {
  const reader = await openArrow({ name, bytes: readFileSync(FOLDER + name) });
  const batches: RecordBatch[] = [];
  for await (const batch of reader.batches()) batches.push(batch);
  return batches;
}

function bytesOf(messages: readonly IpcMessage[]): Buffer {
  return Buffer.concat(messages.flatMap(ipcBytes));
}

async function collect(parts: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const part of parts) all.push(part);
  return Buffer.concat(all);
}

test.each(names)('%s: a slice is written with the same bytes as a copy of its rows', async (name) => {
  const random = new Random(9);
  for (const batch of await batchesOf(name)) {
    const from = random.below(batch.numRows + 1);
    const count = random.below(batch.numRows - from + 1);
    const slice = recordBatch(
      batch.schema,
      batch.data.children.map((data) => data.slice(from, count)),
      count,
    );
    const store = new ColumnStore(batch.schema);
    store.append(slice);
    const copy = store.seal().takeBatch(Int32Array.from({ length: count }, (_, i) => i));
    // Stores have 32-bit indices, so both sides come from one.
    const again = new ColumnStore(batch.schema);
    again.append(batch);
    const whole = again.seal();
    const view = recordBatch(
      whole.schema,
      whole.columns.map((data) => data.slice(from, count)),
      count,
    );
    const rows = (one: RecordBatch): unknown[] =>
      tableFromIPC(
        bytesOf([new MessageEncoder(one.schema).schemaMessage(), ...new MessageEncoder(one.schema).encode(one)]),
      )
        .toArray()
        .map(String);
    expect(rows(view)).toEqual(rows(copy));
    const last = (one: RecordBatch): IpcMessage => new MessageEncoder(one.schema).encode(one).at(-1)!;
    // A slice of a dense union keeps all of its children.
    if (!name.includes('union')) expect(bytesOf([last(view)])).toEqual(bytesOf([last(copy)]));
  }
});

test.each(names)('%s: what is written is read again, as a stream and as a file', async (name) => {
  const batches = await batchesOf(name);
  if (batches.length === 0) return;
  const { schema } = batches[0];
  const values = (all: readonly RecordBatch[]): unknown[] => all.flatMap((batch) => batch.toArray().map(String));
  for (const encode of [encodeArrowStream, encodeArrowFile]) {
    const bytes = await collect(encode(schema, batches));
    const reader = await openArrow({ name, bytes });
    const back: RecordBatch[] = [];
    for await (const batch of reader.batches()) back.push(batch);
    expect(values(back)).toEqual(values(batches));
    expect([...reader.schema.metadata]).toEqual([...schema.metadata]);
    expect(reader.schema.fields.map((field) => [field.name, field.nullable, ...field.metadata])).toEqual(
      schema.fields.map((field) => [field.name, field.nullable, ...field.metadata]),
    );
  }
});

test('an empty table still has its schema', async () => {
  const schema = new Schema([new Field('ra', new Utf8(), true, new Map([['unit', 'deg']]))]);
  for (const encode of [encodeArrowStream, encodeArrowFile]) {
    const reader = await openArrow({ name: 'empty', bytes: await collect(encode(schema, [])) });
    expect(reader.schema.fields[0].metadata.get('unit')).toBe('deg');
    for await (const batch of reader.batches()) throw new Error(`a batch of ${batch.numRows} rows`);
  }
});

test('dictionaries of two origins with one id stand in one schema', () => {
  const type = new Dictionary(new Utf8(), new Int32(), 0);
  const columns = [
    vectorFromArray(['a', 'b', 'a'], type),
    vectorFromArray(['x', 'x', 'y'], new Dictionary(new Utf8(), new Int32(), 0)),
  ];
  const schema = new Schema([
    new Field('left', columns[0].type),
    new Field('right', new Dictionary(new Utf8(), new Int32())),
  ]);
  const batch = recordBatch(
    schema,
    columns.map((column) => column.data[0]),
    3,
  );
  const encoder = new MessageEncoder(schema);
  const bytes = Buffer.concat([bytesOf([encoder.schemaMessage(), ...encoder.encode(batch)]), IPC_END]);
  expect(
    tableFromIPC(bytes)
      .toArray()
      .map((row) => row.toJSON()),
  ).toEqual([
    { left: 'a', right: 'x' },
    { left: 'b', right: 'x' },
    { left: 'a', right: 'y' },
  ]);
});

test('a dictionary is sent once as long as it stays', () => {
  const column = vectorFromArray(['a', 'b', 'a'], new Dictionary(new Utf8(), new Int32(), 3));
  const schema = new Schema([new Field('band', column.type)]);
  const encoder = new MessageEncoder(schema);
  const batch = recordBatch(schema, [column.data[0]], 3);
  expect([encoder.encode(batch).length, encoder.encode(batch).length]).toEqual([2, 1]);
});

test('a batch of another schema is a mistake, not other bytes', () => {
  const encoder = new MessageEncoder(new Schema([new Field('a', new Int32())]));
  const column = vectorFromArray(['x'], new Utf8());
  expect(() => encoder.encode(recordBatch(new Schema([new Field('a', new Utf8())]), [column.data[0]], 1))).toThrow(
    TypeError,
  );
});

test('body parts are views on the columns', () => {
  const column = vectorFromArray(Int32Array.of(1, 2, 3, 4));
  const schema = new Schema([new Field('i', column.type)]);
  const [message] = new MessageEncoder(schema).encode(recordBatch(schema, [column.data[0]], 4));
  expect(message.body[0].buffer).toBe(column.data[0].values.buffer);
  expect(message.body.reduce((sum, part) => sum + part.byteLength, 0)).toBe(message.bodyLength);
});

test('a dictionary that grows by many small pieces stays readable', () => {
  const type = new Dictionary(new Utf8(), new Int32(), 0);
  const schema = new Schema([new Field('band', type)]);
  const decoder = new MessageDecoder();
  const encoder = new MessageEncoder(schema, { dictionaries: 'grow' });
  decoder.decode(encoder.schemaMessage());
  const pieces: Data<Utf8>[] = [];
  for (let known = 1; known <= 300; known++) {
    pieces.push(vectorFromArray([`w${known}`], new Utf8()).data[0]);
    const data = new Data(
      type,
      0,
      2,
      0,
      [undefined as never, Int32Array.of(0, known - 1), new Uint8Array(0)],
      [],
      new Vector([...pieces]),
    );
    const messages = encoder.encode(recordBatch(schema, [data as Data<DataType>], 2));
    expect(messages).toHaveLength(2);
    const decoded = messages.map((message) => decoder.decode(message)).at(-1)!;
    expect([...decoded.getChild('band')!]).toEqual(['w1', `w${known}`]);
  }
});
