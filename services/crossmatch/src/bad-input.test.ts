import { Runtime } from '@armilla/gpu-core';
import { Field, Float64, Null, type RecordBatch, Schema, Table, Utf8, vectorFromArray } from 'apache-arrow';
import { crossmatch, type ExecutionOptions, type MatchOptions, selfMatch } from './index.js';
import type { RejectedRow } from './positions.js';
import { memoryTable, rowsOf, tableOf } from './testing/memory-table.js';

let runtime: Runtime;
beforeAll(async () => {
  runtime = await Runtime.create({ workerCount: 2 });
});
afterAll(() => runtime.close());

const table = (ra: number[], dec: number[]): Table =>
  tableOf({ ra: Float64Array.from(ra), dec: Float64Array.from(dec) });
const one = table([10], [20]);

async function rowsMatched(
  left: Table,
  right: Table,
  options: MatchOptions,
  execution?: ExecutionOptions,
): Promise<Record<string, unknown>[]> {
  const batches: RecordBatch[] = [];
  for await (const batch of await crossmatch(
    memoryTable(left, { where: 'left.csv' }),
    memoryTable(right, { where: 'right.csv' }),
    options,
    { runtime, execution },
  ))
    batches.push(batch);
  return rowsOf(batches);
}

const refused = (reason: string, fields: object = {}) =>
  expect.objectContaining({ reason, fields: expect.objectContaining(fields) as object }) as Error;

test.each([0, -1, NaN, Infinity, 648_000.1])('radius %d is refused', async (radiusArcsec) => {
  await expect(rowsMatched(one, one, { radiusArcsec })).rejects.toEqual(
    refused('RADIUS_OUT_OF_RANGE', { field: 'radius_arcsec', got: String(radiusArcsec) }),
  );
});

test.each<[Partial<MatchOptions>, string]>([
  [{ minRadiusArcsec: 2 }, 'OPTION_INVALID'],
  [{ minRadiusArcsec: -1 }, 'OPTION_INVALID'],
  [{ minRadiusArcsec: NaN }, 'OPTION_INVALID'],
  [{ find: 'best' as 'nearest' }, 'OPTION_INVALID'],
  [{ join: 'outer' as 'full' }, 'OPTION_INVALID'],
  [{ order: 'right' as 'left' }, 'OPTION_INVALID'],
  [{ find: 'k-nearest', k: 0 }, 'OPTION_INVALID'],
  [{ find: 'k-nearest', k: 1.5 }, 'OPTION_INVALID'],
  [{ find: 'k-nearest', k: 1001 }, 'OPTION_INVALID'],
  [{ k: 3 }, 'OPTIONS_CONFLICT'],
  [{ maxPairs: 0 }, 'OPTION_INVALID'],
  [{ suffixes: ['_a', '_a'] }, 'OPTION_INVALID'],
  [{ columns: [''] }, 'OPTION_INVALID'],
  [{ columns: ['rank'] }, 'OPTIONS_CONFLICT'],
  [{ columns: ['group_id'] }, 'OPTIONS_CONFLICT'],
  [{ columns: ['ra'] }, 'COLUMN_AMBIGUOUS'],
  [{ columns: ['mag'] }, 'COLUMN_NOT_FOUND'],
  [{ columns: ['left.mag'] }, 'COLUMN_NOT_FOUND'],
  [{ columns: ['left.ra', 'left.*'] }, 'COLUMN_DUPLICATE'],
  [{ selfMatch: 'pairs' }, 'OPTIONS_CONFLICT'],
  [{ left: { ra: 'alpha' } }, 'COLUMN_NOT_FOUND'],
  [{ left: { ra: 'ra', dec: 'ra' } }, 'OPTIONS_CONFLICT'],
])('%j is refused with %s', async (options, reason) => {
  await expect(rowsMatched(one, one, { radiusArcsec: 1, ...options })).rejects.toEqual(refused(reason));
});

test.each<[Partial<MatchOptions>]>([
  [{ find: 'mutual' }],
  [{ find: 'one-to-one' }],
  [{ join: 'right' }],
  [{ join: 'full' }],
  [{ selfMatch: 'groups', find: 'nearest' }],
  [{ selfMatch: 'groups', minRadiusArcsec: 0.5 }],
  [{ selfMatch: 'groups', join: 'left-anti' }],
])('a table with itself: %j is refused', async (options) => {
  await expect(selfMatch(memoryTable(one), { radiusArcsec: 1, ...options }, { runtime })).rejects.toEqual(
    refused('OPTIONS_CONFLICT'),
  );
});

