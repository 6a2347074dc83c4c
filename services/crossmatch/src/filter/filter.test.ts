import { isProblem, Random } from '@armilla/base';
import { Runtime } from '@armilla/gpu-core';
import { parseArea, separationArcsec } from '@armilla/sky';
import type { RecordBatch, Table } from 'apache-arrow';
import {
  CatalogTable,
  crossmatch,
  type ExecutionOptions,
  FINDS,
  JOINS,
  type MatchOptions,
  type MatchSummary,
  selfMatch,
} from '../index.js';
import { memoryTable, rowsOf, tableOf } from '../testing/memory-table.js';
import { awkwardSky } from '../testing/sky.js';

let runtime: Runtime;
beforeAll(async () => {
  runtime = await Runtime.create({ workerCount: 2 });
});
afterAll(() => runtime.close());

interface Star {
  readonly id: number;
  readonly ra: number | null;
  readonly dec: number | null;
  readonly mag: number | null;
  readonly kind: string | null;
}

function stars(seed: number, count: number, offset?: number): Star[] {
  const sky = awkwardSky(seed, count, offset);
  const random = new Random(seed + 1);
  return Array.from({ length: count }, (_, id) => ({
    id,
    ra: sky.nulls?.[id] === 1 ? null : sky.ra[id],
    dec: sky.dec[id],
    mag: random.below(9) === 0 ? null : random.below(11) === 0 ? NaN : random.between(10, 20),
    kind: random.below(9) === 0 ? null : ['star', 'galaxy', "it's"][random.below(3)],
  }));
}

function tableOfStars(sky: readonly Star[]): Table {
  const texts = sky.map(({ kind }) => kind);
  return tableOf({
    id: BigInt64Array.from(sky, ({ id }) => BigInt(id)),
    ra: sky.map(({ ra }) => ra),
    dec: sky.map(({ dec }) => dec),
    mag: sky.map(({ mag }) => mag),
    // A column of texts, also when all are null.
    kind: texts.some((text) => text !== null) ? texts : [...texts.slice(1), 'star'],
  });
}

interface Answer {
  readonly rows: Record<string, unknown>[];
  readonly summary: MatchSummary;
}

async function answer(
  left: Table,
  right: Table | CatalogTable,
  options: MatchOptions,
  execution?: ExecutionOptions,
): Promise<Answer> {
  const batches: RecordBatch[] = [];
  const reader = right instanceof CatalogTable ? right : memoryTable(right, { batchRowCount: 70 });
  const stream = await crossmatch(memoryTable(left, { batchRowCount: 50 }), reader, options, { runtime, execution });
  for await (const batch of stream) batches.push(batch);
  const summary = stream.summary();
  for (const side of [summary.left, summary.right])
    expect(side.rowCount).toBe(
      side.matchedRowCount + side.unmatchedRowCount + side.rejectedRowCount + side.filteredRowCount,
    );
  return { rows: rowsOf(batches), summary };
}

const leftSky = stars(31, 260);
const rightSky = stars(32, 300, 4);
const left = tableOfStars(leftSky);
const right = tableOfStars(rightSky);

const bright = ({ mag }: Star): boolean => mag !== null && mag < 17;
const isStar = ({ kind, mag }: Star): boolean => kind === 'star' || (mag !== null && mag > 18);
const area = parseArea('cone(100.02, 20.02, 0.03deg)');
const inArea = ({ ra, dec }: Star): boolean => ra !== null && area.contains(ra, dec as number);

/** Without row numbers, which a table that was cut by hand has others of. */
const COLUMNS = ['left.id', 'right.id', 'separation_arcsec', 'neighbour_count', 'second_separation_arcsec'];

