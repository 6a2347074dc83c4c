import { Random } from '@armilla/base';
import { Runtime } from '@armilla/gpu-core';
import { type ChunkPairs, type Positions, referencePairs } from '@armilla/sky';
import { ipcBytes, MessageEncoder } from '@armilla/tables';
import type { RecordBatch, Table } from 'apache-arrow';
import { createHash } from 'node:crypto';
import {
  type ExecutionOptions,
  type Find,
  FINDS,
  type Join,
  JOINS,
  type MatchOptions,
  type MatchSummary,
  crossmatch,
  CatalogTable,
} from './index.js';
import { memoryTable, rowsOf, tableOf } from './testing/memory-table.js';
import { awkwardSky } from './testing/sky.js';

let runtime: Runtime;
beforeAll(async () => {
  runtime = await Runtime.create({ workerCount: 2 });
});
afterAll(() => runtime.close());

function catalog({ ra, dec, nulls }: Positions, prefix: string): Table {
  const orNull = (values: Float64Array): (number | null)[] =>
    Array.from(values, (value, i) => (nulls?.[i] ? null : value));
  return tableOf({
    id: BigInt64Array.from(ra, (_, i) => BigInt(i)),
    name: Array.from(ra, (_, i) => (i % 7 === 3 ? null : `${prefix}${i}`)),
    ra: orNull(ra),
    dec: orNull(dec),
  });
}

interface Run {
  rows: Record<string, unknown>[];
  batches: RecordBatch[];
  summary: MatchSummary;
}

async function run(
  left: Table,
  right: Table,
  options: MatchOptions,
  execution?: ExecutionOptions,
  batchRowCount?: number,
): Promise<Run> {
  const leftReader = memoryTable(left, { where: 'left', batchRowCount });
  const rightReader = memoryTable(right, { where: 'right', batchRowCount });
  const stream = await crossmatch(leftReader, rightReader, options, { runtime, execution });
  const batches: RecordBatch[] = [];
  for await (const batch of stream) batches.push(batch);
  expect(leftReader.closed).toBeGreaterThan(0);
  expect(rightReader.closed).toBeGreaterThan(0);
  return { rows: rowsOf(batches), batches, summary: stream.summary() };
}

type Pair = { left: number; right: number; key: number };

/** The truth: pairs of a mode by plain loops over all pairs. */
function truth(
  left: Positions,
  right: Positions,
  find: Find,
  k: number,
  radiusArcsec: number,
  minRadiusArcsec: number,
): Pair[] {
  const list = (pairs: ChunkPairs): Pair[] =>
    Array.from(pairs.left, (row, p) => ({
      left: row,
      right: pairs.right[p],
      key: pairs.key?.[p] ?? pairs.separationArcsec[p],
    }));
  const query = (mode: 'nearest' | 'all' | 'k-nearest') => ({
    radiusArcsec,
    minRadiusArcsec,
    find: mode,
    k,
    order: 'left' as const,
  });
  if (find === 'nearest' || find === 'all' || find === 'k-nearest')
    return list(referencePairs(left, right, query(find)));
  if (find === 'mutual') {
    const back = new Set(
      list(referencePairs(right, left, query('nearest'))).map((pair) => `${pair.right},${pair.left}`),
    );
    return list(referencePairs(left, right, query('nearest'))).filter((pair) => back.has(`${pair.left},${pair.right}`));
  }
  const taken: Pair[] = [];
  const usedLeft = new Set<number>();
  const usedRight = new Set<number>();
  for (const pair of list(referencePairs(left, right, query('all'))).sort(
    (a, b) => a.key - b.key || a.left - b.left || a.right - b.right,
  )) {
    if (usedLeft.has(pair.left) || usedRight.has(pair.right)) continue;
    usedLeft.add(pair.left);
    usedRight.add(pair.right);
    taken.push(pair);
  }
  return taken.sort((a, b) => a.left - b.left);
}

