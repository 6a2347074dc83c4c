import { Random } from '@armilla/base';
import { Runtime } from '@armilla/gpu-core';
import { type Motions, moveForward, separationArcsec } from '@armilla/sky';
import type { RecordBatch, Table } from 'apache-arrow';
import {
  CatalogTable,
  crossmatch,
  type ExecutionOptions,
  type Find,
  type MatchOptions,
  type SideOptions,
} from '../index.js';
import { memoryTable, rowsOf, tableOf } from '../testing/memory-table.js';

let runtime: Runtime;
beforeAll(async () => {
  runtime = await Runtime.create({ workerCount: 2 });
});
afterAll(() => runtime.close());

/** A star of a test sky. */
interface Star {
  ra: number;
  dec: number;
  pmra: number | null;
  pmdec: number | null;
  year: number;
  e1: number;
  e2: number;
  pa: number;
  r: number;
}

/** Stars around two places, of which one is a pole, at both ends of right ascension; a tenth move fast. */
function stars(seed: number, count: number, others?: readonly Star[]): Star[] {
  const random = new Random(seed);
  return Array.from({ length: count }, (_, i) => {
    const near = others && i % 2 === 0 ? others[i % others.length] : undefined;
    const polar = i % 3 === 0;
    const fast = i % 10 === 0 ? 40 : 1;
    return {
      ra: near
        ? near.ra + random.between(-0.0008, 0.0008)
        : polar
          ? random.between(0, 360)
          : random.between(-0.02, 0.02),
      dec: near
        ? Math.min(90, near.dec + random.between(-0.0008, 0.0008))
        : polar
          ? 90 - random.between(0, 0.02)
          : random.between(-0.02, 0.02),
      pmra: i % 7 === 3 ? null : random.between(-200, 200) * fast,
      pmdec: i % 11 === 5 ? null : random.between(-200, 200) * fast,
      year: random.between(2000, 2020),
      e1: random.between(0.5, 2),
      e2: random.between(0.1, 0.5),
      pa: random.between(-90, 180),
      r: random.between(0, 4),
    };
  });
}

const tableOfStars = (sky: readonly Star[]): Table =>
  tableOf(Object.fromEntries(Object.keys(sky[0]).map((name) => [name, sky.map((star) => star[name as keyof Star])])));

async function rows(left: Table, right: Table, options: MatchOptions, execution?: ExecutionOptions) {
  const batches: RecordBatch[] = [];
  for await (const batch of await crossmatch(memoryTable(left), memoryTable(right), options, { runtime, execution }))
    batches.push(batch);
  return rowsOf(batches);
}

const moves = ({ pmra, pmdec }: Star): boolean => pmra !== null && pmdec !== null;

function at(star: Star, years: number): [number, number] {
  const motions: Motions = { pmRaCosdec: Float64Array.of(star.pmra ?? NaN), pmDec: Float64Array.of(star.pmdec ?? NaN) };
  const [ra, dec] = [new Float64Array(1), new Float64Array(1)];
  moveForward(Float64Array.of(star.ra), Float64Array.of(star.dec), motions, years, ra, dec);
  return [ra[0], dec[0]];
}

interface Compared {
  left: number;
  right: number;
  separation: number;
}

/** Every pair that is one by `judge`, which says where both are compared. */
function bruteForce(
  left: readonly Star[],
  right: readonly Star[],
  places: (l: Star, r: Star) => readonly [[number, number], [number, number]],
  isPair: (separation: number, l: Star, r: Star) => boolean,
): Compared[] {
  return left.flatMap((l, i) =>
    right.flatMap((r, j) => {
      const [[ra1, dec1], [ra2, dec2]] = places(l, r);
      const separation = separationArcsec(ra1, dec1, ra2, dec2);
      return isPair(separation, l, r) ? [{ left: i, right: j, separation }] : [];
    }),
  );
}