describe('the same as tables that were filtered by hand', () => {
  const cutLeft = leftSky.filter((star) => bright(star) && inArea(star));
  const cutRight = rightSky.filter(isStar);
  const expectedOf = (options: MatchOptions): Promise<Answer> =>
    answer(tableOfStars(cutLeft), tableOfStars(cutRight), options);
  const filtered = { area: area.text, left: { where: 'mag < 17' }, right: { where: "kind = 'star' OR mag > 18" } };

  test.each(FINDS.flatMap((find) => JOINS.map((join) => [find, join] as const)))('%s, %s', async (find, join) => {
    const wide = find === 'mutual' || find === 'one-to-one' ? COLUMNS.slice(0, 3) : COLUMNS;
    const columns = join === 'left-anti' ? ['left.id'] : join === 'right-anti' ? ['right.id'] : wide;
    const options: MatchOptions = { radiusArcsec: 20, find, join, columns };
    const expected = await expectedOf(options);
    expect(expected.rows.length).toBeGreaterThan(0);
    const got = await answer(left, right, { ...options, ...filtered });
    expect(got.rows).toEqual(expected.rows);
    for (const [side, rowCount, kept] of [
      ['left', leftSky.length, cutLeft.length],
      ['right', rightSky.length, cutRight.length],
    ] as const) {
      expect(got.summary[side].filteredRowCount).toBe(rowCount - kept);
      expect(got.summary[side]).toMatchObject({
        rowCount,
        matchedRowCount: expected.summary[side].matchedRowCount,
        unmatchedRowCount: expected.summary[side].unmatchedRowCount,
        rejectedByReason: expected.summary[side].rejectedByReason,
      });
    }
    // In small parts, as a stream, and against a stored table.
    const parts = { chunkRowCount: 17, workerCount: 1, cellRowCount: 64 };
    expect((await answer(left, right, { ...options, ...filtered }, parts)).rows).toEqual(expected.rows);
    const byId = (rows: Answer['rows']): string[] => rows.map((row) => JSON.stringify(row)).sort();
    const any = await answer(left, right, { ...options, ...filtered, order: 'any' });
    expect(byId(any.rows)).toEqual(byId(expected.rows));
    await using stored = await CatalogTable.load(memoryTable(right), { runtime });
    const against = await answer(left, stored, { ...options, ...filtered });
    expect(against.rows).toEqual(expected.rows);
    expect({ ...against.summary.right, columns: undefined, guessed: undefined }).toEqual({
      ...got.summary.right,
      columns: undefined,
      guessed: undefined,
    });
    // A stored table is as it was.
    expect((await answer(left, stored, options)).rows).toEqual((await answer(left, right, options)).rows);
  });

  test.each(['left', 'right'] as const)('strict speaks of rows that take part only (%s)', async (side) => {
    const bad = { ra: [10, NaN, 10], dec: [0, 0, 0], x: [1, 2, 3] };
    const good = tableOf({ ra: [10], dec: [0] });
    const tables = side === 'left' ? ([tableOf(bad), good] as const) : ([good, tableOf(bad)] as const);
    const options: MatchOptions = { radiusArcsec: 1, strict: true };
    await expect(answer(...tables, options)).rejects.toMatchObject({ reason: 'BAD_ROW' });
    expect((await answer(...tables, { ...options, [side]: { where: 'x <> 2' } })).summary[side]).toMatchObject({
      filteredRowCount: 1,
      rejectedRowCount: 0,
    });
  });

  test.each(['pairs', 'groups'] as const)('a table with itself: %s', async (mode) => {
    const kept = leftSky.filter((star) => bright(star) && inArea(star));
    const run = async (table: Table | CatalogTable, options: MatchOptions): Promise<Record<string, unknown>[]> => {
      const batches: RecordBatch[] = [];
      const source = table instanceof CatalogTable ? table : memoryTable(table);
      const stream = await selfMatch(source, { ...options, selfMatch: mode }, { runtime });
      for await (const batch of stream) batches.push(batch);
      return rowsOf(batches);
    };
    const columns = mode === 'pairs' ? ['left.id', 'right.id', 'separation_arcsec'] : ['left.id', 'group_size'];
    await using stored = await CatalogTable.load(memoryTable(left), { runtime });
    for (const join of ['inner', 'left'] as const) {
      const options: MatchOptions = { radiusArcsec: 20, join, columns };
      const where = { area: area.text, left: { where: 'mag < 17' } };
      const expected = await run(tableOfStars(kept), options);
      expect(expected.length).toBeGreaterThan(0);
      expect(await run(left, { ...options, ...where })).toEqual(expected);
      expect(await run(stored, { ...options, ...where })).toEqual(expected);
    }
    await expect(run(left, { radiusArcsec: 1, right: { where: 'mag < 17' } })).rejects.toMatchObject({
      reason: 'OPTIONS_CONFLICT',
    });
  });
});

