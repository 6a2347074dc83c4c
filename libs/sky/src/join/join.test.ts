import { Random } from '@armilla/base';
import { Runtime } from '@armilla/gpu-core';
import { type PairQuery, type Positions, referencePairs, SkyIndex } from '../index.js';

/** A small sky where careless geometry goes wrong. */
function edgeSky(seed: number, n: number): Positions {
  const random = new Random(seed);
  const ra = new Float64Array(n);
  const dec = new Float64Array(n);
  const nulls = new Uint8Array(n);
  for (let i = 0; i < n; i++) {
    const kind = random.below(8);
    ra[i] = random.between(-360, 720);
    dec[i] = (Math.asin(random.between(-1, 1)) * 180) / Math.PI;
    if (kind === 1) dec[i] = 90 - random.between(0, 0.01) * random.below(2);
    if (kind === 2) dec[i] = -90 + random.between(0, 0.01) * random.below(2);
    if (kind === 3) [ra[i], dec[i]] = [random.between(-0.01, 0.01), random.between(-0.01, 0.01)];
    if (kind === 4) [ra[i], dec[i]] = [180 + random.normal() * 0.0005, 45 + random.normal() * 0.0005];
    if (kind === 5 && i > 0) [ra[i], dec[i]] = [ra[i - 1], dec[i - 1]];
    if (kind === 6 && i > 0) [ra[i], dec[i]] = [ra[i - 1] + 180, -dec[i - 1]];
    const bad = random.below(60);
    if (bad === 0) ra[i] = NaN;
    if (bad === 1) dec[i] = Infinity;
    if (bad === 2) dec[i] = 91;
    if (bad === 3) nulls[i] = 1;
  }
  return { ra, dec, nulls };
}

const base = { minRadiusArcsec: 0, k: 3, order: 'left' } as const;

test.each([0.5, 2, 600, 5 * 3600, 90 * 3600, 180 * 3600])('agrees with brute force at %d arcsec', async (radiusArcsec) => {
  await using runtime = await Runtime.create();
  for (const seed of [1, 2, 3]) {
    const left = edgeSky(seed, 250);
    const right = edgeSky(seed + 100, 200);
    for (let i = 0; i < 80; i++) [right.ra[i], right.dec[i]] = [left.ra[i], left.dec[i]];
    const index = await SkyIndex.build(runtime, [right]);
    for (const find of ['nearest', 'k-nearest', 'all'] as const) {
      const query: PairQuery = { ...base, find, radiusArcsec, neighbourCount: true, secondSeparation: true };
      const { candidateCount: _a, cellCount: _b, ...got } = await index.match(left, query);
      const { candidateCount: _c, cellCount: _d, ...expected } = referencePairs(left, right, query);
      expect(got).toEqual(expected);
    }
    await index.dispose();
  }
});
