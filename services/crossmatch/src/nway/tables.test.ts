import { isProblem, Random } from '@armilla/base';
import { Runtime } from '@armilla/gpu-core';
import { bayesFactor, separationArcsec } from '@armilla/sky';
import type { RecordBatch, Table } from 'apache-arrow';
import { matchTables, type TablesOptions } from '../index.js';
import { memoryTable, rowsOf, tableOf } from '../testing/memory-table.js';
import { neighboursOf, rowBlocks } from './neighbours.js';

let runtime: Runtime;
beforeAll(async () => {
  runtime = await Runtime.create({ workerCount: 2 });
});
afterAll(() => runtime.close());

interface Star {
  readonly ra: number;
  readonly dec: number;
  readonly e: number;
}

const RADIUS = 4;

/** Dense fields across right ascension 0 and around the pole, some rows beside those of `near`, and a bad one. */
function stars(seed: number, count: number, near: readonly Star[] = []): Star[] {
  const random = new Random(seed);
  return Array.from({ length: count }, (_, i) => {
    const at = near.length > 0 && random.below(3) > 0 ? near[random.below(near.length)] : undefined;
    const field = random.below(2) === 0 ? { ra: 0, dec: -30 } : { ra: 10, dec: 89.995 };
    const spread = (at ? 1 : 25) / 3600;
    const dec = Math.min(90, (at?.dec ?? field.dec) + random.normal() * spread);
    const ra = (at?.ra ?? field.ra) + (random.normal() * spread) / Math.max(0.0001, Math.cos((dec * Math.PI) / 180));
    return { ra: i === 7 ? NaN : ((ra % 360) + 360) % 360, dec, e: random.between(0.3, 1) };
  });
}

const table = (rows: readonly Star[]): Table =>
  tableOf({ ra: rows.map(({ ra }) => ra), dec: rows.map(({ dec }) => dec), e: rows.map(({ e }) => e) });

const first = stars(1, 80);
const second = stars(2, 110, first);
const third = stars(3, 90, first);
const all = [first, second, third];
const tables = all.map(table);
const ROWS = ['row_1', 'row_2', 'row_3'];

type Row = Record<string, number | null>;

async function match(options: Partial<TablesOptions>, workerCount?: number, of = tables) {
  const batches: RecordBatch[] = [];
  const readers = of.map((one) => memoryTable(one, { batchRowCount: 31 }));
  const stream = await matchTables(
    readers,
    { radiusArcsec: RADIUS, ...options },
    { runtime, execution: { workerCount } },
  );
  for await (const batch of stream) batches.push(batch);
  return {
    rows: rowsOf(batches) as Row[],
    summary: stream.summary(),
    names: stream.schema.fields.map(({ name }) => name),
  };
}

const usableCount = (rows: readonly Star[]): number => rows.filter(({ ra }) => !Number.isNaN(ra)).length;
const near = (a: Star, b: Star): boolean => separationArcsec(a.ra, a.dec, b.ra, b.dec) <= RADIUS;
const picked = (rows: readonly Row[], names = ROWS): unknown[] => rows.map((row) => names.map((name) => row[name]));

function nearest(star: Star, others: readonly Star[]): number | null {
  let best: number | null = null;
  for (const [j, other] of others.entries()) {
    if (!near(star, other)) continue;
    const separation = separationArcsec(star.ra, star.dec, other.ra, other.dec);
    if (best === null || separation < separationArcsec(star.ra, star.dec, others[best].ra, others[best].dec)) best = j;
  }
  return best;
}

