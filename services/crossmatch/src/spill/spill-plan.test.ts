import { resolveOptions } from '../options.js';
import { planMatch } from '../plan.js';
import { fitsMemory, plannedPairCount, planSpill, scratchBytesOf } from './spill-plan.js';

const GIB = 2 ** 30;
const options = resolveOptions({ radiusArcsec: 2 });

function planOf(
  rowCount: number,
  memoryBytes: number,
  more = { leftAlongBytes: 0, rightAlongBytes: 8, judgedIndexCount: 0, judgedBytes: 0 },
) {
  const input = {
    leftRowCount: rowCount,
    rightRowCount: rowCount,
    leftRowBytes: 8,
    rightRowBytes: 8,
    workerCount: 2,
    threadCount: 2,
    memoryLimitBytes: memoryBytes,
  };
  const plan = planMatch(options, { memoryBytes }, input);
  const spill = planSpill(options, {}, { ...input, ...more, memoryBytes, estimatedPairCount: plan.estimatedPairCount });
  return { fits: fitsMemory(plan, options, { rightRowCount: rowCount, threadCount: 2 }, memoryBytes), spill };
}

test.each([
  [1e6, 1 * GIB, true],
  [10e6, 2 * GIB, true],
  [50e6, 1 * GIB, false],
  [200e6, 2 * GIB, false],
  // However much memory there is: one heap of WebAssembly ends at 4 GiB.
  [100e6, 64 * GIB, false],
])('%d rows a side with %d bytes of memory: in memory %p', (rowCount, memoryBytes, fits) => {
  expect(planOf(rowCount, memoryBytes).fits).toBe(fits);
});

test.each([
  [50e6, 0.25 * GIB],
  [200e6, 2 * GIB],
  [2e9, 64 * GIB],
])('%d rows a side keep to %d bytes', (rowCount, memoryBytes) => {
  const { spill } = planOf(rowCount, memoryBytes);
  expect(spill.memoryBytes).toBeLessThanOrEqual(memoryBytes);
  expect(spill.bucketCount * spill.bucketRowCount).toBeGreaterThanOrEqual(rowCount);
  expect(spill.bucketRowCount * 45).toBeLessThan(4 * GIB);
});

test('scratch is positions and row numbers of both sides, the columns that go along, and the pairs', () => {
  const rows = {
    rightRowCount: 110,
    rightAlongBytes: 8,
    leftRowCount: 90,
    leftAlongBytes: 4,
    pairCount: 70,
    pairBytes: 24,
    countBytes: 16,
  };
  const bytes = 110 * 28 + 90 * 40 + 70 * 24;
  expect(scratchBytesOf(rows)).toBeGreaterThanOrEqual(bytes);
  expect(scratchBytesOf(rows)).toBeLessThan(bytes * 1.02);
});

test('a pair is planned for each left row, and more where an even sky has more', () => {
  expect(plannedPairCount(10, 1000)).toBe(1000);
  expect(plannedPairCount(5000, 1000)).toBe(5000);
});

test('what goes along with the rows is counted', () => {
  const { spill } = planOf(50e6, 0.5 * GIB);
  const judged = planOf(50e6, 0.5 * GIB, {
    leftAlongBytes: 24,
    rightAlongBytes: 40,
    judgedIndexCount: 4,
    judgedBytes: 8,
  }).spill;
  expect(judged.memoryBytes).toBeLessThanOrEqual(0.5 * GIB);
  expect(judged.bucketCount).toBeGreaterThan(spill.bucketCount);
});
