import { Random } from '@armilla/base';
import { Runtime } from '@armilla/gpu-core';
import { ipcBytes, MessageEncoder } from '@armilla/tables';
import {
  Bool,
  DataType,
  Dictionary,
  Field,
  Float64,
  Int32,
  List,
  type RecordBatch,
  Struct,
  Table,
  Utf8,
  vectorFromArray,
} from 'apache-arrow';
import { createHash } from 'node:crypto';
import { crossmatch, type ExecutionOptions } from '../index.js';
import { memoryTable, rowsOf } from '../testing/memory-table.js';

const ROWS = 300;
const random = new Random(8);
const orNull = <T>(value: T): T | null => (random.below(6) === 0 ? null : value);
const list = <T>(make: (i: number) => T): T[] => Array.from({ length: ROWS }, (_, i) => make(i));

/** Every row lies on its own spot, so that row i matches row i. */
function table(): Table {
  return new Table({
    ra: vectorFromArray(
      list((i) => i / 2),
      new Float64(),
    ),
    dec: vectorFromArray(
      list((i) => (i % 100) - 50),
      new Float64(),
    ),
    survey: vectorFromArray(
      list(() => orNull(['gaia', 'wise', 'sdss'][random.below(3)])),
      new Dictionary(new Utf8(), new Int32()),
    ),
    flag: vectorFromArray(
      list(() => orNull(random.below(2) === 1)),
      new Bool(),
    ),
    name: vectorFromArray(
      list((i) => orNull(`star ${'*'.repeat(i % 5)} ${i}`)),
      new Utf8(),
    ),
    mags: vectorFromArray(
      list((i) => orNull([i, i + 0.5])),
      new List(new Field('item', new Float64(), true)),
    ),
    pair: vectorFromArray(
      list((i) => orNull({ a: i, b: `${i}` })),
      new Struct([new Field('a', new Int32(), true), new Field('b', new Utf8(), true)]),
    ),
  });
}

let runtime: Runtime;
beforeAll(async () => {
  runtime = await Runtime.create({ workerCount: 2 });
});
afterAll(() => runtime.close());

async function match(
  left: Table,
  execution: ExecutionOptions,
  batchRowCount: number,
  join: 'inner' | 'full' = 'inner',
): Promise<RecordBatch[]> {
  const right = left.slice(0, ROWS - 40);
  const batches: RecordBatch[] = [];
  const stream = await crossmatch(
    memoryTable(left, { batchRowCount }),
    memoryTable(right, { batchRowCount }),
    { radiusArcsec: 1, join },
    { runtime, execution },
  );
  for await (const batch of stream) batches.push(batch);
  return batches;
}

function digestOf(batches: readonly RecordBatch[]): string {
  const encoder = new MessageEncoder(batches[0].schema);
  const hash = createHash('sha256');
  for (const batch of batches)
    for (const message of encoder.encode(batch)) for (const bytes of ipcBytes(message)) hash.update(bytes);
  return hash.digest('hex');
}

const plain = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, (_, inner: unknown) => (typeof inner === 'bigint' ? Number(inner) : inner)) ?? 'null',
  );

test('columns of every kind come through with their values and nulls; a dictionary as its values', async () => {
  const left = table();
  const batches = await match(left, {}, 1000, 'full');
  const source = rowsOf(left.batches);
  const rows = rowsOf(batches);
  expect(rows.length).toBe(ROWS);
  rows.forEach((row, i) => {
    for (const name of ['survey', 'flag', 'name', 'mags', 'pair']) {
      expect(plain(row[`${name}_1`])).toEqual(plain(source[i][name]));
      expect(plain(row[`${name}_2`])).toEqual(i < ROWS - 40 ? plain(source[i][name]) : null);
    }
  });
  const type = batches[0].schema.fields.find(({ name }) => name === 'survey_1')?.type;
  expect(DataType.isUtf8(type)).toBe(true);
});

test.each(['inner', 'full'] as const)(
  '%s join: the bytes do not depend on chunks, batches or dictionaries',
  async (join) => {
    const left = table();
    const expected = digestOf(await match(left, {}, 1000, join));
    for (const [chunkRowCount, batchRowCount] of [
      [1, 1000],
      [7, 13],
      [64, 64],
      [100, 3],
      [299, 50],
    ]) {
      expect(digestOf(await match(left, { chunkRowCount }, batchRowCount, join))).toBe(expected);
    }
  },
);

test('in any order, rows of a source that pauses are not held back', async () => {
  const left = table();
  const reader = memoryTable(left);
  let goOn = (): void => undefined;
  const paused = new Promise<void>((resolve) => (goOn = resolve));
  const slow = {
    ...reader,
    rowCount: undefined,
    async *batches() {
      yield* left.slice(0, 100).batches;
      await paused;
      yield* left.slice(100).batches;
    },
  };
  const stream = await crossmatch(
    slow,
    memoryTable(left),
    { radiusArcsec: 1, order: 'any', columns: ['left_row'] },
    { runtime },
  );
  let rowCount = 0;
  for await (const batch of stream) {
    rowCount += batch.numRows;
    if (rowCount === 100) goOn();
  }
  expect(rowCount).toBe(ROWS);
});
