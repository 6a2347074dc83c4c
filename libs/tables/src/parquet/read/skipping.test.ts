import {
  type Data,
  Field,
  Float32,
  Float64,
  Int32,
  makeData,
  RecordBatch,
  Schema,
  Struct,
  vectorFromArray,
} from 'apache-arrow';
import { encodeParquet, MemorySource, openParquet, type ParquetReader, type ValueBounds } from '../../index.js';

const schema = new Schema([
  new Field('x', new Float64(), true),
  new Field('y', new Float32(), true),
  new Field('n', new Int32(), true),
]);

/** 100 rows in row groups of 10: x is the row, y minus that, n as well. */
async function opened(x: (row: number) => number | null = (row) => row): Promise<ParquetReader> {
  const rows = Array.from({ length: 100 }, (_, row) => row);
  const children = [
    vectorFromArray(rows.map(x), new Float64()).data[0],
    vectorFromArray(
      rows.map((row) => -row),
      new Float32(),
    ).data[0],
    vectorFromArray(rows, new Int32()).data[0],
  ] as Data[];
  const batch = new RecordBatch(schema, makeData({ type: new Struct(schema.fields), length: 100, children }));
  const batches = async function* (): AsyncGenerator<RecordBatch> {
    yield batch;
  };
  const parts: Uint8Array[] = [];
  for await (const part of encodeParquet(schema, batches(), { rowGroupRowCount: 10 })) parts.push(part.slice());
  return openParquet(new MemorySource(Buffer.concat(parts)));
}

/** The rows that are read, and where the others are told of: a number of rows left out. */
async function read(
  reader: ParquetReader,
  canSkip: (boundsOf: (column: string) => ValueBounds | undefined) => boolean,
): Promise<(number | string)[]> {
  const seen: (number | string)[] = [];
  const skipping = { canSkip, onSkipped: (rowCount: number) => void seen.push(`${rowCount} left out`) };
  for await (const batch of reader.batches({ columns: ['n'], skipping }))
    for (let i = 0; i < batch.numRows; i++) seen.push(Number(batch.getChildAt(0)?.get(i)));
  await reader.close();
  return seen;
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

test('row groups are left out by the bounds of columns that need not be read, and told in their place', async () => {
  const within = (bounds: ValueBounds | undefined, least: number, most: number): boolean =>
    bounds === undefined || (bounds.most >= least && bounds.least <= most);
  expect(await read(await opened(), (boundsOf) => !within(boundsOf('x'), 35, 41))).toEqual([
    '30 left out',
    ...range(30, 50),
    '50 left out',
  ]);
  expect(await read(await opened(), (boundsOf) => !within(boundsOf('y'), -5, 0))).toEqual([
    ...range(0, 10),
    '90 left out',
  ]);
  expect(await read(await opened(), (boundsOf) => within(boundsOf('x'), 50, 55))).toEqual([
    ...range(0, 50),
    '10 left out',
    ...range(60, 100),
  ]);
  expect(await read(await opened(), () => true)).toEqual(['100 left out']);
});

test('what is not known of a column is not made up', async () => {
  const seen: (ValueBounds | undefined)[] = [];
  const rows = await read(await opened((row) => (row < 10 ? NaN : row < 20 ? null : row)), (boundsOf) => {
    seen.push(boundsOf('x'), boundsOf('n'), boundsOf('nope'));
    return false;
  });
  expect(rows).toEqual(range(0, 100));
  expect(seen.slice(0, 9)).toEqual([
    ...[undefined, undefined, undefined],
    ...[undefined, undefined, undefined],
    ...[{ least: 20, most: 29 }, undefined, undefined],
  ]);
});