describe('position columns', () => {
  const names = (...columns: string[]): Table =>
    tableOf(Object.fromEntries(columns.map((name) => [name, Float64Array.of(1)])));
  const guess = async (left: Table): Promise<unknown> => {
    await using stream = await crossmatch(
      memoryTable(left, { where: 'left.csv' }),
      memoryTable(one),
      { radiusArcsec: 1 },
      { runtime },
    );
    return stream.guesses.left;
  };
  const withMetadata = (fields: [string, Record<string, string>][]): Table =>
    new Table(
      new Schema(
        fields.map(([name, metadata]) => new Field(name, new Float64(), true, new Map(Object.entries(metadata)))),
      ),
      Object.fromEntries(fields.map(([name]) => [name, vectorFromArray([1], new Float64())])),
    );

  test.each([
    [['RA', 'Dec'], 'RA', 'Dec'],
    [['id', 'RAJ2000', 'DEJ2000'], 'RAJ2000', 'DEJ2000'],
    [['ra_deg', 'dec_deg'], 'ra_deg', 'dec_deg'],
    [['ALPHA_J2000', 'DELTA_J2000'], 'ALPHA_J2000', 'DELTA_J2000'],
    [['ra', 'dec', 'target_ra', 'target_dec'], 'ra', 'dec'],
    [['RA_ICRS', 'DE_ICRS', 'pmRA', 'pmDE'], 'RA_ICRS', 'DE_ICRS'],
    [['raMean', 'decMean'], 'raMean', 'decMean'],
    [['RAICRS', 'DEICRS'], 'RAICRS', 'DEICRS'],
    [['_ra_j2000', '_de_j2000'], '_ra_j2000', '_de_j2000'],
  ])('%j: guessed as %s, %s', async (columns, ra, dec) => {
    expect(await guess(names(...columns))).toMatchObject({ ra, dec, guessed: true });
  });

  test('a UCD of the main position goes before names', async () => {
    const table = withMetadata([
      ['ra', {}],
      ['dec', {}],
      ['x', { ucd: 'pos.eq.ra;meta.main' }],
      ['y', { ucd: 'POS.EQ.DEC;META.MAIN' }],
    ]);
    expect(await guess(table)).toMatchObject({ ra: 'x', dec: 'y', guessed: true });
  });

  test('two candidates are an error that lists them', async () => {
    await expect(guess(names('ra', 'RAJ2000', 'dec'))).rejects.toEqual(
      refused('COLUMN_AMBIGUOUS', { where: 'left.csv', candidates: 'ra, RAJ2000', option: 'left_ra', count: 2 }),
    );
  });

  test('no candidate is an error that lists the columns', async () => {
    await expect(guess(names('x', 'y'))).rejects.toEqual(
      refused('COLUMN_NOT_GUESSED', { available: 'x, y', option: 'left_ra' }),
    );
  });

  test('a column of other text is refused, with what was seen', async () => {
    const text = (dec: string): Table =>
      new Table({ ra: vectorFromArray(['12:30:00'], new Utf8()), dec: vectorFromArray([dec], new Utf8()) });
    for (const dec of ['1', 'M 31', '12:60:00'])
      await expect(rowsMatched(text(dec), one, { radiusArcsec: 1 })).rejects.toEqual(
        refused('COLUMN_TYPE', { column: 'dec', where: 'left.csv', type: `text such as '${dec}'` }),
      );
  });

  test('sexagesimal text beside degrees is no candidate', async () => {
    const both = new Table({
      ra: vectorFromArray(['12:30:00'], new Utf8()),
      dec: vectorFromArray(['1'], new Utf8()),
      ra_deg: vectorFromArray([1], new Float64()),
      dec_deg: vectorFromArray([1], new Float64()),
    });
    expect(await guess(both)).toMatchObject({ ra: 'ra_deg', dec: 'dec_deg', guessed: true });
  });

  test('a unit that is none of an angle is refused', async () => {
    const pixels = withMetadata([
      ['ra', { unit: 'pix' }],
      ['dec', { unit: 'deg' }],
    ]);
    await expect(guess(pixels)).rejects.toEqual(refused('COLUMN_TYPE', { column: 'ra', type: "in unit 'pix'" }));
  });

  test('a column of the type Null holds no position', async () => {
    const left = new Table({
      ra: vectorFromArray([null, null], new Null()),
      dec: vectorFromArray([1, 2], new Float64()),
    });
    expect(await rowsMatched(left, one, { radiusArcsec: 1, join: 'left', columns: ['left.dec', 'right.ra'] })).toEqual([
      { dec: 1, ra: null },
      { dec: 2, ra: null },
    ]);
    expect(await rowsMatched(one, left, { radiusArcsec: 1, join: 'right-anti' })).toEqual([
      { ra: null, dec: 1 },
      { ra: null, dec: 2 },
    ]);
  });

  test('integers, floats and decimals are read as degrees', async () => {
    const left = tableOf({ ra: Int32Array.of(10, 11), dec: BigInt64Array.of(20n, 21n) });
    const right = new Table({
      ra: vectorFromArray([10, 11], new Float64()),
      dec: vectorFromArray([20, 21], new Float64()),
    });
    expect((await rowsMatched(left, right, { radiusArcsec: 1 })).length).toBe(2);
  });
});

