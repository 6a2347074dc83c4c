import { readFileSync } from 'node:fs';
import { isProblem, Random } from '@armilla/base';
import { type Area, markOutside, Moc, parseArea, parseMoc, separationArcsec } from '../index.js';

const fixture = (name: string): Buffer => readFileSync(new URL(`../../../../fixtures/sky/${name}`, import.meta.url));

type Place = [number, number, boolean];
const golden = JSON.parse(fixture('area.json').toString()) as {
  polygons: { name: string; vertices: [number, number][]; positions: Place[] }[];
  cones: { cone: [number, number, number]; positions: Place[] }[];
  moc: { ascii: string; positions: Place[] };
};

const tell = (area: Area, places: readonly Place[]): Place[] =>
  places.map(([ra, dec]) => [ra, dec, area.contains(ra, dec)]);

describe('golden', () => {
  test.each(golden.cones)('cone $cone equals astropy', ({ cone: [ra, dec, radius], positions }) => {
    expect(tell(parseArea(`cone(${ra}, ${dec}, ${radius}deg)`), positions)).toEqual(positions);
  });

  test.each(golden.polygons)('the polygon "$name" equals mocpy, either way around', ({ vertices, positions }) => {
    const text = (list: readonly [number, number][]): string => `polygon(${list.map((v) => v.join(' ')).join(', ')})`;
    expect(tell(parseArea(text(vertices)), positions)).toEqual(positions);
    expect(tell(parseArea(text([...vertices].reverse())), positions)).toEqual(positions);
    const [first, ...rest] = vertices;
    expect(tell(parseArea(text([...rest, first])), positions)).toEqual(positions);
    // Closed by its first vertex.
    expect(tell(parseArea(text([...vertices, first])), positions)).toEqual(positions);
  });

  test('a MOC equals mocpy', () => {
    const { ascii, positions } = golden.moc;
    expect(tell(parseArea(`moc(${ascii})`), positions)).toEqual(positions);
  });

  test.each(['moc-range.fits', 'moc-nuniq.fits', 'moc.txt', 'moc.json'])('%s of mocpy is read', (name) => {
    expect(parseMoc(fixture(name), name).toAscii()).toBe('3/3 10 4/16-18 22 7/5000 29/3458764513820540927');
  });
});

