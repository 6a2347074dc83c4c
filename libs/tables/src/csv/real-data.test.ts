import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bytesOf, rowsOf } from '../testing/sample-table.js';
import { openTableInWorker } from '../table/in-worker.js';
import { openTable } from '../table/open.js';
import { closeTableThreads } from '../table/thread.js';

const folder = process.env['ARMILLA_DATA_DIR'] ?? fileURLToPath(new URL('../../../../../shared/data', import.meta.url));
const onData = (name: string, run: () => Promise<void>): void => {
  if (existsSync(folder)) test(name, run);
  else test.skip(`${name} (no real data: set ARMILLA_DATA_DIR)`, run);
};
const shapeOf = (reader: Awaited<ReturnType<typeof openTable>>): string[] =>
  reader.schema.fields.map((field) => `${field.name} ${String(field.type)}`);

afterAll(closeTableThreads);

onData('Hipparcos: row counts, types and sums', async () => {
  const hip2 = await openTable(join(folder, 'hipparcos/hip2_j1991.csv.gz'));
  expect(shapeOf(hip2)).toEqual([
    'hip Int64',
    'ra Float64',
    'dec Float64',
    'plx Float64',
    'hpmag Float64',
    'bv Float64',
    'vi Float64',
  ]);
  expect(hip2.rowCount).toBe(117_955);
  let positive = 0;
  let rowCount = 0;
  for await (const batch of hip2.batches({ columns: ['plx'] })) {
    rowCount += batch.numRows;
    for (const plx of batch.getChildAt(0)?.data[0].values as Float64Array) if (plx > 0) positive++;
  }
  expect([rowCount, positive]).toEqual([117_955, 113_942]);
  const hip1 = await openTable(join(folder, 'hipparcos/hip1_j2000_v9.csv.gz'));
  expect(hip1.rowCount).toBe(82_984);
  expect(await rowsOf(hip1.batches())).toHaveLength(82_984);
});

onData('OpenNGC: semicolons, commas inside, leading zeros, blanks', async () => {
  const reader = await openTable(join(folder, 'tables/OpenNGC_NGC.csv.gz'));
  expect(reader.rowCount).toBe(13_969);
  const shape = shapeOf(reader);
  expect(shape).toEqual(
    expect.arrayContaining(['RA Utf8', 'MajAx Float64', 'PosAng Int64', 'RadVel Int64', 'M Utf8', 'Redshift Float64']),
  );
  const rows = await rowsOf(reader.batches({ columns: ['Name', 'MajAx', 'PosAng', 'M', 'Cstar U-Mag'] }));
  expect(rows).toContainEqual(['NGC0224', 177.83, 35n, '031', null]);
  expect([...reader.misfits]).toEqual([]);
});

onData('replies of a TAP server: CSV with and without header and TSV hold the same table', async () => {
  const read = async (name: string): Promise<unknown[][]> =>
    rowsOf((await openTable(join(folder, 'tap-replies', name))).batches());
  const rows = await read('big500.csv');
  expect(rows).toHaveLength(500);
  expect(rows[1]).toEqual([901n, 305.5045909159098, -86.55887247137315, 17.01, null, 'S901', '2010-01-01T00:15:01']);
  expect(await read('big500.noheader.csv')).toEqual(rows);
  expect(await read('big500.tsv')).toEqual(rows);
  const types = async (name: string): Promise<string[]> =>
    (await openTable(join(folder, 'tap-replies', name))).schema.fields.map((field) => String(field.type));
  expect(await types('big500.tsv')).toEqual(await types('big500.csv'));
});

onData('an upload of a client, read in a worker thread', async () => {
  const path = join(folder, 'clients/upload.csv');
  const ipc = await bytesOf(openTableInWorker({ name: 'upload', path }));
  expect(await rowsOf((await openTable({ name: 'ipc', bytes: ipc })).batches())).toEqual([
    ['a', 279.2347, 38.7837, 0.03],
    ['b', 101.287155, -16.716116, -1.46],
    ['c', 10, 89.5, 3.5],
  ]);
});

onData('a folder of light curves is one table', async () => {
  const reader = await openTable(join(folder, 'lightcurves/rrlyrae'));
  expect(shapeOf(reader)).toEqual(['time Float64', 'mag Float64', 'magerr Float64', 'band Utf8']);
  expect(await rowsOf(reader.batches())).toHaveLength(reader.rowCount as number);
});

onData('a HATS catalog is the table in its partitions', async () => {
  const reader = await openTable(join(folder, 'hats/small_sky_source'));
  expect(reader.format).toBe('parquet');
  expect(reader.rowCount).toBe(17_161);
  expect(await rowsOf(reader.batches({ columns: ['source_id'] }))).toHaveLength(17_161);
});
