import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Random } from '@armilla/base';
import { runCli, startCli, temporaryFolder } from '../testing/run-cli.js';

const ROWS = 40_000;
/** Less than the join needs. */
const MEMORY = ['--memory', '4MiB'];

const folder = temporaryFolder();
const at = (name: string): string => join(folder.path, name);
afterAll(() => folder.remove());

function store(name: string, seed: number): string {
  const places = new Random(1);
  const random = new Random(seed);
  const rows = Array.from({ length: ROWS }, (_, i) => {
    const [ra, dec] = [places.between(0, 360), places.between(-90, 90)];
    return `${i},${ra + random.normal() / 5000},${Math.max(-90, Math.min(90, dec + random.normal() / 5000))}`;
  });
  writeFileSync(at(name), `id,ra,dec\n${rows.join('\n')}\n`);
  return at(name);
}

const left = store('left.csv', 2);
const right = store('right.csv', 3);
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
  const { code, stderr } = await runCli(args(at('disk.parquet'), ...MEMORY));
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
  const child = startCli(args(output, ...MEMORY));
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
  const again = await runCli(args(output, ...MEMORY));
  expect(again).toMatchObject({ code: 73 });
  expect(again.stderr).toContain('SCRATCH_EXISTS');
  writeFileSync(right, `${readFileSync(right, 'utf8')}1,2,3\n`);
  const changed = await runCli(args(output, '--resume', ...MEMORY));
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
  const { code, stderr } = await runCli([...self(spilled), ...MEMORY]);
  expect(code).toBe(0);
  expect(stderr).toMatch(/by way of \d+ buckets on disk/);
  expect(Buffer.compare(readFileSync(spilled), readFileSync(inMemory))).toBe(0);
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
