import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Runtime } from '@armilla/gpu-core';
import { type WrittenFormat, formatOfName, openTable, writePickedRows, writeTable } from '@armilla/tables';
import type { RecordBatch } from 'apache-arrow';
import { crossmatch, type ExecutionOptions, type MatchOptions, type MatchStream, type MatchSummary } from '../index.js';
import { memoryTable, rowsOf } from '../testing/memory-table.js';
import { awkwardSky } from '../testing/sky.js';
import { catalogOf, storeParquet } from '../testing/stored-catalog.js';

let runtime: Runtime;
let folder: string;
const at = (name: string): string => join(folder, name);

beforeAll(async () => {
  runtime = await Runtime.create({ workerCount: 2 });
  folder = await mkdtemp(join(tmpdir(), 'armilla-spill-'));
  await storeParquet(at('left.parquet'), catalogOf(awkwardSky(1, 550), 'l'));
  await storeParquet(at('right.parquet'), catalogOf(awkwardSky(2, 500, 3), 'r'));
});
afterAll(async () => {
  await runtime.close();
  await rm(folder, { recursive: true });
});

/** Matches the two files, in the scratch folder where `execution` has buckets, and gives the bytes of the result. */
async function matched(
  options: MatchOptions,
  execution: ExecutionOptions,
  spills: boolean,
  [left, right]: readonly string[] = ['left.parquet', 'right.parquet'],
): Promise<{ bytes: Buffer; summary: MatchSummary; stream: MatchStream }> {
  const scratch = at('scratch');
  const stream = await crossmatch(await openTable(at(left)), await openTable(at(right)), options, {
    runtime,
    execution,
    scratch: { folder: scratch, use: spills ? 'always' : 'needed' },
  });
  const picked = stream.picked();
  if (picked) await writePickedRows(at('out.parquet'), stream.schema, picked, { overwrite: true });
  else await writeTable(at('out.parquet'), stream.schema, stream, { format: 'parquet', overwrite: true });
  expect(existsSync(scratch)).toBe(false);
  return { bytes: await readFile(at('out.parquet')), summary: stream.summary(), stream };
}

/** What does not depend on how a match was done. */
function factsOf({ left, right, pairCount, rowCount, groupCount }: MatchSummary) {
  return { left, right, pairCount, rowCount, groupCount };
}

const CASES: MatchOptions[] = [
  { radiusArcsec: 20 },
  { radiusArcsec: 20, join: 'left' },
  { radiusArcsec: 20, join: 'left-anti' },
  { radiusArcsec: 20, join: 'right' },
  { radiusArcsec: 20, join: 'full' },
  { radiusArcsec: 20, join: 'right-anti' },
  { radiusArcsec: 3, find: 'all' },
  { radiusArcsec: 3600, find: 'nearest', minRadiusArcsec: 5 },
  {
    radiusArcsec: 1,
    find: 'all',
    join: 'full',
    columns: ['left.id', 'right.name', 'separation_arcsec', 'neighbour_count', 'left_row', 'right_row'],
  },
  {
    radiusArcsec: 8,
    find: 'k-nearest',
    k: 3,
    join: 'left',
    columns: [
      'rank',
      'right.*',
      'left.name',
      'delta_ra_cosdec_arcsec',
      'delta_dec_arcsec',
      'second_separation_arcsec',
      'neighbour_count',
      'right_row',
    ],
  },
  { radiusArcsec: 5, columns: ['separation_arcsec', 'right.id'] },
  { radiusArcsec: 20, find: 'mutual' },
  { radiusArcsec: 20, find: 'mutual', join: 'full', columns: ['left.id', 'right.id', 'neighbour_count'] },
  { radiusArcsec: 10, find: 'one-to-one' },
  { radiusArcsec: 30, find: 'one-to-one', join: 'full' },
  { radiusArcsec: 1e-9 },
];

test.each(CASES)('a join in buckets gives the bytes of a join in memory: %j', async (options) => {
  const inMemory = await matched(options, {}, false);
  expect(inMemory.summary.spill).toBeUndefined();
  for (const execution of [
    {},
    { bucketRowCount: 64 },
    { bucketRowCount: 150, chunkRowCount: 77, workerCount: 1 },
    { bucketRowCount: 400, chunkRowCount: 300, cellRowCount: 64 },
  ]) {
    const spilled = await matched(options, execution, true);
    expect(spilled.summary.spill?.bucketCount).toBeGreaterThan(execution.bucketRowCount === 64 ? 5 : 0);
    expect(factsOf(spilled.summary)).toEqual(factsOf(inMemory.summary));
    expect(Buffer.compare(spilled.bytes, inMemory.bytes)).toBe(0);
  }
});

describe.each(['parquet', 'csv', 'arrow', 'arrows'])('.%s files', (extension) => {
  const names = [`other-left.${extension}`, `other-right.${extension}`];

  beforeAll(async () => {
    for (const [i, name] of names.entries()) {
      const table = catalogOf(awkwardSky(3 + i, 400, 2 * i), 'x');
      // In one row group, which threads read themselves.
      if (extension === 'parquet') await storeParquet(at(name), table, 1000);
      else {
        const format = formatOfName(name) as WrittenFormat;
        await writeTable(at(name), table.schema, memoryTable(table).batches(), { format });
      }
    }
  });

  test.each<MatchOptions>([
    { radiusArcsec: 20 },
    { radiusArcsec: 5, find: 'all', join: 'full' },
    { radiusArcsec: 5, find: 'one-to-one', columns: ['left.name', 'right.name', 'right.flag', 'right_row'] },
  ])('give the bytes of a join in memory: %j', async (options) => {
    const inMemory = await matched(options, {}, false, names);
    const spilled = await matched(options, { bucketRowCount: 100, chunkRowCount: 200 }, true, names);
    expect(factsOf(spilled.summary)).toEqual(factsOf(inMemory.summary));
    expect(spilled.summary.left.misfitByColumn).toEqual(inMemory.summary.left.misfitByColumn);
    expect(Buffer.compare(spilled.bytes, inMemory.bytes)).toBe(0);
  });
});

test('rows in any order are the same rows', async () => {
  const options: MatchOptions = { radiusArcsec: 3, find: 'all', order: 'any', join: 'left' };
  const rows: unknown[][] = [];
  for (const spills of [false, true]) {
    const execution = { bucketRowCount: 100, chunkRowCount: 200 };
    await matched(options, execution, spills);
    const batches: RecordBatch[] = [];
    const reader = await openTable(at('out.parquet'));
    for await (const batch of reader.batches()) batches.push(batch);
    await reader.close();
    rows.push(
      rowsOf(batches)
        .map((row) => JSON.stringify(row))
        .sort(),
    );
  }
  expect(rows[1]).toEqual(rows[0]);
});
