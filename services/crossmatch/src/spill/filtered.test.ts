import { FINDS, JOINS, type MatchOptions, type SideOptions } from '../options.js';
import { BothWays } from '../testing/both-ways.js';
import { describedCatalog } from '../testing/described-catalog.js';
import { storeParquet } from '../testing/stored-catalog.js';

let ways: BothWays;
const FILES = ['left.parquet', 'right.parquet'];
const COLUMNS = ['left.id', 'left.name', 'right.name', 'right.mag', 'separation_arcsec'];

beforeAll(async () => {
  ways = await BothWays.create();
  await storeParquet(ways.at('left.parquet'), describedCatalog(1, 600));
  // In one row group, which threads read themselves.
  await storeParquet(ways.at('right.parquet'), describedCatalog(2, 550, 3), 1000);
});
afterAll(() => ways[Symbol.asyncDispose]());

const FILTERS: readonly Partial<MatchOptions>[] = [
  { area: 'cone(100.02, 20.02, 2arcmin)' },
  { area: 'moc(6/0-3000 7/20000-40000)', right: { where: "mag < 17 AND name <> '2-4'" } },
  { left: { where: 'flag <> 1' }, right: { where: 'id BETWEEN 100 AND 900 OR mag IS NULL' } },
];

describe.each(FILTERS)('rows that a filter leaves out are in no result: %j', (filter) => {
  test.each(FINDS)('%s', async (find) => {
    for (const join of find === 'nearest' ? JOINS : (['full'] as const)) {
      const options: MatchOptions = { radiusArcsec: 15, find, join, columns: COLUMNS, ...filter };
      const { summary } = await ways.expectSame(options, FILES, [{ bucketRowCount: 64, chunkRowCount: 300 }]);
      expect(summary.left.filteredRowCount + summary.right.filteredRowCount).toBeGreaterThan(100);
      expect(summary.pairCount).toBeGreaterThan(5);
    }
  });
});

test('a filter that leaves nothing gives a result of nothing', async () => {
  for (const join of JOINS) {
    const options: MatchOptions = { radiusArcsec: 15, join, left: { where: 'mag > 99' }, right: { where: 'flag = 7' } };
    const { summary } = await ways.expectSame(options, FILES, [{ bucketRowCount: 64 }]);
    expect(summary.rowCount).toBe(0);
  }
});

test('counts of neighbours with filtered rows among them', async () => {
  const columns = ['left.id', 'right.id', 'neighbour_count', 'second_separation_arcsec', 'delta_dec_arcsec'];
  await ways.expectSame({ radiusArcsec: 15, join: 'full', columns, ...FILTERS[2] }, FILES);
});

const POSITIONS: readonly SideOptions[] = [
  { ra: 'ra_text', dec: 'dec_text' },
  { ra: 'ra_hours:h' },
  { frame: 'galactic', ra: 'ra', dec: 'dec' },
  { frame: 'fk4' },
];

describe.each(POSITIONS)('positions as %j', (side) => {
  test.each(FINDS)('%s', async (find) => {
    for (const join of ['full', 'left-anti'] as const) {
      const options: MatchOptions = { radiusArcsec: 15, find, join, columns: COLUMNS, left: side, right: side };
      const { summary } = await ways.expectSame(options, FILES, [{ bucketRowCount: 64, chunkRowCount: 300 }]);
      expect(summary.pairCount).toBeGreaterThan(100);
      expect(summary.left.rejectedRowCount).toBeGreaterThan(5);
    }
  });

  test('of one side only, and in an area', async () => {
    const options: MatchOptions = {
      radiusArcsec: 3600,
      find: 'nearest',
      join: 'full',
      left: side,
      area: 'box(0, -60, 180, 90)',
    };
    await ways.expectSame(options, FILES);
  });
});
