import { Random } from '@armilla/base';
import { separationArcsec } from '../separation/separation.js';
import { FieldDensity } from './density.js';
import { type SimulatedField, simulateField } from './field.js';
import { clusteredPlane, uniformSky } from './pair.js';
import { scatter } from './scatter.js';

/** Nearest right row of each usable left row by a plain walk over the declination strip; -1 where none is within the radius. */
function nearest({ left, right }: SimulatedField, radiusArcsec: number): Int32Array {
  const usable = [...right.dec.keys()].filter(
    (row) => !right.nulls[row] && Number.isFinite(right.ra[row]) && Math.abs(right.dec[row]) <= 90,
  );
  usable.sort((a, b) => right.dec[a] - right.dec[b]);
  const found = new Int32Array(left.rowCount).fill(-1);
  for (let row = 0; row < left.rowCount; row++) {
    let best = left.nulls[row] ? -1 : radiusArcsec;
    let low = 0;
    for (let high = usable.length; low < high;) {
      const middle = (low + high) >> 1;
      if (right.dec[usable[middle]] < left.dec[row] - radiusArcsec / 3600) low = middle + 1;
      else high = middle;
    }
    for (let i = low; i < usable.length && right.dec[usable[i]] <= left.dec[row] + radiusArcsec / 3600; i++) {
      const separation = separationArcsec(left.ra[row], left.dec[row], right.ra[usable[i]], right.dec[usable[i]]);
      if (separation <= best) {
        best = separation;
        found[row] = usable[i];
      }
    }
  }
  return found;
}

test('the same seed gives the same field, another seed another one', () => {
  expect(simulateField(5, 3000)).toMatchObject({ left: { ra: simulateField(5, 3000).left.ra } });
  expect(simulateField(6, 3000).left.ra).not.toEqual(simulateField(5, 3000).left.ra);
});

test('one row in 2,000 is unusable, for each reason in turn, and 60 % have a counterpart', () => {
  const { left, right, truePairCount } = simulateField(1, 40_000);
  for (const { nulls, ra, dec } of [left, right]) {
    expect(nulls.filter((flag) => flag === 1)).toHaveLength(5);
    expect(ra.filter((value) => Number.isNaN(value))).toHaveLength(5);
    expect(dec.filter((value) => value === -Infinity)).toHaveLength(5);
    expect(dec.filter((value) => value > 90)).toHaveLength(5);
  }
  const usable = (catalog: typeof left): Set<number> =>
    new Set(
      [...catalog.trueId].filter(
        (_, row) => catalog.nulls[row] === 0 && Number.isFinite(catalog.ra[row]) && Math.abs(catalog.dec[row]) <= 90,
      ),
    );
  const inRight = usable(right);
  expect([...usable(left)].filter((id) => inRight.has(id))).toHaveLength(truePairCount);
  expect(truePairCount / 40_000).toBeCloseTo(0.6, 2);
});

test('errors grow with magnitude up to the depth', () => {
  const { left } = simulateField(2, 20_000);
  const mean = (low: number, high: number): number => {
    const errors = left.errorArcsec.filter((_, row) => left.magnitude[row] >= low && left.magnitude[row] < high);
    return errors.reduce((sum, error) => sum + error, 0) / errors.length;
  };
  expect(mean(19.5, 20)).toBeGreaterThan(2 * mean(14, 18));
  expect(left.magnitude.filter((magnitude) => magnitude > 21)).toHaveLength(0);
});

test('completeness and purity come out as predicted, within five binomial errors', () => {
  const field = simulateField(3, 30_000);
  for (const radiusArcsec of [0.5, 1, 3]) {
    const found = nearest(field, radiusArcsec);
    const matchedCount = found.filter((right) => right >= 0).length;
    const correct = found.filter(
      (right, row) => right >= 0 && field.left.trueId[row] === field.right.trueId[right],
    ).length;
    const predicted = field.predict(radiusArcsec);
    const error = (share: number, count: number): number => Math.sqrt((share * (1 - share) + 1 / count) / count);
    const completeness = correct / field.truePairCount;
    const purity = correct / matchedCount;
    expect(Math.abs(completeness - predicted.completeness)).toBeLessThan(
      5 * Math.hypot(predicted.completenessError, error(predicted.completeness, field.truePairCount)),
    );
    expect(Math.abs(purity - predicted.purity)).toBeLessThan(
      5 * Math.hypot(predicted.purityError, error(predicted.purity, matchedCount)),
    );
  }
});

test('the density integrates to one over the field and its clusters', () => {
  const density = new FieldDensity(new Random(9), 4, 20);
  const step = 0.01;
  let sum = 0;
  for (let x = -3; x < 3; x += step) for (let y = -3; y < 3; y += step) sum += density.at(x + step / 2, y + step / 2);
  expect(sum * step * step).toBeCloseTo(1, 2);
});

test.each([uniformSky, clusteredPlane])('%p: counterparts lie 0.3 arcsec away per axis', (simulate) => {
  const { left, right, counterpart } = simulate(new Random(4), 20_000);
  let sum = 0;
  let count = 0;
  for (let row = 0; row < 20_000; row++) {
    expect(left.ra[row] >= 0 && left.ra[row] < 360 && Math.abs(left.dec[row]) <= 90).toBe(true);
    const other = counterpart[row];
    if (other < 0) continue;
    sum += separationArcsec(left.ra[row], left.dec[row], right.ra[other], right.dec[other]) ** 2;
    count++;
  }
  expect(count).toBe(12_000);
  expect(Math.sqrt(sum / count / 2)).toBeCloseTo(0.3, 2);
  expect(new Set(counterpart.filter((row) => row >= 0)).size).toBe(12_000);
});

test.each([1, 2, 7, 1000, 1024])('scatter permutes %d rows', (n) => {
  const rowOf = scatter(new Random(n), n);
  expect(new Set(Array.from({ length: n }, (_, i) => rowOf(i))).size).toBe(n);
});
