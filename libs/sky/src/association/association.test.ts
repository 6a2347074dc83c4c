import { isProblem, Random } from '@armilla/base';
import {
  bayesFactor,
  chooseAny,
  type Covariance,
  logPrior,
  MagnitudeHistogram,
  type MeasuredPlace,
  pairBayesFactor,
  posterior,
} from '../index.js';

const ARCSEC_PER_RADIAN = (3600 * 180) / Math.PI;

function place(random: Random, size: number): MeasuredPlace {
  const [a, b] = [random.between(0.2, 2), random.between(0.2, 2)];
  const covariance = { xx: a * a, yy: b * b, xy: random.between(-0.9, 0.9) * a * b };
  return { x: random.normal() * size, y: random.normal() * size, covariance };
}

function gaussian({ x, y, covariance: { xx, yy, xy } }: MeasuredPlace, atX: number, atY: number): number {
  const determinant = xx * yy - xy * xy;
  const [dx, dy] = [atX - x, atY - y];
  const chi2 = (yy * dx * dx - 2 * xy * dx * dy + xx * dy * dy) / determinant;
  return Math.exp(-chi2 / 2) / (2 * Math.PI * Math.sqrt(determinant));
}

/** The integral of eq. 11 of Budavari & Szalay over a plane, by the trapezoidal rule, which is exact for Gaussians. */
function integrated(places: readonly MeasuredPlace[]): number {
  let sum = 0;
  const step = 0.1;
  for (let x = -12; x <= 12; x += step)
    for (let y = -12; y <= 12; y += step)
      sum += places.reduce((product, one) => product * gaussian(one, x, y), 1) * step * step;
  const perPlace = Math.log10(4 * Math.PI) + 2 * Math.log10(ARCSEC_PER_RADIAN);
  return (places.length - 1) * perPlace + Math.log10(sum);
}

test('the Bayes factor of any number of places is the integral over where the source may be', () => {
  const random = new Random(1);
  for (const count of [1, 2, 3, 4]) {
    for (let i = 0; i < 3; i++) {
      const places = Array.from({ length: count }, () => place(random, 1));
      expect(bayesFactor(places)).toBeCloseTo(integrated(places), 8);
    }
  }
});

test('for circles it is eq. 16 and 18 of Budavari & Szalay', () => {
  const random = new Random(2);
  const circle = (sigma: number): Covariance => ({ xx: sigma * sigma, yy: sigma * sigma, xy: 0 });
  for (let i = 0; i < 50; i++) {
    const sigmas = [random.between(0.1, 3), random.between(0.1, 3), random.between(0.1, 3)];
    const places = sigmas.map((sigma) => ({ x: random.normal(), y: random.normal(), covariance: circle(sigma) }));
    const square = (j: number, k: number): number =>
      (places[j].x - places[k].x) ** 2 + (places[j].y - places[k].y) ** 2;
    const w = sigmas.map((sigma) => (sigma / ARCSEC_PER_RADIAN) ** -2);
    const sum = w[0] + w[1] + w[2];
    const pairs = [
      [0, 1],
      [0, 2],
      [1, 2],
    ];
    const exponent = pairs.reduce((all, [j, k]) => all + w[j] * w[k] * (square(j, k) / ARCSEC_PER_RADIAN ** 2), 0);
    const three = Math.log10((4 * w[0] * w[1] * w[2]) / sum) - (exponent / (2 * sum)) * Math.LOG10E;
    expect(bayesFactor(places)).toBeCloseTo(three, 9);
    const variance = sigmas[0] ** 2 + sigmas[1] ** 2;
    const two = Math.log10((2 * ARCSEC_PER_RADIAN ** 2) / variance) - (square(0, 1) / (2 * variance)) * Math.LOG10E;
    expect(bayesFactor(places.slice(0, 2))).toBeCloseTo(two, 9);
    expect(pairBayesFactor(Math.sqrt(square(0, 1) / variance), variance ** 2)).toBeCloseTo(two, 9);
  }
});

test('neither order nor axes nor origin of the places count', () => {
  const random = new Random(3);
  for (let i = 0; i < 50; i++) {
    const places = Array.from({ length: 4 }, () => place(random, 2));
    const [sin, cos] = [Math.sin(i), Math.cos(i)];
    const turned = places.map(({ x, y, covariance: { xx, yy, xy } }) => ({
      x: cos * x - sin * y + 100,
      y: sin * x + cos * y - 50,
      covariance: {
        xx: cos * cos * xx - 2 * sin * cos * xy + sin * sin * yy,
        yy: sin * sin * xx + 2 * sin * cos * xy + cos * cos * yy,
        xy: sin * cos * (xx - yy) + (cos * cos - sin * sin) * xy,
      },
    }));
    expect(bayesFactor(turned)).toBeCloseTo(bayesFactor(places), 8);
    expect(bayesFactor([...places].reverse())).toBeCloseTo(bayesFactor(places), 10);
    for (const place of places) expect(bayesFactor([place])).toBe(0);
  }
});

