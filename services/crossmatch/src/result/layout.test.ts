import { Runtime } from '@armilla/gpu-core';
import { crossmatch, type MatchOptions } from '../index.js';
import { memoryTable, tableOf } from '../testing/memory-table.js';

let runtime: Runtime;
beforeAll(async () => {
  runtime = await Runtime.create({ workerCount: 2 });
});
afterAll(() => runtime.close());

describe('result columns', () => {
  const left = tableOf({
    id: Int32Array.of(7),
    ra: Float64Array.of(10),
    dec: Float64Array.of(20),
    separation_arcsec: Float64Array.of(5),
    ra_1: Float64Array.of(1),
  });
  const right = tableOf({
    id: Int32Array.of(8),
    ra: Float64Array.of(10),
    dec: Float64Array.of(20),
    mag: Float64Array.of(15),
  });
  const schemaOf = async (options: Partial<MatchOptions>): Promise<string[]> => {
    await using stream = await crossmatch(
      memoryTable(left),
      memoryTable(right),
      { radiusArcsec: 1, ...options },
      { runtime },
    );
    return stream.schema.fields.map(({ name }) => name);
  };

  test('all of both and the separation; names that clash get suffixes, computed names stay', async () => {
    expect(await schemaOf({})).toEqual([
      'id_1',
      'ra_1_1',
      'dec_1',
      'separation_arcsec_1',
      'ra_1',
      'id_2',
      'ra_2',
      'dec_2',
      'mag',
      'separation_arcsec',
    ]);
    expect(await schemaOf({ suffixes: ['', '_b'], columns: ['left.id', 'right.id'] })).toEqual(['id', 'id_b']);
  });

  test('any order adds the rows, k-nearest the rank', async () => {
    expect((await schemaOf({ order: 'any', find: 'k-nearest' })).slice(-4)).toEqual([
      'separation_arcsec',
      'rank',
      'left_row',
      'right_row',
    ]);
  });

  test('chosen columns in the given order', async () => {
    expect(
      await schemaOf({ columns: ['mag', 'left.id', 'delta_dec_arcsec', 'right.*'] }).catch(
        (error: { reason: string }) => error.reason,
      ),
    ).toBe('COLUMN_DUPLICATE');
    expect(await schemaOf({ columns: ['mag', 'left.id', 'delta_dec_arcsec'] })).toEqual([
      'mag',
      'id',
      'delta_dec_arcsec',
    ]);
  });

  test('anti joins have the columns of their side', async () => {
    expect(await schemaOf({ join: 'left-anti' })).toEqual(['id', 'ra', 'dec', 'separation_arcsec', 'ra_1']);
    expect(await schemaOf({ join: 'right-anti' })).toEqual(['id', 'ra', 'dec', 'mag']);
  });
});