test('pairs: the nearest of each table, by brute force, every join', async () => {
  const left = first.map((star, i) => [i, nearest(star, second), nearest(star, third)]);
  const inner = left.filter((row) => row.every((one) => one !== null));
  expect(inner.length).toBeGreaterThan(20);
  expect(inner.length).toBeLessThan(left.length);
  expect(picked((await match({ columns: ROWS })).rows)).toEqual(inner);
  expect(picked((await match({ columns: ROWS, join: 'left' }, 1)).rows)).toEqual(left);
  const matched = left.filter((row) => row[1] !== null || row[2] !== null);
  expect(matched.length).toBeLessThan(left.length);
  expect(picked((await match({ columns: ROWS, join: 'matched' })).rows)).toEqual(matched);
  const unused = [second, third].flatMap((stars, t) =>
    stars.flatMap((_, j) =>
      left.some((row) => row[t + 1] === j) ? [] : [t === 0 ? [null, j, null] : [null, null, j]],
    ),
  );
  const full = await match({ columns: ROWS, join: 'full' });
  expect(picked(full.rows)).toEqual([...left, ...unused]);
  expect(full.summary.tables.map(({ rejectedRowCount }) => rejectedRowCount)).toEqual(
    all.map((stars) => stars.length - usableCount(stars)),
  );

  const { rows, names } = await match({});
  expect(names).toEqual([
    ...['ra_1', 'dec_1', 'e_1', 'ra_2', 'dec_2', 'e_2', 'ra_3', 'dec_3', 'e_3'],
    ...['separation_1_2_arcsec', 'separation_1_3_arcsec', 'ncat'],
  ]);
  for (const [i, row] of rows.entries()) {
    const [a, b] = [first[inner[i][0] as number], second[inner[i][1] as number]];
    expect([row.ra_1, row.ra_2, row.ncat]).toEqual([a.ra, b.ra, 3]);
    expect(row.separation_1_2_arcsec).toBeCloseTo(separationArcsec(a.ra, a.dec, b.ra, b.dec), 9);
  }
});

test('groups: chains across tables, by brute force, every join', async () => {
  const flat = all.flatMap((rows, k) => rows.map((star, row) => ({ star, k, row })));
  const usable = flat.filter(({ star }) => !Number.isNaN(star.ra));
  const group = new Map(usable.map((one, i) => [one, i]));
  for (let changed = true; changed;) {
    changed = false;
    for (const a of usable)
      for (const b of usable) {
        const [own, other] = [group.get(a) as number, group.get(b) as number];
        if (a.k === b.k || other <= own || !near(a.star, b.star)) continue;
        group.set(b, own);
        changed = true;
      }
  }
  // What a change of one row leaves behind is found by the next round: all of a group have its smallest number.
  const members = new Map<number, typeof usable>();
  for (const one of usable) {
    const id = group.get(one) as number;
    members.set(id, [...(members.get(id) ?? []), one]);
  }
  const expected = [...members.values()].map((own) => ({ size: own.length, own }));
  const { rows, summary } = await match({
    multi: 'groups',
    join: 'full',
    columns: [...ROWS, 'group_id', 'group_size', 'ncat'],
  });
  // Also those that another row of their table stands for.
  const grouped = expected.filter(({ size }) => size > 1).flatMap(({ own }) => own);
  const inAll = expected.filter(({ own }) => new Set(own.map(({ k }) => k)).size === 3).flatMap(({ own }) => own);
  const countOf = (members: typeof usable): number[] => all.map((_, k) => members.filter((one) => one.k === k).length);
  expect(summary.tables.map(({ matchedRowCount }) => matchedRowCount)).toEqual(countOf(grouped));
  expect(rows.map((row) => row.group_size)).toEqual(expected.map(({ size }) => size));
  expect(rows.map((row) => row.group_id)).toEqual(rows.map((_, i) => i));
  expect(rows.filter((row) => Number(row.group_size) > 3).length).toBeGreaterThan(3);
  for (const [i, row] of rows.entries()) {
    for (const [k, name] of ROWS.entries()) {
      const own = expected[i].own.filter((one) => one.k === k).map((one) => one.row);
      if (own.length <= 1) expect(row[name]).toBe(own[0] ?? null);
      else expect(own).toContain(row[name]);
    }
    expect(row.ncat).toBe(new Set(expected[i].own.map(({ k }) => k)).size);
  }
  const left = await match({ multi: 'groups', join: 'left', columns: ['group_id'] }, 1);
  expect(picked(left.rows, ['group_id'])).toEqual(
    picked(
      rows.filter((row) => row.row_1 !== null),
      ['group_id'],
    ),
  );
  const matched = await match({ multi: 'groups', join: 'matched', columns: ['group_id'] });
  expect(picked(matched.rows, ['group_id'])).toEqual(
    picked(
      rows.filter((row) => Number(row.group_size) > 1),
      ['group_id'],
    ),
  );
  const inner = await match({ multi: 'groups', columns: ['group_id'] });
  expect(inner.summary.tables.map(({ matchedRowCount }) => matchedRowCount)).toEqual(countOf(inAll));
  expect(picked(inner.rows, ['group_id'])).toEqual(
    picked(
      rows.filter((row) => row.ncat === 3),
      ['group_id'],
    ),
  );
});

