import { isProblem, Random } from '@armilla/base';
import { Runtime } from '@armilla/gpu-core';
import { separationArcsec } from '@armilla/sky';
import type { RecordBatch, Table } from 'apache-arrow';
import { CatalogTable, crossmatch, type ExecutionOptions, type MatchOptions, selfMatch } from '../index.js';
import { memoryTable, rowsOf, tableOf } from '../testing/memory-table.js';

let runtime: Runtime;
beforeAll(async () => {
  runtime = await Runtime.create({ workerCount: 2 });
});
afterAll(() => runtime.close());

interface Source {
  readonly ra: number;
  readonly dec: number;
  readonly e: number;
  readonly mag: number;
}

const FIELDS = [
  { ra: 0, dec: 12 },
  { ra: 77, dec: 89.99 },
];

/** Two dense fields, one across right ascension 0, one around the pole; some rows coincide with one of `near`. */
function sources(seed: number, count: number, near: readonly Source[] = []): Source[] {
  const random = new Random(seed);
  return Array.from({ length: count }, () => {
    const e = random.between(0.3, 1.5);
    const at = near.length > 0 && random.below(2) === 0 ? near[random.below(near.length)] : undefined;
    const field = FIELDS[random.below(2)];
    const spread = (at ? e : 30) / 3600;
    const dec = Math.min(90, (at?.dec ?? field.dec) + random.normal() * spread);
    const cos = Math.max(0.0001, Math.cos((dec * Math.PI) / 180));
    const ra = ((((at?.ra ?? field.ra) + (random.normal() * spread) / cos) % 360) + 360) % 360;
    return { ra, dec, e, mag: random.between(10, 20) };
  });
}

const table = (rows: readonly Source[]): Table =>
  tableOf({
    ra: rows.map(({ ra }) => ra),
    dec: rows.map(({ dec }) => dec),
    e: rows.map(({ e }) => e),
    mag: rows.map(({ mag }) => (mag > 19.5 ? null : mag)),
  });

const COLUMNS = ['left_row', 'right_row', 'dist_bayesfactor', 'dist_post', 'p_single', 'p_any', 'p_i', 'match_flag'];
const errors = { left: { error: 'e:arcsec' }, right: { error: 'e:arcsec' } };
const base: MatchOptions = {
  radiusArcsec: 8,
  probabilities: { rightAreaSquareDegrees: 0.01, completeness: 0.8 },
  columns: COLUMNS,
  ...errors,
};

type Row = Record<string, number | null>;

async function match(left: Table, right: Table | CatalogTable, options: MatchOptions, execution?: ExecutionOptions) {
  const batches: RecordBatch[] = [];
  const context = { runtime, execution, openLeftAgain: () => Promise.resolve(memoryTable(left)) };
  const from = right instanceof CatalogTable ? right : memoryTable(right, { batchRowCount: 37 });
  const stream = await crossmatch(memoryTable(left, { batchRowCount: 53 }), from, options, context);
  for await (const batch of stream) batches.push(batch);
  return {
    rows: rowsOf(batches) as Row[],
    summary: stream.summary(),
    fields: stream.schema.fields.map(({ name }) => name),
  };
}

/** Every pair of both tables looked at, in plain formulas. */
function bruteForce(left: readonly Source[], right: readonly Source[], weight: (mag: number) => number): Row[] {
  const prior = (0.8 * 0.01) / (4 * Math.PI * (180 / Math.PI) ** 2 * (right.length + 1));
  return left.flatMap((l, left_row): Row[] => {
    const candidates = right
      .map((r, right_row) => ({ r, right_row, separation: separationArcsec(l.ra, l.dec, r.ra, r.dec) }))
      .filter(({ separation }) => separation <= 8)
      .sort((a, b) => a.separation - b.separation || a.right_row - b.right_row)
      .map(({ r, right_row, separation }) => {
        const variance = (l.e ** 2 + r.e ** 2) * (Math.PI / 648_000) ** 2;
        const factor = (2 / variance) * Math.exp((-(separation ** 2) * (Math.PI / 648_000) ** 2) / 2 / variance);
        return { right_row, factor, w: weight(r.mag) };
      });
    const sum = candidates.reduce((all, { factor, w }) => all + factor * w * prior, 0);
    const best = Math.max(...candidates.map(({ factor, w }) => factor * w));
    if (candidates.length === 0)
      return [
        { left_row, right_row: null, dist_bayesfactor: 0, dist_post: 1, p_single: 1, p_any: 0, p_i: 0, match_flag: 1 },
      ];
    const post = (factor: number): number => 1 / (1 + (1 - prior) / (factor * prior));
    return candidates.map(({ right_row, factor, w }) => ({
      left_row,
      right_row,
      dist_bayesfactor: Math.log10(factor),
      dist_post: post(factor),
      p_single: post(factor * w),
      p_any: sum / (1 + sum),
      p_i: (factor * w * prior) / sum,
      match_flag: factor * w === best ? 1 : factor * w > best / 2 ? 2 : 0,
    }));
  });
}

