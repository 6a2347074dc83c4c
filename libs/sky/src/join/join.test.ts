import { Random } from '@armilla/base';
import { Runtime } from '@armilla/gpu-core';
import { clusteredSky, edgeSky } from '../testing/skies.js';
import { firstDifference } from './verify.js';
import {
  type BuildOptions,
  join,
  type PairQuery,
  type Positions,
  positionStatuses,
  referencePairs,
  SkyIndex,
} from '../index.js';

const base = { minRadiusArcsec: 0, k: 3, order: 'left' } as const;
const finds = ['nearest', 'k-nearest', 'all'] as const;
let runtime: Runtime;

beforeAll(async () => {
  runtime = await Runtime.create({ workerCount: 2 });
});

afterAll(() => runtime.close());

async function expectEqual(
  left: Positions,
  right: Positions,
  query: PairQuery,
  options: { cellRowCount?: number; workerCount?: number } = {},
): Promise<void> {
  await using index = await SkyIndex.build(runtime, [right], options);
  expect(firstDifference(await index.match(left, query, options), referencePairs(left, right, query))).toBeUndefined();
}

test.each([0.5, 2, 600, 5 * 3600, 90 * 3600, 180 * 3600])(
  'agrees with brute force at %d arcsec',
  async (radiusArcsec) => {
    for (const seed of [1, 2]) {
      const left = edgeSky(seed, 150);
      const right = edgeSky(seed + 100, 180);
      for (let i = 0; i < 60; i++) [right.ra[i], right.dec[i]] = [left.ra[i], left.dec[i]];
      await using whole = await SkyIndex.build(runtime, [right]);
      await using cut = await SkyIndex.build(runtime, [right], { cellRowCount: 15 });
      for (const find of finds) {
        for (const extra of [
          { neighbourCount: true, secondSeparation: true },
          { minRadiusArcsec: radiusArcsec / 3, k: 1000 },
          { k: 1 },
        ]) {
          const query: PairQuery = { ...base, find, radiusArcsec, ...extra };
          const expected = referencePairs(left, right, query);
          expect(firstDifference(await whole.match(left, query), expected)).toBeUndefined();
          expect(firstDifference(await cut.match(left, query), expected)).toBeUndefined();
        }
      }
    }
  },
);

test.each(finds)('self-match %s agrees with brute force', async (find) => {
  const sky = edgeSky(9, 200);
  for (const radiusArcsec of [2, 600, 40 * 3600]) {
    for (const [from, to] of [
      [0, 200],
      [50, 90],
    ]) {
      const chunk = {
        ra: sky.ra.subarray(from, to),
        dec: sky.dec.subarray(from, to),
        nulls: sky.nulls?.subarray(from, to),
      };
      await expectEqual(chunk, sky, {
        ...base,
        find,
        radiusArcsec,
        selfFirstRow: from,
        neighbourCount: true,
        secondSeparation: true,
      });
      await expectEqual(chunk, sky, { ...base, find, radiusArcsec, selfFirstRow: from }, { cellRowCount: 30 });
    }
  }
});

test.each([0.01, 1, 60, 3600])('agrees with brute force among clusters at %d arcsec', async (radiusArcsec) => {
  const left = clusteredSky(3, 120);
  const right = clusteredSky(4, 1600);
  await using whole = await SkyIndex.build(runtime, [right]);
  await using cut = await SkyIndex.build(runtime, [right], { cellRowCount: 200 });
  for (const find of finds) {
    const query: PairQuery = {
      ...base,
      find,
      radiusArcsec,
      ...(find === 'all' ? { neighbourCount: true, minRadiusArcsec: radiusArcsec / 2 } : {}),
    };
    const expected = referencePairs(left, right, query);
    expect(firstDifference(await whole.match(left, query), expected)).toBeUndefined();
    expect(firstDifference(await cut.match(left, query), expected)).toBeUndefined();
  }
});

