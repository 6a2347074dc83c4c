import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Runtime } from '@armilla/gpu-core';
import { openTable, type PickedRows, type TableReader, writePickedRows, writeTable } from '@armilla/tables';
import type { RecordBatch, Table } from 'apache-arrow';
import { crossmatch, type ExecutionOptions, type MatchOptions, type MatchStream } from '../index.js';
import { memoryTable, rowsOf } from '../testing/memory-table.js';
import { awkwardSky } from '../testing/sky.js';
import { catalogOf, storeParquet } from '../testing/stored-catalog.js';

let runtime: Runtime;
let folder: string;
let left: Table;
const at = (name: string): string => join(folder, name);

beforeAll(async () => {
  runtime = await Runtime.create({ workerCount: 2 });
  folder = await mkdtemp(join(tmpdir(), 'armilla-picks-'));
  left = catalogOf(awkwardSky(1, 1100), 'l');
  await storeParquet(at('left.parquet'), left);
  await storeParquet(at('right.parquet'), catalogOf(awkwardSky(2, 1000, 3), 'r'));
});
afterAll(async () => {
  await runtime.close();
  await rm(folder, { recursive: true });
});

async function open(
  options: MatchOptions,
  execution: ExecutionOptions = {},
  leftReader?: TableReader,
): Promise<MatchStream> {
  return crossmatch(
    leftReader ?? (await openTable(at('left.parquet'))),
    await openTable(at('right.parquet')),
    options,
    { runtime, execution },
  );
}

async function read(path: string): Promise<Record<string, unknown>[]> {
  const batches: RecordBatch[] = [];
  const reader = await openTable(path);
  for await (const batch of reader.batches()) batches.push(batch);
  await reader.close();
  return rowsOf(batches);
}

const CASES: MatchOptions[] = [
  { radiusArcsec: 20 },
  { radiusArcsec: 20, join: 'left' },
  { radiusArcsec: 20, join: 'left-anti' },
  { radiusArcsec: 0.3, find: 'all' },
  {
    radiusArcsec: 1,
    find: 'all',
    join: 'left',
    columns: ['left.id', 'right.name', 'separation_arcsec', 'neighbour_count', 'left_row', 'right_row'],
  },
  {
    radiusArcsec: 8,
    find: 'k-nearest',
    k: 3,
    columns: ['rank', 'right.*', 'left.name', 'delta_ra_cosdec_arcsec', 'second_separation_arcsec'],
  },
  { radiusArcsec: 1e-9 },
];

test.each(CASES)('picked rows are those of the iteration, for any workers and chunks: %j', async (options) => {
  const whole = await open(options);
  await writeTable(at('whole.parquet'), whole.schema, whole, { format: 'parquet', overwrite: true });
  const rows = await read(at('whole.parquet'));
  for (const execution of [{}, { workerCount: 1, chunkRowCount: 1024 }, { chunkRowCount: 1500, cellRowCount: 64 }]) {
    const stream = await open(options, execution);
    const picked = stream.picked();
    if (!picked) throw new Error('not picked');
    await writePickedRows(at('picked.parquet'), stream.schema, picked, { overwrite: true });
    expect(await read(at('picked.parquet'))).toEqual(rows);
    const {
      totalSeconds: _,
      matchSeconds: __,
      indexSeconds: ___,
      peakMemoryBytes: ____,
      workerCount: _____,
      ...facts
    } = stream.summary();
    expect(facts).toMatchObject({
      rowCount: rows.length,
      left: whole.summary().left,
      right: whole.summary().right,
      pairCount: whole.summary().pairCount,
    });
  }
});

test.each<[string, MatchOptions]>([
  ['rows in any order', { radiusArcsec: 5, order: 'any' }],
  ['rows without a left side', { radiusArcsec: 5, join: 'full' }],
  ['right rows alone', { radiusArcsec: 5, join: 'right-anti' }],
  ['pairs that need all of the left side', { radiusArcsec: 5, find: 'mutual' }],
])('%s are not picked', async (_, options) => {
  await using stream = await open(options);
  expect(stream.picked()).toBeUndefined();
});

test('a left table that is no Parquet file is not picked from', async () => {
  await using stream = await open({ radiusArcsec: 5 }, {}, memoryTable(left));
  expect(stream.picked()).toBeUndefined();
});

test('the tables stay open until the last picked rows are released, then the match has its summary', async () => {
  const stream = await open({ radiusArcsec: 20 });
  const groups = (stream.picked() as AsyncIterable<PickedRows>)[Symbol.asyncIterator]();
  const { value: group } = await groups.next();
  let ended = false;
  const end = groups.next().then((result) => {
    ended = true;
    return result;
  });
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(ended).toBe(false);
  (group as PickedRows).release();
  expect(await end).toMatchObject({ done: true });
  expect(stream.summary().rowCount).toBe((group as PickedRows).rowCount);
});

test('leaving early waits for what was given out, not for what was made ahead', async () => {
  const stream = await open({ radiusArcsec: 648_000, find: 'all', columns: ['left.id'] });
  const groups = (stream.picked() as AsyncIterable<PickedRows>)[Symbol.asyncIterator]();
  const { value: group } = await groups.next();
  const left = groups.return?.();
  (group as PickedRows).release();
  expect(await left).toMatchObject({ done: true });
});

test('a writer that fails releases what it took, so that the match ends', async () => {
  const stream = await open({ radiusArcsec: 648_000, find: 'all', columns: ['left.id'] });
  const picked = stream.picked() as AsyncIterable<PickedRows>;
  await expect(writePickedRows(at('no-such-folder/out.parquet'), stream.schema, picked)).rejects.toMatchObject({
    reason: 'OUTPUT_NOT_CREATED',
  });
  await stream.close();
  const aborted = new AbortController();
  const again = await open({ radiusArcsec: 648_000, find: 'all', columns: ['left.id'] });
  const onFirst = async function* (): AsyncGenerator<PickedRows, void, undefined> {
    for await (const group of again.picked() as AsyncIterable<PickedRows>) {
      aborted.abort(new Error('enough'));
      yield group;
    }
  };
  await expect(
    writePickedRows(at('aborted.parquet'), again.schema, onFirst(), { signal: aborted.signal }),
  ).rejects.toThrow('enough');
  await again.close();
});

test('a match is read once, either way', async () => {
  const stream = await open({ radiusArcsec: 20 });
  for await (const { release } of stream.picked() as AsyncIterable<PickedRows>) release();
  expect(() => stream[Symbol.asyncIterator]()).toThrow('once');
});