function expectClose(rows: readonly Row[], expected: readonly Row[]): void {
  expect(rows.map(({ left_row, right_row, match_flag }) => [left_row, right_row, match_flag])).toEqual(
    expected.map(({ left_row, right_row, match_flag }) => [left_row, right_row, match_flag]),
  );
  for (const [i, row] of rows.entries())
    for (const name of ['dist_bayesfactor', 'dist_post', 'p_single', 'p_any', 'p_i'])
      expect(Number(row[name])).toBeCloseTo(Number(expected[i][name]), 8);
}

const left = sources(1, 300);
const right = sources(2, 500, left);

test('equal to brute force, for any number of workers, chunks and cells', async () => {
  const expected = bruteForce(left, right, () => 1);
  expect(expected.filter((row) => row.right_row === null).length).toBeGreaterThan(10);
  expect(expected.filter((row) => row.match_flag === 2).length).toBeGreaterThan(5);
  const { rows } = await match(table(left), table(right), { ...base, join: 'left' });
  expectClose(rows, expected);
  for (const execution of [{ workerCount: 1 }, { chunkRowCount: 7 }, { cellRowCount: 64, chunkRowCount: 100 }])
    expect((await match(table(left), table(right), { ...base, join: 'left' }, execution)).rows).toEqual(rows);
  const inner = await match(table(left), table(right), { ...base, order: 'any' }, { chunkRowCount: 50 });
  const sorted = inner.rows.sort((a, b) => Number(a.left_row) - Number(b.left_row));
  expect(sorted).toEqual(rows.filter((row) => row.right_row !== null));
});

test('magnitudes weigh; one that is not known does not', async () => {
  const histogram = '10 14 0.2 0.05; 14 18 0.05 0.1; 18 20 0.001 0.2';
  const weight = (mag: number): number => (mag > 19.5 ? 1 : mag < 14 ? 4 : mag < 18 ? 0.5 : 0.005);
  const probabilities = { ...base.probabilities, rightAreaSquareDegrees: 0.01, magnitudePriors: [`mag=${histogram}`] };
  const { rows, fields } = await match(table(left), table(right), {
    ...base,
    join: 'left',
    columns: undefined,
    order: 'any',
    probabilities,
  });
  expect(fields.slice(-11)).toEqual([
    'separation_arcsec',
    'normalised_distance',
    'dist_bayesfactor',
    'dist_post',
    'bias_mag',
    'p_single',
    'p_any',
    'p_i',
    'match_flag',
    'left_row',
    'right_row',
  ]);
  const expected = bruteForce(left, right, weight);
  const key = (row: Row): number => Number(row.left_row) * 1000 + Number(row.right_row ?? -1);
  expectClose(
    rows.sort((a, b) => key(a) - key(b)),
    expected.sort((a, b) => key(a) - key(b)),
  );
  for (const row of rows)
    expect(row.bias_mag).toBeCloseTo(row.right_row === null ? 1 : weight(right[row.right_row].mag), 12);
});

test('a stored table, and one with a condition, give what a table of the same rows gives', async () => {
  const bright = right.filter(({ mag }) => mag < 15);
  const number = new Map(right.map((source, i) => [source, i]));
  const expected = (await match(table(left), table(bright), base)).rows.map((row) => ({
    ...row,
    right_row: number.get(bright[Number(row.right_row)]),
  }));
  const options = { ...base, right: { ...base.right, where: 'mag < 15' } };
  expect((await match(table(left), table(right), options)).rows).toEqual(expected);
  await using stored = await CatalogTable.load(memoryTable(table(right)), { runtime, columns: { error: 'e:arcsec' } });
  expect((await match(table(left), stored, options)).rows).toEqual(expected);
  expect((await match(table(left), stored, { ...options, right: { where: 'mag < 15' } })).rows).toEqual(expected);
});

