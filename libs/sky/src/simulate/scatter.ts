import type { Random } from '@armilla/base';

/** A permutation of 0..n-1 that tears neighbours apart: rows that follow each other stand far apart on the sky. n <= 9e7. */
export function scatter(random: Random, n: number): (i: number) => number {
  let stride = Math.max(1, Math.floor(random.between(0.3, 0.7) * n));
  while (greatestDivisor(stride, Math.max(1, n)) !== 1) stride++;
  const first = random.below(Math.max(1, n));
  return (i) => (first + i * stride) % n;
}

function greatestDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestDivisor(b, a % b);
}
