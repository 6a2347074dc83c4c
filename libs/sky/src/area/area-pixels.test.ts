import { Random } from '@armilla/base';
import { parseArea, pixelNumber, pixelsTouching } from '../index.js';

/** Areas, and a box around each: from and to in right ascension and in declination. */
const AREAS: [string, number, number, number, number][] = [
  ['cone(0.01, 89.9, 0.5deg)', 0, 360, 89.3, 90],
  ['cone(200, -10, 3deg)', 196, 204, -14, -6],
  ['cone(45, 41.81, 100arcsec)', 44.9, 45.1, 41.7, 41.9],
  ['box(350, 80, 10, 89)', 349, 371, 79, 90],
  ['box(100, -5, 101, 5)', 99, 102, -6, 6],
  ['box(0, -90, 360, -89)', 0, 360, -90, -88],
  ['polygon(0 80, 90 82, 180 79, 270 84)', 0, 360, 78, 90],
  ['polygon(359 -1, 1 -1.5, 2 1, 358.5 1.2)', 358, 363, -2, 2],
  ['moc(3/100 400 6/30000-30010)', 0, 360, -90, 90],
];

test.each(AREAS)('%s: no position of it lies in a pixel that is left out', (text, raFrom, raTo, decFrom, decTo) => {
  const area = parseArea(text);
  const random = new Random(23);
  const touches = pixelsTouching(area);
  const missed: string[] = [];
  let inside = 0;
  for (let i = 0; i < 20_000 && inside < 200; i++) {
    const [ra, dec] = [random.between(raFrom, raTo), random.between(decFrom, decTo)];
    if (!area.contains(ra, dec)) continue;
    inside++;
    for (const order of [0, 1, 3, 6, 9, 13, 17])
      if (!touches(order, Number(pixelNumber(order, ra, dec)))) missed.push(`${ra} ${dec} at order ${order}`);
  }
  expect(inside).toBeGreaterThan(10);
  expect(missed).toEqual([]);
});

test('few pixels are told that do not touch the area', () => {
  const area = parseArea('cone(200, -10, 3deg)');
  const touches = pixelsTouching(area);
  let count = 0;
  for (let pixel = 0; pixel < 12 * 4 ** 6; pixel++) if (touches(6, pixel)) count++;
  // 28.3 square degrees are 34 pixels of order 6; its rim crosses about as many again.
  expect(count).toBeGreaterThan(34);
  expect(count).toBeLessThan(75);
});

test('a pixel is told in any order of asking', () => {
  const area = parseArea('polygon(359 -1, 1 -1.5, 2 1, 358.5 1.2)');
  const sorted = pixelsTouching(area);
  const verdicts = Array.from({ length: 12 * 4 ** 4 }, (_, pixel) => sorted(4, pixel));
  const mixed = pixelsTouching(area);
  const random = new Random(4);
  const different = Array.from({ length: 5000 }, (_, i) => {
    const pixel = random.below(verdicts.length);
    const isSame = mixed(4, pixel) === verdicts[pixel];
    mixed(i % 4, random.below(12));
    return isSame ? undefined : pixel;
  });
  expect(different.filter((pixel) => pixel !== undefined)).toEqual([]);
  expect(verdicts).toContain(true);
});
