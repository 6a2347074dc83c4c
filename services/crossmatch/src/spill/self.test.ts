import type { MatchOptions, SideOptions } from '../options.js';
import { BothWays } from '../testing/both-ways.js';
import { describedCatalog } from '../testing/described-catalog.js';
import { storeParquet } from '../testing/stored-catalog.js';

let ways: BothWays;
const FILE = ['table.parquet'];

beforeAll(async () => {
  ways = await BothWays.create();
  await storeParquet(ways.at('table.parquet'), describedCatalog(1, 450));
});
afterAll(() => ways[Symbol.asyncDispose]());

const motion: SideOptions = { epoch: 'mjd:mjd', pmRaCosdec: 'pmra', pmDec: 'pmdec' };

/** By name, so that a failure says which. */
const FEATURES: Readonly<Record<string, Partial<MatchOptions>>> = {
  'the radius alone': {},
  'a filter and an area': { left: { where: 'flag < 2' }, area: 'cone(100.02, 20.02, 90deg)' },
  'sexagesimal positions': { left: { ra: 'ra_text', dec: 'dec_text' } },
  errors: { left: { error: 'error:arcsec' }, maxSigma: 3 },
  'motions and epochs of rows': { left: motion },
  'a condition that only one of two rows may be the left of': { where: 'left.mag < right.mag' },
};

describe.each(Object.keys(FEATURES))('%s', (name) => {
  const feature = FEATURES[name];
  const columns = ['left.id', 'right.name', 'separation_arcsec', 'left_row', 'right_row'];

  test.each(['all', 'nearest', 'k-nearest'] as const)('%s', async (find) => {
    for (const join of ['inner', 'left', 'left-anti'] as const) {
      const options: MatchOptions = { radiusArcsec: 6, find, join, columns, ...feature };
      const { summary } = await ways.expectSame(options, FILE, [{ bucketRowCount: 64, chunkRowCount: 120 }]);
      expect(summary.pairCount).toBeGreaterThan(10);
    }
  });

  test('groups', async () => {
    for (const join of ['inner', 'left'] as const) {
      const { summary } = await ways.expectSame({ radiusArcsec: 3, selfMatch: 'groups', join, ...feature }, FILE);
      expect(summary.groupCount).toBeGreaterThan(10);
      expect(summary.left.matchedRowCount).toBeGreaterThan(10);
    }
  });
});

test('what is said of pairs and of left rows', async () => {
  const columns = ['right.*', 'rank', 'delta_ra_cosdec_arcsec', 'neighbour_count', 'second_separation_arcsec'];
  await ways.expectSame({ radiusArcsec: 6, find: 'k-nearest', k: 3, join: 'left', columns }, FILE);
});

test('rows of a self match come alike however it is cut in memory', async () => {
  const options: MatchOptions = { radiusArcsec: 6, find: 'nearest', join: 'left', where: 'left.mag < right.mag' };
  const whole = await ways.inMemory(options, FILE);
  expect(Buffer.compare((await ways.inMemory(options, FILE, { chunkRowCount: 37 })).bytes, whole.bytes)).toBe(0);
});
