import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pixelNumber } from '@armilla/sky';
import { openTable, writeHats } from '@armilla/tables';
import { crossmatch, type MatchOptions, resultPixels, tablePixels } from '../index.js';
import { allRows, HatsMatches } from '../testing/hats-matches.js';
import { memoryTable } from '../testing/memory-table.js';
import { realData } from '../testing/real-data.js';

let hats: HatsMatches;
let left: string;
let right: string;
let tables: HatsMatches['tables'];
const byItself: MatchOptions = { radiusArcsec: 6 };
beforeAll(async () => {
  hats = await HatsMatches.create();
  ({ left, right, tables } = hats);
});
afterAll(() => hats[Symbol.asyncDispose]());

describe('results as catalogs', () => {
  test('rows lie at their left position, or else at the right one', async () => {
    const options: MatchOptions = { ...byItself, join: 'full' };
    const expected = await hats.answer(await openTable(left), await openTable(right), options);
    const stream = await crossmatch(await openTable(left), await openTable(right), options, { runtime: hats.runtime });
    const pixels = resultPixels(stream);
    expect([pixels.ra, pixels.dec]).toEqual(['x_1', 'y_1']);
    const path = hats.at('full');
    await writeHats(path, stream.schema, stream, { pixels, builder: 'test', partitionRows: 50 });
    const rows = await allRows(await openTable(path));
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
      { runtime: hats.runtime },
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

(realData('hats') ? test : test.skip)('the real samples give back the same rows as catalogs of ours', async () => {
  for (const name of ['small_sky', 'small_sky_source', 'small_sky_o1_collection']) {
    const reader = await openTable(realData(`hats/${name}`) as string);
    const path = hats.at(`again-${name}`);
    const pixels = tablePixels(reader);
    await writeHats(path, reader.schema, reader.batches(), { pixels, builder: 'test', partitionRows: 3000 });
    const [again, before] = [await allRows(await openTable(path)), await allRows(reader)];
    const sorted = (rows: Record<string, unknown>[]): string[] =>
      rows
        .map((row) => JSON.stringify(row, (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value)))
        .sort();
    expect(sorted(again)).toEqual(sorted(before));
    expect(again.map((row) => row._healpix_29)).toEqual(before.map((row) => row._healpix_29));
    // hats-import cut small_sky_source at 3000 rows as well.
    const listed = (catalog: string): string => readFileSync(join(catalog, 'partition_info.csv'), 'utf8').trim();
    if (name === 'small_sky_source')
      expect(listed(path).split('\n').sort()).toEqual(
        listed(realData(`hats/${name}`) as string)
          .split('\n')
          .sort(),
      );
  }
});
