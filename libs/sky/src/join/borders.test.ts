import { Random } from '@armilla/base';
import { Runtime } from '@armilla/gpu-core';
import { type PairQuery, type Positions, referencePairs, SkyIndex } from '../index.js';
import { planGrid, usualCellCount } from './grid-plan.js';
import { firstDifference } from './verify.js';

const ROWS = 700;

/** `value`, or the double next to it on either side. */
function near(random: Random, value: number): number {
  const word = new BigInt64Array(1);
  const double = new Float64Array(word.buffer);
  double[0] = value;
  if (value !== 0) word[0] += BigInt(random.below(3) - 1);
  return double[0];
}

/** Rows on the borders of the bins and cells that `sky` is cut by. */
function onBorders(random: Random, sky: Positions, cellCount: number): Positions {
  const plan = planGrid(sky.ra, sky.dec, cellCount);
  const pick = <T>(values: readonly T[]): T => values[random.below(values.length)];
  const ra = new Float64Array(ROWS);
  const dec = new Float64Array(ROWS);
  for (let i = 0; i < ROWS; i++) {
    const bucket = pick(plan.buckets);
    const cell = pick(plan.cells);
    const bins = [
      bucket.raMin + random.below(bucket.cellOfBin.length + 1) / bucket.raScale,
      plan.decMin + random.below(plan.bucketOfBin.length + 1) / plan.decScale,
    ];
    ra[i] = near(random, pick([bins[0], cell.raLow, cell.raHigh, random.between(20, 24)]));
    dec[i] = near(random, pick([bins[1], cell.decLow, cell.decHigh, random.between(40, 43)]));
    if (!Number.isFinite(ra[i])) ra[i] = bins[0];
    if (!Number.isFinite(dec[i])) dec[i] = bins[1];
  }
  return { ra, dec };
}

test('rows on the borders of bins and cells, and one step beside them, are found', async () => {
  await using runtime = await Runtime.create({ workerCount: 2 });
  for (const seed of [1, 2, 3]) {
    const random = new Random(seed);
    const cellRowCount = [5, 40, 300][seed - 1];
    const cellCount = usualCellCount(ROWS, cellRowCount);
    const even: Positions = {
      ra: Float64Array.from({ length: ROWS }, () => random.between(20, 24)),
      dec: Float64Array.from({ length: ROWS }, () => random.between(40, 43)),
    };
    const right = onBorders(random, even, cellCount);
    const left = onBorders(random, right, cellCount);
    await using index = await SkyIndex.build(runtime, [right], { cellRowCount });
    for (const find of ['nearest', 'k-nearest', 'all'] as const) {
      for (const radiusArcsec of [1e-9, 1, 100, 2000]) {
        const query: PairQuery = { find, radiusArcsec, minRadiusArcsec: 0, k: 4, order: 'left' };
        expect(firstDifference(await index.match(left, query), referencePairs(left, right, query))).toBeUndefined();
      }
    }
  }
});