test('of several rows of one table the one in the middle of the group stands for it', async () => {
  const at = (arcsec: number): Star => ({ ra: 10 + arcsec / 3600, dec: 0, e: 1 });
  const of = [table([at(0)]), table([at(3), at(-1), at(1)])];
  const { rows } = await match({ multi: 'groups', columns: ['row_1', 'row_2', 'group_size'] }, 1, of);
  // The middle lies at 0.75.
  expect(rows).toEqual([{ row_1: 0, row_2: 2, group_size: 4 }]);
});

const allColumns = [
  'dist_bayesfactor',
  'dist_bayesfactor_corrected',
  'dist_post',
  'p_single',
  'p_any',
  'p_i',
  'match_flag',
];
const probable: Partial<TablesOptions> = {
  probabilities: {},
  tables: [
    { error: 'e:arcsec' },
    { error: 'e:arcsec', skyAreaSquareDegrees: 0.001, completeness: 0.8 },
    { error: 'e:arcsec', skyAreaSquareDegrees: 0.002 },
  ],
  columns: [...ROWS, ...allColumns, 'ncat', 'separation_max_arcsec'],
};

test('combinations: all of them, and their probabilities by plain formulas', async () => {
  const { rows } = await match(probable);
  const expected = first.flatMap((star, i): (readonly (number | null)[])[] => {
    const candidates = (others: readonly Star[]): (number | null)[] => [
      null,
      ...others.flatMap((other, j) => (near(star, other) ? [j] : [])),
    ];
    return candidates(second).flatMap((j) =>
      candidates(third).flatMap((k) => (j === null || k === null || near(second[j], third[k]) ? [[i, j, k]] : [])),
    );
  });
  expect(picked(rows)).toEqual(expected);
  const sky = 4 * Math.PI * (180 / Math.PI) ** 2;
  const counts = [usableCount(second), usableCount(third)];
  const density = [(counts[0] * sky) / 0.001, (counts[1] * sky) / 0.002];
  const plus = [((counts[0] + 1) * sky) / 0.001, ((counts[1] + 1) * sky) / 0.002];
  const rho = (3600 * 180) / Math.PI;
  /** Eq. 18 of Budavari & Szalay. */
  const factorOf = (members: readonly Star[]): number => {
    const w = members.map(({ e }) => (rho / e) ** 2);
    const sum = w.reduce((a, b) => a + b, 0);
    let q = 0;
    for (let a = 0; a < members.length; a++)
      for (let b = a + 1; b < members.length; b++) {
        const [s, t] = [members[a], members[b]];
        q += w[a] * w[b] * (separationArcsec(s.ra, s.dec, t.ra, t.dec) / rho) ** 2;
      }
    return (2 ** (members.length - 1) * w.reduce((a, b) => a * b, 1) * Math.exp(-q / (2 * sum))) / sum;
  };
  let from = 0;
  let corrections = 0;
  while (from < rows.length) {
    let to = from + 1;
    while (to < rows.length && rows[to].row_1 === rows[from].row_1) to++;
    const own = rows.slice(from, to);
    from = to;
    if (own[0].row_1 === 7) {
      expect(own).toHaveLength(1);
      for (const name of allColumns) expect(own[0][name]).toBeNull();
      continue;
    }
    const stars = own.map((row) => [first[Number(row.row_1)], second[row.row_2 as number], third[row.row_3 as number]]);
    const present = stars.map((members) => members.filter((star): star is Star => star !== undefined));
    const chance = Math.max(
      1,
      ...stars
        .filter((members) => members[1] && members[2])
        .map((members) => (factorOf([members[1], members[2]]) * density[0]) / (plus[0] * plus[1])),
    );
    if (chance > 1) corrections++;
    expect(own[0].dist_bayesfactor).toBe(0);
    const weights = own.map((row, i) => {
      const prior = (row.row_2 === null ? 1 : 0.8 / plus[0]) * (row.row_3 === null ? 1 : 1 / plus[1]);
      const factor = factorOf(present[i]);
      expect(row.dist_bayesfactor).toBeCloseTo(Math.log10(factor), 6);
      const corrected = factor * (present[i].length === 1 ? chance : 1);
      expect(row.dist_bayesfactor_corrected).toBeCloseTo(Math.log10(corrected), 6);
      expect(row.dist_post).toBeCloseTo(1 / (1 + (1 - prior) / (prior * corrected)), 6);
      expect(row.p_single).toBe(row.dist_post);
      expect(row.ncat).toBe(present[i].length);
      return prior * corrected;
    });
    const sum = weights.slice(1).reduce((a, b) => a + b, 0);
    const best = Math.max(0, ...weights.slice(1));
    for (const [i, row] of own.entries()) {
      expect(row.p_any).toBeCloseTo(sum / (sum + weights[0]), 6);
      expect(row.p_i).toBeCloseTo(i === 0 ? 0 : weights[i] / sum, 6);
      const share = i === 0 ? 0 : weights[i] / best;
      expect(row.match_flag).toBe(own.length === 1 || share === 1 ? 1 : share > 0.5 ? 2 : 0);
    }
  }
  expect(corrections).toBeGreaterThan(5);
});