test('a column that is not there is refused with all columns of both tables', async () => {
  const left = tableOf({ ra: [1], dec: [2], mag: [3] });
  const right = tableOf({ ra: [1], dec: [2], name: ['a'] });
  await expect(rowsMatched(left, right, { radiusArcsec: 1, columns: ['left.mag', 'flux'] })).rejects.toEqual(
    refused('COLUMN_NOT_FOUND', {
      column: 'flux',
      available: expect.stringContaining('left: ra, dec, mag; right: ra, dec, name;'),
    }),
  );
});

describe('sizes at the edge', () => {
  const none = table([], []);
  test.each(['inner', 'left', 'right', 'full', 'left-anti', 'right-anti'] as const)(
    'no rows on either side, %s join',
    async (join) => {
      const keepsLeft = join === 'left' || join === 'full' || join === 'left-anti';
      const keepsRight = join === 'right' || join === 'full' || join === 'right-anti';
      for (const find of ['nearest', 'all', 'k-nearest', 'mutual', 'one-to-one'] as const) {
        expect((await rowsMatched(none, none, { radiusArcsec: 1, find, join })).length).toBe(0);
        expect((await rowsMatched(one, none, { radiusArcsec: 1, find, join })).length).toBe(keepsLeft ? 1 : 0);
        expect((await rowsMatched(none, one, { radiusArcsec: 1, find, join })).length).toBe(keepsRight ? 1 : 0);
      }
    },
  );

  test('no rows: groups and pairs of a table', async () => {
    for (const selfMode of ['pairs', 'groups'] as const) {
      const stream = await selfMatch(memoryTable(none), { radiusArcsec: 1, selfMatch: selfMode }, { runtime });
      for await (const batch of stream) expect(batch.numRows).toBe(0);
      expect(stream.summary().rowCount).toBe(0);
    }
  });

  test('all rows identical: nearest takes the first right row, one-to-one pairs them off in order', async () => {
    const same = table(Array(50).fill(10), Array(50).fill(20));
    const nearest = await rowsMatched(same, same, { radiusArcsec: 1, columns: ['left_row', 'right_row'] });
    expect(nearest.map((row) => row.right_row)).toEqual(Array(50).fill(0));
    const pairs = await rowsMatched(same, same, {
      radiusArcsec: 1,
      find: 'one-to-one',
      columns: ['left_row', 'right_row'],
    });
    expect(pairs.map((row) => [row.left_row, row.right_row])).toEqual(Array.from({ length: 50 }, (_, i) => [i, i]));
    expect(
      (await rowsMatched(same, same, { radiusArcsec: 1, find: 'mutual', columns: ['left_row', 'right_row'] })).map(
        (row) => [row.left_row, row.right_row],
      ),
    ).toEqual([[0, 0]]);
  });

  test('poles, the seam, negative and large right ascensions, antipodes', async () => {
    const left = table([10, 359.99999, -350, 0], [90, 0, 5, 0]);
    const right = table([200, 0.00001, 370, 180], [90, 0, 5, 0]);
    const rows = await rowsMatched(left, right, {
      radiusArcsec: 1,
      columns: ['left_row', 'right_row', 'delta_ra_cosdec_arcsec', 'delta_dec_arcsec', 'separation_arcsec'],
    });
    expect(rows.map((row) => [row.left_row, row.right_row])).toEqual([
      [0, 0],
      [1, 1],
      [2, 2],
      [3, 1],
    ]);
    expect(rows[1].delta_ra_cosdec_arcsec).toBeCloseTo(0.072, 9);
    expect(rows[2].delta_ra_cosdec_arcsec).toBe(0);
    const all = await rowsMatched(left, right, {
      radiusArcsec: 648_000,
      find: 'all',
      columns: ['left_row', 'right_row', 'separation_arcsec'],
    });
    expect(all.length).toBe(16);
    expect(all.find((row) => row.left_row === 3 && row.right_row === 3)?.separation_arcsec).toBe(648_000);
  });
});

