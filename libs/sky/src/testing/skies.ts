import { Random } from '@armilla/base';
import type { Positions } from '../positions/positions.js';

/** A small sky where careless geometry goes wrong: poles, seam, clumps, duplicates, antipodes, mirrored twins, bad rows. */
export function edgeSky(seed: number, n: number): Positions {
  const random = new Random(seed);
  const ra = new Float64Array(n);
  const dec = new Float64Array(n);
  const nulls = new Uint8Array(n);
  for (let i = 0; i < n; i++) {
    const kind = random.below(9);
    ra[i] = random.between(-360, 720);
    dec[i] = (Math.asin(random.between(-1, 1)) * 180) / Math.PI;
    if (kind === 1) dec[i] = 90 - random.between(0, 0.01) * random.below(2);
    if (kind === 2) dec[i] = -90 + random.between(0, 0.01) * random.below(2);
    if (kind === 3) [ra[i], dec[i]] = [random.between(-0.01, 0.01), random.between(-0.01, 0.01)];
    if (kind === 4) [ra[i], dec[i]] = [180 + random.normal() * 0.0005, 45 + random.normal() * 0.0005];
    if (kind === 5 && i > 0) [ra[i], dec[i]] = [ra[i - 1], dec[i - 1]];
    if (kind === 6 && i > 0) [ra[i], dec[i]] = [ra[i - 1] + 180, -dec[i - 1]];
    if (kind === 7)
      [ra[i], dec[i]] = [100 + (random.below(2) ? 1 : -1) * 0.0002, 30 + (random.below(2) ? 1 : -1) * 0.0001];
    const bad = random.below(60);
    if (bad === 0) ra[i] = NaN;
    if (bad === 1) dec[i] = -Infinity;
    if (bad === 2) dec[i] = 91;
    if (bad === 3) nulls[i] = 1;
  }
  return { ra, dec, nulls };
}

/** Clusters of very different density, so that crowded fine cells, long runs and widening searches all occur. */
export function clusteredSky(seed: number, n: number): Positions {
  const random = new Random(seed);
  const at = (i: number): [number, number] => {
    if (i % 4 === 0) return [random.between(355, 365), random.between(-5, 5)];
    if (i % 4 === 1) return [0.001 * random.normal(), 0.001 * random.normal()];
    if (i % 4 === 2) return [2 + 1e-5 * random.normal(), 2 + 1e-7 * random.normal()];
    return [random.between(0, 360), 89.9 + 0.1 * random.uniform()];
  };
  const rows = Array.from({ length: n }, (_, i) => at(i));
  return { ra: Float64Array.from(rows, ([ra]) => ra), dec: Float64Array.from(rows, ([, dec]) => dec) };
}
