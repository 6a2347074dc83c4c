import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openTable } from '@armilla/tables';
import { runCli, startCli, temporaryFolder } from '../testing/run-cli.js';

const folder = temporaryFolder();
const at = (name: string): string => join(folder.path, name);
const file = (name: string, content: string): string => {
  writeFileSync(at(name), content);
  return at(name);
};
afterAll(() => folder.remove());

const left = file(
  'left.csv',
  'name,ra,dec,mag,kind\na,0,0,15,star\nb,90,0,16,galaxy\nc,180,0,,star\nd,45,30,19,star\n',
);
const right = file('right.csv', 'id,ra,dec,mag\n1,0,0,15.2\n2,0,0.0001,18\n3,90,0,12\n4,180,0,13\n5,45,30,19\n');
const columns = ['--columns', 'name,id', '--radius', '2'];
const match = (...args: string[]) => runCli(['crossmatch', left, right, ...columns, ...args]);
const moc = (name: string): string => fileURLToPath(new URL(`../../../fixtures/sky/${name}`, import.meta.url));

test.each([
  ['--area', 'cone(45, 30, 1deg)', 'd,5'],
  ['--area', 'box(350, -5, 100, 5)', 'a,1 b,3'],
  ['--area', 'polygon(80 -5, 100 -5, 100 5, 80 5)', 'b,3'],
  ['--area', 'healpix(0; 4, 6)', 'a,1 c,4'],
  ['--area', 'moc({"0": [4]})', 'a,1'],
  ['--left-where', "kind = 'star' AND mag IS NOT NULL", 'a,1 d,5'],
  ['--right-where', 'mag > 17 OR "id" = 4', 'a,2 c,4 d,5'],
  ['--where', 'abs(left.mag - right.mag) > 1', 'a,2 b,3'],
])('%s %s', async (flag, value, rows) => {
  const { code, stdout } = await match(flag, value, '--quiet');
  expect({ code, rows: stdout.trim().split('\n').slice(1).join(' ') }).toEqual({ code: 0, rows });
});

test.each(['moc-range.fits', 'moc-nuniq.fits', 'moc.txt', 'moc.json'])('--moc with %s', async (name) => {
  const { code, stderr } = await match('--moc', moc(name));
  expect(code).toBe(0);
  expect(stderr).toMatch(/left .*4 rows = 0 matched \+ 0 unmatched \+ 0 rejected \+ 4 filtered/);
});

test.each(['inner', 'left', 'left-anti', 'full'])('from Parquet to Parquet the rows are the same: %s', async (join) => {
  const [l, r] = [at('l.parquet'), at('r.parquet')];
  for (const [name, path] of [
    [left, l],
    [right, r],
  ]) {
    const whole = ['--columns', 'left.*', '--radius', '0.001', '--overwrite', '--quiet', '-o', path];
    expect(await runCli(['crossmatch', name, name, ...whole])).toMatchObject({ code: 0, stderr: '' });
  }
  const options = ['--radius', '2', '--join', join, '--find', 'all', '--quiet', '--overwrite', '-o'];
  const filters = [
    '--area',
    'box(350, -5, 200, 40)',
    '--left-where',
    "kind = 'star'",
    '--where',
    'left.mag < right.mag',
  ];
  const some = join === 'left-anti' ? [] : ['--columns', 'name,id'];
  const all = [...some, ...filters, ...options];
  const back = async (path: string, ...args: string[]): Promise<unknown> => {
    expect(await runCli(['crossmatch', ...args, ...all, path])).toMatchObject({ code: 0, stderr: '' });
    const file = await openTable(path);
    const rows: unknown[] = [];
    for await (const batch of file.batches()) rows.push(...batch.toArray().map(String));
    await file.close();
    return rows;
  };
  const rows = await back(at('picked.parquet'), l, r);
  expect(rows).toEqual(await back(at('plain.arrow'), left, right));
  expect(rows).not.toEqual([]);
});

test('on a server, also where they are long', async () => {
  const child = startCli(['serve', '--port', '0', '--grpc-address', '127.0.0.1:0', '--log-level', 'error']);
  try {
    const line = await new Promise<string>((resolve, reject) => {
      let text = '';
      child.stdout.setEncoding('utf8').on('data', (piece: string) => {
        text += piece;
        if (text.includes('\n')) resolve(text);
      });
      child.once('close', (code) => reject(new Error(`ended with ${code}`)));
    });
    const url = /http:\/\/[\d.:]+/.exec(line)?.[0] as string;
    const ids = Array.from({ length: 6000 }, (_, i) => i + 2).join(',');
    const cells = file('long.txt', `0/0 4 8 6/${Array.from({ length: 8000 }, (_, i) => 20_480 + 2 * i).join(' ')}`);
    const options = ['--moc', cells, '--right-where', `id IN (${ids})`, '--where', 'left.mag > 0', '--quiet'];
    const here = await match(...options);
    expect(here.stdout).toContain('a,2');
    expect(await match(...options, '--server', url)).toEqual(here);
  } finally {
    child.kill('SIGTERM');
    await new Promise((resolve) => child.once('close', resolve));
  }
});

test.each([
  [['--area', 'cone(1, 2, 3deg)', '--moc', 'x.fits'], 2, 'OPTIONS_CONFLICT'],
  [['--area', 'circle(1, 2, 3deg)'], 2, 'AREA_INVALID'],
  [['--area', 'polygon(0 0, 10 10, 10 0, 0 10)'], 2, 'AREA_INVALID'],
  [['--area', 'moc(30/1)'], 65, 'MOC_INVALID'],
  [['--moc', at('nothing.fits')], 66, 'INPUT_NOT_FOUND'],
  [['--moc', folder.path], 66, 'INPUT_UNREADABLE'],
  [['--moc', left], 65, 'MOC_INVALID'],
  [['--left-where', 'magnitude < 3'], 65, 'COLUMN_NOT_FOUND'],
  [['--left-where', 'mag < '], 2, 'WHERE_INVALID'],
  [['--left-where', "mag < 'a'"], 2, 'WHERE_TYPE'],
  [['--where', 'mag < 3'], 65, 'COLUMN_AMBIGUOUS'],
])('%j is refused', async (args, exit, reason) => {
  const { code, stderr } = await match(...args);
  expect({ code, reason: stderr.includes(reason) }).toEqual({ code: exit, reason: true });
});