/** What a mode keeps of all pairs, plainly. */
function chosen(all: readonly Compared[], find: Find): Compared[] {
  const ordered = [...all].sort((a, b) => a.left - b.left || a.separation - b.separation || a.right - b.right);
  const first = (pair: Compared): boolean => ordered.find(({ left }) => left === pair.left) === pair;
  if (find === 'all') return ordered;
  if (find === 'nearest') return ordered.filter(first);
  if (find === 'k-nearest')
    return ordered.filter((pair, i) => ordered.filter(({ left }, j) => left === pair.left && j < i).length < 2);
  const byRight = [...all].sort((a, b) => a.right - b.right || a.separation - b.separation || a.left - b.left);
  if (find === 'mutual')
    return ordered.filter((pair) => first(pair) && byRight.find(({ right }) => right === pair.right) === pair);
  const used = { left: new Set<number>(), right: new Set<number>() };
  return [...all]
    .sort((a, b) => a.separation - b.separation || a.left - b.left || a.right - b.right)
    .filter((pair) => {
      if (used.left.has(pair.left) || used.right.has(pair.right)) return false;
      used.left.add(pair.left);
      used.right.add(pair.right);
      return true;
    })
    .sort((a, b) => a.left - b.left);
}

const FINDS: Find[] = ['nearest', 'all', 'k-nearest', 'mutual', 'one-to-one'];
const COLUMNS = ['left_row', 'right_row', 'separation_arcsec'];
const pm = { pmRaCosdec: 'pmra', pmDec: 'pmdec' };

const EPOCHS: [
  string,
  MatchOptions['left'],
  MatchOptions['right'],
  (l: Star, r: Star) => [[number, number], [number, number]],
][] = [
  [
    'left stars move to the epoch of the right table',
    { epoch: 'J2016', ...pm },
    { epoch: 'J2001.5', pmRaCosdec: undefined },
    (l, r) => [at(l, 2001.5 - 2016), [r.ra, r.dec]],
  ],
  [
    'right stars move to the epoch of the left table',
    { epoch: 'J2016' },
    { epoch: 'MJD51544.5', ...pm },
    (l, r) => [[l.ra, l.dec], at(r, 16)],
  ],
  [
    'both move: to the left epoch, or to that of a right star without motion',
    { epoch: 'J2016', ...pm },
    { epoch: 'J2000', ...pm },
    (l, r) => (moves(r) ? [[l.ra, l.dec], at(r, 16)] : [at(l, -16), [r.ra, r.dec]]),
  ],
  [
    'every left row has an epoch of its own',
    { epoch: 'year:yr', ...pm },
    { epoch: 'J2010', ...pm },
    (l, r) => (moves(r) ? [[l.ra, l.dec], at(r, l.year - 2010)] : [at(l, 2010 - l.year), [r.ra, r.dec]]),
  ],
  [
    'every right row has an epoch of its own, and none moves',
    { epoch: 'J2016', ...pm },
    { epoch: 'year:yr' },
    (l, r) => [at(l, r.year - 2016), [r.ra, r.dec]],
  ],
  [
    'every row of both tables has an epoch of its own',
    { epoch: 'year:yr', ...pm },
    { epoch: 'year:yr', ...pm },
    (l, r) => (moves(r) ? [[l.ra, l.dec], at(r, l.year - r.year)] : [at(l, r.year - l.year), [r.ra, r.dec]]),
  ],
];

describe('epochs', () => {
  const left = stars(1, 120);
  const right = stars(2, 140, left);
  const still = (table: Table, options: MatchOptions['left']): Table =>
    options?.pmRaCosdec === undefined ? table.select(['ra', 'dec', 'year']) : table;

  test.each(EPOCHS)('%s', async (_, leftSide, rightSide, places) => {
    const [leftTable, rightTable] = [still(tableOfStars(left), leftSide), still(tableOfStars(right), rightSide)];
    for (const radiusArcsec of [3, 30]) {
      const all = bruteForce(left, right, places, (separation) => separation <= radiusArcsec);
      expect(all.length).toBeGreaterThan(10);
      for (const find of FINDS) {
        const options = { radiusArcsec, find, left: leftSide, right: rightSide, columns: COLUMNS };
        const expected = chosen(all, find);
        const got = await rows(leftTable, rightTable, options);
        expect(got.map((row) => [row.left_row, row.right_row])).toEqual(
          expected.map((pair) => [pair.left, pair.right]),
        );
        for (const [i, row] of got.entries()) expect(row.separation_arcsec).toBeCloseTo(expected[i].separation, 7);
        const inParts = await rows(leftTable, rightTable, options, {
          chunkRowCount: 17,
          workerCount: 1,
          cellRowCount: 64,
        });
        expect(inParts).toEqual(got);
      }
    }
  });
});

