import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type CliServer, startCliServer } from '../../testing/cli-server.js';
import { runCli, temporaryFolder } from '../../testing/run-cli.js';

const folder = temporaryFolder();
const at = (name: string): string => join(folder.path, name);
const fixture = (name: string): string =>
  fileURLToPath(new URL(`../../../../fixtures/crossmatch/${name}`, import.meta.url));
const [x, opt, ir] = ['x', 'opt', 'ir'].map((name) => fixture(`nway_${name}.csv`));
let url: string;
let server: CliServer;

beforeAll(async () => {
  const tables = ['--table', `x=${x}`, '--table', `ir=${ir}`];
  server = await startCliServer(...tables);
  url = server.url;
}, 60_000);
afterAll(async () => {
  await server.stop();
  folder.remove();
});

const match = (tables: readonly string[], ...args: string[]) =>
  runCli(['crossmatch', ...tables, '--radius', '5', '--overwrite', ...args], { cwd: folder.path });
const document = (name: string): Record<string, unknown> =>
  JSON.parse(readFileSync(at(`${name}.provenance.json`), 'utf8')) as Record<string, unknown>;

const probable = ['--probabilities', '--magnitude-prior', `2.mag=${fixture('nway_mag.txt')}`];
for (const k of [1, 2, 3]) probable.push('--table', `${k}.error=err:arcsec`);
for (const k of [2, 3]) probable.push('--table', `${k}.sky-area=0.02`);

test.each([
  ['pairs', []],
  ['all that is alone', ['--join', 'full', '--workers', '1']],
  ['groups', ['--multi', 'groups', '--join', 'matched', '--columns', '1.*,3.id,group_id,group_size']],
  ['conditions', ['--multi', 'combinations', '--table', '2.where=id < 40', '--max-pairs', '100000']],
  ['probabilities', probable],
])('%s: a server gives the same bytes, summary and provenance, of tables sent or stored', async (_, flags) => {
  const here = await match([x, opt, ir], ...flags, '-o', 'here.csv', '--json');
  const there = await match([x, opt, ir], ...flags, '-o', 'there.csv', '--json', '-q', '--server', url);
  expect([here.code, there.code, there.stderr]).toEqual([0, 0, '']);
  expect(readFileSync(at('there.csv'))).toEqual(readFileSync(at('here.csv')));
  const steady = (text: string): object => ({ ...(JSON.parse(text) as object), total_seconds: 0 });
  expect(steady(there.stdout)).toEqual(steady(here.stdout));
  const run = expect.any(Object) as unknown;
  expect({ ...document('there.csv'), run }).toEqual({ ...document('here.csv'), run });

  const stored = await match(
    ['table:x', opt, 'table:ir'],
    ...flags,
    '-o',
    'stored.csv',
    '--json',
    '-q',
    '--server',
    url,
  );
  expect([stored.code, stored.stderr]).toEqual([0, '']);
  expect(readFileSync(at('stored.csv'))).toEqual(readFileSync(at('here.csv')));
  expect(document('stored.csv')).toMatchObject({
    inputs: [{ name: 'table:x', content_digest: expect.any(String) as string }, { name: opt }, { name: 'table:ir' }],
  });
});

test('a table that its archive cut is warned of, here and there, of two tables and of several', async () => {
  const votable = (rows: string): string => `<VOTABLE version="1.4"><RESOURCE type="results"><TABLE>
<FIELD name="ra" datatype="double" unit="deg"/><FIELD name="dec" datatype="double" unit="deg"/>
<DATA><TABLEDATA>${rows}</TABLEDATA></DATA></TABLE><INFO name="QUERY_STATUS" value="OVERFLOW"/></RESOURCE></VOTABLE>`;
  writeFileSync(at('cut.vot'), votable('<TR><TD>10</TD><TD>20</TD></TR>'));
  for (const tables of [
    ['cut.vot', opt],
    [opt, 'cut.vot', ir],
  ])
    for (const args of [[], ['--server', url]]) {
      const { code, stderr } = await match(tables, ...args, '-o', 'out.csv');
      expect(code).toBe(0);
      expect(stderr).toMatch(/^warning: .*cut\.vot.*OVERFLOW/m);
    }
});

test.each([
  [['x', 'table:x', 'table:nowhere'], [], 'HANDLE_NOT_FOUND'],
  [['table:x', opt], ['--table', '2.ra=nothing'], 'COLUMN_NOT_FOUND'],
  [['table:x', opt, ir], ['--max-pairs', '1'], 'MAX_PAIRS_EXCEEDED'],
])('%j is refused by its reason', async (tables, flags, reason) => {
  const inputs = tables.map((name) => (name === 'x' ? x : name));
  const { code, stderr } = await match(inputs, ...flags, '--multi', 'pairs', '-o', 'none.csv', '--server', url);
  expect(code).not.toBe(0);
  expect(stderr).toContain(reason);
});