test('any worker, chunk and cell count gives the same rows', async () => {
  const random = new Random(77);
  const left = clusteredSky(5, 500);
  const right = clusteredSky(6, 600);
  const query: PairQuery = { ...base, find: 'all', radiusArcsec: 5, neighbourCount: true };
  await using whole = await SkyIndex.build(runtime, [right]);
  const expected = await whole.match(left, query);
  for (let round = 0; round < 6; round++) {
    const cut = 1 + random.below(600);
    const parts = [0, cut].map((from, i) => ({
      ra: right.ra.subarray(from, i ? 600 : cut),
      dec: right.dec.subarray(from, i ? 600 : cut),
    }));
    await using index = await SkyIndex.build(runtime, parts, {
      cellRowCount: 20 + random.below(400),
      rowCount: round % 2 ? 600 : undefined,
    });
    const at = random.below(500);
    const workerCount = 1 + (round % 2);
    const [a, b] = await Promise.all(
      [
        [0, at],
        [at, 500],
      ].map(([from, to]) =>
        index.match({ ra: left.ra.subarray(from, to), dec: left.dec.subarray(from, to) }, query, { workerCount }),
      ),
    );
    expect(Int32Array.of(...a.left, ...b.left.map((row) => row + at))).toEqual(expected.left);
    expect(Int32Array.of(...a.right, ...b.right)).toEqual(expected.right);
    expect(Float64Array.of(...a.separationArcsec, ...b.separationArcsec)).toEqual(expected.separationArcsec);
    expect(Int32Array.of(...a.neighbourCount!, ...b.neighbourCount!)).toEqual(expected.neighbourCount);
  }
});

test('a chunk in pieces gives the same pairs as in one', async () => {
  const left = edgeSky(21, 20_000);
  const right = edgeSky(22, 900);
  const borders = [0, 0, 1, 1000, 1000, 17_123, 20_000];
  const pieces = borders.slice(1).map((to, i) => {
    const [ra, dec, nulls] = [left.ra, left.dec, left.nulls as Uint8Array].map((column) =>
      column.subarray(borders[i], to),
    ) as [Float64Array, Float64Array, Uint8Array];
    return nulls.includes(1) ? { ra, dec, nulls } : { ra, dec };
  });
  for (const build of [SkyIndex.build(runtime, [right]), SkyIndex.buildPlain([right])]) {
    await using index = await build;
    for (const find of finds) {
      const query: PairQuery = { ...base, find, radiusArcsec: 3600, neighbourCount: true };
      expect(firstDifference(await index.match(pieces, query), await index.match(left, query))).toBeUndefined();
    }
    expect((await index.match([], { ...base, find: 'nearest', radiusArcsec: 1 })).pairCount).toBe(0);
  }
});

test('making an index tells of the rejected rows, as they came', async () => {
  const sky = edgeSky(23, 40_001);
  const told = positionStatuses(sky);
  const expected = [...told.keys()]
    .filter((row) => told[row] !== 0)
    .map((row) => [row, sky.ra[row], sky.dec[row], told[row]]);
  const halves = [0, 13_333].map((from, i) => ({
    ra: sky.ra.subarray(from, [13_333, 40_001][i]),
    dec: sky.dec.subarray(from, [13_333, 40_001][i]),
    nulls: sky.nulls?.subarray(from, [13_333, 40_001][i]),
  }));
  for (const make of [
    (options: BuildOptions) => SkyIndex.build(runtime, halves, options),
    (options: BuildOptions) => SkyIndex.build(runtime, halves, { ...options, rowCount: 40_001 }),
    (options: BuildOptions) => SkyIndex.buildPlain(halves, options),
  ]) {
    const seen: number[][] = [];
    await using _index = await make({ onRejected: (...row) => seen.push(row) });
    expect(seen).toEqual(expected);
  }
});

test('mutual pairs are the same from both sides', async () => {
  const left = edgeSky(21, 300);
  const right = edgeSky(22, 300);
  for (let i = 0; i < 100; i++) [right.ra[i], right.dec[i]] = [left.ra[i] + i * 1e-7, left.dec[i]];
  const query: PairQuery = { ...base, find: 'all', radiusArcsec: 30 };
  await using a = await SkyIndex.build(runtime, [right]);
  await using b = await SkyIndex.build(runtime, [left]);
  const forth = await a.match(left, query);
  const back = await b.match(right, query);
  const names = (pairs: typeof forth, swap: boolean): string[] =>
    Array.from(
      pairs.left,
      (l, i) => `${swap ? pairs.right[i] : l}:${swap ? l : pairs.right[i]}:${pairs.key?.[i]}`,
    ).sort();
  expect(names(back, true)).toEqual(names(forth, false));
});