describe('a condition on both rows of a pair', () => {
  const where =
    "abs(left.mag - right.mag) < 3 AND (left.kind = right.kind OR right.kind = 'star') AND left.id <> right.id";
  const holds = (l: Star, r: Star): boolean =>
    l.mag !== null &&
    r.mag !== null &&
    Math.abs(l.mag - r.mag) < 3 &&
    r.kind !== null &&
    (l.kind === r.kind || r.kind === 'star') &&
    l.id !== r.id;

  /** All pairs, by left row and separation. */
  function bruteForce(leftRows: readonly Star[], rightRows: readonly Star[], radius: number) {
    const isUsable = ({ ra, dec }: Star): boolean =>
      ra !== null && Number.isFinite(ra) && Math.abs(dec as number) <= 90;
    const pairs = leftRows.filter(isUsable).flatMap((l) =>
      rightRows
        .filter((r) => isUsable(r) && holds(l, r))
        .map((r) => ({ left: l.id, right: r.id, separation: separationArcsec(l.ra!, l.dec!, r.ra!, r.dec!) }))
        .filter(({ separation }) => separation <= radius)
        .sort((a, b) => a.separation - b.separation || a.right - b.right),
    );
    return pairs;
  }

  test.each(FINDS)('equals brute force: %s', async (find) => {
    const all = bruteForce(leftSky, rightSky, 20);
    const nearestOf = (key: 'left' | 'right') => (pair: (typeof all)[number]) =>
      !all.some((other) => other[key] === pair[key] && other.separation < pair.separation);
    let expected = all;
    if (find === 'nearest') expected = all.filter((pair, i) => i === 0 || all[i - 1].left !== pair.left);
    if (find === 'k-nearest') expected = all.filter((pair, i) => i < 2 || all[i - 2].left !== pair.left);
    if (find === 'mutual') {
      const firstOf = (key: 'left' | 'right', pair: (typeof all)[number]) =>
        all
          .filter((other) => other[key] === pair[key])
          .sort((a, b) => a.separation - b.separation || a.right - b.right || a.left - b.left)[0];
      expected = all.filter((pair) => firstOf('left', pair) === pair && firstOf('right', pair) === pair);
      expect(expected.every(nearestOf('left'))).toBe(true);
    }
    if (find === 'one-to-one') {
      const used = { left: new Set<number>(), right: new Set<number>() };
      expected = [...all]
        .sort((a, b) => a.separation - b.separation || a.left - b.left || a.right - b.right)
        .filter(({ left: l, right: r }) => {
          if (used.left.has(l) || used.right.has(r)) return false;
          used.left.add(l);
          used.right.add(r);
          return true;
        })
        .sort((a, b) => a.left - b.left);
    }
    expect(expected.length).toBeGreaterThan(10);
    const asPairs = (rows: Answer['rows']): string[] => rows.map((row) => `${row.id_1} ${row.id_2}`);
    const options: MatchOptions = {
      radiusArcsec: 20,
      find,
      where,
      columns: ['left.id', 'right.id', 'separation_arcsec'],
    };
    const got = await answer(left, right, options);
    expect(asPairs(got.rows)).toEqual(expected.map((pair) => `${pair.left} ${pair.right}`));
    const parts = { chunkRowCount: 23, workerCount: 1, cellRowCount: 64 };
    expect((await answer(left, right, options, parts)).rows).toEqual(got.rows);
    await using stored = await CatalogTable.load(memoryTable(right), { runtime });
    expect((await answer(left, stored, options)).rows).toEqual(got.rows);
    // Columns that nobody asked for are read for the condition alone.
    const bare = await answer(left, right, { ...options, columns: ['separation_arcsec'] });
    expect(bare.rows.length).toBe(got.rows.length);
  });

  test('neighbours and second separation are those that satisfy it', async () => {
    const all = bruteForce(leftSky, rightSky, 20);
    const { rows } = await answer(left, right, {
      radiusArcsec: 20,
      where,
      columns: ['left.id', 'neighbour_count', 'second_separation_arcsec'],
    });
    for (const row of rows) {
      const own = all.filter((pair) => pair.left === row.id);
      expect(row.neighbour_count).toBe(own.length);
      if (own.length > 1) expect(row.second_separation_arcsec).toBeCloseTo(own[1].separation, 6);
      else expect(row.second_separation_arcsec).toBeNull();
    }
  });

  test('with filters of both sides and in a table with itself', async () => {
    const kept = leftSky.filter(bright);
    const batches: RecordBatch[] = [];
    const options = { radiusArcsec: 20, columns: ['left.id', 'right.id'], left: { where: 'mag < 17' } };
    const condition = 'left.kind = right.kind';
    for await (const batch of await selfMatch(memoryTable(left), { ...options, where: condition }, { runtime }))
      batches.push(batch);
    const usable = kept.filter(({ ra, dec }) => ra !== null && Number.isFinite(ra) && Math.abs(dec as number) <= 90);
    const expected = usable.flatMap((l) =>
      usable
        .filter((r) => r.id > l.id && l.kind !== null && l.kind === r.kind)
        .filter((r) => separationArcsec(l.ra!, l.dec!, r.ra!, r.dec!) <= 20)
        .map((r) => `${l.id} ${r.id}`),
    );
    expect(expected.length).toBeGreaterThan(10);
    expect(
      rowsOf(batches)
        .map((row) => `${row.id_1} ${row.id_2}`)
        .sort(),
    ).toEqual(expected.sort());
  });

  test('ids of 64 bits are compared to their last digit', async () => {
    const big = 9_007_199_254_740_992n;
    const a = tableOf({ ra: [10], dec: [0], source: BigInt64Array.of(big + 1n) });
    const b = tableOf({ ra: [10, 10], dec: [0, 0], source: BigInt64Array.of(big, big + 1n) });
    const { rows } = await answer(a, b, {
      radiusArcsec: 1,
      where: 'left.source = right.source',
      columns: ['right_row'],
    });
    expect(rows).toEqual([{ right_row: 1 }]);
    expect((await answer(a, b, { radiusArcsec: 1, right: { where: `source > ${big}` } })).summary.right).toMatchObject({
      filteredRowCount: 1,
    });
  });
});

