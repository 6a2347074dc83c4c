import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Random } from '@armilla/base';
import { repositoryRoot } from './root.js';

const readme = readFileSync(join(repositoryRoot, 'README.md'), 'utf8');
const section = /^## What works\n([\s\S]*?)^## /m.exec(readme)?.[1] ?? '';
const examples = section
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| what'))
  .map((line) => line.slice(2, -2).split(' | '))
  .map(([what, example]) => ({ what, example }));
const commands = examples.flatMap(({ what, example }) =>
  [...example.matchAll(/`armilla (.+?)`/g)].map(([, command]) => [what, command] as const),
);

let folder: string;

const armilla = (command: string) =>
  promisify(execFile)('bash', ['-c', `"$NODE" "$ARMILLA" ${command}`], {
    cwd: folder,
    env: {
      ...process.env,
      FORCE_COLOR: '0',
      XDG_STATE_HOME: folder,
      NODE: process.execPath,
      ARMILLA: join(repositoryRoot, 'cli', 'bin', 'armilla.mjs'),
    },
  });

/** A field of 300 stars at 2016, and the same stars as seen in 1991.25, displaced by their errors and motions. */
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'armilla-works-'));
  const random = new Random(11);
  const survey = ['id,ra,dec,e_pos,pmra,pmdec,mag'];
  const reference = ['name,ra,dec,e_pos,mag'];
  const galactic = ['id,l,b'];
  for (let id = 0; id < 300; id++) {
    const [ra, dec, mag] = [9.5 + random.uniform(), 19.5 + random.uniform(), 14 + 6 * random.uniform()];
    const [pmRa, pmDec] = [200 * random.normal(), 200 * random.normal()];
    const degrees = (mas: number) => mas / 3.6e6;
    const cosDec = Math.cos((dec * Math.PI) / 180);
    survey.push([id, ra, dec, 100, pmRa, pmDec, mag].join(','));
    const back = [ra - degrees(24.75 * pmRa + 100 * random.normal()) / cosDec, dec - degrees(24.75 * pmDec)];
    reference.push([`R${id}`, ...back, 150, mag + 0.1 * random.normal()].join(','));
    galactic.push([id, 120 + random.uniform(), random.uniform()].join(','));
  }
  writeFileSync(join(folder, 'survey.csv'), survey.join('\n'));
  writeFileSync(join(folder, 'reference.csv'), reference.join('\n'));
  writeFileSync(join(folder, 'galactic.csv'), galactic.join('\n'));
  writeFileSync(join(folder, 'footprint.json'), '{"0": [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]}');
  await armilla('convert reference.csv reference.parquet');
}, 60_000);

afterAll(() => rmSync(folder, { recursive: true }));

test('the table of what works has a tested example for each line', () => {
  expect(examples.length).toBeGreaterThan(15);
  for (const { what, example } of examples) {
    const links = [...example.matchAll(/\]\(([^)#]+)/g)].map(([, link]) => link);
    expect({ what, shown: links.length > 0 || example.includes('`armilla ') }).toEqual({ what, shown: true });
    expect(links.filter((link) => !existsSync(join(repositoryRoot, link)))).toEqual([]);
  }
});

test.each(commands)(
  '%s: armilla %s',
  async (_, command) => {
    const { stdout } = await armilla(command);
    const output = / -o (\S+)$/.exec(command)?.[1] ?? /^(?:convert|merge) .*?(\S+)$/.exec(command)?.[1];
    const rows = output === undefined ? stdout : (await armilla(`convert ${output} - --format csv --quiet`)).stdout;
    // A header and at least one row.
    expect(rows.trim().split('\n').length).toBeGreaterThan(1);
  },
  60_000,
);
