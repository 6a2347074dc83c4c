import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runCli, temporaryFolder } from '../testing/run-cli.js';

const folder = temporaryFolder();
const at = (name: string): string => join(folder.path, name);
afterAll(() => folder.remove());

const fixture = (name: string): string =>
  fileURLToPath(new URL(`../../../fixtures/crossmatch/${name}`, import.meta.url));
const [x, opt, histogram] = ['nway_x.csv', 'nway_opt.csv', 'nway_mag.txt'].map(fixture);
const errors = ['--left-error', 'err:arcsec', '--right-error', 'err:arcsec'];
const base = ['crossmatch', x, opt, '--radius', '10', '--probabilities', '--right-sky-area', '0.02', ...errors];
const columns = ['--columns', 'left.id,right.id,bias_mag,p_any,p_i,match_flag', '--quiet'];

interface Golden {
  cases: Record<string, { columns: string[]; rows: number[][] }>;
}

const golden = JSON.parse(readFileSync(fixture('nway.json'), 'utf8')) as Golden;

test.each([
  ['two-magnitude', [`mag=${histogram}`]],
  ['two-auto', ['mag=auto', '--secure-posterior', '0.7']],
])('%s of NWAY', async (name, prior) => {
  const { code, stdout, stderr } = await runCli([...base, ...columns, '--magnitude-prior', ...prior]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const { columns: names, rows } = golden.cases[name];
  const expected = new Map(rows.map((row) => [`${row[0]},${row[1]}`, row]));
  const lines = stdout.trim().split('\n').slice(1);
  expect(lines.length).toBe(rows.filter((row) => row[1] !== -1).length);
  for (const line of lines) {
    const [left, right, bias, any, one, flag] = line.split(',').map(Number);
    const row = expected.get(`${left},${right}`) as number[];
    const [theirBias, theirAny, theirOne, theirFlag] = ['bias_OPT_mag', 'p_any', 'p_i', 'match_flag'].map(
      (column) => row[names.indexOf(column)],
    );
    expect(bias / theirBias).toBeCloseTo(1, 6);
    expect([any, one].map((value, i) => Math.abs(value - [theirAny, theirOne][i]) < 1e-5)).toEqual([true, true]);
    expect(flag).toBe(theirFlag);
  }
});

test('the provenance names area, completeness and the measured histogram', async () => {
  const out = at('out.csv');
  const options = ['--magnitude-prior', 'mag=auto', '--secure-posterior', '0.7', '--completeness', '0.9', '-o', out];
  expect((await runCli([...base, ...options, '--quiet'])).code).toBe(0);
  const { options: kept } = JSON.parse(readFileSync(`${out}.provenance.json`, 'utf8')) as {
    options: { probabilities: { completeness: number; magnitude_priors: { mag: string } } };
  };
  expect(kept.probabilities).toMatchObject({
    right_area_square_degrees: 0.02,
    completeness: 0.9,
    acceptable_ratio: 0.5,
  });
  expect(kept.probabilities.magnitude_priors.mag.split('\n').length).toBeGreaterThan(10);
});

test.each([
  [['--magnitude-prior', 'mag=none.txt'], 'INPUT_NOT_FOUND'],
  [['--magnitude-prior', `mag=${folder.path}`], 'INPUT_UNREADABLE'],
  [['--magnitude-prior', 'mag'], 'OPTION_INVALID'],
  [['--magnitude-prior', `nothing=${histogram}`], 'COLUMN_NOT_FOUND'],
  [['--magnitude-prior', 'mag=auto', '--server', 'http://127.0.0.1:9'], 'OPTIONS_CONFLICT'],
  [['--completeness', '1.5'], 'OPTION_INVALID'],
  [['--completeness', ''], 'OPTION_INVALID'],
  [['--find', 'nearest'], 'OPTIONS_CONFLICT'],
])('%j is refused', async (flags, reason) => {
  const { code, stderr } = await runCli([...base, ...flags]);
  expect(code).not.toBe(0);
  expect(stderr).toContain(reason);
});

test('an area of nothing, a histogram of nothing, and flags without --probabilities', async () => {
  const two = ['crossmatch', x, opt, '--radius', '10', ...errors];
  expect((await runCli([...two, '--probabilities'])).stderr).toMatch(/--right-sky-area must be .* got nothing/);
  expect((await runCli([...two, '--right-sky-area', '1'])).stderr).toContain('OPTIONS_CONFLICT');
  writeFileSync(at('empty.txt'), '\n');
  expect((await runCli([...base, '--magnitude-prior', `mag=${at('empty.txt')}`])).stderr).toContain(
    'HISTOGRAM_INVALID',
  );
});
