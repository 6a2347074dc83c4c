import { planMatch, resolveOptions, type MatchOptions, type PlanInput } from './index.js';

const input: PlanInput = {
  leftRowCount: 10_000_000,
  rightRowCount: 10_000_000,
  leftRowBytes: 24,
  rightRowBytes: 24,
  workerCount: 2,
  memoryLimitBytes: 16 * 2 ** 30,
};
const plan = (options: Partial<MatchOptions>, changes: Partial<PlanInput> = {}, execution = {}) =>
  planMatch(resolveOptions({ radiusArcsec: 1, ...options }), execution, { ...input, ...changes });

test('the plan adds up and names cells, chunks and workers', () => {
  const { cellCount, bucketCount, chunkRowCount, workerCount, plannedBytes, indexBytes, chunkBytes, payloadBytes } =
    plan({});
  expect({ cellCount, workerCount }).toEqual({ cellCount: 1250, workerCount: 2 });
  expect(bucketCount).toBeGreaterThan(1);
  expect(chunkRowCount).toBe(2_000_000);
  expect(plannedBytes).toBe(indexBytes + chunkBytes + payloadBytes);
});

test('all pairs of the whole sky at 180 degrees', () => {
  expect(plan({ radiusArcsec: 648_000, find: 'all' }).estimatedPairCount).toBeCloseTo(1e14, -8);
  expect(plan({ radiusArcsec: 648_000, find: 'all' }).notes.join()).toMatch(/over the limit/);
  expect(plan({ radiusArcsec: 324_000, find: 'all' }).estimatedPairCount).toBeCloseTo(5e13, -8);
});

test.each([
  ['nearest', 'inner', false],
  ['all', 'full', false],
  ['mutual', 'inner', true],
  ['one-to-one', 'left', true],
  ['nearest', 'right-anti', true],
] as const)('%s, %s join: needs the whole left table: %p', (find, join, needed) => {
  const made = plan({ find, join });
  expect(made.needsWholeLeft).toBe(needed);
  expect(made.payloadBytes > plan({}).payloadBytes).toBe(needed);
});

test('a resident right table costs the match nothing', () => {
  expect(plan({}, { rightIsResident: true })).toMatchObject({ indexBytes: 0, payloadBytes: 0 });
});

test('a chunk whose pairs make several blocks is planned with as many as are alive', () => {
  const few = { leftRowCount: 200_000, rightRowCount: 200_000 };
  const one = plan({ find: 'all', radiusArcsec: 1 }, few);
  const many = plan({ find: 'all', radiusArcsec: 7560 }, few);
  expect(one.chunkRowCount).toBe(many.chunkRowCount);
  expect(many.estimatedPairCount).toBeGreaterThan(2 * many.chunkPairCount);
  // Three blocks of pairs of 32 bytes.
  expect(many.chunkBytes).toBeGreaterThan(3 * many.chunkPairCount * 32);
  expect(one.chunkBytes).toBeLessThan(2 ** 26);
});

test('a small memory makes small chunks, any order a small first one', () => {
  expect(plan({}, { memoryLimitBytes: 2 ** 28, leftRowBytes: 400 }).chunkRowCount).toBeLessThan(30_000);
  expect(plan({ order: 'any' }).firstChunkRowCount).toBe(65_536);
});

test('row counts that are not known are said', () => {
  expect(plan({}, { leftRowCount: undefined }).notes).toHaveLength(1);
  expect(plan({ find: 'all' }, { leftRowCount: 0, rightRowCount: 0 }).estimatedPairCount).toBe(0);
});