test('ellipses that are circles give what circles give, at the pole as well', async () => {
  const side = { errorMajor: 'e:arcsec', errorMinor: 'e:arcsec', errorAngle: 'ra' };
  const ellipses = probable.tables?.map(({ error: _, ...rest }) => ({ ...rest, ...side }));
  const [circles, other] = [await match(probable), await match({ ...probable, tables: ellipses }, 1)];
  expect(other.rows).toHaveLength(circles.rows.length);
  for (const [i, row] of other.rows.entries())
    for (const name of allColumns) {
      if (row[name] === null) expect(circles.rows[i][name]).toBeNull();
      else expect(row[name]).toBeCloseTo(Number(circles.rows[i][name]), 8);
    }
});

test('an ellipse across the pole is turned into the axes of the first table', async () => {
  const [north, other] = [90 - 0.5 / 3600, tableOf({ ra: [180], dec: [90 - 0.5 / 3600], a: [2], b: [1], pa: [30] })];
  const of = [tableOf({ ra: [0], dec: [north], a: [2], b: [1], pa: [30] }), other];
  const side = { errorMajor: 'a:arcsec', errorMinor: 'b:arcsec', errorAngle: 'pa' };
  const options = { probabilities: {}, tables: [side, { ...side, skyAreaSquareDegrees: 1 }] };
  const { rows } = await match(options, 1, of);
  // One step of 1 arcsec over the pole: to the north of the first; both meridians are one line, on which east changes sides.
  const [sin, cos] = [0.5, Math.sqrt(0.75)];
  const covariance = (turn: number) => ({
    xx: 4 * sin * sin + cos * cos,
    yy: 4 * cos * cos + sin * sin,
    xy: 3 * sin * cos * turn,
  });
  const factor = bayesFactor([
    { x: 0, y: 0, covariance: covariance(1) },
    { x: 0, y: 1, covariance: covariance(1) },
  ]);
  expect(rows[1].dist_bayesfactor).toBeCloseTo(factor, 9);
});

test('conditions and bad rows of each table, and neighbours in blocks of any size', async () => {
  const bright = tables.map((one, k) => one.assign(tableOf({ mag: all[k].map((_, i) => i % 4) })));
  const { summary, rows } = await match(
    { tables: [{ where: 'mag < 2' }, { where: 'mag > 0' }], join: 'left', columns: ['1.mag', '2.mag'] },
    undefined,
    bright,
  );
  expect(rows).toHaveLength(40);
  expect(summary.tables.map(({ filteredRowCount }) => filteredRowCount)).toEqual([40, 28, 0]);
  for (const { mag_1, mag_2 } of rows) expect([Number(mag_1) < 2, mag_2 === null || mag_2 > 0]).toEqual([true, true]);
  expect([...rowBlocks(5, 2)]).toEqual([
    [0, 2],
    [2, 4],
    [4, 5],
  ]);
});