test('rows without a usable error take no part, and have no probabilities', async () => {
  const bad = [0, -1, NaN, null, Infinity];
  const a = tableOf({ ra: bad.map(() => 10), dec: bad.map(() => 20), e: bad });
  const b = tableOf({ ra: [10], dec: [20], e: [0.5] });
  const options = { ...base, join: 'left' as const };
  const { rows, summary } = await match(a, b, options);
  expect(summary.left.rejectedByReason).toEqual({ ERROR_INVALID: bad.length });
  expect(rows).toHaveLength(bad.length);
  for (const row of rows) for (const name of COLUMNS.slice(1)) expect([name, row[name]]).toEqual([name, null]);
  const mirrored = await match(b, a, options);
  expect(mirrored.summary.right.rejectedByReason).toEqual({ ERROR_INVALID: bad.length });
  expect(mirrored.rows).toMatchObject([{ right_row: null, p_any: 0, match_flag: 1 }]);
  await using stored = await CatalogTable.load(memoryTable(a), { runtime, columns: { error: 'e:arcsec' } });
  expect((await match(b, stored, { ...options, right: {} })).rows).toEqual(mirrored.rows);
});

test('errors beyond the radius are told', async () => {
  const { summary } = await match(table(left), table(right), { ...base, radiusArcsec: 1 });
  const count = right.filter(({ e }) => e > 1).length;
  expect(summary.warnings.join()).toContain(`${count} rows of the right table have position errors beyond the radius`);
  expect((await match(table(left), table(right), base)).summary.warnings).toEqual([]);
});

test('a magnitude prior that is measured is of the tables as they are matched', async () => {
  // The counterparts are brighter than the field, and all of them lie 20 arcsec to the east.
  const random = new Random(9);
  const stars = Array.from({ length: 400 }, () => ({ ra: random.between(10, 11), dec: random.between(-0.5, 0.5) }));
  const field = Array.from({ length: 2000 }, () => ({
    ra: random.between(10, 11),
    dec: random.between(-0.5, 0.5),
    mag: random.between(18, 24),
  }));
  const there = [...stars.map(({ ra, dec }) => ({ ra: ra + 20 / 3600, dec, mag: random.between(12, 20) })), ...field];
  const columns = (rows: readonly { ra: number; dec: number }[]) => ({
    ra: rows.map(({ ra }) => ra),
    dec: rows.map(({ dec }) => dec),
  });
  const [l, r] = [tableOf(columns(stars)), tableOf({ ...columns(there), mag: there.map(({ mag }) => mag) })];
  const { rows, summary } = await match(l, r, {
    radiusArcsec: 15,
    recenter: true,
    probabilities: { rightAreaSquareDegrees: 1, magnitudePriors: ['mag=auto'] },
    left: { error: '0.5arcsec' },
    right: { error: '500mas' },
    columns: ['left_row', 'right_row', 'bias_mag', 'match_flag'],
  });
  expect(summary.recentering?.offset.raCosdecArcsec).toBeCloseTo(20, 1);
  const best = rows.filter((row) => row.match_flag === 1);
  expect(best.filter((row) => row.left_row === row.right_row)).toHaveLength(400);
  const bias = (least: number, most: number): number[] =>
    rows
      .filter(({ right_row }) => there[Number(right_row)].mag > least && there[Number(right_row)].mag < most)
      .map((row) => Number(row.bias_mag));
  expect(Math.min(...bias(12, 17.9))).toBeGreaterThan(1);
  expect(Math.max(...bias(20.5, 24))).toBeLessThan(0.5);
});

test('right rows alone have no probabilities', async () => {
  const { rows } = await match(table(left), table(right), { ...base, join: 'full' });
  const alone = rows.filter((row) => row.left_row === null);
  expect(alone.length).toBeGreaterThan(20);
  for (const row of alone) for (const name of COLUMNS.slice(2)) expect(row[name]).toBeNull();
});

