import { Random } from '../index.js';

test('the same seed gives the same sequence, another seed another', () => {
  const draw = (seed: number): number[] => {
    const random = new Random(seed);
    return Array.from({ length: 8 }, () => random.uint32());
  };
  expect(draw(7)).toEqual(draw(7));
  expect(draw(7)).not.toEqual(draw(8));
});

test('moments of the uniform and the normal distribution', () => {
  const random = new Random(1);
  const n = 200_000;
  let uniform = 0;
  let normal = 0;
  let square = 0;
  for (let i = 0; i < n; i++) {
    const u = random.uniform();
    if (!(u >= 0 && u < 1)) throw new RangeError(`uniform gave ${u}`);
    uniform += u;
    const x = random.normal();
    normal += x;
    square += x * x;
  }
  // Six standard errors.
  expect(Math.abs(uniform / n - 0.5)).toBeLessThan((6 * Math.sqrt(1 / 12)) / Math.sqrt(n));
  expect(Math.abs(normal / n)).toBeLessThan(6 / Math.sqrt(n));
  expect(Math.abs(square / n - 1)).toBeLessThan((6 * Math.SQRT2) / Math.sqrt(n));
});

test('bounds hold', () => {
  const random = new Random(3);
  for (let i = 0; i < 10_000; i++) {
    expect(random.below(3)).toBeLessThan(3);
    const x = random.between(-2, 5);
    expect(x >= -2 && x < 5).toBe(true);
  }
});
