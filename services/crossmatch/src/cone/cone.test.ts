import { Random } from '@armilla/base';
import { Runtime } from '@armilla/gpu-core';
import {
  type Motions,
  moveRow,
  normaliseRa,
  type Positions,
  separationKey,
  separationKeyLimit,
  separationOfKeyArcsec,
} from '@armilla/sky';
import type { RecordBatch, Table } from 'apache-arrow';
import { CatalogTable, type ConeOptions, coneSearch, type ConeSummary } from '../index.js';
import { memoryTable, rowsOf, tableOf } from '../testing/memory-table.js';
import { awkwardSky } from '../testing/sky.js';
import { nearestFirst } from './nearest-first.js';

let runtime: Runtime;
beforeAll(async () => {
  runtime = await Runtime.create({ workerCount: 2 });
});
afterAll(() => runtime.close());

type Row = Record<string, unknown>;

async function readAll(
  table: Parameters<typeof coneSearch>[0],
  options: ConeOptions,
): Promise<{ rows: Row[]; summary: ConeSummary; batches: RecordBatch[] }> {
  using result = await coneSearch(table, options, { runtime });
  const batches: RecordBatch[] = [];
  for await (const batch of result) batches.push(batch);
  return { rows: rowsOf(batches), summary: result.summary, batches };
}

const COLUMNS = ['table_row', 'separation_arcsec'];

/** A table read once, in small batches, and the same one stored: both have to agree. */
async function bothWays(table: Table, options: ConeOptions, batchRowCount = 37) {
  const read = await readAll(memoryTable(table, { batchRowCount }), options);
  await using stored = await CatalogTable.load(memoryTable(table), { runtime });
  const found = await readAll(stored, options);
  expect(found.rows).toEqual(read.rows);
  const comparable = ({ seconds: _, columns: __, ...rest }: ConeSummary) => rest;
  expect(comparable(found.summary)).toEqual(comparable(read.summary));
  return read;
}

/** The rows by the definition: each row's separation from the centre, sorted by it, then by row. */
function reference({ ra, dec, nulls }: Positions, { raDeg, decDeg, radiusArcsec }: ConeOptions): Row[] {
  const limit = separationKeyLimit(radiusArcsec);
  const found: { row: number; key: number }[] = [];
  for (let row = 0; row < ra.length; row++) {
    if (nulls?.[row] === 1 || !Number.isFinite(ra[row]) || !(Math.abs(dec[row]) <= 90)) continue;
    const key = separationKey(normaliseRa(raDeg), decDeg, normaliseRa(ra[row]), dec[row]);
    if (key <= limit) found.push({ row, key });
  }
  found.sort((a, b) => a.key - b.key || a.row - b.row);
  return found.map(({ row, key }) => ({ table_row: row, separation_arcsec: separationOfKeyArcsec(key) }));
}

const tableFrom = ({ ra, dec, nulls }: Positions): Table => {
  const orNull = (values: Float64Array): (number | null)[] =>
    Array.from(values, (value, i) => (nulls?.[i] ? null : value));
  return tableOf({ id: Int32Array.from(ra, (_, i) => i), ra: orNull(ra), dec: orNull(dec) });
};

test('finds what brute force finds: around stars, poles and the seam, for any radius', async () => {
  const sky = awkwardSky(5, 400);
  const table = tableFrom(sky);
  await using stored = await CatalogTable.load(memoryTable(table), { runtime });
  const random = new Random(6);
  let rowCount = 0;
  for (let n = 0; n < 150; n++) {
    const at = random.below(400);
    const isStar = n % 3 === 0 && Math.abs(sky.dec[at]) <= 90 && Number.isFinite(sky.ra[at]);
    const options: ConeOptions = {
      raDeg: isStar ? sky.ra[at] : random.between(-400, 800),
      decDeg: isStar ? sky.dec[at] : [90, -90, 20.02, random.between(-90, 90)][n % 4],
      radiusArcsec: [1e-9, 5, 60, 3600, 90_000, 324_000, 500_000, 648_000][random.below(8)],
      columns: COLUMNS,
    };
    const expected = reference(sky, options);
    rowCount += expected.length;
    expect((await readAll(stored, options)).rows).toEqual(expected);
    expect((await readAll(memoryTable(table, { batchRowCount: 53 }), options)).rows).toEqual(expected);
  }
  expect(rowCount).toBeGreaterThan(5000);
});

test('the radius belongs to the cone', async () => {
  const table = tableOf({ ra: [10, 10, 10], dec: [0, 1, 1.0000001] });
  const { rows } = await bothWays(table, { raDeg: 370, decDeg: 0, radiusArcsec: 3600, columns: COLUMNS });
  expect(rows).toEqual([
    { table_row: 0, separation_arcsec: 0 },
    { table_row: 1, separation_arcsec: 3600 },
  ]);
});