describe('radii and errors of rows', () => {
  const left = stars(3, 150);
  const right = stars(4, 160, left);
  const [leftTable, rightTable] = [tableOfStars(left), tableOfStars(right)];
  const here = (l: Star, r: Star): [[number, number], [number, number]] => [
    [l.ra, l.dec],
    [r.ra, r.dec],
  ];
  const pairsOf = async (options: MatchOptions, execution?: ExecutionOptions): Promise<unknown[]> =>
    (await rows(leftTable, rightTable, { columns: COLUMNS, ...options }, execution)).map((row) => [
      row.left_row,
      row.right_row,
    ]);
  const expected = (all: readonly Compared[], find: Find): unknown[] =>
    chosen(all, find).map((pair) => [pair.left, pair.right]);

  test.each(FINDS)('a radius of each row, of one side or of both: %s', async (find) => {
    const one = bruteForce(left, right, here, (separation, l) => separation <= Math.min(3, l.r));
    const both = bruteForce(left, right, here, (separation, l, r) => separation <= Math.min(3, l.r + r.r));
    expect(both.length).toBeGreaterThan(one.length);
    const radius = { radius: 'r:arcsec' };
    expect(await pairsOf({ radiusArcsec: 3, find, left: radius })).toEqual(expected(one, find));
    expect(await pairsOf({ radiusArcsec: 3, find, left: radius, right: radius }, { chunkRowCount: 13 })).toEqual(
      expected(both, find),
    );
  });

  /** By a covariance matrix in a tangent plane at the left star, whose axes are those of the right star as well: not at the pole. */
  const distance = (l: Star, r: Star, covariance: (star: Star) => [number, number, number]): number => {
    const turn = ((r.ra - l.ra + 540) % 360) - 180;
    const [x, y] = [turn * Math.cos((l.dec * Math.PI) / 180) * 3600, (r.dec - l.dec) * 3600];
    const [a, b] = [covariance(l), covariance(r)];
    const [xx, yy, xy] = [a[0] + b[0], a[1] + b[1], a[2] + b[2]];
    return Math.sqrt((yy * x * x - 2 * xy * x * y + xx * y * y) / (xx * yy - xy * xy));
  };
  const ellipse = ({ e1, e2, pa }: Star): [number, number, number] => {
    const [sin, cos] = [Math.sin((pa * Math.PI) / 180), Math.cos((pa * Math.PI) / 180)];
    return [(e1 * sin) ** 2 + (e2 * cos) ** 2, (e1 * cos) ** 2 + (e2 * sin) ** 2, (e1 ** 2 - e2 ** 2) * sin * cos];
  };

  test.each([
    ['circles', { error: 'e1:arcsec' }, ({ e1 }: Star): [number, number, number] => [e1 * e1, e1 * e1, 0]],
    ['ellipses', { errorMajor: 'e1:arcsec', errorMinor: 'e2:arcsec', errorAngle: 'pa' }, ellipse],
    [
      'errors along both axes',
      { errorRa: 'e1:arcsec', errorDec: 'e2:arcsec' },
      ({ e1, e2 }: Star): [number, number, number] => [e1 * e1, e2 * e2, 0],
    ],
  ])('%s: the normalised distance, and pairs within some sigma', async (_, side, covariance) => {
    const options: MatchOptions = { radiusArcsec: 6, find: 'all', left: side, right: side };
    const columns = [...COLUMNS, 'normalised_distance'];
    let count = 0;
    for (const row of await rows(leftTable, rightTable, { ...options, columns })) {
      const [l, r] = [left[Number(row.left_row)], right[Number(row.right_row)]];
      if (l.dec > 80) continue;
      expect(row.normalised_distance).toBeCloseTo(distance(l, r, covariance), 6);
      count++;
    }
    expect(count).toBeGreaterThan(20);
    const all = await rows(leftTable, rightTable, { ...options, columns });
    for (const find of FINDS) {
      const within = all
        .filter((row) => Number(row.normalised_distance) <= 2)
        .map((row) => ({
          left: Number(row.left_row),
          right: Number(row.right_row),
          separation: Number(row.separation_arcsec),
        }));
      expect(within.length).toBeLessThan(all.length);
      expect(await pairsOf({ ...options, find, maxSigma: 2 })).toEqual(expected(within, find));
    }
  });

  test('at the pole, axes of both stars point to north by their own meridians', async () => {
    // A step of 1 arcsec over the pole: what is east of one is west of the other.
    const a = tableOf({
      ra: Float64Array.of(0),
      dec: Float64Array.of(90 - 0.5 / 3600),
      major: [2],
      minor: [1],
      angle: [90],
    });
    const b = tableOf({
      ra: Float64Array.of(180),
      dec: Float64Array.of(90 - 0.5 / 3600),
      major: [2],
      minor: [1],
      angle: [90],
    });
    const side = { errorMajor: 'major:arcsec', errorMinor: 'minor:arcsec', errorAngle: 'angle' };
    const [row] = await rows(a, b, { radiusArcsec: 2, left: side, right: side });
    expect(row.separation_arcsec).toBeCloseTo(1, 9);
    // Both ellipses lie across the way over the pole, 1 arcsec wide along it each.
    expect(row.normalised_distance).toBeCloseTo(1 / Math.sqrt(2), 9);
  });

  test('errors grow with those of the motion', async () => {
    const a = tableOf({ ra: [10], dec: [20], pmra: [0], pmdec: [0], e_pmra: [30], e_pmdec: [40], e: [0.3] });
    const b = tableOf({ ra: [10], dec: [20 + 1 / 3600], e: [0.4] });
    const [row] = await rows(a, b, {
      radiusArcsec: 2,
      left: { epoch: 'J2000', ...pm, pmRaCosdecError: 'e_pmra', pmDecError: 'e_pmdec', error: 'e:arcsec' },
      right: { epoch: 'J2010', error: 'e:arcsec' },
    });
    expect(row.normalised_distance).toBeCloseTo(1 / Math.hypot(0.3, 0.4, 0.4), 9);
  });
});

test('what is known of the rows of a stored table may be named with the match', async () => {
  const left = tableOfStars(stars(5, 80));
  const sky = stars(6, 90, stars(5, 80)).map((star, i) => ({ ...star, e1: i % 9 === 4 ? -1 : star.e1 }));
  const right = tableOfStars(sky);
  const sides: SideOptions[] = [{ error: 'e1:arcsec' }, { radius: 'r:arcsec' }, { epoch: 'J2001', ...pm }];
  for (const side of sides) {
    const options: MatchOptions = {
      radiusArcsec: 6,
      find: 'all',
      maxSigma: side.error === undefined ? undefined : 2,
      left: side.epoch === undefined ? {} : { epoch: 'J2016', pmRaCosdec: undefined },
      right: side,
      columns: COLUMNS,
    };
    const plain = side.epoch === undefined ? left : left.select(['ra', 'dec']);
    await using stored = await CatalogTable.load(memoryTable(right), { runtime });
    const batches: RecordBatch[] = [];
    for await (const batch of await crossmatch(memoryTable(plain), stored, options, { runtime })) batches.push(batch);
    const expected = await rows(plain, right, options);
    expect(expected.length).toBeGreaterThan(5);
    expect(rowsOf(batches)).toEqual(expected);
  }
});