test('where no candidate is possible none of them is named', async () => {
  const probabilities = { rightAreaSquareDegrees: 1, magnitudePriors: ['mag=10 20 0 1'] };
  const b = tableOf({ ra: [10, 10], dec: [20, 20], e: [0.5, 0.6], mag: [15, 16] });
  const { rows } = await match(tableOf({ ra: [10], dec: [20], e: [1] }), b, { ...base, probabilities });
  expect(rows).toHaveLength(2);
  for (const row of rows) expect(row).toMatchObject({ p_single: 0, p_any: 0, p_i: null, match_flag: 0 });
});

describe('bad input', () => {
  const [l, r] = [table(left), table(right)];
  const ask = { rightAreaSquareDegrees: 1 };
  const cases: readonly (readonly [string, Partial<MatchOptions>])[] = [
    ['OPTION_INVALID', { probabilities: { rightAreaSquareDegrees: NaN } }],
    ['OPTION_INVALID', { probabilities: { rightAreaSquareDegrees: 0 } }],
    ['OPTION_INVALID', { probabilities: { rightAreaSquareDegrees: -1 } }],
    ['OPTION_INVALID', { probabilities: { rightAreaSquareDegrees: 50_000 } }],
    ['OPTION_INVALID', { probabilities: { ...ask, completeness: 0 } }],
    ['OPTION_INVALID', { probabilities: { ...ask, completeness: 1.01 } }],
    ['OPTION_INVALID', { probabilities: { ...ask, completeness: NaN } }],
    ['OPTION_INVALID', { probabilities: { ...ask, acceptableRatio: 2 } }],
    ['OPTION_INVALID', { probabilities: { ...ask, securePosterior: 1 } }],
    ['OPTION_INVALID', { probabilities: { ...ask, magnitudePriors: ['mag'] } }],
    ['OPTION_INVALID', { probabilities: { ...ask, magnitudePriors: ['=1 2 3 4'] } }],
    ['OPTION_INVALID', { probabilities: { ...ask, magnitudePriors: ['mag='] } }],
    ['OPTIONS_CONFLICT', { probabilities: { ...ask, magnitudePriors: ['mag=1 2 3 4', 'mag=auto'] } }],
    ['HISTOGRAM_INVALID', { probabilities: { ...ask, magnitudePriors: ['mag=1 2 3'] } }],
    ['HISTOGRAM_INVALID', { probabilities: { ...ask, magnitudePriors: ['mag=auto'], securePosterior: 0.9999999 } }],
    ['COLUMN_NOT_FOUND', { probabilities: { ...ask, magnitudePriors: ['magnitude=1 2 3 4'] } }],
    ['COLUMN_TYPE', { probabilities: { ...ask, magnitudePriors: ['name=1 2 3 4'] } }],
    ['OPTIONS_CONFLICT', { left: {} }],
    ['OPTIONS_CONFLICT', { right: {} }],
    ['OPTIONS_CONFLICT', { find: 'nearest' }],
    ['OPTIONS_CONFLICT', { join: 'left-anti' }],
    ['OPTIONS_CONFLICT', { probabilities: undefined }],
  ];

  test.each(cases)('%s: %j', async (reason, options) => {
    const named = r.assign(tableOf({ name: right.map(() => 'a') }));
    const seen: unknown = await match(l, named, { ...base, ...options }).catch((error: unknown) => error);
    expect(isProblem(seen) ? seen.reason : seen).toBe(reason);
  });

  test('a table with itself, and a left table that passes by', async () => {
    const own: unknown = await selfMatch(memoryTable(l), base, { runtime }).catch((error: unknown) => error);
    expect(isProblem(own) && own.reason).toBe('OPTIONS_CONFLICT');
    const options = { ...base, probabilities: { ...ask, magnitudePriors: ['mag=auto'] } };
    const once: unknown = await crossmatch(memoryTable(l), memoryTable(r), options, { runtime }).catch(
      (error: unknown) => error,
    );
    expect(isProblem(once) && once.message).toContain('twice');
  });
});

test('columns of an earlier match by NWAY are still columns', async () => {
  const a = tableOf({ ra: [10], dec: [20], e: [0.5], p_any: [0.25] });
  const b = tableOf({ ra: [10], dec: [20], e: [0.5] });
  const { probabilities: _, ...plain } = base;
  expect((await match(a, b, { ...plain, columns: ['p_any'] })).rows).toEqual([{ p_any: 0.25 }]);
  const both = await match(a, b, { ...base, columns: ['left.p_any', 'p_any'] });
  expect(both.fields).toEqual(['p_any_1', 'p_any']);
});
