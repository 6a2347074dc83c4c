import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Random } from '@armilla/base';
import { openTable } from '@armilla/tables';
import { runCli, startCli, temporaryFolder } from '../../testing/run-cli.js';

const folder = temporaryFolder();
const at = (name: string): string => join(folder.path, name);
afterAll(() => folder.remove());

const random = new Random(7);
const rows = Array.from(
  { length: 5000 },
  (_, id) => `${id},${random.between(0, 360)},${random.between(-90, 90)},${random.between(5, 20).toFixed(2)}`,
);
// Two stars at the place that the tests look at.
rows.push('5000,10.6847,41.269,3.4', '5001,10.6900,41.269,12.5');
writeFileSync(at('stars.csv'), `id,ra,dec,mag\n${rows.join('\n')}\n`);
writeFileSync(at('moving.csv'), 'name,ra,dec,pmra,pmdec\nfast,10,0,3600000,0\nslow,10.0002,0,0,0\nstill,10.0001,0,,\n');

const cone = (...args: string[]) => runCli(['crossmatch', 'cone', ...args], { cwd: folder.path });
const PLACE = ['--ra', '10.6847', '--dec', '41.269', '--radius', '1arcmin'];
const FOUND = 'id,mag,separation_arcsec\n5000,3.4,0.0\n5001,12.5,14.3409';

test('a file of any format, a pattern, standard input; nearest first', async () => {
  const columns = ['-c', 'id,mag,separation_arcsec', '--quiet'];
  const { code, stdout, stderr } = await cone('stars.csv', ...PLACE, ...columns);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout.startsWith(FOUND)).toBe(true);
  for (const name of ['stars.parquet', 'stars.arrow', 'stars.csv.gz']) {
    expect((await runCli(['convert', at('stars.csv'), at(name), '--quiet'])).code).toBe(0);
    expect((await cone(name, ...PLACE, ...columns)).stdout).toBe(stdout);
  }
  const sexagesimal = ['--ra', '00:42:44.328', '--dec', '+41d16m08.4s', '-r', '60'];
  expect((await cone('stars.parquet', ...sexagesimal, ...columns)).stdout.split('\n')[1]).toMatch(/^5000,3.4,/);
  const piped = await runCli(['crossmatch', 'cone', '-', ...PLACE, ...columns], {
    input: readFileSync(at('stars.csv')),
  });
  expect(piped).toEqual({ code: 0, stdout, stderr: '' });
});

test('a limit and a condition; what was found is told, and stands in the result', async () => {
  const limited = await cone('stars.csv', ...PLACE, '--limit', '1', '-o', 'one.parquet', '--json');
  expect(JSON.parse(limited.stdout)).toMatchObject({
    row_count: 1,
    found_row_count: 2,
    overflow: true,
    table_row_count: 5002,
  });
  const reader = await openTable(at('one.parquet'));
  await reader.close();
  expect(JSON.parse(reader.schema.metadata.get('armilla.provenance') as string)).toMatchObject({
    operation: 'cone',
    options: { ra_degrees: 10.6847, row_limit: 1 },
    inputs: [{ name: 'stars.csv', format: 'csv', sha256: expect.any(String), position: { guessed: true } }],
    counts: { overflow: true, found_row_count: 2 },
  });
  const text = await cone('stars.csv', ...PLACE, '--limit', '1', '-o', 'one.csv', '--where', 'mag < 100');
  expect(text.stderr).toMatch(/^stars.csv: 5,002 rows\n1 row to one.csv, the nearest of 2 found in [\d.]+ s\n$/);
  expect(JSON.parse(readFileSync(at('one.csv.provenance.json'), 'utf8'))).toMatchObject({
    output: { row_count: 1 },
    options: { where: 'mag < 100' },
  });
  expect((await cone('stars.csv', ...PLACE, '--where', 'mag > 4', '-c', 'id')).stdout).toBe('id\n5001\n');
});

