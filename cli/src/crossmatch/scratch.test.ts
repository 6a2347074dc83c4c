import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCli, startCli, temporaryFolder } from '../testing/run-cli.js';
import { LITTLE_MEMORY, storeStars } from '../testing/store-stars.js';

const folder = temporaryFolder();
const at = (name: string): string => join(folder.path, name);
afterAll(() => folder.remove());

const left = storeStars(at('left.csv'), 2);
const right = storeStars(at('right.csv'), 3);
const args = (output: string, ...more: string[]): string[] => [
  'crossmatch',
  left,
  right,
  '--radius',
  '2',
  '--join',
  'full',
  '-o',
  output,
  ...more,
];

test('a join that does not fit the memory says what it takes, goes by way of the disk and gives the same file', async () => {
  expect(await runCli(args(at('memory.parquet'), '--quiet'))).toMatchObject({ code: 0, stderr: '' });
  const { code, stderr } = await runCli(args(at('disk.parquet'), ...LITTLE_MEMORY));
  expect(stderr).toMatch(
    /does not fit the memory: \d+ buckets in .*disk\.parquet\.scratch, about .* of scratch, .* of memory and \d+ s/,
  );
  expect(stderr).toMatch(/by way of \d+ buckets on disk, .* of scratch/);
  expect(code).toBe(0);
  expect(Buffer.compare(readFileSync(at('disk.parquet')), readFileSync(at('memory.parquet')))).toBe(0);
  expect(readdirSync(folder.path).filter((name) => name.endsWith('.scratch'))).toEqual([]);
});

test('interrupted it says how to go on, and does not begin anew by accident', async () => {
  const output = at('interrupted.parquet');
  const child = startCli(args(output, ...LITTLE_MEMORY));
  let stderr = '';
  let interrupted = false;
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    // A second one would end it at once.
    if (!interrupted && stderr.includes('does not fit')) interrupted = child.kill('SIGINT');
  });
  expect(await new Promise((resolve) => child.once('close', resolve))).toBe(130);
  expect(stderr).toContain('--resume goes on from there');
  expect(existsSync(output)).toBe(false);
  const again = await runCli(args(output, ...LITTLE_MEMORY));
  expect(again).toMatchObject({ code: 73 });
  expect(again.stderr).toContain('SCRATCH_EXISTS');
  writeFileSync(right, `${readFileSync(right, 'utf8')}1,2,3\n`);
  const changed = await runCli(args(output, '--resume', ...LITTLE_MEMORY));
  expect(changed).toMatchObject({ code: 65 });
  expect(changed.stderr).toMatch(/right\.csv.* changed since it began.*RESUME_REFUSED/);
});

test.each([
  ['pairs', []],
  ['groups', ['--groups', '--join', 'left']],
])('%s of a table with itself, filtered, go by way of the disk', async (name, more) => {
  const self = (output: string): string[] => [
    ...['crossmatch', '--self', left, '--radius', '60', '--left-where', 'id > 1000', '-o', output],
    ...more,
  ];
  const [inMemory, spilled] = [at(`self-${name}-memory.parquet`), at(`self-${name}-disk.parquet`)];
  expect(await runCli([...self(inMemory), '--quiet'])).toMatchObject({ code: 0, stderr: '' });
  const { code, stderr } = await runCli([...self(spilled), ...LITTLE_MEMORY]);
  expect(code).toBe(0);
  expect(stderr).toMatch(/by way of \d+ buckets on disk/);
  expect(Buffer.compare(readFileSync(spilled), readFileSync(inMemory))).toBe(0);
});

test.each([
  ['is not there', 'typo'],
  ['is in none', 'typo/deep'],
  ['is a file', 'left.csv'],
])('a scratch folder that %s is refused, also where it would not be needed, and none is made', async (_, name) => {
  const before = readdirSync(folder.path);
  for (const more of [[], LITTLE_MEMORY]) {
    const { code, stderr } = await runCli(args(at('x.parquet'), '--scratch', at(name), ...more));
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringContaining('--scratch must be a folder that is'),
    });
  }
  expect(readdirSync(folder.path)).toEqual(before);
});

test('a scratch folder that is there is used and stays', async () => {
  mkdirSync(at('there'));
  const { code, stderr } = await runCli(args(at('used.parquet'), '--scratch', at('there'), ...LITTLE_MEMORY));
  expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining(at('there/used.parquet.scratch')) });
  expect(readdirSync(at('there'))).toEqual([]);
});

test.each(['--scratch', '--resume'])('standard input cannot be read again: %s is refused', async (flag) => {
  const more = flag === '--scratch' ? ['--scratch', folder.path] : ['--resume'];
  const { code, stderr } = await runCli(['crossmatch', '-', right, '--radius', '1', '-o', at('x.parquet'), ...more]);
  expect(code).toBe(2);
  expect(stderr).toMatch(/standard input has passed by/);
});

test.each([
  [['--scratch', 'x', '--server', 'http://127.0.0.1:1'], '--scratch'],
  [['--resume', '-o', '-'], '--resume'],
])('%j is refused', async (more, flag) => {
  const { code, stderr } = await runCli(['crossmatch', left, right, '--radius', '1', ...more]);
  expect(code).toBe(2);
  expect(stderr).toContain(flag);
});
