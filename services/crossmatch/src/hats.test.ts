import { mkdtempSync, readFileSync, rmSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { isProblem, Random } from '@armilla/base';
import { Runtime } from '@armilla/gpu-core';
import { parseArea, pixelCentre, pixelNumber, separationArcsec } from '@armilla/sky';
import { expandPath, HatsReader, openTable, PartitionInfo, type TableReader, writeHats } from '@armilla/tables';
import type { RecordBatch, Table } from 'apache-arrow';
import {
  CatalogTable,
  crossmatch,
  FINDS,
  JOINS,
  type MatchContext,
  type MatchOptions,
  type MatchSummary,
  planArea,
  resultPixels,
  selfMatch,
  tablePixels,
} from './index.js';
import { memoryTable, rowsOf, tableOf } from './testing/memory-table.js';
import { realData } from './testing/real-data.js';

const folder = mkdtempSync(join(tmpdir(), 'armilla-hats-match-'));
let runtime: Runtime;
beforeAll(async () => {
  runtime = await Runtime.create({ workerCount: 2 });
});
afterAll(async () => {
  await runtime.close();
  rmSync(folder, { recursive: true });
});

/** Rows around a place where pixels of several orders meet, and some all over the sky. */
function starsAt(seed: number, count: number): { id: number; ra: number; dec: number }[] {
  const random = new Random(seed);
  const stars = Array.from({ length: count }, (_, id) =>
    id % 3 === 0
      ? { id, ra: random.between(0, 360), dec: (Math.asin(random.between(-1, 1)) * 180) / Math.PI }
      : { id, ra: random.between(44, 46), dec: random.between(-1, 1) },
  );
  // Neighbours within a few arcsec, on both sides of borders.
  return stars.flatMap((star) =>
    star.id % 2 === 0 ? [star] : [star, { ...star, id: star.id + 1e6, dec: star.dec + random.between(0, 8) / 3600 }],
  );
}

const columnsOf = (stars: readonly { id: number; ra: number; dec: number }[]): Table =>
  tableOf({
    id: BigInt64Array.from(stars, ({ id }) => BigInt(id)),
    // Names that are not guessed: only the catalog says them.
    x: stars.map(({ ra }) => ra),
    y: stars.map(({ dec }) => dec),
  });

async function catalogOf(name: string, table: Table, properties?: Record<string, string>, rows = 40): Promise<string> {
  const path = join(folder, name);
  const reader = memoryTable(table, { batchRowCount: 31 });
  const pixels = tablePixels(reader, { ra: 'x', dec: 'y' });
  await writeHats(path, reader.schema, reader.batches(), { pixels, partitionRows: rows, builder: 'test', properties });
  return path;
}

interface Answer {
  readonly rows: Record<string, unknown>[];
  readonly summary: MatchSummary;
  readonly note: string | undefined;
}

async function answer(
  left: TableReader,
  right: TableReader | CatalogTable,
  options: MatchOptions,
  context: Partial<MatchContext> = {},
): Promise<Answer> {
  const stream = await crossmatch(left, right, options, { runtime, ...context });
  const batches: RecordBatch[] = [];
  for await (const batch of stream) batches.push(batch);
  return { rows: rowsOf(batches), summary: stream.summary(), note: stream.readNote };
}

/** The rows of a catalog as one table in memory, which says nothing of itself. */
async function inMemory(path: string): Promise<Table> {
  const rows: Record<string, unknown>[] = [];
  const reader = await openTable(path);
  for await (const batch of reader.batches()) for (const row of batch) rows.push({ ...row?.toJSON() });
  return tableOf({
    _healpix_29: BigInt64Array.from(rows, (row) => row._healpix_29 as bigint),
    id: BigInt64Array.from(rows, (row) => row.id as bigint),
    x: rows.map((row) => row.x as number),
    y: rows.map((row) => row.y as number),
  });
}

let left: string;
let right: string;
let tables: { left: Table; right: Table };
const named: MatchOptions = { radiusArcsec: 6, left: { ra: 'x', dec: 'y' }, right: { ra: 'x', dec: 'y' } };
const byItself: MatchOptions = { radiusArcsec: 6 };
beforeAll(async () => {
  left = await catalogOf('left', columnsOf(starsAt(1, 300)));
  right = await catalogOf('right', columnsOf(starsAt(1, 400)));
  tables = { left: await inMemory(left), right: await inMemory(right) };
});

const timeless = ({ left: l, right: r, pairCount, rowCount }: MatchSummary) => ({
  left: { ...l, guessed: undefined },
  right: { ...r, guessed: undefined },
  pairCount,
  rowCount,
});

describe('catalogs are matched as the tables that they are', () => {
  test.each(FINDS.flatMap((find) => JOINS.map((join) => [find, join] as const)))('%s, %s', async (find, join) => {
    const expected = await answer(memoryTable(tables.left), memoryTable(tables.right), { ...named, find, join });
    expect(expected.rows.length).toBeGreaterThan(0);
    const got = await answer(await openTable(left), await openTable(right), { ...byItself, find, join });
    expect(got.rows).toEqual(expected.rows);
    expect(timeless(got.summary)).toEqual(timeless(expected.summary));
    expect(got.summary.left).toMatchObject({ guessed: false, columns: { ra: 'x', dec: 'y' } });
  });

  test('with themselves', async () => {
    const matched = async (table: TableReader, options: MatchOptions): Promise<Record<string, unknown>[]> => {
      const batches: RecordBatch[] = [];
      for await (const batch of await selfMatch(table, options, { runtime })) batches.push(batch);
      return rowsOf(batches);
    };
    const rows = await matched(await openTable(left), byItself);
    expect(rows).toEqual(await matched(memoryTable(tables.left), named));
    expect(rows.length).toBeGreaterThan(10);
  });

  test('with one of their columns given', async () => {
    const expected = await answer(memoryTable(tables.left), memoryTable(tables.right), named);
    const got = await answer(await openTable(left), await openTable(right), { ...byItself, left: { ra: 'x' } });
    expect(got.rows).toEqual(expected.rows);
  });

  test('stored', async () => {
    await using stored = await CatalogTable.load(await openTable(right), { runtime });
    expect(stored.columns).toMatchObject({ ra: 'x', dec: 'y', guessed: false });
    const expected = await answer(memoryTable(tables.left), memoryTable(tables.right), named);
    expect((await answer(await openTable(left), stored, byItself)).rows).toEqual(expected.rows);
  });
});

describe('an area', () => {
  const columns = ['left.id', 'right.id', 'separation_arcsec', 'left_row', 'right_row'];
  const areas = [
    'cone(45, 0, 0.4deg)',
    'box(44.9, -2, 45.3, 0.1)',
    'polygon(44 -1, 45 -1, 45 1)',
    'moc(5/2000-9000)',
    'cone(200, -10, 1)',
  ];

  test.each(areas.flatMap((area) => FINDS.map((find) => [area, find] as const)))(
    '%s: %s gives what reading all of it gives',
    async (area, find) => {
      for (const join of JOINS) {
        const own = join === 'left-anti' ? ['left.id', 'left_row'] : join === 'right-anti' ? ['right.id'] : columns;
        const options = { find, join, area, columns: own };
        const expected = await answer(memoryTable(tables.left), memoryTable(tables.right), { ...named, ...options });
        const got = await answer(await openTable(left), await openTable(right), { ...byItself, ...options });
        expect(got.rows).toEqual(expected.rows);
        expect(timeless(got.summary)).toEqual(timeless(expected.summary));
        expect(got.note).toMatch(/partitions of .* touch the area/);
      }
    },
  );

  test('leaves partitions unread that do not touch it', async () => {
    const removed = await catalogOf('removed', tables.left);
    const area = parseArea('cone(45, 0, 0.2deg)');
    const reader = (await openTable(removed)) as HatsReader;
    const plan = planArea(reader.catalog.partitions, area);
    expect(plan.touching.length).toBeGreaterThan(0);
    expect(plan.touching.length).toBeLessThan(plan.partitionCount / 2);
    const files = await expandPath(removed);
    // Of files that are not there any more nothing can be read.
    for (const [i, partition] of reader.catalog.partitions.entries())
      if (!plan.touching.includes(partition)) rmSync(files[i]);
    const options = { area, columns };
    const expected = await answer(memoryTable(tables.left), memoryTable(tables.right), { ...named, ...options });
    expect(expected.rows.length).toBeGreaterThan(0);
    expect(
      (await answer(reader, memoryTable(tables.right), { ...options, radiusArcsec: 6, right: named.right })).rows,
    ).toEqual(expected.rows);
  });

  test.each([
    ['in another frame', { left: { ra: 'x', dec: 'y', frame: 'galactic' as const } }],
    ['by other columns', { left: { ra: 'y', dec: 'x' } }],
  ])('does not go by pixels %s', async (_, options) => {
    const area = 'cone(45, 0, 0.4deg)';
    const got = await answer(await openTable(left), memoryTable(tables.right), { ...named, ...options, area });
    const expected = await answer(memoryTable(tables.left), memoryTable(tables.right), { ...named, ...options, area });
    expect(got.rows).toEqual(expected.rows);
    expect(got.note).toBeUndefined();
  });

  test('rejected rows are told by their numbers in the whole catalog', async () => {
    const rejected = async (table: TableReader): Promise<number[]> => {
      const rows: number[] = [];
      const bad = { ...named.left, error: 'y:arcsec' };
      const onRejected = ({ table: side, row }: { table: string; row: number }): void => {
        if (side === 'left') rows.push(row);
      };
      const options = { ...named, left: bad, area: 'cone(45, 0, 0.4deg)', maxSigma: 3 };
      await answer(table, memoryTable(tables.right), options, { onRejected });
      return rows.sort((a, b) => a - b);
    };
    const expected = await rejected(memoryTable(tables.left));
    expect(expected.length).toBeGreaterThan(5);
    const reader = await openTable(left);
    expect(await rejected(reader)).toEqual(expected);
  });
});

const large = realData('hats/large_catalog_partition_info.csv.gz');
(large ? test : test.skip)('a large catalog is planned: few of 196,608 partitions, and none too few', () => {
  const { partitions } = PartitionInfo.parse(gunzipSync(readFileSync(large as string)).toString(), 'large');
  const plan = planArea(partitions, parseArea('cone(200, -10, 3deg)'));
  expect(plan.partitionCount).toBe(196_608);
  const touching = new Set(plan.touching.map(({ number }) => number));
  const random = new Random(6);
  for (let i = 0; i < 3000; i++) {
    const [ra, dec] = [random.between(196, 204), random.between(-14, -6)];
    if (separationArcsec(200, -10, ra, dec) <= 3 * 3600)
      expect(touching.has(Number(pixelNumber(7, ra, dec)))).toBe(true);
  }
  for (const number of touching) {
    const { ra, dec } = pixelCentre(7, number);
    // Half a diagonal of a pixel is at most 0.6 degrees.
    expect(separationArcsec(200, -10, ra, dec) / 3600).toBeLessThan(3.6);
  }
  expect(plan.rowCount).toBeUndefined();
  expect(planArea(partitions, parseArea('box(0, -90, 360, 90)')).touching.length).toBe(196_608);
});

describe('by way of the disk', () => {
  const run = async (
    scratch: string,
    options: { resume?: boolean; stopAfter?: number } = {},
    match: MatchOptions = { ...byItself, find: 'all' },
  ): Promise<Answer> => {
    const inputs = { left: await expandPath(left), right: await expandPath(right) };
    const stream = await crossmatch(await openTable(left), await openTable(right), match, {
      runtime,
      execution: { bucketRowCount: 64 },
      scratch: { folder: scratch, inputs, keep: true, use: 'always', resume: options.resume ?? false },
    });
    const batches: RecordBatch[] = [];
    try {
      for await (const batch of stream) {
        batches.push(batch);
        if (options.stopAfter === batches.length) throw new Error('stopped');
      }
      await stream.removeScratch();
      return { rows: rowsOf(batches), summary: stream.summary(), note: undefined };
    } finally {
      await stream.close();
    }
  };

  test('the rows are the same, also after a stop', async () => {
    const expected = await answer(memoryTable(tables.left), memoryTable(tables.right), { ...named, find: 'all' });
    expect((await run(join(folder, 'scratch-1'))).rows).toEqual(expected.rows);
    const scratch = join(folder, 'scratch-2');
    await expect(run(scratch, { stopAfter: 1 })).rejects.toThrow('stopped');
    expect((await run(scratch, { resume: true })).rows).toEqual(expected.rows);
  });

  test.each(['all', 'mutual', 'one-to-one', 'nearest'] as const)('in an area as well: %s', async (find) => {
    const area = 'cone(45, 0, 0.4deg)';
    const columns = ['left.id', 'right.id', 'left_row', 'right_row', 'separation_arcsec'];
    const options = { find, area, columns, join: 'full' as const };
    const expected = await answer(memoryTable(tables.left), memoryTable(tables.right), { ...named, ...options });
    const got = await run(join(folder, `scratch-area-${find}`), {}, { ...byItself, ...options });
    expect(got.rows).toEqual(expected.rows);
    expect(timeless(got.summary)).toEqual(timeless(expected.summary));
    expect(got.summary.spill?.bucketCount).toBeGreaterThan(1);
  });

  test.each([['a partition that was changed', (files: string[]) => utimesSync(files[2], new Date(0), new Date(0))]])(
    'it does not go on with %s',
    async (_, change) => {
      const scratch = join(folder, 'scratch-3');
      await expect(run(scratch, { stopAfter: 1 })).rejects.toThrow('stopped');
      change(await expandPath(left));
      const error: unknown = await run(scratch, { resume: true }).catch((caught: unknown) => caught);
      expect(isProblem(error) && error.reason).toBe('RESUME_REFUSED');
    },
  );
});

describe('epochs of catalogs', () => {
  const withMotion = (stars: ReturnType<typeof starsAt>, years: number): Table =>
    tableOf({
      id: BigInt64Array.from(stars, ({ id }) => BigInt(id)),
      x: stars.map(({ ra }) => ra),
      y: stars.map(({ dec }) => dec + (years * 2000) / 3.6e6),
      pmra: stars.map(() => 0),
      pmdec: stars.map(() => 2000),
    });
  const stars = starsAt(9, 60);
  const epoch = (text: string): Record<string, string> => ({ hats_coordinate_epoch: text });

  test('that differ are compared at one of them', async () => {
    const then = await catalogOf('then', withMotion(stars, 0), epoch('J2000.0'));
    const now = await catalogOf('now', withMotion(stars, 16), epoch('2016.0'));
    const { summary } = await answer(await openTable(then), await openTable(now), { radiusArcsec: 0.01 });
    expect(summary.left.matchedRowCount).toBe(stars.length);
    // Given ones overrule them.
    const given: MatchOptions = { radiusArcsec: 0.01, left: { epoch: 'J2016' }, right: { epoch: 'J2016' } };
    expect((await answer(await openTable(then), await openTable(now), given)).summary.left.matchedRowCount).toBe(0);
  });

  test('without motions are a warning, and change nothing', async () => {
    const then = await catalogOf('then-still', columnsOf(stars), epoch('J2000.0'));
    const now = await catalogOf('now-still', columnsOf(stars), epoch('J2016.0'));
    const { summary } = await answer(await openTable(then), await openTable(now), { radiusArcsec: 1 });
    expect(summary.left.matchedRowCount).toBe(stars.length);
    expect(summary.warnings).toEqual([expect.stringContaining('16.00 years apart')]);
    const one = await answer(await openTable(then), await openTable(left), { radiusArcsec: 1 });
    expect(one.summary.warnings).toEqual([]);
  });

  test('that are none are told where they matter', async () => {
    const odd = await catalogOf('odd', columnsOf(stars), epoch('Tuesday'));
    const now = await catalogOf('now-odd', columnsOf(stars), epoch('J2016.0'));
    const error: unknown = await answer(await openTable(odd), await openTable(now), { radiusArcsec: 1 }).catch(
      (caught: unknown) => caught,
    );
    expect(isProblem(error) && error.message).toContain("'Tuesday' (hats_coordinate_epoch of");
    const alone = await answer(await openTable(odd), await openTable(left), { radiusArcsec: 1 });
    expect(alone.summary.left.rowCount).toBe(stars.length);
  });
});

describe('results as catalogs', () => {
  test('rows lie at their left position, or else at the right one', async () => {
    const options: MatchOptions = { ...byItself, join: 'full' };
    const expected = await answer(await openTable(left), await openTable(right), options);
    const stream = await crossmatch(await openTable(left), await openTable(right), options, { runtime });
    const pixels = resultPixels(stream);
    expect([pixels.ra, pixels.dec]).toEqual(['x_1', 'y_1']);
    const path = join(folder, 'full');
    await writeHats(path, stream.schema, stream, { pixels, builder: 'test', partitionRows: 50 });
    const rows: Record<string, unknown>[] = [];
    const reader = await openTable(path);
    for await (const batch of reader.batches()) for (const row of batch) rows.push({ ...row?.toJSON() });
    expect(rows.length).toBe(expected.rows.length);
    for (const row of rows) {
      const [ra, dec] = row.x_1 === null ? [row.x_2, row.y_2] : [row.x_1, row.y_1];
      expect(row._healpix_29).toBe(pixelNumber(29, ra as number, dec as number));
    }
    const key = ({ id_1, id_2 }: Record<string, unknown>): string => `${String(id_1)} ${String(id_2)}`;
    expect(rows.map(key).sort()).toEqual(expected.rows.map(key).sort());
    expect(rows.some((row) => row.x_1 === null)).toBe(true);
  });

  test('need the position in their columns', async () => {
    const stream = await crossmatch(
      await openTable(left),
      await openTable(right),
      { ...byItself, columns: ['left.id', 'separation_arcsec'] },
      { runtime },
    );
    expect(() => resultPixels(stream)).toThrow(/add left.x and left.y to the columns/);
    await stream.close();
  });

  test('are refused for positions that are not in degrees, ICRS', () => {
    const table = memoryTable(tables.left);
    expect(() => tablePixels(table, { ra: 'x', dec: 'y', frame: 'galactic' })).toThrow(/degrees, ICRS/);
    expect(() => tablePixels(table, { ra: 'x:hours', dec: 'y' })).toThrow(/degrees, ICRS/);
  });
});

(realData('hats') ? describe : describe.skip)('the real samples', () => {
  const sample = (name: string): string => realData(`hats/${name}`) as string;

  test('give back the same rows as catalogs of ours', async () => {
    for (const name of ['small_sky', 'small_sky_source', 'small_sky_o1_collection']) {
      const reader = await openTable(sample(name));
      const path = join(folder, `again-${name}`);
      const pixels = tablePixels(reader);
      await writeHats(path, reader.schema, reader.batches(), { pixels, builder: 'test', partitionRows: 3000 });
      const all = async (one: TableReader): Promise<Record<string, unknown>[]> => {
        const rows: Record<string, unknown>[] = [];
        for await (const batch of one.batches()) for (const row of batch) rows.push({ ...row?.toJSON() });
        return rows;
      };
      const [again, before] = [await all(await openTable(path)), await all(reader)];
      const sorted = (rows: Record<string, unknown>[]): string[] =>
        rows
          .map((row) => JSON.stringify(row, (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value)))
          .sort();
      expect(sorted(again)).toEqual(sorted(before));
      expect(again.map((row) => row._healpix_29)).toEqual(before.map((row) => row._healpix_29));
      // hats-import cut small_sky_source at 3000 rows as well.
      const listed = (catalog: string): string => readFileSync(join(catalog, 'partition_info.csv'), 'utf8').trim();
      if (name === 'small_sky_source')
        expect(listed(path).split('\n').sort()).toEqual(listed(sample(name)).split('\n').sort());
    }
  });

  test('sources find their objects', async () => {
    const { summary, rows } = await answer(
      await openTable(sample('small_sky_source')),
      await openTable(sample('small_sky_o1_collection')),
      { radiusArcsec: 3 * 3600, columns: ['left.object_id', 'right.id', 'separation_arcsec'] },
    );
    expect(summary.left.rowCount).toBe(17_161);
    expect(summary.right).toMatchObject({ rowCount: 131, guessed: false });
    const own = rows.filter((row) => row.object_id === row.id).length;
    expect(own / rows.length).toBeGreaterThan(0.9);
  });
});
