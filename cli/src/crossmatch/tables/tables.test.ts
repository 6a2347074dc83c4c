import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runCli, temporaryFolder } from '../../testing/run-cli.js';

const folder = temporaryFolder();
const at = (name: string): string => join(folder.path, name);
const file = (name: string, content: string): string => {
  writeFileSync(at(name), content);
  return at(name);
};
afterAll(() => folder.remove());

const fixture = (name: string): string =>
  fileURLToPath(new URL(`../../../../fixtures/crossmatch/${name}`, import.meta.url));
const a = file('a.csv', 'name,ra,dec,e\na0,10,20,0.5\na1,50,-5,0.5\na2,80,0,0.5\n');
const b = file('b.csv', 'name,ra,dec,e\nb0,10,20.0001,0.3\nb1,80,0.0001,0.3\nb2,80,0.0002,0.3\n');
const c = file('c.csv', 'name,ra,dec,e\nc0,80,0.00015,0.1\nc1,50,-5,0.1\nc2,80,0.0005,0.1\n');

test.each([
  ['pairs of two at least', ['--join', 'matched', '--columns', '1.name,ncat'], ['a0,2', 'a1,2', 'a2,3']],
  ['pairs', ['--columns', '1.name,2.name,3.name'], ['a2,b1,c0']],
  [
    'pairs of all',
    ['--join', 'left', '--columns', '1.name,2.name,3.name,ncat'],
    ['a0,b0,,2', 'a1,,c1,2', 'a2,b1,c0,3'],
  ],
  ['groups', ['--multi', 'groups', '--columns', '1.name,group_size'], ['a2,5']],
  [
    'groups of all',
    ['--multi', 'groups', '--join', 'full', '--columns', '1.name,2.name,3.name,group_size'],
    ['a0,b0,,2', 'a1,,c1,2', 'a2,b2,c0,5'],
  ],
  [
    'combinations',
    ['--multi', 'combinations', '--table', "1.where=name = 'a0'", '--columns', '1.name,2.name,ncat'],
    ['a0,,1', 'a0,b0,2'],
  ],
  [
    'options of a table, by either name',
    ['--left-where', "name <> 'a2'", '--table', "2.where=name = 'b0'", '--join', 'left', '--columns', '1.name,2.name'],
    ['a0,b0', 'a1,'],
  ],
])('%s', async (_, flags, expected) => {
  const { code, stdout, stderr } = await runCli(['crossmatch', a, b, c, '-r', '1.5', '--quiet', ...flags]);
  expect({ code, stderr, rows: stdout.trim().split('\n').slice(1) }).toEqual({ code: 0, stderr: '', rows: expected });
});

test('the combinations of NWAY, with a magnitude', async () => {
  const [x, opt, ir] = ['x', 'opt', 'ir'].map((name) => fixture(`nway_${name}.csv`));
  const flags = ['--radius', '5', '--probabilities', '--magnitude-prior', `2.mag=${fixture('nway_mag.txt')}`];
  for (const k of [1, 2, 3]) flags.push('--table', `${k}.error=err:arcsec`);
  for (const k of [2, 3]) flags.push('--table', `${k}.sky-area=0.02`);
  const columns = ['--columns', '1.id,2.id,3.id,p_any,p_i,match_flag'];
  const { code, stdout } = await runCli(['crossmatch', x, opt, ir, ...flags, ...columns, '--quiet']);
  expect(code).toBe(0);
  const golden = JSON.parse(readFileSync(fixture('nway.json'), 'utf8')) as {
    cases: Record<string, { columns: string[]; rows: number[][] }>;
  };
  const { columns: names, rows } = golden.cases['three-magnitude'];
  const lines = stdout.trim().split('\n').slice(1);
  expect(lines).toHaveLength(rows.length);
  for (const [i, line] of lines.entries()) {
    const values = line.split(',').map((value) => (value === '' ? -1 : Number(value)));
    expect(values.slice(0, 3)).toEqual(rows[i].slice(0, 3));
    for (const [j, name] of ['p_any', 'p_i', 'match_flag'].entries())
      expect(Math.abs(values[3 + j] - rows[i][names.indexOf(name)])).toBeLessThan(1e-5);
  }
});

test('two tables have no join of several', async () => {
  const { code, stderr } = await runCli(['crossmatch', a, b, '-r', '1.5', '--join', 'matched']);
  expect({ code, named: stderr.includes('OPTION_INVALID') }).toEqual({ code: 2, named: true });
});

test('a summary of each table, and where the rows come from', async () => {
  const out = at('out.csv');
  const { code, stderr } = await runCli(['crossmatch', a, b, c, '-r', '1.5', '-o', out]);
  expect(code).toBe(0);
  expect(stderr).toMatch(/2 .*b.csv: 3 rows = 1 matched \+ 2 unmatched/);
  const document = JSON.parse(readFileSync(`${out}.provenance.json`, 'utf8')) as Record<string, unknown>;
  expect(document).toMatchObject({
    operation: 'crossmatch',
    options: { multi: 'pairs', join: 'inner', radius_arcsec: 1.5 },
    inputs: [
      { table: 1, name: a },
      { table: 2, name: b },
      { table: 3, row_count: 3, format: 'csv' },
    ],
    counts: { row_count: 1 },
  });
  const json = await runCli(['crossmatch', a, b, c, '-r', '1.5', '-o', out, '--overwrite', '--json']);
  expect(JSON.parse(json.stdout)).toMatchObject({ row_count: 1, tables: [{}, { matched_row_count: 1 }, {}] });
});

test.each([
  [['--find', 'nearest'], 'OPTIONS_CONFLICT'],
  [['--server', 'http://127.0.0.1:9', '--memory', '1GiB'], 'OPTIONS_CONFLICT'],
  [['--server', 'http://127.0.0.1:9'], 'SERVER_UNAVAILABLE'],
  [['--server', 'nowhere'], 'OPTION_INVALID'],
  [['--table', '2.sky-area=1'], 'OPTIONS_CONFLICT'],
  [['--order', 'any'], 'OPTIONS_CONFLICT'],
  [['--join', 'left-anti'], 'OPTION_INVALID'],
  [['--table', '4.error=0.1arcsec'], 'OPTION_INVALID'],
  [['--table', '0.error=0.1arcsec'], 'OPTION_INVALID'],
  [['--table', '3.epoch=J2000'], 'OPTION_INVALID'],
  [['--table', 'error=0.1arcsec'], 'OPTION_INVALID'],
  [['--table', '1.ra=x', '--left-ra', 'y'], 'OPTIONS_CONFLICT'],
  [['--left-epoch', 'J2000'], 'OPTION_INVALID'],
  [['--completeness', '0.5'], 'OPTIONS_CONFLICT'],
  [['--probabilities'], 'OPTION_INVALID'],
  [['--probabilities', '--magnitude-prior', 'mag=x.txt'], 'OPTION_INVALID'],
  [['--probabilities', '--magnitude-prior', '2.mag=none.txt'], 'INPUT_NOT_FOUND'],
  [['--columns', 'ra'], 'OPTION_INVALID'],
  [['--max-pairs', 'many'], 'OPTION_INVALID'],
])('%j is refused', async (flags, reason) => {
  const { code, stderr } = await runCli(['crossmatch', a, b, c, '-r', '1.5', ...flags]);
  expect(code).not.toBe(0);
  expect(stderr).toContain(reason);
});
