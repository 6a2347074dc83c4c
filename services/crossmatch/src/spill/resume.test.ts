import { existsSync, rmSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Random } from '@armilla/base';
import { Runtime } from '@armilla/gpu-core';
import { openTable, writePickedRows, writeTable } from '@armilla/tables';
import { crossmatch, type MatchOptions, type MatchSummary, type ScratchOptions, type SpillSummary } from '../index.js';
import { catalogOf, storeParquet } from '../testing/stored-catalog.js';
import { awkwardSky } from '../testing/sky.js';

let runtime: Runtime;
let folder: string;
const at = (name: string): string => join(folder, name);

beforeAll(async () => {
  runtime = await Runtime.create({ workerCount: 2 });
  folder = await mkdtemp(join(tmpdir(), 'armilla-resume-'));
});
beforeEach(async () => {
  await storeParquet(at('left.parquet'), catalogOf(awkwardSky(1, 550), 'l'));
  await storeParquet(at('right.parquet'), catalogOf(awkwardSky(2, 500, 3), 'r'));
});
afterEach(() => rm(at('scratch'), { recursive: true, force: true }));
afterAll(async () => {
  await runtime.close();
  await rm(folder, { recursive: true });
});

const OPTIONS: MatchOptions = { radiusArcsec: 20, join: 'full' };

interface Attempt extends Partial<ScratchOptions> {
  readonly options?: MatchOptions;
  readonly signal?: AbortSignal;
  readonly onProgress?: () => void;
  readonly bucketRowCount?: number;
}

/** One attempt at the match, in a folder that is removed only when the result is on the disk. */
async function attempt({ options = OPTIONS, signal, onProgress, bucketRowCount = 64, ...scratch }: Attempt) {
  await using stream = await crossmatch(
    await openTable(at('left.parquet')),
    await openTable(at('right.parquet')),
    options,
    {
      runtime,
      signal,
      onProgress,
      execution: { bucketRowCount, chunkRowCount: 300 },
      scratch: {
        folder: at('scratch'),
        use: 'always',
        inputs: { left: [at('left.parquet')], right: [at('right.parquet')] },
        ...scratch,
      },
    },
  );
  const picked = stream.picked();
  if (picked) await writePickedRows(at('out.parquet'), stream.schema, picked, { overwrite: true, signal });
  else await writeTable(at('out.parquet'), stream.schema, stream, { format: 'parquet', overwrite: true, signal });
  const bytes = await readFile(at('out.parquet'));
  await rm(at('out.parquet'));
  return { bytes, summary: stream.summary() };
}

function factsOf({ left, right, pairCount, rowCount }: MatchSummary) {
  return { left, right, pairCount, rowCount };
}

describe.each<MatchOptions>([
  OPTIONS,
  { radiusArcsec: 5, find: 'one-to-one', join: 'right' },
  { radiusArcsec: 20, columns: ['left.id', 'right.name', 'neighbour_count'] },
])('%j', (options) => {
  test('continued after a full scratch folder, wherever it was full, the file is the same', async () => {
    const whole = await attempt({ options });
    const { spilledBytes } = whole.summary.spill as SpillSummary;
    let resumed = 0;
    for (let step = 0; step < 10; step++) {
      // Headers of many small blocks make more than what is refused before the first row.
      const maxBytes = Math.floor(spilledBytes * (0.7 + 0.03 * step));
      await expect(attempt({ options, maxBytes })).rejects.toMatchObject({ reason: 'SCRATCH_FULL' });
      expect(existsSync(at('out.parquet'))).toBe(false);
      const again = await attempt({ options, resume: true, bucketRowCount: 400 });
      expect(Buffer.compare(again.bytes, whole.bytes)).toBe(0);
      expect(factsOf(again.summary)).toEqual(factsOf(whole.summary));
      expect(existsSync(at('scratch'))).toBe(false);
      resumed += again.summary.spill?.resumedStepCount ?? 0;
    }
    expect(resumed).toBeGreaterThan(5);
  });

  test('continued after interruptions at any time, the file is the same', async () => {
    const whole = await attempt({ options });
    const random = new Random(7);
    let resumed = 0;
    for (let round = 0; round < 12; round++) {
      for (let again = 0; ; again++) {
        const stop = new AbortController();
        let left = 1 + random.below(12);
        const onProgress = (): void => {
          if (again < 4 && --left === 0) stop.abort(new Error('enough'));
        };
        const outcome = await attempt({ options, signal: stop.signal, onProgress, resume: true }).catch(
          (error: unknown) => error,
        );
        if (outcome instanceof Error) {
          expect(outcome.message).toBe('enough');
          continue;
        }
        const { bytes, summary } = outcome as Awaited<ReturnType<typeof attempt>>;
        expect(Buffer.compare(bytes, whole.bytes)).toBe(0);
        expect(factsOf(summary)).toEqual(factsOf(whole.summary));
        resumed += summary.spill?.resumedStepCount ?? 0;
        break;
      }
    }
    expect(resumed).toBeGreaterThan(0);
  });
});

