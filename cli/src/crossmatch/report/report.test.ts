import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type SimulatedCatalog, simulateField } from '@armilla/sky';
import { runCli, temporaryFolder } from '../../testing/run-cli.js';
import { escapeHtml } from './page.js';

const folder = temporaryFolder();
afterAll(() => folder.remove());
const at = (name: string): string => join(folder.path, name);
const match = (...args: string[]) => runCli(['crossmatch', ...args], { cwd: folder.path });

const HOSTILE = `"><img src=x onerror=alert(1)><script>alert('ra')`;
const quoted = `"${HOSTILE.replaceAll('"', '""')}"`;

function write(name: string, header: string, { rowCount, ra, dec, magnitude }: SimulatedCatalog): string {
  const lines = Array.from({ length: rowCount }, (_, i) => `${ra[i]},${dec[i]},${magnitude[i]}`);
  writeFileSync(at(name), `${header}\n${lines.join('\n')}\n`);
  return name;
}

const { left, right } = simulateField(21, 10_000);
const hostile = write(`a<script>alert(1).csv`, `${quoted},dec,Gmag`, left);
const plain = write('right.csv', 'ra,dec,mag', right);

test('--assess tells what to think of a match, as text and as JSON', async () => {
  const named = [hostile, plain, '-r', '2', '--left-ra', HOSTILE, '--assess'];
  const { code, stderr } = await match(...named, '-o', '/dev/null');
  expect(code).toBe(0);
  for (const what of ['can it be trusted?', 'local density', 'shifted skies', 'purity', 'advised radius', 'footprint'])
    expect(stderr).toContain(what);
  const { stdout } = await match(...named, '-o', at('json.parquet'), '--json');
  const { trust } = JSON.parse(stdout) as { trust: Record<string, Record<string, number> & number> };
  expect(trust.purity).toBeGreaterThan(0.9);
  expect(trust.chance_local.count / trust.chance_shifted.count).toBeCloseTo(1, 0);
  expect(trust.rayleigh.sigma_arcsec).toBeGreaterThan(0.1);
  expect(trust.offset.ra_cosdec_standard_error_arcsec).toBeGreaterThan(0);
});

