import { readFileSync } from 'node:fs';
import { type Motions, moveForward, parseEpoch, separationArcsec } from '../index.js';

const golden = JSON.parse(readFileSync(new URL('../../../../fixtures/sky/motion.json', import.meta.url), 'utf8')) as {
  rows: number[][];
};

function moved(ra: number, dec: number, motions: Record<keyof Motions, number>, years: number): [number, number] {
  const column = (value: number): Float64Array => Float64Array.of(value);
  const [outRa, outDec] = [new Float64Array(1), new Float64Array(1)];
  moveForward(
    column(ra),
    column(dec),
    {
      pmRaCosdec: column(motions.pmRaCosdec),
      pmDec: column(motions.pmDec),
      parallax: column(motions.parallax),
      radialVelocity: column(motions.radialVelocity),
    },
    years,
    outRa,
    outDec,
  );
  return [outRa[0], outDec[0]];
}

test('positions equal those of astropy, with and without parallax and radial velocity', () => {
  let full = 0;
  let plain = 0;
  for (const [ra, dec, pmRaCosdec, pmDec, parallax, radialVelocity, years, ra1, dec1, ra2, dec2] of golden.rows) {
    const motions = { pmRaCosdec, pmDec, parallax, radialVelocity };
    full = Math.max(full, separationArcsec(...moved(ra, dec, motions, years), ra1, dec1) * 1000);
    plain = Math.max(
      plain,
      separationArcsec(...moved(ra, dec, { ...motions, parallax: NaN }, years), ra2, dec2) * 1000,
    );
  }
  expect(full).toBeLessThan(1e-6);
  // astropy gives a star without parallax a very small one.
  expect(plain).toBeLessThan(1e-3);
});

test('a star moves over the pole', () => {
  const [ra, dec] = moved(30, 89.9999, { pmRaCosdec: 0, pmDec: 1000, parallax: NaN, radialVelocity: NaN }, 0.72);
  expect(ra).toBeCloseTo(210, 9);
  expect(dec).toBeCloseTo(89.9999, 9);
});

test('without motion, and after no time, a position keeps its bits', () => {
  const [ra, dec] = [10.123456789012345, -45.98765432109876];
  const none = { pmRaCosdec: NaN, pmDec: 3, parallax: 10, radialVelocity: 10 };
  expect(moved(ra, dec, none, 100)).toEqual([ra, dec]);
  expect(moved(ra, dec, { ...none, pmRaCosdec: 0, pmDec: 0 }, 100)).toEqual([ra, dec]);
  expect(moved(ra, dec, { ...none, pmRaCosdec: 5 }, 0)).toEqual([ra, dec]);
  expect(moved(ra, dec, { ...none, pmRaCosdec: 5 }, NaN)).toEqual([ra, dec]);
});

test('a motion faster than light is taken as seen', () => {
  const fast = { pmRaCosdec: 1e7, pmDec: 0, parallax: 0.001, radialVelocity: 10 };
  expect(moved(10, 20, fast, 1)).toEqual(moved(10, 20, { ...fast, parallax: NaN }, 1));
});

test.each([
  ['J2016.0', 2016],
  ['2016', 2016],
  ['j1991.25', 1991.25],
  ['MJD57388.0', 2000 + (57388 - 51544.5) / 365.25],
  ['JD2451545', 2000],
  ['B1950', 1949.9997904],
])('the epoch %s is the Julian year %d', (text, year) => {
  expect(parseEpoch(text)).toBeCloseTo(year, 6);
});

test.each(['', 'J', '2016-01-01', 'T2000', 'J2e3', 'NaN'])("'%s' is no epoch", (text) => {
  expect(parseEpoch(text)).toBeUndefined();
});

test.each(['57388', 'J99999', 'MJD9999999'])("'%s' is out of range, or no epoch", (text) => {
  let year: number | undefined;
  try {
    year = parseEpoch(text);
  } catch (error) {
    expect(error).toMatchObject({ reason: 'OPTION_INVALID' });
  }
  expect(year).toBeUndefined();
});
