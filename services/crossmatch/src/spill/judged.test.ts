import { FINDS, JOINS, type MatchOptions, type SideOptions } from '../options.js';
import { BothWays } from '../testing/both-ways.js';
import { describedCatalog } from '../testing/described-catalog.js';
import { storeParquet } from '../testing/stored-catalog.js';

let ways: BothWays;
const FILES = ['left.parquet', 'right.parquet'];
const COLUMNS = ['left.id', 'right.name', 'separation_arcsec'];

beforeAll(async () => {
  ways = await BothWays.create();
  await storeParquet(ways.at('left.parquet'), describedCatalog(1, 320));
  // In one row group, which threads read themselves.
  await storeParquet(ways.at('right.parquet'), describedCatalog(2, 360, 3), 1000);
  // Motions are guessed where there are any.
  for (const [side, seed] of [
    ['left', 1],
    ['right', 2],
  ] as const) {
    const table = describedCatalog(seed, 340, 3 * (seed - 1));
    const names = table.schema.fields.map(({ name }) => name).filter((name) => !name.startsWith('pm'));
    await storeParquet(ways.at(`resting-${side}.parquet`), table.select(names));
  }
});
afterAll(() => ways[Symbol.asyncDispose]());

const motion: SideOptions = {
  pmRaCosdec: 'pmra',
  pmDec: 'pmdec',
  parallax: 'plx',
  radialVelocity: 'rv',
  pmRaCosdecError: 'pm_error',
};
const ellipse: SideOptions = { errorMajor: 'major:arcsec', errorMinor: 'minor:arcsec', errorAngle: 'angle' };
const axes: SideOptions = { errorRa: 'major:arcsec', errorDec: 'error:arcsec', errorCorrelation: 'correlation' };
const still: SideOptions = { pmRaCosdec: undefined, pmDec: undefined };

/** By name, so that a failure says which. */
const JUDGED: Readonly<Record<string, Partial<MatchOptions> & { readonly files?: readonly string[] }>> = {
  errors: { left: { error: 'error:arcsec' }, right: ellipse, maxSigma: 3 },
  'one error for all rows': { left: { error: '0.5arcsec' }, right: { error: 'error:arcsec' }, maxSigma: 3 },
  'errors along the axes': { left: axes, maxSigma: 2 },
  'radii of rows': { left: { radius: 'radius:arcsec' }, right: { radius: 'radius:arcsec' } },
  'a condition on pairs': { where: 'left.mag - right.mag < 2 AND left.name <> right.name' },
  'motions of both, each of one year': { left: { epoch: 'J2016', ...motion }, right: { epoch: 'J1991.25', ...motion } },
  'motions of the left, right epochs of rows': { left: { epoch: 'J2016', ...motion }, right: { epoch: 'mjd:mjd' } },
  'motions and epochs of rows, with errors': {
    left: { epoch: 'mjd:mjd', ...motion, ...ellipse },
    right: { epoch: 'mjd:mjd', ...motion, error: 'error:arcsec' },
    maxSigma: 5,
  },
  'motions of the left alone, each table of one year': {
    left: { epoch: 'J2016', ...motion },
    right: { epoch: 'J1991.25' },
    files: ['left.parquet', 'resting-right.parquet'],
  },
  'motions of the left alone, epochs of rows': {
    left: { epoch: 'mjd:mjd', ...motion },
    right: { epoch: 'mjd:mjd' },
    files: ['left.parquet', 'resting-right.parquet'],
  },
  'motions of the right alone, epochs of rows': {
    left: { epoch: 'mjd:mjd' },
    right: { epoch: 'J2016', ...motion },
    files: ['resting-left.parquet', 'right.parquet'],
  },
  probabilities: {
    left: { error: 'error:arcsec' },
    right: ellipse,
    probabilities: {
      rightAreaSquareDegrees: 10,
      completeness: 0.9,
      magnitudePriors: ['mag=10 15 0.7 0.2; 15 20 0.3 0.8'],
    },
    columns: ['left.id', 'right.name', 'dist_bayesfactor', 'bias_mag', 'p_any', 'p_i', 'match_flag'],
  },
  'motions, conditions and filters': {
    left: { epoch: 'J2000', ...motion, where: 'flag < 2' },
    right: { epoch: 'mjd:mjd', ...still, radius: 'radius:arcsec' },
    where: 'left.flag = right.flag OR right.mag > 15',
    area: 'cone(100.02, 20.02, 20deg)',
  },
};

test('errors beyond the radius are told', async () => {
  const options: MatchOptions = { radiusArcsec: 2, columns: COLUMNS, ...JUDGED.probabilities };
  const { summary } = await ways.expectSame(options, FILES, [{ bucketRowCount: 64 }]);
  expect(summary.warnings).toHaveLength(1);
});

describe.each(Object.keys(JUDGED))('%s', (name) => {
  const { files = FILES, ...judged } = JUDGED[name];

  test.each(judged.probabilities ? (['all'] as const) : FINDS)('%s', async (find) => {
    for (const join of find === 'nearest' ? JOINS : (['left', 'full'] as const)) {
      const options: MatchOptions = { radiusArcsec: 12, find, join, columns: COLUMNS, ...judged };
      const { summary } = await ways.expectSame(options, files, [{ bucketRowCount: 64, chunkRowCount: 130 }]);
      expect(summary.pairCount).toBeGreaterThan(5);
    }
  });

  test('what is said of pairs and of left rows', async () => {
    const columns = [
      'left.id',
      'right.*',
      'right_row',
      'delta_ra_cosdec_arcsec',
      'delta_dec_arcsec',
      'neighbour_count',
      'second_separation_arcsec',
      ...('maxSigma' in judged ? ['normalised_distance'] : []),
    ];
    const find = judged.probabilities ? 'all' : 'k-nearest';
    await ways.expectSame({ radiusArcsec: 12, join: 'full', columns, ...judged, find }, files);
  });
});
