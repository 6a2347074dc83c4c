import { readFileSync } from 'node:fs';
import { separationArcsec, toIcrs } from '../index.js';

const golden = JSON.parse(readFileSync(new URL('../../../../fixtures/sky/frames.json', import.meta.url), 'utf8')) as {
  rows: number[][];
};

test.each([
  ['fk5', 2, 1e-6],
  ['fk4', 4, 0.01],
  ['galactic', 6, 1e-6],
  ['ecliptic', 8, 1e-6],
] as const)('%s positions equal those of astropy', (frame, at, toleranceMas) => {
  let most = 0;
  for (const row of golden.rows) {
    const [ra, dec] = [new Float64Array(1), new Float64Array(1)];
    toIcrs(frame, Float64Array.of(row[0]), Float64Array.of(row[1]), ra, dec);
    most = Math.max(most, separationArcsec(ra[0], dec[0], row[at], row[at + 1]) * 1000);
  }
  expect(most).toBeLessThan(toleranceMas);
});

test('what is no position is none in ICRS either', () => {
  const [ra, dec] = [new Float64Array(3), new Float64Array(3)];
  toIcrs('galactic', Float64Array.of(NaN, Infinity, 10), Float64Array.of(5, 5, NaN), ra, dec);
  expect([...ra, ...dec].every(Number.isNaN)).toBe(true);
});
