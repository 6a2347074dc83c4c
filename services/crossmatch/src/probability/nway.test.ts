import { Runtime } from '@armilla/gpu-core';
import type { RecordBatch } from 'apache-arrow';
import { crossmatch, type MatchOptions } from '../index.js';
import { memoryTable, rowsOf } from '../testing/memory-table.js';
import { NWAY, NWAY_HISTOGRAM, type NwayCase, nwayTable } from '../testing/nway.js';

let runtime: Runtime;
beforeAll(async () => {
  runtime = await Runtime.create({ workerCount: 2 });
});
afterAll(() => runtime.close());

type Row = Record<string, number | null>;

const circles = { left: { error: 'err:arcsec' }, right: { error: 'err:arcsec' } };
const area = { rightAreaSquareDegrees: NWAY.area_square_degrees };

async function ours(suffix: string, options: Partial<MatchOptions>): Promise<Row[]> {
  const left = nwayTable(`x${suffix}`);
  const batches: RecordBatch[] = [];
  const stream = await crossmatch(
    memoryTable(left),
    memoryTable(nwayTable(`opt${suffix}`)),
    { radiusArcsec: 10, join: 'left', probabilities: area, ...circles, ...options },
    { runtime, openLeftAgain: () => Promise.resolve(memoryTable(left)) },
  );
  for await (const batch of stream) batches.push(batch);
  return rowsOf(batches) as Row[];
}

/** Rows of NWAY as objects, by left and right id. */
function theirs({ columns, rows }: NwayCase): Row[] {
  return rows.map((row) => Object.fromEntries(columns.map((name, c) => [name, row[c]])));
}

const COLUMNS = ['dist_post', 'p_single', 'p_any', 'p_i', 'match_flag'];

/** NWAY has a row without counterpart of each left row; we have it where there is no candidate. */
function compare(mine: readonly Row[], golden: NwayCase): { rowCount: number; worst: number; factor: number } {
  const nway = theirs(golden);
  const withCandidate = new Set(nway.filter((row) => row.opt_id !== -1).map((row) => row.x_id));
  const expected = nway.filter((row) => row.opt_id !== -1 || !withCandidate.has(row.x_id));
  const key = (x: unknown, opt: unknown): string => `${String(x)} ${String(opt ?? -1)}`;
  const byKey = new Map(mine.map((row) => [key(row.id_1, row.id_2), row]));
  expect([...byKey.keys()].sort()).toEqual(expected.map((row) => key(row.x_id, row.opt_id)).sort());
  let [worst, factor] = [0, 0];
  for (const row of expected) {
    const own = byKey.get(key(row.x_id, row.opt_id)) as Row;
    for (const name of COLUMNS) worst = Math.max(worst, Math.abs(Number(own[name]) - Number(row[name])));
    factor = Math.max(factor, Math.abs(Number(own.dist_bayesfactor) - Number(row.dist_bayesfactor)));
    if ('bias_OPT_mag' in row) expect(Number(own.bias_mag) / Number(row.bias_OPT_mag)).toBeCloseTo(1, 6);
  }
  return { rowCount: expected.length, worst, factor };
}

test.each([
  ['two', '', {}],
  ['two-incomplete', '', { probabilities: { ...area, completeness: 0.8, acceptableRatio: 0.3 } }],
  ['two-magnitude', '', { probabilities: { ...area, magnitudePriors: [`mag=${NWAY_HISTOGRAM}`] } }],
  ['two-auto', '', { probabilities: { ...area, magnitudePriors: ['mag=auto'], securePosterior: 0.7 } }],
  ['two-pole', '_pole', {}],
] as const)('equal to NWAY within 1e-5: %s', async (name, suffix, options) => {
  const { rowCount, worst, factor } = compare(await ours(suffix, options), NWAY.cases[name]);
  expect(rowCount).toBeGreaterThan(60);
  expect(worst).toBeLessThan(1e-5);
  expect(factor).toBeLessThan(1e-5);
});

test('ellipses: what differs from NWAY is its formula alone', async () => {
  const mine = await ours('', {
    left: { errorMajor: 'err:arcsec', errorMinor: 'minor:arcsec', errorAngle: 'angle' },
    columns: ['left.*', 'right.*', 'dist_bayesfactor', 'delta_ra_cosdec_arcsec', 'delta_dec_arcsec'],
  });
  const nway = new Map(theirs(NWAY.cases['two-ellipses']).map((row) => [`${row.x_id} ${row.opt_id}`, row]));
  let [count, formula, exact] = [0, 0, 0];
  for (const row of mine) {
    if (row.id_2 === null) continue;
    const golden = nway.get(`${row.id_1} ${row.id_2}`) as Row;
    // NWAY takes the mean variance for the size of the ellipse, and multiplies the separation by the error across it, in place
    // of dividing by the one along it.
    const [a, b, angle] = [Number(row.err_1), Number(row.minor), (Number(row.angle) * Math.PI) / 180];
    const [x, y] = [Number(row.delta_ra_cosdec_arcsec), Number(row.delta_dec_arcsec)];
    const right = Number(row.err_2) ** 2;
    const mean = (a * a + b * b) / 2 + right;
    const along = x * Math.sin(angle) + y * Math.cos(angle);
    const across = x * Math.cos(angle) - y * Math.sin(angle);
    const square = x * x + y * y;
    const directional = square / ((along / b) ** 2 + (across / a) ** 2) + right;
    const factor =
      Math.log10(2) +
      2 * Math.log10((3600 * 180) / Math.PI) -
      Math.log10(mean) -
      ((square * directional) / mean / (2 * mean)) * Math.LOG10E;
    formula = Math.max(formula, Math.abs(factor - Number(golden.dist_bayesfactor)));
    exact = Math.max(exact, Math.abs(Number(row.dist_bayesfactor) - Number(golden.dist_bayesfactor)));
    count++;
  }
  expect(count).toBeGreaterThan(300);
  expect(formula).toBeLessThan(1e-4);
  expect(exact).toBeGreaterThan(1);
});