test('a limit keeps the nearest rows and says that there are more', async () => {
  const random = new Random(8);
  const table = tableOf({
    ra: Float64Array.from({ length: 90_000 }, () => random.between(0, 1)),
    dec: Float64Array.from({ length: 90_000 }, () => random.between(0, 1)),
    name: Array.from({ length: 90_000 }, (_, i) => `star ${i}`),
  });
  const cone = { raDeg: 0.5, decDeg: 0.5, radiusArcsec: 7200, columns: ['name', ...COLUMNS] };
  const all = await bothWays(table, cone, 10_000);
  expect(all.summary).toMatchObject({ rowCount: 90_000, foundRowCount: 90_000, overflow: false });
  for (const limit of [0, 7, 20_000]) {
    const cut = await bothWays(table, { ...cone, limit }, 10_000);
    expect(cut.rows).toEqual(all.rows.slice(0, limit));
    expect(cut.summary).toMatchObject({ foundRowCount: 90_000, overflow: limit < 90_000 });
    expect(cut.batches.length).toBe(limit === 0 ? 0 : Math.ceil(cut.rows.length / cut.batches[0].numRows));
  }
});

test('a condition is asked of rows in the cone; columns are chosen, renamed where a computed one has their name', async () => {
  const table = tableOf({
    ra: [1, 1.001, 1.002, 50],
    dec: [2, 2, 2, 2],
    mag: [10, null, 12, 9],
    separation_arcsec: [7, 8, 9, 10],
    table_row: ['a', 'b', 'c', 'd'],
  });
  const cone = { raDeg: 1, decDeg: 2, radiusArcsec: 60 };
  const { rows, summary } = await bothWays(table, { ...cone, table: { where: 'mag < 20' } });
  expect(rows).toEqual([
    { ra: 1, dec: 2, mag: 10, separation_arcsec_1: 7, table_row: 'a', separation_arcsec: 0 },
    {
      ra: 1.002,
      dec: 2,
      mag: 12,
      separation_arcsec_1: 9,
      table_row: 'c',
      separation_arcsec: expect.closeTo(7.1956, 3),
    },
  ]);
  expect(summary).toMatchObject({ rowCount: 2, foundRowCount: 2, filteredRowCount: 1, tableRowCount: 4 });
  const chosen = await bothWays(table, { ...cone, limit: 1, columns: ['table_row', 'table.table_row', 'mag'] });
  expect(chosen.rows).toEqual([{ table_row: 0, table_row_1: 'a', mag: 10 }]);
});

/** Stars that move, some very fast, some without a motion, each with its own epoch. */
function movingStars(seed: number, rowCount: number) {
  const random = new Random(seed);
  const column = (of: () => number) => Float64Array.from({ length: rowCount }, of);
  const fast = (): number => (random.below(10) === 0 ? random.between(-20_000, 20_000) : random.normal() * 50);
  return {
    ra: column(() => random.between(0, 360)),
    dec: column(() => (random.below(3) === 0 ? random.between(89.9, 90) : random.between(-1, 1))),
    pmra: column(() => (random.below(8) === 0 ? NaN : fast())),
    pmdec: column(fast),
    plx: column(() => random.between(1, 800)),
    rv: column(() => random.between(-400, 400)),
    year: column(() => random.between(1990, 2020)),
  };
}

test('rows are compared where they stand at the epoch that is asked for', async () => {
  const stars = movingStars(3, 3000);
  const table = tableOf(stars);
  const motions: Motions = {
    pmRaCosdec: stars.pmra,
    pmDec: stars.pmdec,
    parallax: stars.plx,
    radialVelocity: stars.rv,
  };
  const moving = { epoch: 'year:yr', pmRaCosdec: 'pmra', pmDec: 'pmdec', parallax: 'plx', radialVelocity: 'rv' };
  let moved = 0;
  for (const [raDeg, decDeg, radiusArcsec] of [
    [0, 90, 120],
    [359.99, 0.3, 7200],
    [120, -0.5, 36_000],
  ]) {
    const cone = { raDeg, decDeg, radiusArcsec, columns: COLUMNS };
    const then = { ra: stars.ra.slice(), dec: stars.dec.slice() };
    const out = new Float64Array(2);
    for (let i = 0; i < 3000; i++) {
      moveRow(stars.ra[i], stars.dec[i], motions, i, 2200 - stars.year[i], out);
      [then.ra[i], then.dec[i]] = out;
    }
    const expected = reference(then, cone);
    const found = await bothWays(table, { ...cone, atEpoch: 'J2200', table: moving });
    expect(found.rows).toEqual(expected);
    expect(found.summary.missingMotionRowCount).toBe(
      expected.filter(({ table_row }) => Number.isNaN(stars.pmra[table_row as number])).length,
    );
    const still = new Set(reference(stars, cone).map(({ table_row }) => table_row));
    moved += expected.filter(({ table_row }) => !still.has(table_row)).length;
  }
  expect(moved).toBeGreaterThan(10);
});

