import { readFileSync } from 'node:fs';
import { Random } from '@armilla/base';
import { MAX_ORDER, pixelCentre, pixelCount, pixelNumber, separationArcsec } from '../index.js';
import { pixelRadiusDeg } from './pixel.js';

const golden = JSON.parse(readFileSync(new URL('../../../../fixtures/sky/healpix.json', import.meta.url), 'utf8')) as {
  orders: number[];
  pixels: [number, number, ...(string | null)[]][];
  centres: [number, number, number, number][];
};

test('pixels equal those of astropy-healpix and healpy, where the two agree', () => {
  let count = 0;
  for (const [ra, dec, ...pixels] of golden.pixels) {
    for (const [i, pixel] of pixels.entries()) {
      if (pixel === null) continue;
      expect({ ra, dec, pixel: String(pixelNumber(golden.orders[i], ra, dec)) }).toEqual({ ra, dec, pixel });
      count++;
    }
  }
  expect(count).toBeGreaterThan(1300);
});

test('centres equal those of healpy, and lie in their pixels', () => {
  for (const [order, pixel, ra, dec] of golden.centres) {
    const centre = pixelCentre(order, pixel);
    expect(separationArcsec(centre.ra, centre.dec, ra, dec)).toBeLessThan(1e-6);
    expect(pixelNumber(order, centre.ra, centre.dec)).toBe(BigInt(pixel));
  }
});

test('every position lies in a pixel, at every order in that of the order before', () => {
  const random = new Random(17);
  const edges = [
    0, 1e-300, 44.99999999999999, 45, 90, 180, 269.99999999999994, 270, 359.99999999999994, 360, -1e-20, 720,
  ];
  const heights = [
    -90, -89.99999999999999, -41.810314895778596, 0, 41.810314895778596, 41.8103148957786, 89.99999999999999, 90,
  ];
  const places = [
    ...edges.flatMap((ra) => heights.map((dec) => ({ ra, dec }))),
    ...Array.from({ length: 500 }, () => ({ ra: random.between(-400, 400), dec: random.between(-90, 90) })),
  ];
  for (const { ra, dec } of places) {
    const finest = pixelNumber(MAX_ORDER, ra, dec);
    expect(finest >= 0n && finest < pixelCount(MAX_ORDER)).toBe(true);
    for (const order of [0, 7, 13]) {
      const pixel = pixelNumber(order, ra, dec);
      expect(pixel).toBe(finest >> BigInt(2 * (MAX_ORDER - order)));
      const centre = pixelCentre(order, Number(pixel));
      expect(separationArcsec(ra, dec, centre.ra, centre.dec) / 3600).toBeLessThanOrEqual(pixelRadiusDeg(order));
    }
  }
});
