import { Random } from '@armilla/base';
import type { Positions } from '@armilla/sky';

/**
 * A small sky full of trouble: a dense field (many pairs at 30 arcsec), both poles, the RA seam, twins, exact duplicates,
 * odd turns of RA and bad rows of every kind.
 */
export function awkwardSky(seed: number, rowCount: number, offsetArcsec = 0): Positions {
  const random = new Random(seed);
  // The places are the same for every seed, so that two skies have something to match.
  const places = new Random(99);
  const centres = Array.from({ length: Math.max(4, Math.floor(rowCount / 3)) }, (_, i) => {
    const kind = i % 5;
    if (kind === 0) return { ra: places.between(0, 360), dec: 90 };
    if (kind === 1) return { ra: places.between(0, 360), dec: -90 + places.uniform() * 0.001 };
    if (kind === 2) return { ra: places.uniform() < 0.5 ? 0 : 359.9999, dec: places.between(-60, 60) };
    return { ra: places.between(100, 100.05), dec: places.between(20, 20.05) };
  });
  const ra = new Float64Array(rowCount);
  const dec = new Float64Array(rowCount);
  const nulls = new Uint8Array(rowCount);
  for (let i = 0; i < rowCount; i++) {
    const centre = centres[random.below(centres.length)];
    const scatter = random.below(4) === 0 ? 0 : (5 + offsetArcsec) / 3600;
    dec[i] = Math.max(-90, Math.min(90, centre.dec + random.normal() * scatter));
    ra[i] =
      centre.ra +
      (random.normal() * scatter) / Math.max(0.01, Math.cos((dec[i] * Math.PI) / 180)) +
      360 * (random.below(5) === 0 ? random.below(3) - 1 : 0);
    const trouble = random.below(40);
    if (trouble === 0) nulls[i] = 1;
    else if (trouble === 1) ra[i] = NaN;
    else if (trouble === 2) dec[i] = Infinity;
    else if (trouble === 3) dec[i] = 91;
  }
  return { ra, dec, nulls };
}