/** Result rows as `left,right` ids, -1 where a side is missing, in the order of the join. */
function joined(pairs: readonly Pair[], join: Join, leftCount: number, rightCount: number): string[] {
  const usedRight = new Set(pairs.map((pair) => pair.right));
  const out: string[] = [];
  for (let left = 0, p = 0; left < leftCount; left++) {
    const first = p;
    for (; p < pairs.length && pairs[p].left === left; p++)
      if (!join.endsWith('anti')) out.push(`${left},${pairs[p].right}`);
    if (p === first && ['left', 'full', 'left-anti'].includes(join)) out.push(`${left},-1`);
  }
  if (['right', 'full', 'right-anti'].includes(join))
    for (let right = 0; right < rightCount; right++) if (!usedRight.has(right)) out.push(`-1,${right}`);
  return out;
}

const idPairs = (rows: readonly Record<string, unknown>[]): string[] =>
  rows.map((row) => `${row.l ?? -1},${row.r ?? -1}`);
const ID_COLUMNS = [
  'left_row',
  'right_row',
  'left.id',
  'right.id',
  'left.name',
  'right.name',
  'separation_arcsec',
  'neighbour_count',
  'second_separation_arcsec',
];

const cases = FINDS.flatMap((find) => JOINS.map((join) => [find, join] as const));
const left = awkwardSky(1, 140);
const right = awkwardSky(2, 160, 2);

describe.each([0, 3])('with a smallest radius of %d arcsec', (minRadiusArcsec) => {
  const pairsOf = new Map<Find, Pair[]>(FINDS.map((find) => [find, truth(left, right, find, 3, 12, minRadiusArcsec)]));
  const expectedNeighbours = referencePairs(left, right, {
    radiusArcsec: 12,
    minRadiusArcsec,
    find: 'nearest',
    k: 1,
    order: 'left',
    neighbourCount: true,
    secondSeparation: true,
  });

  test.each(cases)('%s, %s join: rows, order and counts as by brute force', async (find, join) => {
    const options: MatchOptions = {
      radiusArcsec: 12,
      minRadiusArcsec,
      find,
      join,
      columns: ID_COLUMNS,
      ...(find === 'k-nearest' ? { k: 3 } : {}),
    };
    const { rows, summary } = await run(catalog(left, 'L'), catalog(right, 'R'), options);
    const pairs = pairsOf.get(find) ?? [];
    expect(pairs.length).toBeGreaterThan(30);
    const ids = rows.map((row) => ({ l: row.left_row, r: row.right_row }));
    expect(idPairs(ids)).toEqual(joined(pairs, join, left.ra.length, right.ra.length));

    for (const row of rows) {
      expect(row.id_1).toBe(row.left_row);
      expect(row.id_2).toBe(row.right_row);
      const l = row.left_row as number | null;
      const r = row.right_row as number | null;
      expect(row.name_1).toBe(l === null || l % 7 === 3 ? null : `L${l}`);
      expect(row.name_2).toBe(r === null || r % 7 === 3 ? null : `R${r}`);
      expect(row.separation_arcsec === null).toBe(l === null || r === null);
      if (l === null) continue;
      const bad = expectedNeighbours.status[l] !== 0;
      expect(row.neighbour_count).toBe(bad ? null : expectedNeighbours.neighbourCount?.[l]);
      const second = expectedNeighbours.secondSeparationArcsec?.[l] ?? NaN;
      expect(row.second_separation_arcsec).toBe(Number.isNaN(second) ? null : second);
    }

    for (const [side, count] of [
      [summary.left, left.ra.length],
      [summary.right, right.ra.length],
    ] as const) {
      expect(side.rowCount).toBe(count);
      expect(side.matchedRowCount + side.unmatchedRowCount + side.rejectedRowCount + side.filteredRowCount).toBe(count);
      expect(Object.values(side.rejectedByReason).reduce((a, b) => a + b, 0)).toBe(side.rejectedRowCount);
      expect(side.rejectedRowCount).toBeGreaterThan(5);
    }
    expect(summary.left.matchedRowCount).toBe(new Set(pairs.map((pair) => pair.left)).size);
    expect(summary.right.matchedRowCount).toBe(new Set(pairs.map((pair) => pair.right)).size);
    expect(summary.pairCount).toBe(pairs.length);
    expect(summary.rowCount).toBe(rows.length);
  });
});