/** Leaves a folder in which all buckets are joined. */
async function interrupted(): Promise<void> {
  const stream = await crossmatch(await openTable(at('left.parquet')), await openTable(at('right.parquet')), OPTIONS, {
    runtime,
    execution: { bucketRowCount: 150 },
    scratch: {
      folder: at('scratch'),
      use: 'always',
      keep: true,
      inputs: { left: [at('left.parquet')], right: [at('right.parquet')] },
    },
  });
  for await (const batch of stream) {
    expect(batch.numRows).toBeGreaterThan(0);
    break;
  }
  expect(existsSync(at('scratch'))).toBe(true);
}

test('what is there is not begun anew by accident', async () => {
  await interrupted();
  await expect(attempt({})).rejects.toMatchObject({ reason: 'SCRATCH_EXISTS' });
  expect(existsSync(at('scratch'))).toBe(true);
});

test('bytes of the folder that changed are made anew', async () => {
  const whole = await attempt({});
  for (const name of ['left', 'right', 'pairs']) {
    await interrupted();
    const path = join(at('scratch'), `${name}.0.blocks`);
    const bytes = await readFile(path);
    bytes[bytes.length >> 1] ^= 1;
    await writeFile(path, bytes);
    expect(Buffer.compare((await attempt({ resume: true })).bytes, whole.bytes)).toBe(0);
  }
  for (const name of await recordsOf()) {
    await interrupted();
    await writeFile(join(at('scratch'), name), '');
    expect(Buffer.compare((await attempt({ resume: true })).bytes, whole.bytes)).toBe(0);
  }
});

async function recordsOf(): Promise<string[]> {
  await interrupted();
  const names = (await readdir(at('scratch'))).filter((name) => name.endsWith('.json') && name !== 'match.json');
  await rm(at('scratch'), { recursive: true });
  return names;
}

test('inputs and options that changed are refused', async () => {
  await interrupted();
  await expect(attempt({ resume: true, options: { radiusArcsec: 21 } })).rejects.toMatchObject({
    reason: 'RESUME_REFUSED',
    fields: { detail: expect.stringContaining('the options') as string },
  });
  const long = new Date(1e12);
  await utimes(at('right.parquet'), long, long);
  await expect(attempt({ resume: true })).rejects.toMatchObject({
    reason: 'RESUME_REFUSED',
    fields: { detail: expect.stringContaining('right.parquet') as string },
  });
  await expect(attempt({ resume: true, inputs: undefined })).rejects.toMatchObject({ reason: 'RESUME_REFUSED' });
  expect(existsSync(at('scratch'))).toBe(true);
});

test('a folder of something else is left alone', async () => {
  await mkdir(at('other'));
  await writeFile(at('other/precious'), 'x');
  await expect(attempt({ folder: at('other') })).rejects.toMatchObject({ reason: 'SCRATCH_FAILED' });
  await expect(attempt({ folder: at('left.parquet') })).rejects.toMatchObject({ reason: 'SCRATCH_FAILED' });
  expect(existsSync(at('other/precious'))).toBe(true);
});

test('a process that was killed before it wrote down the match leaves nothing to go on with, and nothing in the way', async () => {
  await mkdir(at('scratch'));
  await writeFile(at('scratch/match.json.part'), '{"opt');
  const whole = await attempt({ folder: at('another') });
  expect(Buffer.compare((await attempt({ resume: true })).bytes, whole.bytes)).toBe(0);
  await interrupted();
  for (const text of ['null', '7', '', '{}']) {
    await writeFile(at('scratch/match.json'), text);
    await expect(attempt({ resume: true })).rejects.toMatchObject({ reason: 'RESUME_REFUSED' });
  }
});

test('a folder that vanishes is a problem of the folder', async () => {
  let calls = 0;
  const onProgress = (): void => {
    if (++calls === 3) rmSync(at('scratch'), { recursive: true });
  };
  await expect(attempt({ onProgress })).rejects.toMatchObject({ reason: 'SCRATCH_FAILED' });
});

test('more than the disk has is refused before the first row', async () => {
  await expect(attempt({ maxBytes: 1000 })).rejects.toMatchObject({
    reason: 'SCRATCH_FULL',
    fields: { where: at('scratch') },
  });
  expect(existsSync(at('scratch'))).toBe(false);
});

test('without files to know the inputs by, nothing is left of a match that failed', async () => {
  const { spilledBytes } = (await attempt({})).summary.spill as SpillSummary;
  const maxBytes = Math.floor(0.85 * spilledBytes);
  await expect(attempt({ maxBytes, inputs: undefined })).rejects.toMatchObject({ reason: 'SCRATCH_FULL' });
  expect(existsSync(at('scratch'))).toBe(false);
});
