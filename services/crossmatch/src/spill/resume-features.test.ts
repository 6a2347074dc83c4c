import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { Random } from '@armilla/base';
import type { MatchOptions, SideOptions } from '../options.js';
import { BothWays, factsOf } from '../testing/both-ways.js';
import { describedCatalog } from '../testing/described-catalog.js';
import { storeParquet } from '../testing/stored-catalog.js';

let ways: BothWays;
const TWO = ['left.parquet', 'right.parquet'];
const ONE = ['left.parquet'];

beforeAll(async () => {
  ways = await BothWays.create();
  await storeParquet(ways.at('left.parquet'), describedCatalog(1, 600));
  await storeParquet(ways.at('right.parquet'), describedCatalog(2, 700, 3));
});
afterEach(() => rm(ways.scratch, { recursive: true, force: true }));
afterAll(() => ways[Symbol.asyncDispose]());

const motion: SideOptions = { pmRaCosdec: 'pmra', pmDec: 'pmdec' };
const COLUMNS = ['left.id', 'right.name', 'separation_arcsec'];

/** By name, so that a failure says which. */
const FEATURES: Readonly<Record<string, MatchOptions & { readonly files?: readonly string[] }>> = {
  filters: { radiusArcsec: 10, join: 'full', area: 'cone(100.02, 20.02, 90deg)', right: { where: 'flag < 2' } },
  'sexagesimal positions': { radiusArcsec: 10, join: 'full', left: { ra: 'ra_text', dec: 'dec_text' } },
  'motions and epochs of rows': {
    radiusArcsec: 10,
    find: 'mutual',
    join: 'full',
    left: { epoch: 'mjd:mjd', ...motion },
    right: { epoch: 'J2016', ...motion },
  },
  'a condition on pairs': { radiusArcsec: 10, find: 'one-to-one', join: 'left', where: 'left.mag < right.mag' },
  probabilities: {
    radiusArcsec: 5,
    join: 'full',
    left: { error: 'error:arcsec' },
    right: { error: 'error:arcsec' },
    probabilities: { rightAreaSquareDegrees: 10 },
    columns: [...COLUMNS, 'p_any', 'p_i'],
  },
  recentering: { radiusArcsec: 10, join: 'left', recenter: true },
  'pairs of one table': { radiusArcsec: 3, find: 'all', selfMatch: 'pairs', join: 'left', files: ONE },
  'groups of one table': {
    radiusArcsec: 3,
    selfMatch: 'groups',
    join: 'left',
    columns: ['left.id', 'group_id', 'group_size'],
    files: ONE,
  },
};

describe.each(Object.keys(FEATURES))('%s', (name) => {
  const { files = TWO, ...options } = { columns: COLUMNS, ...FEATURES[name] };

  test('continued after an interruption behind any step, the file is the same', async () => {
    const whole = await ways.inMemory(options, files);
    const stages = new Set<string>();
    let resumed = 0;
    const random = new Random(5);
    for (let round = 0; round < 6; round++) {
      const stop = new AbortController();
      let left = 1 + random.below(14);
      const onProgress = (): void => {
        if (--left === 0) stop.abort(new Error('enough'));
      };
      const first = await ways.attempt(options, files, { signal: stop.signal, onProgress }).catch((error: Error) => {
        expect(error.message).toBe('enough');
      });
      if (!first && existsSync(ways.scratch))
        for (const record of await readdir(ways.scratch)) if (record.endsWith('.json')) stages.add(record);
      const { bytes, summary } = first ?? (await ways.attempt(options, files, { resume: true }));
      expect(Buffer.compare(bytes, whole.bytes)).toBe(0);
      expect(factsOf(summary)).toEqual(factsOf(whole.summary));
      expect(existsSync(ways.scratch)).toBe(false);
      resumed += summary.spill?.resumedStepCount ?? 0;
    }
    expect(stages.size).toBeGreaterThan(2);
    expect(resumed).toBeGreaterThan(0);
  });
});

/** Leaves a folder in which something is done. */
async function interrupted(options: MatchOptions): Promise<void> {
  const stop = new AbortController();
  let left = 4;
  const onProgress = (): void => {
    if (--left === 0) stop.abort(new Error('enough'));
  };
  await expect(ways.attempt(options, TWO, { signal: stop.signal, onProgress })).rejects.toThrow('enough');
  expect(existsSync(ways.scratch)).toBe(true);
}

test.each<[string, MatchOptions, Partial<MatchOptions>]>([
  ['area', FEATURES.filters, { area: 'cone(100.02, 20.02, 80deg)' }],
  ['condition on a table', FEATURES.filters, { right: { where: 'flag < 1' } }],
  ['condition on pairs', FEATURES['a condition on pairs'], { where: 'left.mag < right.mag + 1' }],
  ['epoch', FEATURES['motions and epochs of rows'], { right: { epoch: 'J2015.5', ...motion } }],
  ['column of motion', FEATURES['motions and epochs of rows'], { right: { epoch: 'J2016', ...motion, pmDec: 'pmra' } }],
  ['error', FEATURES.probabilities, { left: { error: 'major:arcsec' } }],
  ['sky area of probabilities', FEATURES.probabilities, { probabilities: { rightAreaSquareDegrees: 11 } }],
  ['unit', FEATURES.filters, { left: { ra: 'ra_hours:h' } }],
  ['recentering', FEATURES.recentering, { recenter: false }],
])('another %s is refused', async (_, options, other) => {
  await interrupted(options);
  await expect(ways.attempt({ ...options, ...other }, TWO, { resume: true })).rejects.toMatchObject({
    reason: 'RESUME_REFUSED',
    fields: { detail: expect.stringContaining('the options') as string },
  });
});