test.each([
  ['no right rows', 5, 0],
  ['no left rows', 0, 5],
  ['one row each', 1, 1],
])('%s', async (_, leftCount, rightCount) => {
  for (const find of finds)
    await expectEqual(edgeSky(1, leftCount), edgeSky(1, rightCount), {
      ...base,
      find,
      radiusArcsec: 3600,
      neighbourCount: true,
    });
});

test('a hundred thousand equal positions do not take a quadratic time', async () => {
  const n = 100_000;
  const sky = { ra: new Float64Array(n).fill(12.5), dec: new Float64Array(n).fill(-45) };
  await using index = await SkyIndex.build(runtime, [sky]);
  const nearest = await index.match(sky, { ...base, find: 'nearest', radiusArcsec: 2 });
  expect(nearest.pairCount).toBe(n);
  expect(nearest.right.every((row) => row === 0)).toBe(true);
  const others = await index.match(sky, { ...base, find: 'k-nearest', k: 2, radiusArcsec: 2, selfFirstRow: 0 });
  expect([...others.right.subarray(0, 6)]).toEqual([1, 2, 0, 2, 0, 1]);
  expect(others.candidateCount).toBeLessThan(n * 500);
});

test('too many pairs are refused with their number, before memory is asked for', async () => {
  const sky = edgeSky(31, 400);
  await using index = await SkyIndex.build(runtime, [sky]);
  const query: PairQuery = { ...base, find: 'all', radiusArcsec: 648_000, maxPairs: 1000 };
  await expect(index.match(sky, query)).rejects.toMatchObject({ reason: 'MAX_PAIRS_EXCEEDED' });
});

test('a radius out of range is refused', async () => {
  await using index = await SkyIndex.build(runtime, [edgeSky(1, 10)]);
  for (const radiusArcsec of [0, -1, NaN, 648_001]) {
    await expect(index.match(edgeSky(1, 10), { ...base, find: 'all', radiusArcsec })).rejects.toMatchObject({
      reason: 'RADIUS_OUT_OF_RANGE',
    });
  }
});

test('every backend agrees with the reference', async () => {
  const left = edgeSky(41, 150);
  const right = edgeSky(42, 150);
  for (const find of finds) {
    const query: PairQuery = { ...base, find, radiusArcsec: 7200 };
    const expected = await join.on('reference')({ runtime }, { left, right, query });
    for (const backend of ['typescript', 'wasm'] as const) {
      expect(firstDifference(await join.on(backend)({ runtime }, { left, right, query }), expected)).toBeUndefined();
    }
  }
});

test('the estimate of pairs is about right', async () => {
  const random = new Random(51);
  const n = 20_000;
  const field = (): Positions => ({
    ra: Float64Array.from({ length: n }, () => random.between(350, 370)),
    dec: Float64Array.from({ length: n }, () => random.between(60, 70)),
  });
  const sky = field();
  await using index = await SkyIndex.build(runtime, [field()]);
  for (const radiusArcsec of [60, 600, 7200]) {
    const { pairCount } = await index.match(sky, { ...base, find: 'all', radiusArcsec });
    const ratio = index.estimatePairCount(sky, radiusArcsec) / pairCount;
    expect(ratio).toBeGreaterThan(0.5);
    expect(ratio).toBeLessThan(2);
  }
});

test('a cancelled match stops in the kernel and the index serves on', async () => {
  const n = 300_000;
  const random = new Random(61);
  const sky = {
    ra: Float64Array.from({ length: n }, () => random.between(0, 1)),
    dec: Float64Array.from({ length: n }, () => random.between(0, 1)),
  };
  await using index = await SkyIndex.build(runtime, [sky]);
  const abort = new AbortController();
  const match = index.match(
    sky,
    { ...base, find: 'all', radiusArcsec: 300, neighbourCount: true, maxPairs: 1e9 },
    { signal: abort.signal },
  );
  setTimeout(() => abort.abort(new DOMException('enough', 'AbortError')), 60);
  await expect(match).rejects.toThrow('enough');
  const { cellsDone } = runtime.stats();
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(runtime.stats().cellsDone).toBe(cellsDone);
  const few = { ra: sky.ra.subarray(0, 100), dec: sky.dec.subarray(0, 100) };
  expect((await index.match(few, { ...base, find: 'nearest', radiusArcsec: 1 })).pairCount).toBe(100);
});
