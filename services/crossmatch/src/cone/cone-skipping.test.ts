import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Random } from '@armilla/base';
import { Runtime } from '@armilla/gpu-core';
import { openTable } from '@armilla/tables';
import type { RecordBatch } from 'apache-arrow';
import { type ConeOptions, coneSearch } from '../index.js';
import { memoryTable, rowsOf, tableOf } from '../testing/memory-table.js';
import { storeParquet } from '../testing/stored-catalog.js';

const folder = mkdtempSync(join(tmpdir(), 'armilla-cone-'));
let runtime: Runtime;
beforeAll(async () => {
  runtime = await Runtime.create({ workerCount: 2 });
});
afterAll(async () => {
  await runtime.close();
  rmSync(folder, { recursive: true });
});

async function search(table: Parameters<typeof coneSearch>[0], options: ConeOptions) {
  using result = await coneSearch(table, options, { runtime });
  const batches: RecordBatch[] = [];
  for await (const batch of result) batches.push(batch);
  return { rows: rowsOf(batches), summary: result.summary };
}

/** Stars in tiles of the sky, as a survey stores them: each row group is of one tile. */
function tiles(turn: number) {
  const random = new Random(4);
  const [ra, dec] = [new Float64Array(96 * 50), new Float64Array(96 * 50)];
  for (let i = 0; i < ra.length; i++) {
    const tile = Math.floor(i / 50);
    ra[i] = (tile % 16) * 22.5 + random.between(0, 22.5) + turn;
    dec[i] = -90 + Math.floor(tile / 16) * 30 + random.between(0, 30);
  }
  return tableOf({ ra, dec });
}

test.each([0, -180, 360])(
  'row groups that cannot touch the cone are not read (right ascensions from %d)',
  async (turn) => {
    const table = tiles(turn);
    const path = join(folder, `tiles${turn}.parquet`);
    await storeParquet(path, table, 50);
    const random = new Random(11);
    let skipped = 0;
    for (let n = 0; n < 20; n++) {
      const options: ConeOptions = {
        raDeg: [0, 359.999, 22.5, random.between(-360, 720)][n % 4],
        decDeg: [90, -89.9, 0, 30, random.between(-90, 90)][n % 5],
        radiusArcsec: [60, 3600, 20_000, 100_000, 300_000][random.below(5)],
        columns: ['table_row', 'separation_arcsec'],
      };
      const whole = await search(memoryTable(table), options);
      const { rows, summary } = await search(await openTable(path), options);
      expect(rows).toEqual(whole.rows);
      expect(summary.tableRowCount).toBe(4800);
      expect(summary.skippedRowCount + rows.length).toBeLessThanOrEqual(4800);
      skipped += summary.skippedRowCount;
    }
    expect(skipped / (20 * 4800)).toBeGreaterThan(0.4);
  },
);

test('a small cone reads the row groups at its place, over several files and beside other formats', async () => {
  const table = tiles(0);
  const path = join(folder, 'one.parquet');
  await storeParquet(path, table, 50);
  const reader = await openTable([path, path]);
  const cone = { raDeg: 100, decDeg: 10, radiusArcsec: 3600, columns: ['table_row'] };
  const { rows, summary } = await search(reader, cone);
  expect(summary).toMatchObject({ tableRowCount: 9600, skippedRowCount: 9600 - 2 * 50 });
  const once = await search(memoryTable(table), cone);
  const numbers = once.rows.map(({ table_row }) => table_row as number);
  expect(rows.map(({ table_row }) => table_row)).toEqual(numbers.flatMap((row) => [row, row + 4800]));
});

test('rows that move are all read', async () => {
  const stars = { ra: [10, 20], dec: [0, 0], pmra: [3.6e7, 0], pmdec: [0, 0] };
  const path = join(folder, 'moving.parquet');
  await storeParquet(path, tableOf(stars), 1);
  const cone = { raDeg: 20, decDeg: 0, radiusArcsec: 3600, columns: ['table_row'] };
  const { rows, summary } = await search(await openTable(path), {
    ...cone,
    table: { epoch: 'J2000' },
    atEpoch: 'J2001',
  });
  expect(rows.map(({ table_row }) => table_row).sort()).toEqual([0, 1]);
  expect(summary.skippedRowCount).toBe(0);
});