describe('text', () => {
  test.each([
    ['cone(10.5, 41.2, 1deg)', 10.5, 42.1, 10.5, 42.3],
    ['CONE( 0 , 90 , 60 arcmin )', 123, 89.5, 0, 88.9],
    ['box(350, -5, 10, 5)', 359, 5, 11, 0],
    ['box(10, -5, 350, 5)', 180, 0, 0, 0],
    ['box(0, -5, 360, 5)', 77, -5, 77, -5.1],
    ['box(-10, -5, 10, 5)', -10, 0, 10.1, 0],
    ['polygon(10 20, 11 20, 11 21)', 10.9, 20.5, 10.1, 20.5],
    ['healpix(0; 4)', 0, 0, 90, 0],
    ['healpix(1; 16-18, 19)', 0, 0, 90, 0],
    ['moc({"0": [4]})', 0, 0, 90, 0],
    ['moc(0/4)', 0, 0, 90, 0],
  ])('%s', (text, ra1, dec1, ra2, dec2) => {
    const area = parseArea(text);
    expect([area.contains(ra1, dec1), area.contains(ra2, dec2)]).toEqual([true, false]);
    // The normal text means the same.
    const again = parseArea(area.text);
    expect(again.text).toBe(area.text);
    expect([again.contains(ra1, dec1), again.contains(ra2, dec2)]).toEqual([true, false]);
    expect([area.contains(NaN, 0), area.contains(0, 91), area.contains(Infinity, 0)]).toEqual([false, false, false]);
  });

  test('a MOC is written in the fewest cells', () => {
    expect(
      Moc.of([
        { order: 1, from: 0n, to: 3n },
        { order: 1, from: 2n, to: 5n },
      ]).toAscii(),
    ).toBe('0/0 1/4-5');
    expect(parseArea('moc(29/0-3 4, 5,6 7\n# a comment 9\n 8-15)').text).toBe('moc(27/0)');
    expect(parseArea('moc(3/ 5/)').contains(0, 0)).toBe(false);
  });

  test.each([
    ['cone(1, 2)', 'AREA_INVALID'],
    ['cone(1, 91, 1deg)', 'AREA_INVALID'],
    ['cone(1, 2, 0)', 'AREA_INVALID'],
    ['cone(1, 2, 181deg)', 'AREA_INVALID'],
    ['cone(1, 2, 1pc)', 'OPTION_INVALID'],
    ['cone(x, 2, 1)', 'AREA_INVALID'],
    ['box(0, 5, 1, -5)', 'AREA_INVALID'],
    ['box(0, 5, 1, 95)', 'AREA_INVALID'],
    ['box(0, 5, 1)', 'AREA_INVALID'],
    ['circle(0, 5, 1)', 'AREA_INVALID'],
    ['constructor(1)', 'AREA_INVALID'],
    ['cone(1, 2, 3) cone(1, 2, 3)', 'AREA_INVALID'],
    ['', 'AREA_INVALID'],
    ['polygon(10 20, 11 20)', 'AREA_INVALID'],
    ['polygon(10 20, 11 20, 10 20)', 'AREA_INVALID'],
    ['polygon(10 20, 11, 10 21)', 'AREA_INVALID'],
    ['polygon(10 20, 11 95, 10 21)', 'AREA_INVALID'],
    // A bow tie.
    ['polygon(0 0, 10 10, 10 0, 0 10)', 'AREA_INVALID'],
    // A vertex on another edge.
    ['polygon(0 0, 10 0, 10 10, 5 0, 0 10)', 'AREA_INVALID'],
    // A spike, an edge of half a turn, and no area.
    ['polygon(0 0, 10 0, 5 0, 5 5)', 'AREA_INVALID'],
    ['polygon(0 0, 180 0, 90 45)', 'AREA_INVALID'],
    ['polygon(0 0, 10 0, 20 0)', 'AREA_INVALID'],
    [`polygon(${Array.from({ length: 2001 }, (_, i) => `${i * 0.1} 10`).join(', ')})`, 'AREA_INVALID'],
    ['healpix(5)', 'AREA_INVALID'],
    ['healpix(30; 1)', 'MOC_INVALID'],
    ['healpix(1; 48)', 'MOC_INVALID'],
    ['healpix(1; -1)', 'AREA_INVALID'],
    ['healpix(1; 5-3)', 'MOC_INVALID'],
    ['moc()', 'MOC_INVALID'],
    ['moc(5)', 'MOC_INVALID'],
    ['moc(30/1)', 'MOC_INVALID'],
    ['moc(30/)', 'MOC_INVALID'],
    ['moc(3/768)', 'MOC_INVALID'],
    ['moc(3/1-)', 'MOC_INVALID'],
    ['moc(3/1-2-3)', 'MOC_INVALID'],
    ['moc(t61/1 3)', 'MOC_INVALID'],
    ['moc({"3": 1})', 'MOC_INVALID'],
    ['moc({"3": [1.5]})', 'MOC_INVALID'],
    ['moc({"30": []})', 'MOC_INVALID'],
    ['moc({"x": [1]})', 'MOC_INVALID'],
    ['moc({"3": [1)', 'MOC_INVALID'],
    [`moc(29/${'9'.repeat(21)})`, 'MOC_INVALID'],
  ])('malformed area %# is refused', (text, reason) => {
    let seen: string | undefined;
    try {
      parseArea(text);
    } catch (error) {
      if (!isProblem(error)) throw error;
      seen = error.reason;
    }
    expect(seen).toBe(reason);
  });
});