describe('bad input', () => {
  const error = 'e:arcsec';
  const two = { probabilities: {}, tables: [{ error }, { error, skyAreaSquareDegrees: 1 }] };
  test.each<[string, Partial<TablesOptions>]>([
    ['RADIUS_OUT_OF_RANGE', { radiusArcsec: 0 }],
    ['OPTION_INVALID', { multi: 'triples' as never }],
    ['OPTION_INVALID', { join: 'right' as never }],
    ['OPTION_INVALID', { maxRows: 0 }],
    ['OPTION_INVALID', { columns: ['ra'] }],
    ['OPTION_INVALID', { columns: ['4.ra'] }],
    ['COLUMN_NOT_FOUND', { columns: ['3.nothing'] }],
    ['COLUMN_DUPLICATE', { columns: ['3.ra', '3.ra'] }],
    ['OPTIONS_CONFLICT', { tables: [{}, {}, {}, {}] }],
    ['OPTIONS_CONFLICT', { ...probable, multi: 'pairs' }],
    ['OPTIONS_CONFLICT', { ...probable, join: 'inner' }],
    ['OPTION_INVALID', { ...two }],
    ['OPTION_INVALID', { ...two, tables: [{ error }, { error }, { error, skyAreaSquareDegrees: 1 }] }],
    ['OPTION_INVALID', { ...probable, probabilities: { acceptableRatio: 0 } }],
    ['OPTION_INVALID', { ...probable, tables: [{ error }, { error, skyAreaSquareDegrees: 1, completeness: 2 }] }],
    ['OPTIONS_CONFLICT', { ...probable, probabilities: { completeness: 0.5 } }],
    ['MAX_PAIRS_EXCEEDED', { ...probable, maxRows: 50 }],
    ['MAX_PAIRS_EXCEEDED', { maxRows: 3 }],
  ])('%s: %j', async (reason, options) => {
    const seen: unknown = await match(options).catch((thrown: unknown) => thrown);
    expect(isProblem(seen) ? seen.reason : seen).toBe(reason);
  });

  test('a condition that cannot be read is told with the number of its table', async () => {
    await expect(match({ tables: [{}, { where: 'mag <' }] })).rejects.toThrow(/2\.where, character \d/);
  });

  test.each<[string, string]>([
    ['e=auto', 'OPTIONS_CONFLICT'],
    ['e=1 2 3', 'HISTOGRAM_INVALID'],
    ['nothing=1 2 3 4', 'COLUMN_NOT_FOUND'],
  ])('magnitude prior %s', async (prior, reason) => {
    const [one, ...rest] = probable.tables ?? [];
    const seen: unknown = await match({ ...probable, tables: [{ ...one, magnitudePriors: [prior] }, ...rest] }).catch(
      (thrown: unknown) => thrown,
    );
    expect(isProblem(seen) ? seen.reason : seen).toBe(reason);
  });

  test('errors that are missing, and too few tables', async () => {
    const [one, ...rest] = probable.tables ?? [];
    const { error: _, ...none } = one;
    for (const [of, options] of [
      [tables, { ...probable, tables: [none, ...rest] }],
      [tables.slice(0, 1), {}],
    ] as const) {
      const seen: unknown = await match(options, 1, [...of]).catch((thrown: unknown) => thrown);
      expect(isProblem(seen)).toBe(true);
    }
  });
});

test('a search that gives too many pairs at once is cut', async () => {
  const same = tableOf({ ra: new Float64Array(2100).fill(5), dec: new Float64Array(2100).fill(5) });
  const { CatalogTable } = await import('../index.js');
  await using loaded = await CatalogTable.load(memoryTable(same), { runtime });
  if (!loaded.index || !loaded.positions) throw new Error('no index');
  const { left, right } = await neighboursOf(loaded.positions, [0, 2100], loaded.index, {
    radiusArcsec: 1,
    find: 'all',
  });
  expect([left.length, right.length]).toEqual([2100 * 2100, 2100 * 2100]);
  expect([left[2100], right[2100], left[left.length - 1], right[right.length - 1]]).toEqual([1, 0, 2099, 2099]);
});
