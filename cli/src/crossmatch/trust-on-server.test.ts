import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Random } from '@armilla/base';
import { type CliServer, startCliServer } from '../testing/cli-server.js';
import { runCli, temporaryFolder } from '../testing/run-cli.js';

const folder = temporaryFolder();
const at = (name: string): string => join(folder.path, name);
let url: string;
let server: CliServer;

/** A crowded field, and the same stars displaced by their errors and by a shift. */
beforeAll(async () => {
  const random = new Random(17);
  const left = ['id,ra,dec,mag'];
  const right = ['name,ra,dec'];
  for (let id = 0; id < 3000; id++) {
    const [ra, dec] = [random.between(10, 10.5), random.between(20, 20.5)];
    left.push(`${id},${ra},${dec},${random.between(10, 20).toFixed(2)}`);
    if (id % 10 > 0) right.push(`s${id},${ra + 0.0001 + random.normal() * 5e-5},${dec + random.normal() * 5e-5}`);
  }
  writeFileSync(at('left.csv'), `${left.join('\n')}\n`);
  writeFileSync(at('right.csv'), `${right.join('\n')}\n`);
  const tables = ['left', 'right'].flatMap((name) => ['--table', `${name}=${at(`${name}.csv`)}`]);
  server = await startCliServer(...tables);
  url = server.url;
}, 60_000);
afterAll(async () => {
  await server.stop();
  folder.remove();
});

const match = (left: string, right: string, ...args: string[]) =>
  runCli(['crossmatch', left, right, '--radius', '2', '--json', '--overwrite', ...args], { cwd: folder.path });

const svgs = (name: string): string[] => readFileSync(at(name), 'utf8').match(/<svg[\s\S]*?<\/svg>/g) ?? [];

test('a server says the same of a match as this process does, and the same pictures are drawn', async () => {
  const here = await match('left.csv', 'right.csv', '--report', 'here.html', '-o', 'here.csv');
  const there = await match('left.csv', 'right.csv', '--report', 'there.html', '-o', 'there.csv', '--server', url);
  expect([here.code, there.code, there.stderr]).toEqual([0, 0, here.stderr]);
  const { trust } = JSON.parse(here.stdout) as { trust: { sample_row_count: number } };
  expect(trust.sample_row_count).toBe(3000);
  expect(JSON.parse(there.stdout)).toMatchObject({ trust });
  expect(readFileSync(at('there.csv'), 'utf8')).toBe(readFileSync(at('here.csv'), 'utf8'));
  expect(svgs('here.html')).toHaveLength(5);
  expect(svgs('there.html')).toEqual(svgs('here.html'));
  const stored = await match(
    'table:left',
    'table:right',
    '--report',
    'stored.html',
    '-o',
    'stored.csv',
    '--server',
    url,
  );
  expect(JSON.parse(stored.stdout)).toMatchObject({ trust });
  expect(svgs('stored.html')).toEqual(svgs('here.html'));
  const told = await runCli(
    ['crossmatch', 'left.csv', 'table:right', '-r', '2', '--assess', '-o', '/dev/null', '--overwrite', '--server', url],
    { cwd: folder.path },
  );
  expect(told.stderr).toMatch(/can it be trusted\?\n {2}sample +3,000 of 3,000/);
});

test('tables that a server keeps are recentered there; one that is sent is refused with what to do', async () => {
  const here = await match('left.csv', 'right.csv', '--recenter', '-o', 'here.csv');
  const there = await match('table:left', 'table:right', '--recenter', '-o', 'there.csv', '--server', url);
  expect([here.code, there.code]).toEqual([0, 0]);
  expect(readFileSync(at('there.csv'), 'utf8')).toBe(readFileSync(at('here.csv'), 'utf8'));
  const { recentering } = JSON.parse(here.stdout) as { recentering: object };
  expect(JSON.parse(there.stdout)).toMatchObject({ recentering });
  expect(JSON.parse(readFileSync(at('there.csv.provenance.json'), 'utf8'))).toMatchObject({
    options: { recenter: true },
    inputs: [
      { table: 'left', name: 'table:left', content_digest: expect.stringMatching(/^[0-9a-f]{64}$/) },
      { table: 'right', name: 'table:right' },
    ],
  });
  const sent = await match('left.csv', 'table:right', '--recenter', '--server', url);
  expect({ code: sent.code, told: sent.stderr }).toEqual({
    code: 2,
    told: expect.stringContaining('store it there first'),
  });
  expect(await match('table:left', 'right.csv', '--server', url)).toMatchObject({ code: 2 });
});

test('over HTTP: no body with two stored tables, evidence in any format, and clear refusals', async () => {
  const post = (query: string, init: RequestInit = {}) =>
    fetch(`${url}/v1/crossmatch?${query}`, { method: 'POST', ...init });
  const answer = await post('left=left&right=right&radius=2&assess=true&order=left&format=csv', {
    headers: { 'x-request-id': 'assessed-1' },
  });
  expect([answer.status, (await answer.text()).split('\n').length]).toEqual([200, expect.any(Number)]);
  const result = (await (await fetch(`${url}/v1/crossmatch/results/assessed-1`)).json()) as { summary: object };
  expect(result.summary).toMatchObject({
    trust: { sample_row_count: 3000, chance_shifted: { control_count: 16 }, curve: expect.any(Array) },
  });
  const evidence = await fetch(`${url}/v1/crossmatch/results/assessed-1/evidence?format=csv`);
  const rows = (await evidence.text()).trim().split('\n');
  expect(rows).toHaveLength(3001);
  expect(rows[0]).toBe('ra,dec,magnitude,nearest_arcsec,offset_east_arcsec,offset_north_arcsec');
  const refused = async (response: Promise<Response>, status: number, reason: string): Promise<void> => {
    const got = await response;
    expect({ status: got.status, ...((await got.json()) as object) }).toMatchObject({ status, reason });
  };
  await refused(fetch(`${url}/v1/crossmatch/results/nothing/evidence`), 404, 'RESULT_NOT_FOUND');
  await refused(post('left=left&radius=2'), 400, 'OPTIONS_CONFLICT');
  await refused(post('left=left&right=right&radius=2', { body: 'ra,dec\n1,2\n' }), 400, 'OPTIONS_CONFLICT');
  await refused(post('left=nowhere&right=right&radius=2'), 404, 'HANDLE_NOT_FOUND');
  await refused(post('right=right&radius=2&recenter=true', { body: 'ra,dec\n1,2\n' }), 400, 'OPTIONS_CONFLICT');
  await refused(post('left=left&right=right&radius=2deg&assess=true'), 400, 'OPTIONS_CONFLICT');
});
