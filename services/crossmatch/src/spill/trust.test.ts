import { FINDS, type MatchOptions, type SideOptions } from '../options.js';
import { BothWays } from '../testing/both-ways.js';
import { describedCatalog } from '../testing/described-catalog.js';
import { storeParquet } from '../testing/stored-catalog.js';

let ways: BothWays;
const FILES = ['left.parquet', 'right.parquet'];
const COLUMNS = ['left.id', 'right.name', 'separation_arcsec', 'delta_dec_arcsec'];
const BUCKETS = [{ bucketRowCount: 64, chunkRowCount: 300 }, { bucketRowCount: 400 }];

beforeAll(async () => {
  ways = await BothWays.create();
  await storeParquet(ways.at('left.parquet'), describedCatalog(1, 900));
  await storeParquet(ways.at('right.parquet'), describedCatalog(2, 1000, 3), 1000);
});
afterAll(() => ways[Symbol.asyncDispose]());

describe('recentered', () => {
  test.each(FINDS)('%s', async (find) => {
    const options: MatchOptions = { radiusArcsec: 10, find, join: 'full', columns: COLUMNS, recenter: true };
    const { summary } = await ways.expectSame(options, FILES, BUCKETS);
    expect(summary.recentering?.offset.pairCount).toBeGreaterThan(20);
  });

  test('too few rows that tell', async () => {
    const left: SideOptions = { frame: 'galactic', ra: 'ra', dec: 'dec' };
    const options: MatchOptions = { radiusArcsec: 1, columns: COLUMNS, left, recenter: true };
    const { summary } = await ways.expectSame(options, FILES, BUCKETS);
    expect(summary.recentering).toBeUndefined();
    expect(summary.warnings).toHaveLength(1);
  });
});

describe('assessed', () => {
  beforeAll(() => {
    ways.assess = true;
  });
  afterAll(() => {
    ways.assess = false;
  });
  const motion: SideOptions = { pmRaCosdec: 'pmra', pmDec: 'pmdec' };

  test.each<Partial<MatchOptions>>([
    {},
    { find: 'mutual', area: 'cone(100.02, 20.02, 90deg)', right: { where: 'flag < 2' } },
    { minRadiusArcsec: 1, recenter: true },
    { left: { ra: 'ra_text' }, join: 'left-anti', columns: ['left.id'] },
    { left: { epoch: 'J2016', ...motion }, right: { epoch: 'J1991.25', ...motion } },
    { left: { epoch: 'mjd:mjd', ...motion }, right: { epoch: 'J2000', ...motion, error: 'error:arcsec' } },
  ])('%j', async (more) => {
    const { summary } = await ways.expectSame({ radiusArcsec: 10, columns: COLUMNS, ...more }, FILES, BUCKETS);
    expect(summary.trust?.sampleRowCount).toBeGreaterThan(300);
    expect(summary.trust?.matched.count).toBeGreaterThan(100);
  });
});
