import { Runtime } from '@armilla/gpu-core';
import type { RecordBatch, Table } from 'apache-arrow';
import { matchTables, type TablesOptions } from '../index.js';
import { memoryTable, rowsOf } from '../testing/memory-table.js';
import { NWAY, NWAY_HISTOGRAM, nwayTable, STILTS } from '../testing/nway.js';

let runtime: Runtime;
beforeAll(async () => {
  runtime = await Runtime.create({ workerCount: 2 });
});
afterAll(() => runtime.close());

type Row = Record<string, number | null>;

async function rows(tables: readonly Table[], options: TablesOptions): Promise<Row[]> {
  const batches: RecordBatch[] = [];
  const readers = tables.map((table) => memoryTable(table));
  for await (const batch of await matchTables(readers, options, { runtime })) batches.push(batch);
  expect(readers.map(({ closed }) => closed > 0)).toEqual(readers.map(() => true));
  return rowsOf(batches) as Row[];
}

const skyAreaSquareDegrees = NWAY.area_square_degrees;
const error = 'err:arcsec';
const histogram = [`mag=${NWAY_HISTOGRAM}`];

test('the pairs of STILTS', async () => {
  const { radius_arcsec: radiusArcsec, pairs } = STILTS;
  const mine = await rows(['x', 'opt', 'ir'].map(nwayTable), { radiusArcsec, join: 'matched' });
  expect(pairs.length).toBeGreaterThan(100);
  expect(mine.map((row) => [row.id_1, row.id_2, row.id_3])).toEqual(pairs);
});

test('the groups of STILTS, but for those that have several rows of one table', async () => {
  const { radius_arcsec: radiusArcsec, groups } = STILTS;
  const mine = await rows(['x', 'opt', 'ir'].map(nwayTable), { radiusArcsec, multi: 'groups', join: 'matched' });
  const theirs = new Set(groups.map((row) => row.join()));
  const simple = mine.filter((row) => row.group_size === row.ncat);
  expect(simple.length).toBeGreaterThan(100);
  for (const row of simple) expect(theirs).toContain([row.id_1, row.id_2, row.id_3].join());
});

test.each<[string, string[], TablesOptions]>([
  [
    'three',
    ['x', 'opt', 'ir'],
    {
      radiusArcsec: 6,
      probabilities: {},
      tables: [
        { error },
        { error, skyAreaSquareDegrees, completeness: 0.9 },
        { error, skyAreaSquareDegrees, completeness: 0.7 },
      ],
    },
  ],
  [
    'three-magnitude',
    ['x', 'opt', 'ir'],
    {
      radiusArcsec: 5,
      probabilities: {},
      tables: [{ error }, { error, skyAreaSquareDegrees, magnitudePriors: histogram }, { error, skyAreaSquareDegrees }],
    },
  ],
  [
    'two-incomplete',
    ['x', 'opt'],
    {
      radiusArcsec: 10,
      probabilities: { completeness: 0.8, acceptableRatio: 0.3 },
      tables: [{ error }, { error, skyAreaSquareDegrees }],
    },
  ],
])('every row of NWAY, in its order, within 1e-5: %s', async (name, tables, options) => {
  const mine = await rows(tables.map(nwayTable), options);
  const { columns, rows: theirs } = NWAY.cases[name];
  expect(mine).toHaveLength(theirs.length);
  let worst = 0;
  let factors = 0;
  for (const [i, row] of mine.entries()) {
    const golden = Object.fromEntries(columns.map((column, c) => [column, theirs[i][c]]));
    expect(tables.map((_, k) => row[`id_${k + 1}`] ?? -1)).toEqual(tables.map((table) => golden[`${table}_id`]));
    for (const column of ['dist_post', 'p_single', 'p_any', 'p_i', 'match_flag'])
      worst = Math.max(worst, Math.abs(Number(row[column]) - golden[column]));
    for (const column of ['dist_bayesfactor', 'dist_bayesfactor_corrected'])
      if (column in golden) factors = Math.max(factors, Math.abs(Number(row[column]) - golden[column]));
    if ('bias_OPT_mag' in golden) expect(Number(row.bias_mag_2) / golden.bias_OPT_mag).toBeCloseTo(1, 6);
  }
  expect(worst).toBeLessThan(1e-5);
  expect(factors).toBeLessThan(1e-4);
});
