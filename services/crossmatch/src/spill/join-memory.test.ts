import { isProblem, parseBytes, Random } from '@armilla/base';
import { resolveOptions } from '../options.js';
import { countDeclinations, DeclinationCounts } from './buckets.js';
import {
  fittingCut,
  joinMemory,
  largestBucket,
  leastJoinBytes,
  type MemoryInput,
  memoryOverLimit,
} from './join-memory.js';
import { planSpill, withLargestBucket } from './spill-plan.js';

/** What a refusal says would do, in bytes. */
function toldBytes(refused: () => unknown): number {
  try {
    refused();
  } catch (error) {
    if (isProblem(error) && error.reason === 'MEMORY_OVER_LIMIT')
      return parseBytes(String(error.fields.needed).replace(' ', ''), 'needed');
    throw error;
  }
  throw new Error('it was not refused');
}

const SHAPES: Record<string, MemoryInput> = {
  'the radius alone': { judgedIndexCount: 0, leftAlongBytes: 0, rightAlongBytes: 0, threadCount: 2 },
  'many columns': { judgedIndexCount: 0, leftAlongBytes: 0, rightAlongBytes: 400, threadCount: 2 },
  'motions and epochs of rows': { judgedIndexCount: 4, leftAlongBytes: 40, rightAlongBytes: 60, threadCount: 2 },
  'many threads': { judgedIndexCount: 1, leftAlongBytes: 8, rightAlongBytes: 8, threadCount: 64 },
};

describe.each(Object.keys(SHAPES))('%s', (name) => {
  test.each(['nearest', 'mutual'] as const)('%s keeps to any memory that is not refused', (find) => {
    const options = resolveOptions({ radiusArcsec: 2, find });
    const plan = (memoryBytes: number) =>
      planSpill(
        options,
        {},
        {
          ...SHAPES[name],
          leftRowCount: 1e6,
          rightRowCount: 1e6,
          leftRowBytes: 8,
          rightRowBytes: 8,
          judgedBytes: 8,
          workerCount: SHAPES[name].threadCount,
          estimatedPairCount: 2e6,
          memoryBytes,
        },
      );
    const least = toldBytes(() => plan(1000));
    expect(toldBytes(() => plan(Math.floor(0.9 * least)))).toBe(least);
    for (let memoryBytes = least; memoryBytes < 2 ** 33; memoryBytes = Math.ceil(1.07 * memoryBytes))
      expect(plan(memoryBytes).memoryBytes).toBeLessThanOrEqual(memoryBytes);
  });
});

/** Rows of which half lie in a narrow strip. */
function crowd(rowCount: number): DeclinationCounts {
  const random = new Random(3);
  const counts = new DeclinationCounts();
  const dec = Float64Array.from({ length: rowCount }, (_, i) =>
    i % 2 === 0 ? random.between(20, 20.003) : random.between(-90, 90),
  );
  countDeclinations(counts.counts, dec, undefined, 1, 1);
  return counts;
}

const options = resolveOptions({ radiusArcsec: 30 });
const memory = joinMemory(options, SHAPES['the radius alone']);
const REACH_DEG = 30 / 3600;

test('what is told of a crowd that does not fit would do', () => {
  const counts = crowd(40_000);
  const planned = (memoryBytes: number) => {
    const sizes = planSpill(
      options,
      {},
      {
        ...SHAPES['the radius alone'],
        leftRowCount: 40_000,
        rightRowCount: 40_000,
        leftRowBytes: 8,
        rightRowBytes: 8,
        judgedBytes: 0,
        workerCount: 2,
        estimatedPairCount: 40_000,
        memoryBytes,
      },
    );
    const cut = fittingCut(counts, REACH_DEG, sizes.bucketRowCount, memory, memoryBytes);
    return { sizes, largest: largestBucket(cut) };
  };
  const needed = toldBytes(() => planned(3 * 2 ** 20));
  const { sizes, largest } = planned(needed);
  expect(largest).toBeGreaterThanOrEqual(20_000);
  expect(largest).toBeGreaterThan(sizes.bucketRowCount);
  // Its chunks make room for it.
  expect(withLargestBucket(sizes, memory, largest, needed).memoryBytes).toBeLessThanOrEqual(needed);
});

test('more buckets than can be told apart are refused, and what is told would do', () => {
  const counts = new DeclinationCounts();
  // A strip of them, in each of which lie so many rows that a bucket is as narrow as one may be.
  counts.counts.fill(170, 0, 160_000);
  const tiny = { ...memory, fixedBytes: 0 };
  const cut = (memoryBytes: number) => {
    const bucketBytes = Math.min(memoryBytes / 2, memoryBytes - leastJoinBytes({ ...tiny, bucketRowBytes: 0 }, 0));
    return fittingCut(counts, 1e-9, Math.floor(bucketBytes / tiny.bucketRowBytes), tiny, memoryBytes);
  };
  const needed = toldBytes(() => cut(leastJoinBytes(tiny, 0)));
  expect(cut(needed).intervals.length).toBeLessThan(2 ** 16 - 2);
});

test.each([1000, 1048577, 2 ** 20 * 1.26, 2 ** 30 * 1.23, 2 ** 20 * 123.4, 2 ** 30 * 200.1])(
  'what is told of %d bytes is rounded up',
  (bytes) => {
    const told = toldBytes(() => {
      throw memoryOverLimit(bytes, 1);
    });
    expect(told).toBeGreaterThanOrEqual(Math.floor(bytes));
    expect(told).toBeLessThan(bytes * 1.1);
  },
);
