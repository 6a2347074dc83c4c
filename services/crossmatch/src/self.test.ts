import { Runtime } from '@armilla/gpu-core';
import { type Positions, referencePairs } from '@armilla/sky';
import type { RecordBatch } from 'apache-arrow';
import { CatalogTable, type MatchOptions, type MatchSummary, selfMatch } from './index.js';
import { memoryTable, rowsOf, tableOf } from './testing/memory-table.js';
import { awkwardSky } from './testing/sky.js';

let runtime: Runtime;
beforeAll(async () => {
  runtime = await Runtime.create({ workerCount: 2 });
});
afterAll(() => runtime.close());

const sky = awkwardSky(11, 220);

function table({ ra, dec, nulls }: Positions) {
  const orNull = (values: Float64Array): (number | null)[] =>
    Array.from(values, (value, i) => (nulls?.[i] ? null : value));
  return tableOf({ id: Int32Array.from(ra, (_, i) => i), ra: orNull(ra), dec: orNull(dec) });
}

async function run(
  options: MatchOptions,
  chunkRowCount?: number,
): Promise<{ rows: Record<string, unknown>[]; summary: MatchSummary }> {
  const stream = await selfMatch(memoryTable(table(sky), { batchRowCount: 50 }), options, {
    runtime,
    execution: { chunkRowCount },
  });
  const batches: RecordBatch[] = [];
  for await (const batch of stream) batches.push(batch);
  return { rows: rowsOf(batches), summary: stream.summary() };
}

const query = { radiusArcsec: 8, minRadiusArcsec: 0, k: 2, order: 'left', selfFirstRow: 0 } as const;

test.each([undefined, 33])('pairs: each once, left row < right row (chunks of %p rows)', async (chunkRowCount) => {
  const { rows, summary } = await run(
    { radiusArcsec: 8, columns: ['left_row', 'right_row', 'left.id', 'right.id', 'separation_arcsec'] },
    chunkRowCount,
  );
  const expected = referencePairs(sky, sky, { ...query, find: 'all' });
  expect(expected.pairCount).toBeGreaterThan(50);
  expect(rows.map((row) => [row.left_row, row.right_row])).toEqual(
    Array.from(expected.left, (left, p) => [left, expected.right[p]]),
  );
  expect(
    rows.every(
      (row) =>
        (row.left_row as number) < (row.right_row as number) && row.id_1 === row.left_row && row.id_2 === row.right_row,
    ),
  ).toBe(true);
  expect(summary.pairCount).toBe(expected.pairCount);
  expect(summary.left.matchedRowCount + summary.left.unmatchedRowCount + summary.left.rejectedRowCount).toBe(
    sky.ra.length,
  );
});

test.each(['nearest', 'k-nearest'] as const)('%s: the row itself is no neighbour', async (find) => {
  const { rows } = await run({ radiusArcsec: 8, find, join: 'left', columns: ['left_row', 'right_row'] }, 41);
  const expected = referencePairs(sky, sky, { ...query, find });
  expect(rows.filter((row) => row.right_row !== null).map((row) => [row.left_row, row.right_row])).toEqual(
    Array.from(expected.left, (left, p) => [left, expected.right[p]]),
  );
  expect(new Set(rows.map((row) => row.left_row)).size).toBe(sky.ra.length);
});

test.each([
  ['left', 'left'],
  ['left', 'any'],
  ['left-anti', 'left'],
  ['left-anti', 'any'],
] as const)('pairs, %s join, order %s: rows that no pair uses on either side', async (join, order) => {
  const { rows, summary } = await run({ radiusArcsec: 8, join, order, columns: ['left_row', 'right_row'] }, 37);
  const expected = referencePairs(sky, sky, { ...query, find: 'all' });
  const used = new Set([...expected.left, ...expected.right]);
  const unused = Array.from(sky.ra, (_, row) => row).filter((row) => !used.has(row));
  expect(
    rows
      .filter((row) => row.right_row === null)
      .map((row) => row.left_row as number)
      .sort((a, b) => a - b),
  ).toEqual(unused);
  expect(rows.length).toBe(unused.length + (join === 'left' ? expected.pairCount : 0));
  expect(summary.left).toMatchObject({
    matchedRowCount: used.size,
    unmatchedRowCount: unused.length - summary.left.rejectedRowCount,
  });
});

test('pairs, left-anti join: all columns of the table where none are named', async () => {
  const { rows } = await run({ radiusArcsec: 8, join: 'left-anti' });
  expect(rows.length).toBeGreaterThan(0);
  expect(Object.keys(rows[0])).toEqual(['id', 'ra', 'dec']);
  expect(rows).toEqual((await run({ radiusArcsec: 8, join: 'left-anti', columns: ['left.*'] })).rows);
});

/** Groups by repeated passes over all pairs. */
function groupIds(): number[] {
  const pairs = referencePairs(sky, sky, { ...query, find: 'all' });
  const id = Array.from(sky.ra, (_, row) => row);
  for (let changed = true; changed;) {
    changed = false;
    for (let p = 0; p < pairs.pairCount; p++) {
      const least = Math.min(id[pairs.left[p]], id[pairs.right[p]]);
      for (const row of [pairs.left[p], pairs.right[p]]) {
        if (id[row] === least) continue;
        id[row] = least;
        changed = true;
      }
    }
  }
  return id;
}

test.each(['inner', 'left'] as const)(
  'groups, %s join: the smallest row names the group, rows alone are groups of one',
  async (join) => {
    const { rows, summary } = await run({ radiusArcsec: 8, selfMatch: 'groups', join }, 29);
    const ids = groupIds();
    const status = referencePairs(sky, sky, { ...query, find: 'nearest' }).status;
    const sizes = new Map<number, number>();
    ids.forEach((id, row) => status[row] === 0 && sizes.set(id, (sizes.get(id) ?? 0) + 1));
    const expected = ids.flatMap((id, row): { row: number; id: number | null; size: number | null }[] =>
      status[row] === 0
        ? [{ row, id, size: sizes.get(id) ?? 0 }]
        : join === 'left'
          ? [{ row, id: null, size: null }]
          : [],
    );
    expect(rows.map((row) => ({ row: row.id, id: row.group_id, size: row.group_size }))).toEqual(expected);
    expect(summary.groupCount).toBe(sizes.size);
    expect(summary.left.matchedRowCount).toBe(expected.filter(({ size }) => size !== null && size > 1).length);
  },
);

test('a resident table is matched with itself and stays', async () => {
  await using resident = await CatalogTable.load(memoryTable(table(sky)), { runtime });
  for (let i = 0; i < 2; i++) {
    const stream = await selfMatch(resident, { radiusArcsec: 8, columns: ['left_row'] }, { runtime });
    let rowCount = 0;
    for await (const batch of stream) rowCount += batch.numRows;
    expect(rowCount).toBe(referencePairs(sky, sky, { ...query, find: 'all' }).pairCount);
  }
});