test('rows that move, at an epoch', async () => {
  const place = ['--ra', '10.0', '--dec', '0', '-r', '5', '-c', 'name', '--quiet'];
  expect((await cone('moving.csv', ...place)).stdout).toBe('name\nfast\nstill\nslow\n');
  const then = [...place, '--epoch', 'J2000', '--at-epoch', 'J2001'];
  expect((await cone('moving.csv', ...then)).stdout).toBe('name\nstill\nslow\n');
  const there = ['--ra', '10.9999', '--dec', '0', '-r', '5', '-c', 'name', '--epoch', 'J2000', '--at-epoch', 'J2001'];
  expect((await cone('moving.csv', ...there)).stdout).toBe('name\nfast\n');
});

test.each([
  [['stars.csv', '--ra', '1', '--dec', '2'], 2, '--radius must be given'],
  [['stars.csv', '--ra', '1', '--dec', '91', '-r', '1'], 2, '--dec must be a declination'],
  [['stars.csv', '--ra', 'NaN', '--dec', '2', '-r', '1'], 2, '--ra must be a right ascension'],
  [['stars.csv', '--ra', '1', '--dec', '2', '-r', '181deg'], 2, 'RADIUS_OUT_OF_RANGE'],
  [['stars.csv', ...PLACE, '--limit', 'x'], 2, '--limit must be'],
  [['stars.csv', ...PLACE, '-c', 'nope'], 65, 'COLUMN_NOT_FOUND'],
  [['stars.csv', ...PLACE, '--where', 'nope < 1'], 65, 'COLUMN_NOT_FOUND'],
  [['stars.csv', ...PLACE, '--at-epoch', 'J2000'], 2, 'at_epoch needs the epoch'],
  [['nowhere.csv', ...PLACE], 66, 'INPUT_NOT_FOUND'],
  [['stars.csv', ...PLACE, '--find', 'all'], 2, "unknown option '--find'"],
  [['hip', ...PLACE, '--server', 'http://127.0.0.1:1', '--ra-column', 'x'], 2, '--ra-column is for files'],
  [['hip', ...PLACE, '--server', 'http://127.0.0.1:1'], 69, 'SERVER_UNAVAILABLE'],
])('%j ends with %d', async (args, exit, text) => {
  const { code, stderr } = await cone(...args);
  expect({ code, told: stderr.includes(text) }).toEqual({ code: exit, told: true });
});

test('a server gives the same rows of a table that it keeps', async () => {
  const child = startCli([
    'serve',
    '--port',
    '0',
    '--grpc-address',
    '127.0.0.1:0',
    '--log-level',
    'error',
    '--table',
    `stars=${at('stars.csv')}`,
  ]);
  try {
    const url = await new Promise<string>((resolve, reject) => {
      let text = '';
      child.stdout.setEncoding('utf8').on('data', (piece: string) => {
        text += piece;
        const found = /serving (http:\/\/[\d.:]+)/.exec(text);
        if (found) resolve(found[1]);
      });
      child.once('close', (code) => reject(new Error(`ended with ${code}`)));
    });
    const options = [
      '--ra',
      '10.6847',
      '--dec',
      '41.269',
      '-r',
      '20deg',
      '--where',
      'mag < 18',
      '--limit',
      '40',
      '--quiet',
    ];
    const here = await cone('stars.csv', ...options);
    expect(here.stdout.split('\n')).toHaveLength(42);
    for (const name of ['stars', 'table:stars']) expect(await cone(name, ...options, '--server', url)).toEqual(here);
    const told = await cone('stars', ...options.slice(0, -1), '--server', url, '-o', 'there.csv', '--json');
    expect(JSON.parse(told.stdout)).toMatchObject({ row_count: 40, overflow: true, table_row_count: 5002 });
    expect(JSON.parse(readFileSync(at('there.csv.provenance.json'), 'utf8'))).toMatchObject({
      inputs: [{ name: 'table:stars', content_digest: expect.any(String) }],
    });
    expect(await cone('nope', ...PLACE, '--server', url)).toMatchObject({
      code: 66,
      stderr: expect.stringContaining('HANDLE_NOT_FOUND'),
    });
  } finally {
    child.kill('SIGTERM');
    await new Promise((resolve) => child.once('close', resolve));
  }
});