test('a table that was stored with errors and radii of its rows counts its bad rows by their reasons', async () => {
  const sky = {
    ra: [10, 10, 10, 10, 10],
    dec: [0, 0, 0, 0, 0.0003],
    e: [1, -1, -1, 1, 1],
    r: [5, 5, 5, 5, 0.1],
    x: [1, 2, 3, 4, 5],
  };
  const one = tableOf({ ra: [10], dec: [0] });
  await using stored = await CatalogTable.load(memoryTable(tableOf(sky)), {
    runtime,
    columns: { error: 'e:arcsec', radius: 'r:arcsec' },
  });
  const options: MatchOptions = { radiusArcsec: 2, find: 'all', columns: ['right_row'] };
  const all = await answer(one, stored, options);
  expect(all.rows.map((row) => row.right_row)).toEqual([0, 3, 4]);
  const cut = await answer(one, stored, { ...options, right: { where: 'x > 2' } });
  expect(cut.rows.map((row) => row.right_row)).toEqual([3, 4]);
  expect(cut.summary.right).toMatchObject({
    filteredRowCount: 2,
    rejectedByReason: { ERROR_INVALID: 1 },
    matchedRowCount: 2,
  });
  // What is said of rows still counts, beside the condition.
  const told = { right: { where: 'x > 2', radius: 'r:arcsec' } };
  expect((await answer(one, stored, { ...options, ...told })).rows.map((row) => row.right_row)).toEqual([3]);
});

test('a match stops while a condition is looked at', async () => {
  const count = 200_000;
  const many = tableOf({ ra: new Float64Array(count).map((_, i) => i / 1000), dec: new Float64Array(count) });
  const text = Array.from({ length: 3000 }, (_, i) => `ra <> ${i}.5`).join(' AND ');
  const stop = new AbortController();
  const began = crossmatch(
    memoryTable(many),
    memoryTable(many),
    { radiusArcsec: 1, right: { where: text } },
    { runtime, signal: stop.signal },
  );
  setTimeout(() => stop.abort(), 20);
  await expect(began).rejects.toMatchObject({ name: 'AbortError' });
});

test.each<[string, Omit<MatchOptions, 'radiusArcsec'>, string, RegExp]>([
  ['unknown column', { left: { where: 'id > 1 AND magnitude < 3' } }, 'COLUMN_NOT_FOUND', /left_where, character 12/],
  ['clash of types', { right: { where: "mag < 'a'" } }, 'WHERE_TYPE', /right_where, character 5/],
  ['malformed', { right: { where: 'mag <' } }, 'WHERE_INVALID', /right_where, character 6/],
  ['no condition', { left: { where: 'mag' } }, 'WHERE_TYPE', /a condition/],
  ['unknown column of a pair', { where: 'left.mag < right.magnitude' }, 'COLUMN_NOT_FOUND', /where, character 12/],
  ['ambiguous column of a pair', { where: 'mag < 3' }, 'COLUMN_AMBIGUOUS', /left\.mag, right\.mag/],
  ['malformed pair', { where: 'left.mag < ' }, 'WHERE_INVALID', /character 12/],
  ['area', { area: 'cone(1, 2)' }, 'AREA_INVALID', /three values/],
  ['crossing polygon', { area: 'polygon(0 0, 10 10, 10 0, 0 10)' }, 'AREA_INVALID', /crosses itself/],
  ['MOC of wrong order', { area: 'moc(31/5)' }, 'MOC_INVALID', /order 31/],
])('%s is refused before a row is read', async (_, options, reason, message) => {
  const readers = [memoryTable(left), memoryTable(right)] as const;
  let seen: unknown;
  try {
    await crossmatch(...readers, { radiusArcsec: 1, ...options }, { runtime });
  } catch (error) {
    seen = error;
  }
  expect(isProblem(seen) && seen.reason).toBe(reason);
  expect((seen as Error).message).toMatch(message);
  expect(readers.map(({ closed }) => closed > 0)).toEqual([true, true]);
});
