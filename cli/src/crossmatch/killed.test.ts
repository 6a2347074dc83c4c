import { existsSync, readFileSync, rmSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Random } from '@armilla/base';
import { type CliResult, runCli, startCli, temporaryFolder } from '../testing/run-cli.js';
import { LITTLE_MEMORY, storeStars } from '../testing/store-stars.js';

/** Kills in all: a modest number by default, 200 with ARMILLA_KILL_COUNT=200. */
const KILL_COUNT = Number(process.env.ARMILLA_KILL_COUNT ?? 12);
/** In seconds; a time that can be set again. */
const STORED_AT = 1e9;

const folder = temporaryFolder();
const at = (name: string): string => join(folder.path, name);
afterAll(() => folder.remove());

const left = storeStars(at('left.csv'), 2);
// Of one format threads read the rows, of the other the main thread.
const right = at('right.parquet');
const output = at('out.parquet');
const scratch = `${output}.scratch`;
const command = (...more: string[]): string[] => [
  ...['crossmatch', left, right, '--radius', '2', '--join', 'full', '-o', output, '--resume', '--overwrite'],
  ...LITTLE_MEMORY,
  ...more,
];

let whole: Buffer;
let seconds: number;
let bucketCount: number;

beforeAll(async () => {
  expect(await runCli(['convert', storeStars(at('right.csv'), 3), right])).toMatchObject({ code: 0 });
  utimesSync(right, STORED_AT, STORED_AT);
  const begun = performance.now();
  const { code, stdout } = await runCli(command('--json'));
  seconds = (performance.now() - begun) / 1000;
  expect(code).toBe(0);
  whole = readFileSync(output);
  bucketCount = (JSON.parse(stdout) as { spill: { bucket_count: number } }).spill.bucket_count;
}, 60_000);
beforeEach(() => {
  rmSync(output, { force: true });
  rmSync(scratch, { recursive: true, force: true });
});

/** When a process is killed: so long after its start, or after a step was recorded. */
interface Instant {
  readonly record: string | undefined;
  readonly waitMs: number;
}

function instantOf(random: Random): Instant {
  if (random.below(2) === 0) return { record: undefined, waitMs: random.between(0, 1000 * seconds) };
  const records = ['match', 'cut', 'right', 'left', `bucket-${random.below(bucketCount)}`, `bucket-${bucketCount - 1}`];
  return { record: `${records[random.below(records.length)]}.json`, waitMs: random.below(2) * random.between(0, 50) };
}

/** Runs the command and kills it; it may have come to its end before. */
async function killed({ record, waitMs }: Instant): Promise<void> {
  const child = startCli(command('--quiet'));
  let isOver = false;
  const over = new Promise((resolve) => child.once('close', resolve)).then(() => (isOver = true));
  while (!isOver && record !== undefined && !existsSync(join(scratch, record))) await sleep(1);
  await Promise.race([over, sleep(waitMs)]);
  child.kill('SIGKILL');
  await over;
}

/** The file, if there is one, is the whole one. */
function expectNoHalf(): void {
  if (existsSync(output)) expect(Buffer.compare(readFileSync(output), whole)).toBe(0);
}

async function expectWhole(): Promise<CliResult> {
  const last = await runCli(command('--json'));
  expect(last).toMatchObject({ code: 0 });
  expect(Buffer.compare(readFileSync(output), whole)).toBe(0);
  expect(existsSync(scratch)).toBe(false);
  return last;
}

test(
  `killed ${KILL_COUNT} times at random instants it goes on with --resume, and the file is the same`,
  async () => {
    const random = new Random(11);
    let resumed = 0;
    for (let kills = 0; kills < KILL_COUNT;) {
      rmSync(output, { force: true });
      // Some are killed again while they go on.
      for (let again = random.below(3); again >= 0 && kills < KILL_COUNT; again--, kills++) {
        await killed(instantOf(random));
        expectNoHalf();
      }
      const { stdout } = await expectWhole();
      resumed += (JSON.parse(stdout) as { spill: { resumed_step_count: number } }).spill.resumed_step_count;
    }
    expect(resumed).toBeGreaterThan(0);
  },
  60_000 + 20_000 * KILL_COUNT,
);

test('where the files may not grow it says so, and goes on when they may', async () => {
  // In blocks of 1024 bytes: each table takes some 800 kB.
  for (const blocks of [100, 500, 900]) {
    rmSync(output, { force: true });
    const limited = ['ulimit', '-f', `${blocks};`, '$ARMILLA', ...command()];
    const { code, stderr } = await runCli(limited, { shell: true });
    expect(code).toBe(74);
    expect(stderr).toContain('SCRATCH_FULL');
    expect(stderr).toContain('--resume goes on from there');
    expect(existsSync(output)).toBe(false);
    await expectWhole();
  }
}, 120_000);

test('a scratch folder that is removed meanwhile is an error or does no harm', async () => {
  let failures = 0;
  for (const record of ['cut', 'right', 'left', 'bucket-0', `bucket-${bucketCount - 1}`]) {
    rmSync(output, { force: true });
    const child = startCli(command());
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const over = new Promise<number | null>((resolve) => child.once('close', resolve));
    while (child.exitCode === null && !existsSync(join(scratch, `${record}.json`))) await sleep(1);
    // The program may write a record meanwhile.
    rmSync(scratch, { recursive: true, force: true, maxRetries: 20, retryDelay: 5 });
    const code = await over;
    if (code !== 0) {
      failures++;
      expect(stderr).toContain('SCRATCH_FAILED');
      expect(existsSync(output)).toBe(false);
    } else expectNoHalf();
    await expectWhole();
  }
  expect(failures).toBeGreaterThan(0);
}, 120_000);

test('an input that changed between kill and resume is refused, and nothing is lost', async () => {
  await killed({ record: 'left.json', waitMs: 0 });
  utimesSync(right, STORED_AT, STORED_AT + 5);
  const changed = await runCli(command());
  expect(changed).toMatchObject({ code: 65 });
  expect(changed.stderr).toMatch(/right\.parquet.* changed since it began.*RESUME_REFUSED/);
  utimesSync(right, STORED_AT, STORED_AT);
  const { stdout } = await expectWhole();
  expect(
    (JSON.parse(stdout) as { spill: { resumed_step_count: number } }).spill.resumed_step_count,
  ).toBeGreaterThanOrEqual(2);
}, 60_000);
