import { readFileSync, rmSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { isProblem, Random } from '@armilla/base';
import { parseArea, pixelCentre, pixelNumber, separationArcsec } from '@armilla/sky';
import { expandPath, HatsReader, openTable, PartitionInfo, type TableReader } from '@armilla/tables';
import type { RecordBatch, Table } from 'apache-arrow';
import { CatalogTable, FINDS, JOINS, type MatchOptions, planArea, selfMatch } from './index.js';
import { catalogOf, columnsOf, HatsMatches, starsAt, timeless } from './testing/hats-matches.js';
import { memoryTable, rowsOf, tableOf } from './testing/memory-table.js';
import { realData } from './testing/real-data.js';

let hats: HatsMatches;
let left: string;
let right: string;
let tables: HatsMatches['tables'];
const named: MatchOptions = { radiusArcsec: 6, left: { ra: 'x', dec: 'y' }, right: { ra: 'x', dec: 'y' } };
const byItself: MatchOptions = { radiusArcsec: 6 };
beforeAll(async () => {
  hats = await HatsMatches.create();
  ({ left, right, tables } = hats);
});
afterAll(() => hats[Symbol.asyncDispose]());

describe('catalogs are matched as the tables that they are', () => {
  test.each(FINDS.flatMap((find) => JOINS.map((join) => [find, join] as const)))('%s, %s', async (find, join) => {
    const expected = await hats.answer(memoryTable(tables.left), memoryTable(tables.right), { ...named, find, join });
    expect(expected.rows.length).toBeGreaterThan(0);
    const got = await hats.answer(await openTable(left), await openTable(right), { ...byItself, find, join });
    expect(got.rows).toEqual(expected.rows);
    expect(timeless(got.summary)).toEqual(timeless(expected.summary));
    expect(got.summary.left).toMatchObject({ guessed: false, columns: { ra: 'x', dec: 'y' } });
  });

  test('with themselves', async () => {
    const matched = async (table: TableReader, options: MatchOptions): Promise<Record<string, unknown>[]> => {
      const batches: RecordBatch[] = [];
      for await (const batch of await selfMatch(table, options, { runtime: hats.runtime })) batches.push(batch);
      return rowsOf(batches);
    };
    const rows = await matched(await openTable(left), byItself);
    expect(rows).toEqual(await matched(memoryTable(tables.left), named));
    expect(rows.length).toBeGreaterThan(10);
  });

  test('with one of their columns given', async () => {
    const expected = await hats.answer(memoryTable(tables.left), memoryTable(tables.right), named);
    const got = await hats.answer(await openTable(left), await openTable(right), { ...byItself, left: { ra: 'x' } });
    expect(got.rows).toEqual(expected.rows);
  });

  test('stored', async () => {
    await using stored = await CatalogTable.load(await openTable(right), { runtime: hats.runtime });
    expect(stored.columns).toMatchObject({ ra: 'x', dec: 'y', guessed: false });
    const expected = await hats.answer(memoryTable(tables.left), memoryTable(tables.right), named);
    expect((await hats.answer(await openTable(left), stored, byItself)).rows).toEqual(expected.rows);
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
      // What is read depends on the area, what becomes of it on the join.
      for (const join of area === areas[0] ? JOINS : (['left', 'full'] as const)) {
        const own = join === 'left-anti' ? ['left.id', 'left_row'] : join === 'right-anti' ? ['right.id'] : columns;
        const options = { find, join, area, columns: own };
        const expected = await hats.answer(memoryTable(tables.left), memoryTable(tables.right), {
          ...named,
          ...options,
        });
        const got = await hats.answer(await openTable(left), await openTable(right), { ...byItself, ...options });
        expect(got.rows).toEqual(expected.rows);
        expect(timeless(got.summary)).toEqual(timeless(expected.summary));
        expect(got.note).toMatch(/partitions of .* touch the area/);
      }
    },
  );

  test('leaves partitions unread that do not touch it', async () => {
    const removed = await catalogOf(hats.at('removed'), tables.left);
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
    const expected = await hats.answer(memoryTable(tables.left), memoryTable(tables.right), { ...named, ...options });
    expect(expected.rows.length).toBeGreaterThan(0);
    expect(
      (await hats.answer(reader, memoryTable(tables.right), { ...options, radiusArcsec: 6, right: named.right })).rows,
    ).toEqual(expected.rows);
  });

  test.each([
    ['in another frame', { left: { ra: 'x', dec: 'y', frame: 'galactic' as const } }],
    ['by other columns', { left: { ra: 'y', dec: 'x' } }],
  ])('does not go by pixels %s', async (_, options) => {
    const area = 'cone(45, 0, 0.4deg)';
    const got = await hats.answer(await openTable(left), memoryTable(tables.right), { ...named, ...options, area });
    const expected = await hats.answer(memoryTable(tables.left), memoryTable(tables.right), {
      ...named,
      ...options,
      area,
    });
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
      await hats.answer(table, memoryTable(tables.right), options, { onRejected });
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
    const then = await catalogOf(hats.at('then'), withMotion(stars, 0), epoch('J2000.0'));
    const now = await catalogOf(hats.at('now'), withMotion(stars, 16), epoch('2016.0'));
    const { summary } = await hats.answer(await openTable(then), await openTable(now), { radiusArcsec: 0.01 });
    expect(summary.left.matchedRowCount).toBe(stars.length);
    // Given ones overrule them.
    const given: MatchOptions = { radiusArcsec: 0.01, left: { epoch: 'J2016' }, right: { epoch: 'J2016' } };
    expect((await hats.answer(await openTable(then), await openTable(now), given)).summary.left.matchedRowCount).toBe(
      0,
    );
  });

  test('without motions are a warning, and change nothing', async () => {
    const then = await catalogOf(hats.at('then-still'), columnsOf(stars), epoch('J2000.0'));
    const now = await catalogOf(hats.at('now-still'), columnsOf(stars), epoch('J2016.0'));
    const { summary } = await hats.answer(await openTable(then), await openTable(now), { radiusArcsec: 1 });
    expect(summary.left.matchedRowCount).toBe(stars.length);
    expect(summary.warnings).toEqual([expect.stringContaining('16.00 years apart')]);
    const one = await hats.answer(await openTable(then), await openTable(left), { radiusArcsec: 1 });
    expect(one.summary.warnings).toEqual([]);
  });

  test('that are none are told where they matter', async () => {
    const odd = await catalogOf(hats.at('odd'), columnsOf(stars), epoch('Tuesday'));
    const now = await catalogOf(hats.at('now-odd'), columnsOf(stars), epoch('J2016.0'));
    const error: unknown = await hats
      .answer(await openTable(odd), await openTable(now), { radiusArcsec: 1 })
      .catch((caught: unknown) => caught);
    expect(isProblem(error) && error.message).toContain("'Tuesday' (hats_coordinate_epoch of");
    const alone = await hats.answer(await openTable(odd), await openTable(left), { radiusArcsec: 1 });
    expect(alone.summary.left.rowCount).toBe(stars.length);
  });
});

(realData('hats') ? describe : describe.skip)('the real samples', () => {
  const sample = (name: string): string => realData(`hats/${name}`) as string;

  test('sources find their objects', async () => {
    const { summary, rows } = await hats.answer(
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
