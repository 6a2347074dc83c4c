import { Random } from '@armilla/base';
import { Runtime } from '@armilla/gpu-core';
import { type Positions, SkyIndex } from '../index.js';

const query = { radiusArcsec: 2, minRadiusArcsec: 0, k: 1, find: 'nearest', order: 'left' } as const;

function uniformRows(seed: number, n: number): Positions {
  const random = new Random(seed);
  return {
    ra: Float64Array.from({ length: n }, () => random.between(0, 360)),
    dec: Float64Array.from({ length: n }, () => random.between(-90, 90)),
  };
}

test('jobs give their memory back', async () => {
  const runtime = await Runtime.create({ workerCount: 2 });
  const rows = uniformRows(1, 200_000);
  const sizes: number[] = [];
  for (let job = 0; job < 24; job++) {
    // Without a row count an index has a heap of its own.
    await using index = await SkyIndex.build(runtime, [rows], job % 2 ? { rowCount: 200_000 } : {});
    const { pairCount } = await index.match(rows, query);
    expect(pairCount).toBe(200_000);
    sizes.push(process.memoryUsage().rss / 2 ** 20);
  }
  expect(runtime.stats().liveHeaps).toBeLessThanOrEqual(2);
  expect(Math.max(...sizes.slice(12))).toBeLessThan(Math.max(...sizes.slice(0, 12)) + 150);
  await runtime.close();
  expect(runtime.stats()).toMatchObject({ liveHeaps: 0, heapBytes: 0 });
});

test('an index over the memory limit is refused, and what it took is free again', async () => {
  const runtime = await Runtime.create({ workerCount: 1, memoryLimitBytes: 8 * 2 ** 20 });
  const rows = uniformRows(2, 300_000);
  await expect(SkyIndex.build(runtime, [rows])).rejects.toMatchObject({ reason: 'MEMORY_OVER_LIMIT' });
  const few = { ra: rows.ra.subarray(0, 1000), dec: rows.dec.subarray(0, 1000) };
  await using index = await SkyIndex.build(runtime, [few]);
  expect((await index.match(few, query)).pairCount).toBe(1000);
  await index.dispose();
  await runtime.close();
});

test('an index that is disposed while it works ends its matches first', async () => {
  const runtime = await Runtime.create({ workerCount: 2 });
  const rows = uniformRows(3, 100_000);
  const index = await SkyIndex.build(runtime, [rows]);
  const matches = [index.match(rows, query), index.match(rows, query, { inPlace: true })];
  for (const match of matches) void match.then(({ release }) => release?.());
  await index.dispose();
  for (const match of matches) expect((await match).pairCount).toBe(100_000);
  await expect(index.match(rows, query)).rejects.toMatchObject({ reason: 'INTERNAL' });
  await runtime.close();
});

test('a source that fails ends the build and leaves nothing', async () => {
  const runtime = await Runtime.create({ workerCount: 1 });
  const source = async function* (): AsyncGenerator<Positions> {
    yield uniformRows(4, 1000);
    throw new Error('torn');
  };
  await expect(SkyIndex.build(runtime, source())).rejects.toThrow('torn');
  const index = await SkyIndex.build(runtime, [uniformRows(4, 1000)]);
  expect(runtime.stats().liveHeaps).toBe(1);
  await index.dispose();
  await runtime.close();
});

test.each(['nearest', 'all', 'k-nearest'] as const)(
  '%s: pairs in place are those of a copy, and are given back by their release',
  async (find) => {
    const runtime = await Runtime.create({ workerCount: 2 });
    const rows = uniformRows(5, 50_000);
    const index = await SkyIndex.build(runtime, [rows], { rowCount: 50_000 });
    const wide = { ...query, find, radiusArcsec: 600, k: 3 };
    const copy = await index.match(rows, wide);
    expect(copy.release).toBeUndefined();
    const inPlace = await index.match(rows, wide, { inPlace: true });
    expect(inPlace.pairCount).toBeGreaterThanOrEqual(50_000);
    for (const name of ['left', 'right', 'separationArcsec', 'key', 'rank'] as const) {
      expect(inPlace[name] && Array.from(inPlace[name])).toEqual(copy[name] && Array.from(copy[name]));
    }
    let disposed = false;
    const end = index.dispose().then(() => (disposed = true));
    await new Promise((resolve) => setImmediate(resolve));
    expect(disposed).toBe(false);
    inPlace.release?.();
    await end;
    await runtime.close();
    expect(runtime.stats()).toMatchObject({ liveHeaps: 0, heapBytes: 0 });
  },
);

