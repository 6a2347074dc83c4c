import { Random } from '@armilla/base';
import { readFileSync } from 'node:fs';
import {
  MAX_RADIUS_ARCSEC,
  normaliseRa,
  separationArcsec,
  separationKey,
  separationKeyFloor,
  separationKeyLimit,
  separationOfKeyArcsec,
} from '../index.js';

const golden = JSON.parse(
  readFileSync(new URL('../../../../fixtures/sky/separation.json', import.meta.url), 'utf8'),
) as {
  rows: [number, number, number, number, number][];
};

test('separations equal 50-digit values to 1e-6 mas below a degree and 1e-3 mas everywhere', () => {
  let near = 0;
  let far = 0;
  for (const [ra1, dec1, ra2, dec2, expected] of golden.rows) {
    const errorMas = Math.abs(separationArcsec(ra1, dec1, ra2, dec2) - expected) * 1000;
    if (expected < 3600) near = Math.max(near, errorMas);
    else far = Math.max(far, errorMas);
  }
  expect(near).toBeLessThan(1e-6);
  expect(far).toBeLessThan(1e-3);
});

test('the key is symmetric, bit for bit, and the same a turn away', () => {
  const random = new Random(1);
  for (let i = 0; i < 5000; i++) {
    const [ra1, ra2] = [random.between(0, 360), random.between(0, 360)];
    const [dec1, dec2] = [random.between(-90, 90), random.between(-90, 90)];
    const key = separationKey(ra1, dec1, ra2, dec2);
    expect(separationKey(ra2, dec2, ra1, dec1)).toBe(key);
    expect(separationKey(ra1, -dec1, ra2, -dec2)).toBe(key);
  }
});

test('the key grows with the separation, through 90 degrees to the antipode', () => {
  let last = -1;
  for (let i = 0; i <= 18_000; i++) {
    const key = separationKey(0, 0, Math.min(i / 100, 180), 0);
    expect(key).toBeGreaterThan(last);
    expect(key <= 0.5 || key >= 2 * (1 - 1e-15)).toBe(true);
    last = key;
  }
  expect(last).toBe(Infinity);
});

test('a pair exactly on the radius belongs, above and below', () => {
  for (const arcsec of [1e-3, 0.5, 1, 2, 600, 3600, 18_000, 323_999, 324_000, 324_001, 500_000, MAX_RADIUS_ARCSEC]) {
    const key = separationKey(0, 0, arcsec / 3600, 0);
    expect(key).toBeLessThanOrEqual(separationKeyLimit(arcsec));
    expect(key).toBeGreaterThanOrEqual(separationKeyFloor(arcsec));
    expect(separationKeyLimit(arcsec * (1 - 1e-12))).toBeLessThan(
      arcsec === MAX_RADIUS_ARCSEC ? Infinity : key * (1 + 1e-11),
    );
  }
  expect(separationKeyFloor(0)).toBe(0);
  expect(separationKeyLimit(MAX_RADIUS_ARCSEC)).toBe(Infinity);
});

test('poles, seam and zero', () => {
  expect(separationKey(10, 90, 200, 90)).toBe(0);
  expect(separationKey(10, 20, 10, 20)).toBe(0);
  expect(separationArcsec(0, 90, 123, -90)).toBe(MAX_RADIUS_ARCSEC);
  expect(separationArcsec(359.5, 0, 0.5, 0)).toBeCloseTo(3600, 9);
  expect(separationOfKeyArcsec(0)).toBe(0);
});

test('right ascension is taken modulo 360', () => {
  expect(normaliseRa(-10)).toBe(350);
  expect(normaliseRa(360)).toBe(0);
  expect(normaliseRa(725.5)).toBe(5.5);
  expect(normaliseRa(-1e-20)).toBe(0);
  expect(Object.is(normaliseRa(-360), 0) || Object.is(normaliseRa(-360), -0)).toBe(true);
  expect(normaliseRa(NaN)).toBeNaN();
  const random = new Random(2);
  for (let i = 0; i < 2000; i++) {
    const ra = normaliseRa(random.between(-1e6, 1e6));
    expect(ra >= 0 && ra < 360).toBe(true);
  }
});