test('priors multiply; the posterior has its limits', () => {
  const one = { rowCount: 999, areaSquareDegrees: 41252.96124941927, completeness: 0.5 };
  expect(logPrior([])).toBe(0);
  expect(logPrior([one])).toBeCloseTo(Math.log10(0.5 / 1000), 12);
  expect(logPrior([one, one])).toBeCloseTo(2 * Math.log10(0.5 / 1000), 12);
  expect(posterior(0, 0)).toBe(1);
  expect(posterior(-Infinity, 0)).toBe(1);
  expect(posterior(-Infinity, -3)).toBe(0);
  expect(posterior(5000, -3)).toBe(1);
  expect(posterior(0, -3)).toBeCloseTo(1e-3, 15);
  const prior = 0.2;
  expect(posterior(1.5, Math.log10(prior))).toBeCloseTo(1 / (1 + (1 - prior) / (prior * 10 ** 1.5)), 14);
});

test('the choice among candidates: sums of weights that no double could hold', () => {
  expect(chooseAny([], 0, 0)).toEqual({ any: 0, logSum: -Infinity });
  expect(chooseAny([-Infinity, -Infinity], 0, 2).any).toBe(0);
  expect(chooseAny([0], 0, 1).any).toBeCloseTo(0.5, 15);
  expect(chooseAny([5, 0, Math.log10(3)], 1, 3).any).toBeCloseTo(0.8, 14);
  const { any, logSum } = chooseAny([4000, 4000], 0, 2);
  expect([any, logSum]).toEqual([1, 4000 + Math.log10(2)]);
  // A small probability keeps its digits.
  expect(chooseAny([-20], 0, 1).any / 1e-20).toBeCloseTo(1, 12);
  expect(chooseAny([2], 0, 1, 2).any).toBeCloseTo(0.5, 15);
});

describe('histograms of magnitudes', () => {
  const text = '# lo hi\n10 12 0.2 0.1\n12 13 0.4 0\n\n13 15 0 0.3';

  test('a magnitude weighs by the ratio in its bin', () => {
    const histogram = MagnitudeHistogram.parse(text, 'mag');
    const weights = [10, 11.99, 12, 12.5, 13, 15].map((value) => histogram.weight(value));
    expect(weights).toEqual([2, 2, 100, 100, 0, 0]);
    for (const beyond of [9.99, 15.01, NaN, Infinity, -Infinity, -99]) expect(histogram.weight(beyond)).toBe(1);
    expect(MagnitudeHistogram.parse(histogram.toString(), 'mag').toString()).toBe(histogram.toString());
    expect(MagnitudeHistogram.parse('10 12 0.2 0.1; 12 13 0.4 0', 'mag').weight(10)).toBe(2);
  });

  test.each([
    ['', 'no bins'],
    ['# nothing', 'no bins'],
    ['1 2 3', 'four numbers'],
    ['1 2 x 1', 'four numbers'],
    ['1 2 3 Infinity', 'four numbers'],
    ['2 1 1 1', 'ascend'],
    ['1 1 1 1', 'ascend'],
    ['1 2 -1 1', 'negative'],
    ['1 2 1 1; 3 4 1 1', 'begins at 3'],
    ['3 4 1 1; 1 3 1 1', 'begins at 1'],
  ])('refused: %j', (bad, detail) => {
    let seen: unknown;
    try {
      MagnitudeHistogram.parse(bad, 'mag');
    } catch (error) {
      seen = error;
    }
    expect(isProblem(seen) && seen.reason).toBe('HISTOGRAM_INVALID');
    expect(String((seen as Error).message)).toContain(detail);
  });

  test('measured: both are densities, and counterparts fill their bins evenly', () => {
    const random = new Random(4);
    const selected = Float64Array.from({ length: 3000 }, () => 18 + random.normal());
    const others = Float64Array.from({ length: 5000 }, () => 22 + 2 * random.normal());
    const histogram = MagnitudeHistogram.of(selected, new Float64Array(3000).fill(0.9), others);
    const { edges } = histogram;
    const sum = (values: Float64Array): number =>
      values.reduce((all, value, i) => all + value * (edges[i + 1] - edges[i]), 0);
    expect(sum(histogram.selected)).toBeCloseTo(1, 12);
    expect(sum(histogram.others)).toBeCloseTo(1, 12);
    // The brightest of all is a counterpart: one bin more at the faint end alone.
    expect(edges).toHaveLength(16);
    histogram.selected.forEach((value, i) => {
      if (i < 14) expect(value * (edges[i + 1] - edges[i])).toBeCloseTo(1 / 14, 2);
    });
    expect(histogram.weight(18)).toBeGreaterThan(5);
    expect(histogram.weight(24)).toBeLessThan(0.01);
  });
});