test('pairs in place that are given back twice are given back once', async () => {
  const runtime = await Runtime.create({ workerCount: 1 });
  const rows = uniformRows(7, 1000);
  const index = await SkyIndex.build(runtime, [rows]);
  const [first, second] = [
    await index.match(rows, query, { inPlace: true }),
    await index.match(rows, query, { inPlace: true }),
  ];
  first.release?.();
  first.release?.();
  let disposed = false;
  const end = index.dispose().then(() => (disposed = true));
  await new Promise((resolve) => setImmediate(resolve));
  expect(disposed).toBe(false);
  second.release?.();
  await end;
  await runtime.close();
});

test('a match that is aborted at any of its steps leaves nothing in the memory of the index', async () => {
  const runtime = await Runtime.create({ workerCount: 2 });
  const few = uniformRows(8, 100);
  // Long columns, so that they are copied in several steps.
  const rows = uniformRows(9, 2 ** 19 + 1);
  await using index = await SkyIndex.build(runtime, [few], { rowCount: 100 });
  // Small indexes share a heap.
  const heap = runtime.openHeap(100, 'test');
  const labels = [...heap.report().keys()];
  expect(labels).toContain('sky.index.rows');
  let steps = 0;
  for (let aborted = true; aborted;) {
    const { signal } = new AbortController();
    let left = steps++;
    signal.throwIfAborted = () => {
      if (left-- === 0) throw new Error('aborted');
    };
    aborted = await index.match(rows, { ...query, secondSeparation: true }, { inPlace: true, signal }).then(
      ({ release }) => (release?.(), false),
      ({ message }: Error) => message === 'aborted',
    );
    expect([...heap.report().keys()]).toEqual(labels);
  }
  expect(steps).toBeGreaterThan(5);
  runtime.closeHeap(heap);
  await index.dispose();
  await runtime.close();
});

test('marks that there is no memory for do not keep the index', async () => {
  const memoryLimitBytes = 24 * 2 ** 20;
  const runtime = await Runtime.create({ workerCount: 2, memoryLimitBytes });
  const index = await SkyIndex.build(runtime, [uniformRows(10, 1000)]);
  const heap = runtime.openHeap(undefined, 'test');
  const filler = heap.lease(memoryLimitBytes - runtime.stats().heapBytes - 2 ** 16, 'filler');
  const marks: ReturnType<SkyIndex['marks']>[] = [];
  const fill = (): void => {
    for (;;) marks.push(index.marks());
  };
  expect(fill).toThrow(expect.objectContaining({ reason: 'MEMORY_EXHAUSTED' }));
  for (const mark of marks) mark?.[Symbol.dispose]();
  await index.dispose();
  filler[Symbol.dispose]();
  runtime.closeHeap(heap);
  await runtime.close();
});

test('row numbers and marks are those of the pairs, whatever the workers', async () => {
  const rows = uniformRows(6, 60_000);
  const chunks = [0, 20_000, 40_000].map((from) => ({
    ra: rows.ra.subarray(from, from + 20_000),
    dec: rows.dec.subarray(from, from + 20_000),
  }));
  for (const workerCount of [1, 2, 3]) {
    const runtime = await Runtime.create({ workerCount });
    // Every other right row only, so that some rows stay without a mark.
    const right = { ra: rows.ra.filter((_, i) => i % 2 === 0), dec: rows.dec.filter((_, i) => i % 2 === 0) };
    const index = await SkyIndex.build(runtime, [right]);
    const marks = index.marks();
    const used = new Set<number>();
    for (const [c, chunk] of chunks.entries()) {
      const leftFirst = 2 ** 40 + c * 20_000;
      const pairs = await index.match(chunk, { ...query, rowNumbers: { leftFirst } }, { inPlace: true, marks });
      expect(pairs.pairCount).toBeGreaterThan(9000);
      expect(Array.from(pairs.leftNumber ?? [])).toEqual(Array.from(pairs.left, (row) => BigInt(leftFirst + row)));
      expect(Array.from(pairs.rightNumber ?? [])).toEqual(Array.from(pairs.right, BigInt));
      for (const row of pairs.right) used.add(row);
      pairs.release?.();
    }
    const words = marks?.words() ?? new Int32Array(0);
    const marked = Array.from({ length: right.ra.length }, (_, row) => row).filter(
      (row) => (words[row >>> 5] >>> (row & 31)) & 1,
    );
    expect(marked).toEqual([...used].sort((a, b) => a - b));
    marks?.[Symbol.dispose]();
    await index.dispose();
    await runtime.close();
    expect(runtime.stats()).toMatchObject({ liveHeaps: 0, heapBytes: 0 });
  }
});