describe('--report', () => {
  let html = '';
  beforeAll(async () => {
    const task = [hostile, plain, '-r', '2', '--left-ra', HOSTILE, '--report', 'match.html', '-o', 'pairs.csv'];
    expect(await match(...task)).toMatchObject({ code: 0, stdout: '' });
    html = readFileSync(at('match.html'), 'utf8');
  });

  test('is one page that loads nothing, runs nothing and takes no markup from names', () => {
    expect(html).toContain(`content="default-src 'none'; style-src 'unsafe-inline'"`);
    expect(html).not.toMatch(/<(?:script|img|link|iframe|object)|<[^>]*\son\w+=|<[^>]*javascript:|@import|url\((?!#)/i);
    const addresses = [...html.matchAll(/https?:[^"'\s<]+/g)].map(([address]) => address);
    expect(new Set(addresses)).toEqual(new Set(['http://www.w3.org/2000/svg', 'http://www.w3.org/1999/xlink']));
    expect(html).toContain('a&#60;script&#62;alert(1).csv');
    expect(html).toContain(escapeHtml(HOSTILE));
  });

  test('has every picture with a text in its place and its data', () => {
    const sections = [...html.matchAll(/<section aria-labelledby="(\w+)">.*?<\/section>/gs)];
    expect(sections.map(([, id]) => id)).toEqual(['sky', 'separations', 'shares', 'offsets', 'magnitudes']);
    for (const [section, id] of sections) {
      expect(section).toMatch(new RegExp(`<h2 id="${id}">`));
      expect(section).toMatch(/<div role="img" aria-label="[^"]{40,}"><svg[^]*<\/svg><\/div>/);
      expect(section).not.toMatch(/NaN|undefined|Infinity/);
      const csv = /<pre tabindex="0">([^<]*)<\/pre>/.exec(section)?.[1].split('\n') ?? [];
      expect(csv.length).toBeGreaterThan(20);
      for (const line of csv) expect(line.split(',').length).toBe(csv[0].split(',').length);
    }
    expect(html).toContain('lang="en"');
    expect(html).toContain('prefers-color-scheme: dark');
  });

  test('leaves the result as it is', async () => {
    const without = await match(hostile, plain, '-r', '2', '--left-ra', HOSTILE, '-q');
    expect(readFileSync(at('pairs.csv'), 'utf8')).toBe(without.stdout);
  });

  test('is not replaced unless it may be', async () => {
    const task = [hostile, plain, '-r', '2', '--left-ra', HOSTILE, '--report', 'match.html', '-o', 'other.csv'];
    const { code, stderr } = await match(...task);
    expect({ code, told: stderr.includes('OUTPUT_EXISTS') }).toEqual({ code: 73, told: true });
    expect(existsSync(at('other.csv'))).toBe(false);
    expect((await match(...task, '--overwrite', '-q')).code).toBe(0);
  });

  test.each([
    ['a folder that is not there', ['--report', 'nowhere/match.html'], 73, 'OUTPUT_NOT_CREATED'],
    ['standard output', ['--report', '-'], 2, 'OPTION_INVALID'],
    ['the file of the result', ['--report', 'same.csv'], 2, 'OPTIONS_CONFLICT'],
    ['a radius of degrees', ['--assess', '--radius', '2deg'], 2, 'OPTIONS_CONFLICT'],
  ])('%s is refused before the match', async (_, flags, exit, reason) => {
    const { code, stderr } = await match(plain, plain, '-r', '1', '-o', 'same.csv', ...flags);
    expect({ code, told: stderr.includes(`(${reason})`) }).toEqual({ code: exit, told: true });
    expect(existsSync(at('same.csv'))).toBe(false);
  });

  test('a table with itself has no counterparts', async () => {
    const { code, stderr } = await match('--self', plain, '-r', '1', '--report', 'self.html', '-o', 'self.csv');
    expect({ code, told: stderr.includes('itself') }).toEqual({ code: 2, told: true });
    expect(existsSync(at('self.html'))).toBe(false);
  });

  test.each([
    ['no rows', 'ra,dec\n', 'ra,dec\n1,1\n'],
    ['no pairs', 'ra,dec\n1,1\n2,2\n', 'ra,dec\n50,50\n'],
    ['one row each', 'ra,dec\n1,1\n', 'ra,dec\n1,1.0001\n'],
    ['only rejected rows', 'ra,dec\n1,99\n', 'ra,dec\n1,1\n'],
  ])('%s: a page that says so', async (name, one, other) => {
    writeFileSync(at('one.csv'), one);
    writeFileSync(at('other.csv'), other);
    const file = `${name}.html`;
    expect(await match('one.csv', 'other.csv', '-r', '1', '--report', file, '-o', '/dev/null', '-q')).toMatchObject({
      code: 0,
      stderr: '',
    });
    const page = readFileSync(at(file), 'utf8');
    expect(page).toContain('<li>');
    expect(page).not.toMatch(/>NaN|"NaN|undefined|Infinity/);
  });

  const idsOf = (page: string): string[] => [...page.matchAll(/<h2 id="(\w+)">/g)].map(([, id]) => id);

  test('without a pair there are no empty pictures', async () => {
    writeFileSync(at('none-left.csv'), 'ra,dec\n1,1\n2,2\n');
    writeFileSync(at('none-right.csv'), 'ra,dec\n50,50\n');
    await match('none-left.csv', 'none-right.csv', '-r', '1', '--report', 'none.html', '-o', '/dev/null', '-q');
    expect(idsOf(readFileSync(at('none.html'), 'utf8'))).toEqual(['sky']);
  });

  test('a tiny field is told in arcsec, with right ascension growing leftwards', async () => {
    const rows = Array.from({ length: 30 }, (_, i) => `${10 + i / 3e5},${-20 + i / 3e5}`).join('\n');
    writeFileSync(at('tiny.csv'), `ra,dec\n${rows}\n`);
    await match('tiny.csv', 'tiny.csv', '-r', '0.05', '--report', 'tiny.html', '-o', '/dev/null', '-q');
    const page = readFileSync(at('tiny.html'), 'utf8');
    expect(page).toContain('arcsec to the east of the centre');
    expect(page).toContain('arcsec around right ascension 10.0000');
    const labels = [...page.matchAll(/<text text-anchor="middle" transform="translate\(([\d.]+),[^>]*>(−?[\d.]+)</g)];
    const east = labels.map(([, x, text]) => ({ x: Number(x), value: Number(text.replace('−', '-')) }));
    // Labels of the axis of the map, which is the first.
    const [one, other] = east;
    expect(Math.sign(one.x - other.x)).toBe(-Math.sign(one.value - other.value));
  });

  // Root may write everywhere.
  (process.getuid?.() === 0 ? test.skip : test)('a folder without permission is refused', async () => {
    mkdirSync(at('closed'));
    chmodSync(at('closed'), 0o500);
    const { code } = await match(plain, plain, '-r', '1', '-o', '/dev/null', '--report', 'closed/match.html');
    expect(code).toBe(73);
  });
});
