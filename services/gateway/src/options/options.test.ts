import { SIDE_OPTIONS } from './side-options.js';
import { isProblem } from '@armilla/base';
import { Find, Join, Order, SelfMatch } from '@armilla/proto';
import { CROSSMATCH_OPTIONS, emptyMatchDraft, type MatchDraft, matchRequest } from './match-options.js';
import { GivenOptions, OptionProblems } from './option.js';
import { readDurationMs } from './value.js';

function read(query: Record<string, unknown>): MatchDraft {
  const given = new GivenOptions();
  given.addQuery(query);
  const draft = emptyMatchDraft();
  given.read(CROSSMATCH_OPTIONS, draft);
  return draft;
}

function reasonsOf(query: Record<string, unknown>): string[] {
  try {
    read(query);
  } catch (error) {
    if (error instanceof OptionProblems) return error.problems.map((problem) => problem.reason);
    if (isProblem(error)) return [error.reason];
    throw error;
  }
  return [];
}

test('every option reaches the request', () => {
  const draft = read({
    radius: '500mas',
    min_radius: '0',
    find: 'k-nearest',
    k: '3',
    join: 'full',
    order: 'left',
    self_match: 'groups',
    ...Object.fromEntries(
      SIDE_OPTIONS.flatMap(({ name }) => [
        [`left_${name}`, `l ${name}`],
        [`right_${name}`, `r ${name}`],
      ]),
    ),
    max_sigma: '2.5',
    area: 'cone(1, 2, 3deg)',
    where: 'left.a < right.b',
    probabilities: 'true',
    right_sky_area: '2.5',
    completeness: '0.9',
    acceptable_ratio: '0.4',
    magnitude_prior: 'mag=1 2 0.5 0.1',
    recenter: 'true',
    assess: 'true',
    left: 'stored_left',
    columns: 'left.a, separation_arcsec',
    suffixes: '_x,_y',
    strict: '',
    max_pairs: '9007199254740991',
    workers: '4',
    device: 'webgpu:0',
    chunk_row_count: '1024',
    cell_row_count: '64',
    left_row_count: '7',
    right_row_count: '8',
    right: 'gaia.dr-3_x',
    format: 'csv',
    timeout: '1m',
  });
  expect(matchRequest(draft, 'id')).toEqual({
    options: {
      radiusArcsec: 0.5,
      minRadiusArcsec: 0,
      find: Find.K_NEAREST,
      k: 3,
      join: Join.FULL,
      order: Order.LEFT,
      selfMatch: SelfMatch.GROUPS,
      left: Object.fromEntries(SIDE_OPTIONS.map(({ name, key }) => [key, `l ${name}`])),
      right: Object.fromEntries(SIDE_OPTIONS.map(({ name, key }) => [key, `r ${name}`])),
      columns: ['left.a', 'separation_arcsec'],
      leftSuffix: '_x',
      rightSuffix: '_y',
      strict: true,
      maxPairs: 9007199254740991n,
      maxSigma: 2.5,
      area: 'cone(1, 2, 3deg)',
      where: 'left.a < right.b',
      probabilities: {
        rightAreaSquareDegrees: 2.5,
        completeness: 0.9,
        acceptableRatio: 0.4,
        magnitudePriors: ['mag=1 2 0.5 0.1'],
      },
      recenter: true,
    },
    execution: { workerCount: 4, chunkRowCount: 1024, cellRowCount: 64, device: 'webgpu:0' },
    rightTable: 'gaia.dr-3_x',
    leftTable: 'stored_left',
    assess: true,
    requestId: 'id',
    leftRowCount: 7n,
    rightRowCount: 8n,
  });
  expect([draft.format, draft.timeoutMs]).toEqual(['csv', 60_000]);
});

test('JSON values do as well as text', () => {
  expect(read({ radius_arcsec: 2, strict: true, columns: [['ra', 'dec']], k: 5 }).options).toMatchObject({
    radiusArcsec: 2,
    strict: true,
    columns: ['ra', 'dec'],
    k: 5,
  });
});

test.each([
  [{ radius: '0' }, 'RADIUS_OUT_OF_RANGE'],
  [{ radius: '1', min_radius: '-1' }, 'OPTION_INVALID'],
  [{ radius: '1', min_radius: '181deg' }, 'OPTION_INVALID'],
  [{ radius: '-1arcsec' }, 'RADIUS_OUT_OF_RANGE'],
  [{ radius: '181deg' }, 'RADIUS_OUT_OF_RANGE'],
  [{ radius: 'NaN' }, 'OPTION_INVALID'],
  [{ radius_arcsec: NaN }, 'RADIUS_OUT_OF_RANGE'],
  [{ radius: '1', radius_arcsec: '1' }, 'OPTIONS_CONFLICT'],
  [{ radius: '1parsec' }, 'OPTION_INVALID'],
  [{ right_sky_area: '0' }, 'OPTION_INVALID'],
  [{ right_sky_area: '41254' }, 'OPTION_INVALID'],
  [{ right_sky_area: 'half' }, 'OPTION_INVALID'],
  [{ completeness: '0' }, 'OPTION_INVALID'],
  [{ completeness: '1.1' }, 'OPTION_INVALID'],
  [{ acceptable_ratio: '-1' }, 'OPTION_INVALID'],
  [{ magnitude_prior: '' }, 'OPTION_INVALID'],
  [{ magnitude_prior: '[1' }, 'OPTION_INVALID'],
  [{ magnitude_prior: '[]' }, 'OPTION_INVALID'],
  [{ find: '' }, 'OPTION_INVALID'],
  [{ k: '0' }, 'OPTION_INVALID'],
  [{ k: '1e3' }, 'OPTION_INVALID'],
  [{ k: 2.5 }, 'OPTION_INVALID'],
  [{ strict: 'maybe' }, 'OPTION_INVALID'],
  [{ suffixes: '_1' }, 'OPTION_INVALID'],
  [{ columns: '' }, 'OPTION_INVALID'],
  [{ columns: 'a,,b' }, 'OPTION_INVALID'],
  [{ left_ra: { $gt: '' } }, 'OPTION_INVALID'],
  [{ right: '../x' }, 'HANDLE_INVALID'],
  [{ timeout: '-3s' }, 'OPTION_INVALID'],
  [{ format: 'fits' }, 'OPTION_INVALID'],
  [{ find: ['all', 'nearest'] }, 'OPTIONS_CONFLICT'],
  [{ constructor: '1' }, 'OPTION_UNKNOWN'],
])('%j is refused', (query, reason) => {
  expect(reasonsOf(query)).toEqual([reason]);
});

test('a name of an object is no option', () => {
  expect(
    reasonsOf(JSON.parse('{"__proto__": "x", "toString": "y", "radius": "1"}') as Record<string, unknown>),
  ).toEqual(['OPTION_UNKNOWN', 'OPTION_UNKNOWN']);
});

test.each([
  ['500ms', 500],
  ['30s', 30_000],
  ['2m', 120_000],
  ['1h', 3_600_000],
  ['1.5', 1500],
  [3, 3000],
])('%s is a duration', (text, ms) => {
  expect(readDurationMs('timeout', text)).toBe(ms);
});