describe('a FITS file that is not as it should be', () => {
  const whole = fixture('moc-range.fits');
  const reasonOf = (bytes: Uint8Array): string | undefined => {
    try {
      parseMoc(bytes, 'coverage.fits');
    } catch (error) {
      if (!isProblem(error)) throw error;
      return error.reason;
    }
    return undefined;
  };

  test('cut short anywhere, it is refused', () => {
    const data = 2 * 2880 + 10 * 8;
    for (let length = 0; length < data; length += 40) expect(reasonOf(whole.subarray(0, length))).toBe('MOC_INVALID');
  });

  test.each([
    ['TFORM1', "'1D      '"],
    ['TFIELDS', '2'],
    ['NAXIS2', '-1'],
    ['NAXIS2', '11'],
    ['NAXIS2', '999999999999'],
    ['NAXIS2', '1e3'],
    ['NAXIS1', '16'],
    ['PCOUNT', '80'],
    ['BITPIX', '16'],
    ['ORDERING', "'RING    '"],
    ['MOCDIM', "'TIME    '"],
    ['COORDSYS', "'G       '"],
    ['MOCORD_S', '30'],
    ['MOCORD_S', '-1'],
    // Cells of a finer order than it says it has.
    ['MOCORD_S', '5'],
    ['XTENSION', "'IMAGE   '"],
  ])('%s = %s', (key, value) => {
    const bytes = Buffer.from(whole);
    const at = bytes.indexOf(key.padEnd(8), 2880, 'latin1');
    expect(at).toBeGreaterThan(0);
    bytes.write(`${key.padEnd(8)}= ${value}`.padEnd(80), at, 'latin1');
    expect(reasonOf(bytes)).toBe('MOC_INVALID');
  });

  test('changed at random, it is read or refused', () => {
    const random = new Random(5);
    for (const name of ['moc-range.fits', 'moc-nuniq.fits']) {
      for (let i = 0; i < 600; i++) {
        const bytes = Buffer.from(fixture(name));
        for (let n = random.below(8); n >= 0; n--) bytes[random.below(6000)] = random.below(256);
        expect([undefined, 'MOC_INVALID']).toContain(reasonOf(bytes));
      }
    }
  });
});

test('what can be near an area has all positions within the radius of it', () => {
  const random = new Random(11);
  const areas = [
    'cone(0.01, 89.9, 0.5deg)',
    'cone(200, -10, 3deg)',
    'box(350, 80, 10, 89)',
    'box(100, -5, 101, 5)',
    'box(0, -90, 360, -89)',
    'polygon(0 80, 90 82, 180 79, 270 84)',
    'polygon(359 -1, 1 -1.5, 2 1, 358.5 1.2)',
    'moc(6/100 4000 30000-30010)',
  ].map(parseArea);
  for (const area of areas) {
    for (const radius of [1, 600, 20_000]) {
      const near = area.near(radius);
      let [inside, left] = [0, 0];
      for (let i = 0; i < 1000; i++) {
        const dec = (Math.asin(random.between(-1, 1)) * 180) / Math.PI;
        // Half of the places are where the areas are.
        const [ra0, dec0] = [random.between(0, 360), i % 2 === 0 ? dec : random.between(-90, 90)];
        if (!area.contains(ra0, dec0)) {
          if (!near(ra0, dec0)) left++;
          continue;
        }
        inside++;
        for (let n = 0; n < 4; n++) {
          const [ra1, dec1] = step(ra0, dec0, random.between(0, 360), radius * random.uniform());
          expect(separationArcsec(ra0, dec0, ra1, dec1)).toBeLessThanOrEqual(radius * (1 + 1e-9));
          expect(near(ra1, dec1)).toBe(true);
        }
      }
      expect(left).toBeGreaterThan(300);
      expect(inside).toBeGreaterThanOrEqual(0);
    }
  }
});

test('rows without a position lie in no area', () => {
  const out = new Uint8Array(4);
  const positions = {
    ra: Float64Array.of(1, 1, NaN, 180),
    dec: Float64Array.of(2, 2, 2, 2),
    nulls: Uint8Array.of(0, 1, 0, 0),
  };
  expect(markOutside(parseArea('box(0, 0, 10, 10)'), positions, out, 0, 4)).toBe(3);
  expect([...out]).toEqual([0, 1, 1, 1]);
});

/** A place at a distance in a direction. */
function step(raDeg: number, decDeg: number, angleDeg: number, arcsec: number): [number, number] {
  const [dec, angle, r] = [decDeg, angleDeg, arcsec / 3600].map((degrees) => (degrees * Math.PI) / 180);
  const sin = Math.sin(dec) * Math.cos(r) + Math.cos(dec) * Math.sin(r) * Math.cos(angle);
  const end = Math.asin(Math.max(-1, Math.min(1, sin)));
  const turn = Math.atan2(Math.sin(angle) * Math.sin(r) * Math.cos(dec), Math.cos(r) - Math.sin(dec) * sin);
  return [raDeg + (turn * 180) / Math.PI, (end * 180) / Math.PI];
}
