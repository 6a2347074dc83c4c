import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCli, temporaryFolder } from '../testing/run-cli.js';
import { refuseOwnOutput } from './own-output.js';

const folder = temporaryFolder();
const at = (name: string): string => join(folder.path, name);
afterAll(() => folder.remove());

const { signal } = new AbortController();
const stars = at('stars.csv');
writeFileSync(stars, 'id,ra,dec\n1,10,20\n2,11,21\n');
mkdirSync(at('tiles/north'), { recursive: true });
writeFileSync(at('tiles/north/a.csv'), 'id,ra,dec\n1,10,20\n');
mkdirSync(at('tiles-2/deep'), { recursive: true });
mkdirSync(at('elsewhere'));
symlinkSync(at('tiles'), at('linked'));
symlinkSync(at('tiles/north'), at('elsewhere/way'));
symlinkSync(at('tiles-2/deep'), at('tiles/out'));
symlinkSync(stars, at('tiles/link.csv'));
symlinkSync(at('tiles/north/a.csv'), at('elsewhere/a.csv'));

beforeAll(async () => {
  expect(await runCli(['convert', stars, `${at('ha')}/`, '-q'])).toMatchObject({ code: 0 });
});

test.each([
  ['a file in the folder', 'tiles', 'tiles/x.csv'],
  ['a folder in the folder', 'tiles', 'tiles/x/'],
  ['deep in it, in folders that are not there', 'tiles', 'tiles/x/y/z.csv'],
  ['the folder itself', 'tiles', 'tiles/'],
  ['the folder under the name of a link', 'linked', 'tiles/x.csv'],
  ['by way of a link to the folder', 'tiles', 'linked/x.csv'],
  ['by way of a link into the folder', 'tiles', 'elsewhere/way/x.csv'],
  ['by way of what a link has above it', 'tiles', 'elsewhere/way/../x.csv'],
  ['with .. before it', 'tiles', 'elsewhere/../tiles/x.csv'],
  ['a link that lies in it', 'tiles', 'tiles/link.csv'],
  ['a link to a file in it', 'tiles', 'elsewhere/a.csv'],
  ['a file whose name begins with two points', 'tiles', 'tiles/..x.csv'],
])('an output in an input folder is refused: %s', async (_, input, output) => {
  await expect(refuseOwnOutput([stars, at(input)], { path: `${folder.path}/${output}` }, signal)).rejects.toMatchObject(
    { reason: 'OPTIONS_CONFLICT' },
  );
});

test.each([
  ['beside the folder', 'tiles', 'x.csv'],
  ['in a folder whose name begins alike', 'tiles', 'tiles-2/x.csv'],
  ['out of the folder by ..', 'tiles', 'tiles/../x.csv'],
  ['by way of a link out of it', 'tiles', 'tiles/out/x.csv'],
  ['by way of what a link out of it has above it', 'tiles', 'tiles/out/../x.csv'],
  ['above the folder', 'tiles/north', 'tiles/x.csv'],
  ['standard output', 'tiles', '-'],
])('elsewhere is elsewhere: %s', async (_, input, output) => {
  const path = output === '-' ? output : `${folder.path}/${output}`;
  await expect(refuseOwnOutput([stars, at(input)], { path }, signal)).resolves.toBeUndefined();
});

writeFileSync(at('a.moc'), '3/3 10');
const PAIR = ['crossmatch', stars, stars, '-r', '1'];
const PROBABLE = ['--probabilities', '--right-sky-area', '1', '--left-error', '1arcsec', '--right-error', '1arcsec'];
const OF_THREE = [
  '--probabilities',
  ...['1.error=1arcsec', '2.error=1arcsec', '3.error=1arcsec', '2.sky-area=1', '3.sky-area=1'].flatMap((option) => [
    '--table',
    option,
  ]),
];
const INTO_MAP = ['-o', at('a.moc'), '--format', 'csv', '--overwrite'];

test.each([
  ['convert to a catalog', ['convert', at('ha'), `${at('ha/sub')}/`]],
  ['convert to a file', ['convert', at('ha'), at('ha/sub.csv')]],
  ['merge', ['merge', stars, at('ha'), at('ha/sub.csv')]],
  ['a match to a file', ['crossmatch', at('ha'), stars, '-r', '1', '-o', at('ha/sub.csv')]],
  ['a match to a catalog', ['crossmatch', stars, at('ha'), '-r', '1', '-o', `${at('ha/sub')}/`]],
  ['a match of a table with itself', ['crossmatch', '--self', at('ha'), '-r', '1', '-o', at('ha/sub.csv')]],
  ['rejected rows', ['crossmatch', stars, at('ha'), '-r', '1', '-o', at('x.csv'), '--rejected', at('ha/sub.csv')]],
  ['a report', ['crossmatch', stars, at('ha'), '-r', '1', '-o', at('x.csv'), '--report', at('ha/sub.html')]],
  ['a match that replaces an input', ['crossmatch', stars, at('ha'), '-r', '1', '-o', stars, '--overwrite']],
  ['a match of several tables', ['crossmatch', stars, stars, at('ha'), '-r', '1', '-o', at('ha/sub.csv')]],
  ['a cone', ['crossmatch', 'cone', at('ha'), '--ra', '10', '--dec', '20', '-r', '1', '-o', at('ha/sub.csv')]],
  ['a match that replaces its coverage map', [...PAIR, '--moc', at('a.moc'), ...INTO_MAP]],
  ['a match that replaces a histogram', [...PAIR, ...PROBABLE, '--magnitude-prior', `id=${at('a.moc')}`, ...INTO_MAP]],
  [
    'several tables that replace a histogram',
    [...PAIR, stars, ...OF_THREE, '--magnitude-prior', `2.id=${at('a.moc')}`, ...INTO_MAP],
  ],
])('%s says so', async (_, args) => {
  const before = readdirSync(at('ha'));
  const { code, stderr } = await runCli(args);
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining('(OPTIONS_CONFLICT)') });
  expect(readdirSync(at('ha'))).toEqual(before);
  expect(existsSync(at('x.csv'))).toBe(false);
});