test.each(cases)('%s, %s join: any order gives the same rows as a set', async (find, join) => {
  const options: MatchOptions = { radiusArcsec: 12, find, join };
  const inOrder = await run(catalog(left, 'L'), catalog(right, 'R'), {
    ...options,
    columns: ['left_row', 'right_row', 'separation_arcsec'],
  });
  const any = await run(
    catalog(left, 'L'),
    catalog(right, 'R'),
    { ...options, order: 'any', columns: ['left_row', 'right_row', 'separation_arcsec'] },
    { chunkRowCount: 70 },
  );
  const sorted = (rows: readonly Record<string, unknown>[]): string[] => rows.map((row) => JSON.stringify(row)).sort();
  expect(sorted(any.rows)).toEqual(sorted(inOrder.rows));
  expect({ ...any.summary.left }).toEqual({ ...inOrder.summary.left });
});

test('mutual pairs do not depend on which table is left', async () => {
  const there = await run(catalog(left, 'L'), catalog(right, 'R'), {
    radiusArcsec: 12,
    find: 'mutual',
    columns: ['left_row', 'right_row'],
  });
  const back = await run(catalog(right, 'R'), catalog(left, 'L'), {
    radiusArcsec: 12,
    find: 'mutual',
    columns: ['right_row', 'left_row'],
  });
  const key = (rows: Run['rows']): string[] => rows.map((row) => Object.values(row).join()).sort();
  expect(key(back.rows)).toEqual(key(there.rows));
});

/** SHA-256 of the IPC messages. */
function digestOf(batches: readonly RecordBatch[]): string {
  const encoder = new MessageEncoder(batches[0].schema);
  const hash = createHash('sha256');
  for (const message of [encoder.schemaMessage(), ...batches.flatMap((batch) => encoder.encode(batch))])
    for (const bytes of ipcBytes(message)) hash.update(bytes);
  return hash.digest('hex');
}

test('execution options change no byte of the result', async () => {
  const random = new Random(5);
  for (const find of FINDS) {
    const join = JOINS[random.below(4)];
    const options: MatchOptions = { radiusArcsec: 12, find, join };
    const expected = await run(catalog(left, 'L'), catalog(right, 'R'), options);
    for (const execution of [
      { workerCount: 1 },
      { chunkRowCount: 1 },
      { chunkRowCount: 37, workerCount: 2 },
      { cellRowCount: 64 },
      { chunkRowCount: 100, cellRowCount: 100 },
    ]) {
      const batchRowCount = 1 + random.below(300);
      const got = await run(catalog(left, 'L'), catalog(right, 'R'), options, execution, batchRowCount);
      expect(rowsOf(got.batches)).toEqual(rowsOf(expected.batches));
      expect(digestOf(got.batches)).toBe(digestOf(expected.batches));
    }
  }
});

test('a resident table answers many matches and stays', async () => {
  await using table = await CatalogTable.load(memoryTable(catalog(right, 'R')), { runtime });
  for (const radiusArcsec of [1, 12, 60]) {
    const stream = await crossmatch(
      memoryTable(catalog(left, 'L')),
      table,
      { radiusArcsec, columns: ['left_row', 'right_row'] },
      { runtime },
    );
    const batches: RecordBatch[] = [];
    for await (const batch of stream) batches.push(batch);
    expect(idPairs(rowsOf(batches).map((row) => ({ l: row.left_row, r: row.right_row })))).toEqual(
      truth(left, right, 'nearest', 1, radiusArcsec, 0).map((pair) => `${pair.left},${pair.right}`),
    );
  }
});
