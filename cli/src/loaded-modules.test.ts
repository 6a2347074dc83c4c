import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { runCli, temporaryFolder } from './testing/run-cli.js';

const folder = temporaryFolder();
const at = (name: string): string => join(folder.path, name);
afterAll(() => folder.remove());

/** What only servers and pictures need; loading them costs each match some hundred milliseconds. */
const HEAVY =
  /node_modules\/(@grpc|fastify|@fastify|@opentelemetry\/sdk|vega|protobufjs)|\/(gateway|chassis|proto)\/dist\//;

/** The modules that a command loads, by address. */
async function loadedBy(...args: string[]): Promise<string[]> {
  const log = at('loaded.txt');
  writeFileSync(log, '');
  writeFileSync(
    at('hooks.mjs'),
    `import { appendFileSync } from 'node:fs';
     export async function load(url, context, next) { appendFileSync(${JSON.stringify(log)}, url + '\\n'); return next(url, context); }`,
  );
  writeFileSync(
    at('register.mjs'),
    `import { register } from 'node:module'; register(${JSON.stringify(pathToFileURL(at('hooks.mjs')).href)});`,
  );
  const env = { NODE_OPTIONS: `--import=${pathToFileURL(at('register.mjs')).href}` };
  expect(await runCli(args, { env, cwd: folder.path })).toMatchObject({ code: 0 });
  return readFileSync(log, 'utf8').trim().split('\n');
}

test('a match of two files, a cone and a conversion load no server and draw nothing', async () => {
  writeFileSync(at('left.csv'), 'id,ra,dec\n1,10,20\n');
  for (const args of [
    ['crossmatch', 'left.csv', 'left.csv', '-r', '1', '-o', 'pairs.csv'],
    ['crossmatch', 'cone', 'left.csv', '--ra', '10', '--dec', '20', '-r', '1', '-o', 'cone.csv'],
    ['convert', 'left.csv', 'left.parquet'],
  ]) {
    const loaded = await loadedBy(...args);
    expect(loaded.some((url) => url.includes('/tables/dist/index.js'))).toBe(true);
    expect(loaded.filter((url) => HEAVY.test(url) && !url.endsWith('/side-options.js'))).toEqual([]);
  }
});

test('what a server needs is seen where it is loaded', async () => {
  const loaded = await loadedBy('serve', '--help');
  expect(loaded.some((url) => HEAVY.test(url))).toBe(true);
});