test('bad rows are listed with row, column and value; strict refuses the first', async () => {
  const bad = tableOf({ ra: [1, null, NaN, 4, 5], dec: [1, 2, 3, -Infinity, 90.5] });
  const seen: unknown[] = [];
  const stream = await crossmatch(
    memoryTable(bad),
    memoryTable(bad),
    { radiusArcsec: 1 },
    { runtime, onRejected: (row) => seen.push(row) },
  );
  for await (const batch of stream) expect(batch.numRows).toBe(1);
  const expected = [
    { row: 1, reason: 'POSITION_NULL', column: 'ra, dec', value: 'null' },
    { row: 2, reason: 'POSITION_NAN', column: 'ra', value: 'NaN' },
    { row: 3, reason: 'POSITION_INFINITE', column: 'dec', value: '-Infinity' },
    { row: 4, reason: 'DECLINATION_OUT_OF_RANGE', column: 'dec', value: '90.5' },
  ];
  expect(seen).toEqual([
    ...expected.map((row) => ({ table: 'right', ...row })),
    ...expected.map((row) => ({ table: 'left', ...row })),
  ]);
  expect(stream.summary().left.rejectedByReason).toEqual({
    POSITION_NULL: 1,
    POSITION_NAN: 1,
    POSITION_INFINITE: 1,
    DECLINATION_OUT_OF_RANGE: 1,
  });
  await expect(rowsMatched(one, bad, { radiusArcsec: 1, strict: true })).rejects.toEqual(
    refused('BAD_ROW', { where: 'right.csv', row: 1, reason: 'POSITION_NULL' }),
  );
  await expect(rowsMatched(bad, one, { radiusArcsec: 1, strict: true })).rejects.toEqual(
    refused('BAD_ROW', { where: 'left.csv', row: 1 }),
  );
});

test.each(['left', 'any'] as const)('bad rows of many batches and chunks are listed in order (%s)', async (order) => {
  const ra = Array.from({ length: 9000 }, (_, i) => (i % 701 === 700 ? NaN : i / 25));
  const dec = Array.from({ length: 9000 }, (_, i) => (i % 997 === 3 || (i > 5000 && i < 5020) ? 91 : 10));
  const rows = ra.flatMap((value, i) => (Number.isNaN(value) || dec[i] > 90 ? [i] : []));
  const seen: RejectedRow[] = [];
  const reader = () => memoryTable(tableOf({ ra, dec }), { batchRowCount: 411 });
  const stream = await crossmatch(
    reader(),
    reader(),
    { radiusArcsec: 1, order },
    { runtime, execution: { chunkRowCount: 1024 }, onRejected: (row) => seen.push(row) },
  );
  for await (const _ of stream);
  for (const table of ['right', 'left'])
    expect(seen.filter((row) => row.table === table).map(({ row }) => row)).toEqual(rows);
  for (const { row, reason, value } of seen)
    expect([reason, value]).toEqual(
      Number.isNaN(ra[row]) ? ['POSITION_NAN', 'NaN'] : ['DECLINATION_OUT_OF_RANGE', '91'],
    );
  expect(stream.summary().left).toMatchObject({
    rejectedRowCount: rows.length,
    rejectedByReason: stream.summary().right.rejectedByReason,
  });
  const good = () => memoryTable(tableOf({ ra: [1, 2], dec: [3, 4] }));
  await expect(
    crossmatch(
      reader(),
      good(),
      { radiusArcsec: 1, strict: true },
      { runtime, execution: { chunkRowCount: 1024 } },
    ).then(async (strict) => {
      for await (const _ of strict);
    }),
  ).rejects.toEqual(refused('BAD_ROW', { row: rows[0] }));
});

describe('max_pairs', () => {
  const grid = table(
    Array.from({ length: 400 }, (_, i) => 10 + (i % 20) * 1e-4),
    Array.from({ length: 400 }, (_, i) => 20 + Math.floor(i / 20) * 1e-4),
  );
  test('all: an estimate over the limit is refused before the first row, with the number', async () => {
    await expect(rowsMatched(grid, grid, { radiusArcsec: 3600, find: 'all', maxPairs: 1000 })).rejects.toEqual(
      refused('MAX_PAIRS_EXCEEDED', { limit: 1000, estimated: expect.stringMatching(/^about \d+$/) }),
    );
  });
  test('one-to-one: the limit is of the pairs that it gives, not of those it chooses from', async () => {
    expect((await rowsMatched(grid, grid, { radiusArcsec: 3600, find: 'one-to-one', maxPairs: 400 })).length).toBe(400);
    await expect(rowsMatched(grid, grid, { radiusArcsec: 3600, find: 'one-to-one', maxPairs: 399 })).rejects.toEqual(
      refused('MAX_PAIRS_EXCEEDED', { limit: 399, estimated: 400 }),
    );
  });
  test('one-to-one: more pairs to choose from than memory holds are refused', async () => {
    await expect(
      rowsMatched(grid, grid, { radiusArcsec: 3600, find: 'one-to-one' }, { memoryBytes: 2 ** 20 }),
    ).rejects.toEqual(refused('MEMORY_OVER_LIMIT', { limit: '512 KiB' }));
  });
  test('within the limit the match runs', async () => {
    expect((await rowsMatched(grid, grid, { radiusArcsec: 0.01, find: 'all', maxPairs: 1000 })).length).toBe(400);
  });
});