test('a table knows its epoch where it was stored with it', async () => {
  const table = tableOf({ ra: [10], dec: [0], pmra: [1e6], pmdec: [0] });
  await using stored = await CatalogTable.load(memoryTable(table), { runtime, columns: { epoch: 'J2000' } });
  const cone = { raDeg: 10 + 10 / 3.6, decDeg: 0, radiusArcsec: 60, columns: COLUMNS };
  expect((await readAll(stored, { ...cone, atEpoch: 'J2010' })).rows).toHaveLength(1);
  expect((await readAll(stored, cone)).rows).toHaveLength(0);
});

test.each([
  [{ raDeg: NaN }, 'OPTION_INVALID', 'ra'],
  [{ raDeg: Infinity }, 'OPTION_INVALID', 'ra'],
  [{ decDeg: NaN }, 'OPTION_INVALID', 'dec'],
  [{ decDeg: 90.1 }, 'OPTION_INVALID', 'dec'],
  [{ radiusArcsec: 0 }, 'RADIUS_OUT_OF_RANGE', 'radius_arcsec'],
  [{ radiusArcsec: NaN }, 'RADIUS_OUT_OF_RANGE', 'radius_arcsec'],
  [{ radiusArcsec: 648_001 }, 'RADIUS_OUT_OF_RANGE', 'radius_arcsec'],
  [{ limit: -1 }, 'OPTION_INVALID', 'limit'],
  [{ limit: 1.5 }, 'OPTION_INVALID', 'limit'],
  [{ columns: ['ra', ''] }, 'OPTION_INVALID', 'columns'],
  [{ columns: ['nope'] }, 'COLUMN_NOT_FOUND', undefined],
  [{ columns: ['ra', 'ra'] }, 'COLUMN_DUPLICATE', undefined],
  [{ table: { where: 'nope < 1' } }, 'COLUMN_NOT_FOUND', undefined],
  [{ table: { where: "ra < 'x'" } }, 'WHERE_TYPE', 'where'],
  [{ table: { where: 'ra <' } }, 'WHERE_INVALID', 'where'],
  [{ table: { epoch: 'J2000' } }, 'OPTIONS_CONFLICT', 'at_epoch'],
  [{ atEpoch: 'tomorrow', table: { epoch: 'J2000' } }, 'OPTION_INVALID', 'at_epoch'],
  [{ atEpoch: 'J2020' }, 'OPTIONS_CONFLICT', 'at_epoch'],
  [{ atEpoch: 'J2020', table: { epoch: 'J2000' } }, 'OPTIONS_CONFLICT', 'at_epoch'],
] as const)('%j is refused with %s', async (wrong, reason, field) => {
  const table = tableOf({ ra: [1], dec: [2], mag: [3] });
  const options = { raDeg: 1, decDeg: 2, radiusArcsec: 3, ...wrong } as ConeOptions;
  const problem = { reason, ...(field && { fields: expect.objectContaining({ field }) }) };
  const reader = memoryTable(table);
  await expect(coneSearch(reader, options, { runtime })).rejects.toMatchObject(problem);
  expect(reader.closed).toBe(1);
  await using stored = await CatalogTable.load(memoryTable(table), { runtime });
  await expect(coneSearch(stored, options, { runtime })).rejects.toMatchObject(problem);
});

test('a cone of no rows has its columns; tables without rows have empty cones', async () => {
  const { rows, summary } = await bothWays(tableOf({ ra: [1], dec: [2] }), { raDeg: 9, decDeg: 9, radiusArcsec: 1 });
  expect([rows, summary.rowCount]).toEqual([[], 0]);
  const empty = tableOf({ ra: new Float64Array(0), dec: new Float64Array(0) });
  await bothWays(empty, { raDeg: 9, decDeg: 9, radiusArcsec: 1 });
  using result = await coneSearch(memoryTable(empty), { raDeg: 9, decDeg: 9, radiusArcsec: 1 }, { runtime });
  expect(result.schema.fields.map(({ name }) => name)).toEqual(['ra', 'dec', 'separation_arcsec']);
});

test('a search that nobody wants any more ends', async () => {
  const table = tableOf({ ra: new Float64Array(200_000), dec: new Float64Array(200_000) });
  const stop = new AbortController();
  const cone = { raDeg: 0, decDeg: 0, radiusArcsec: 1 };
  const context = { runtime, signal: stop.signal, onRows: () => stop.abort(new Error('enough')) };
  const reader = memoryTable(table, { batchRowCount: 1000 });
  await expect(coneSearch(reader, cone, context)).rejects.toThrow('enough');
  expect(reader.closed).toBe(1);
});

test('keys are sorted as numbers, equal ones as they stand', () => {
  const random = new Random(1);
  for (const count of [0, 1, 2, 5000]) {
    const keys = Float64Array.from({ length: count }, (_, i) =>
      i % 5 === 0 ? 0.25 : [0, 1e-300, 1e-9, 0.5, 1e12][random.below(5)] * random.uniform(),
    );
    const expected = Array.from(keys.keys()).sort((a, b) => keys[a] - keys[b] || a - b);
    expect(Array.from(nearestFirst(keys))).toEqual(expected);
  }
});
