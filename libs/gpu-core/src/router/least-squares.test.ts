import { Random } from '@armilla/base';
import { LeastSquares } from './least-squares.js';

test('finds the terms of exact samples', () => {
  const squares = new LeastSquares([0, 0, 0], [1e-9, 1e-9, 1e-9]);
  const terms = [0.5, 2, 0.25];
  const random = new Random(1);
  for (let i = 0; i < 50; i++) {
    const x = [1, random.uniform(), random.uniform()];
    const time = x.reduce((sum, value, j) => sum + value * terms[j], 0);
    squares.add(x[0] / time, x[1] / time, x[2] / time);
  }
  terms.forEach((term, j) => expect(squares.terms[j]).toBeCloseTo(term, 6));
});

test('is the non-negative minimum: no step along an allowed direction lowers the sum', () => {
  for (let seed = 1; seed <= 40; seed++) {
    const random = new Random(seed);
    const weights = [0.01, 0.02, 0.03];
    const anchor = [random.uniform(), random.uniform(), random.uniform()];
    const squares = new LeastSquares(anchor, weights);
    const samples = Array.from({ length: 6 }, () => [random.normal(), random.normal(), random.normal()]);
    for (const [z0, z1, z2] of samples) squares.add(z0, z1, z2);
    const sum = (u: ArrayLike<number>): number => {
      let total = 0;
      samples.forEach((z, i) => {
        const error = 1 - z[0] * u[0] - z[1] * u[1] - z[2] * u[2];
        total += 0.995 ** (samples.length - 1 - i) * error * error;
      });
      for (let j = 0; j < 3; j++) total += weights[j] * (u[j] - anchor[j]) ** 2;
      return total;
    };
    const least = sum(squares.terms);
    for (let j = 0; j < 3; j++) {
      expect(squares.terms[j]).toBeGreaterThanOrEqual(0);
      for (const step of [1e-3, -1e-3]) {
        const moved = Float64Array.from(squares.terms);
        moved[j] = Math.max(0, moved[j] + step);
        expect(sum(moved)).toBeGreaterThanOrEqual(least - 1e-12);
      }
    }
  }
});

test('a workload of one size does not unlearn the terms that it does not show', () => {
  const squares = new LeastSquares([1, 1, 1], [1, 1, 1]);
  for (let i = 0; i < 5000; i++) squares.add(0, 2, 0);
  expect(squares.terms[0]).toBeCloseTo(1, 9);
  expect(squares.terms[1]).toBeCloseTo(0.5, 2);
  expect(squares.terms[2]).toBeCloseTo(1, 9);
});
