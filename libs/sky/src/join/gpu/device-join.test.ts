import { Random } from '@armilla/base';
import { Runtime, WebGpuDevice } from '@armilla/gpu-core';
import { type PairQuery, type Positions, referencePairs, separationArcsec, SkyIndex } from '../../index.js';
import { onDawn } from '../../testing/on-dawn.js';
import { clusteredSky, edgeSky } from '../../testing/skies.js';
import { firstDifference } from '../verify.js';
import type { DeviceIndexOptions } from './device-index.js';
import type { DeviceMatchOptions } from './device-match.js';

const base = { minRadiusArcsec: 0, k: 3, order: 'left' } as const;
const finds = ['nearest', 'k-nearest', 'all'] as const;
let runtime: Runtime;
let device: WebGpuDevice | undefined;

beforeAll(async () => {
  runtime = await Runtime.create({ workerCount: 2 });
});
afterAll(async () => {
  await device?.close();
  await runtime.close();
});

async function indexOf(right: Positions, options?: DeviceIndexOptions): Promise<SkyIndex> {
  device ??= await WebGpuDevice.open();
  const index = await SkyIndex.build(runtime, [right]);
  await index.bringTo(device, options);
  return index;
}

async function expectEqual(
  left: Positions,
  right: Positions | SkyIndex,
  query: PairQuery,
  expected: Positions | undefined,
  options?: DeviceMatchOptions,
): Promise<void> {
  await using built = right instanceof SkyIndex ? undefined : await indexOf(right);
  const index = built ?? (right as SkyIndex);
  const reference = referencePairs(left, expected ?? (right as Positions), query);
  expect(firstDifference(await index.matchOn(device!, left, query, options), reference)).toBeUndefined();
}

onDawn.each([0.5, 2, 600, 5 * 3600, 90 * 3600, 180 * 3600])(
  'agrees with brute force at %d arcsec',
  async (radiusArcsec) => {
    const left = edgeSky(1, 150);
    const right = edgeSky(101, 180);
    for (let i = 0; i < 60; i++) [right.ra[i], right.dec[i]] = [left.ra[i], left.dec[i]];
    await using whole = await indexOf(right);
    await using parts = await indexOf(right, { partPlaceCount: 50 });
    for (const find of finds) {
      for (const extra of [
        {},
        { neighbourCount: true, secondSeparation: true },
        { secondSeparation: true, k: 1 },
        { minRadiusArcsec: radiusArcsec / 3, k: 16 },
      ]) {
        const query: PairQuery = { ...base, find, radiusArcsec, ...extra };
        await expectEqual(left, whole, query, right);
        await expectEqual(left, parts, query, right);
      }
    }
  },
);

onDawn.each(finds)('self-match %s agrees with brute force', async (find) => {
  const sky = edgeSky(9, 200);
  await using index = await indexOf(sky);
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
      for (const extra of [{}, { neighbourCount: true, secondSeparation: true }, { secondSeparation: true }])
        await expectEqual(chunk, index, { ...base, find, radiusArcsec, selfFirstRow: from, ...extra }, sky);
    }
  }
});

onDawn.each([0.01, 1, 60, 3600])('agrees with brute force among clusters at %d arcsec', async (radiusArcsec) => {
  const left = clusteredSky(3, 120);
  const right = clusteredSky(4, 1000);
  await using index = await indexOf(right);
  for (const find of finds) await expectEqual(left, index, { ...base, find, radiusArcsec }, right);
});

onDawn(
  'pairs exactly on the radius or the minimum radius are judged as on the CPU, also at poles and across 0',
  async () => {
    const random = new Random(12);
    let onRadius = 0;
    for (let round = 0; round < 24; round++) {
      const dec0 = [0, 45, 90, -90, 60][round % 5];
      const [south, north] = [dec0 === -90 ? 0 : -1, dec0 === 90 ? 0 : 1];
      const ra0 = [0, 359.9999999, 123][round % 3];
      const scale = 10 ** random.between(-7, 0);
      const near = (): Positions => ({
        ra: Float64Array.from({ length: 40 }, () => ra0 + scale * random.between(-1, 1)),
        dec: Float64Array.from({ length: 40 }, () => dec0 + scale * random.between(south, north)),
      });
      const [left, right] = [near(), near()];
      await using index = await indexOf(right);
      const [i, j] = [random.below(40), random.below(40)];
      const radiusArcsec = separationArcsec(left.ra[i], left.dec[i], right.ra[j], right.dec[j]);
      const all: PairQuery = { ...base, find: 'all', radiusArcsec };
      await expectEqual(left, index, all, right);
      const pairs = await index.matchOn(device!, left, all);
      if (pairs.left.some((row, p) => row === i && pairs.right[p] === j)) onRadius++;
      for (const find of finds) {
        await expectEqual(
          left,
          index,
          { ...base, find, radiusArcsec: 3 * radiusArcsec, minRadiusArcsec: radiusArcsec },
          right,
        );
      }
    }
    expect(onRadius).toBe(24);
  },
);

onDawn('of right rows that f32 cannot tell apart the nearest is found, and equal ones by their row', async () => {
  const random = new Random(13);
  // A few units of the last place of an f64 apart.
  const n = 60;
  const right = {
    ra: Float64Array.from({ length: n }, () => 210 + 1e-3 + random.below(20) * 2 ** -44),
    dec: Float64Array.from({ length: n }, () => 30 + random.below(3) * 2 ** -47),
  };
  const left = {
    ra: Float64Array.from({ length: 40 }, () => 210 + 1e-3 * random.below(3)),
    dec: Float64Array.from({ length: 40 }, () => 30 + 1e-5 * random.between(-1, 1)),
  };
  for (const find of finds) {
    await expectEqual(left, right, { ...base, find, radiusArcsec: 10 }, undefined);
    await expectEqual(left, right, { ...base, find, radiusArcsec: 10, secondSeparation: true, k: 16 }, undefined);
  }
});

onDawn('any chunk, part and room for candidates gives the same pairs', async () => {
  const left = clusteredSky(5, 300);
  const right = clusteredSky(6, 400);
  const random = new Random(8);
  for (const find of finds) {
    const query: PairQuery = { ...base, find, radiusArcsec: 3600 };
    const expected = referencePairs(left, right, query);
    for (const limits of [
      { rowCount: 1 + random.below(100) },
      { distanceCount: 1 },
      { candidateBytes: 64 },
      { visitBytes: 1 },
    ]) {
      await using index = await indexOf(right, { partPlaceCount: 30 + random.below(400) });
      expect(firstDifference(await index.matchOn(device!, left, query, { limits }), expected)).toBeUndefined();
    }
  }
});

onDawn.each([
  ['no right rows', 5, 0],
  ['no left rows', 0, 5],
  ['one row each', 1, 1],
])('%s', async (_, leftCount, rightCount) => {
  for (const find of finds)
    await expectEqual(edgeSky(1, leftCount), edgeSky(1, rightCount), { ...base, find, radiusArcsec: 3600 }, undefined);
});
