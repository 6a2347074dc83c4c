import { execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { repositoryRoot } from './root.js';

/** Without the colours that the test runner may ask of its children. */
const run = (command: string, args: string[], options: { cwd: string }) =>
  promisify(execFile)(command, args, { ...options, env: { ...process.env, FORCE_COLOR: '0' } });
const readme = readFileSync(join(repositoryRoot, 'README.md'), 'utf8');
const interopPython = join(repositoryRoot, 'e2e', 'interop', '.venv', 'bin', 'python');

/** The first code block that opens with "```fence". */
function snippet(fence: string): string {
  const found = new RegExp('^```' + fence + '\\n([\\s\\S]*?)^```$', 'm').exec(readme);
  if (!found) throw new Error(`README.md has no block \`\`\`${fence}`);
  return found[1];
}

let folder: string;
let url: string;
let stop: () => Promise<void>;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'armilla-readme-'));
  writeFileSync(join(folder, 'survey.csv'), 'id,ra,dec\na,10.0,20.0\nb,30.0,-45.0\nc,1.5,2.5\n');
  writeFileSync(join(folder, 'reference.csv'), 'name,ra,dec\nx,10.0001,20.0\ny,30.0,-45.0001\n');
  symlinkSync(join(repositoryRoot, 'node_modules'), join(folder, 'node_modules'));
  const bin = join(repositoryRoot, 'cli', 'bin', 'armilla.mjs');
  const server = spawn(
    process.execPath,
    [bin, 'serve', '--port', '0', '--grpc-address', '127.0.0.1:0', '--log-level', 'error'],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  stop = async () => {
    server.kill('SIGTERM');
    await once(server, 'exit');
  };
  for await (const line of createInterface({ input: server.stdout })) {
    const found = /serving (http\S+)/.exec(line);
    if (found) {
      url = found[1];
      break;
    }
  }
}, 60_000);

afterAll(async () => {
  await stop();
  rmSync(folder, { recursive: true });
});

const here = (text: string): string => text.replaceAll('http://127.0.0.1:7431', url);

const hasCurl = spawnSync('curl', ['--version']).status === 0;
(hasCurl ? test : test.skip)(`the curl line gives the pairs as CSV${hasCurl ? '' : ' (no curl here)'}`, async () => {
  const { stdout } = await run('sh', ['-c', here(snippet('sh curl'))], { cwd: folder });
  expect(stdout.trim().split('\n')).toHaveLength(3);
  expect(stdout).toContain('separation_arcsec');
});

test('the TypeScript lines give the number of pairs', async () => {
  writeFileSync(join(folder, 'snippet.mjs'), here(snippet('ts')));
  const { stdout } = await run(process.execPath, ['snippet.mjs'], { cwd: folder });
  expect(stdout).toBe('2\n');
});

const hasPython = existsSync(interopPython);
(hasPython ? test : test.skip)(
  `the Python lines give the number of pairs${hasPython ? '' : ' (no pyarrow here: npm run test:interop makes it)'}`,
  async () => {
    const { stdout } = await run(interopPython, ['-c', here(snippet('python'))], { cwd: folder });
    expect(stdout).toBe('2\n');
  },
);

test('the command on files writes what it says', async () => {
  const [line] = snippet('sh').includes('crossmatch')
    ? [snippet('sh')]
    : [/^\.\/armilla crossmatch .*$/m.exec(readme)?.[0] ?? ''];
  const args = line
    .trim()
    .split(/\s+/)
    .slice(1)
    .map((arg) => (arg === 'reference.parquet' ? 'reference.csv' : arg));
  await run(process.execPath, [join(repositoryRoot, 'cli', 'bin', 'armilla.mjs'), ...args], { cwd: folder });
  expect(readFileSync(join(folder, 'pairs.parquet')).subarray(0, 4).toString()).toBe('PAR1');
});
