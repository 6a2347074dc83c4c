import { formatBytes, formatCount, parseAngleArcsec, parseBytes } from '../index.js';

test.each([
  ['1', 1],
  ['1arcsec', 1],
  ['500mas', 0.5],
  ['0.1deg', 360],
  ['2arcmin', 120],
  ['1.5"', 1.5],
  [' 3 arcsec ', 3],
  ['1e-3deg', 3.6],
  ['-1', -1],
])('%s is %d arcsec', (text, arcsec) => {
  expect(parseAngleArcsec(text, 'radius')).toBeCloseTo(arcsec, 12);
});

test('500mas is exactly half an arcsec', () => {
  expect(parseAngleArcsec('500mas', 'radius')).toBe(0.5);
});

test.each(['', 'arcsec', '1 parsec', '1,5', '0x10', '1deg2', 'NaN'])("'%s' is refused with the reason", (text) => {
  expect(() => parseAngleArcsec(text, 'radius')).toThrow(expect.objectContaining({ reason: 'OPTION_INVALID' }));
});

test.each([
  ['2GiB', 2 ** 31],
  ['500MB', 5e8],
  ['1048576', 2 ** 20],
  ['1.5kib', 1536],
  ['7 b', 7],
])('%s is %d bytes', (text, bytes) => {
  expect(parseBytes(text, 'memory')).toBe(bytes);
});

test.each(['', '-1', 'GiB', '1 potato'])("'%s' is no size", (text) => {
  expect(() => parseBytes(text, 'memory')).toThrow(expect.objectContaining({ reason: 'OPTION_INVALID' }));
});

test('sizes and counts read well', () => {
  expect(formatBytes(0)).toBe('0 B');
  expect(formatBytes(1536)).toBe('1.5 KiB');
  expect(formatBytes(2 ** 31)).toBe('2.0 GiB');
  expect(formatCount(1234567)).toBe('1,234,567');
  expect(formatCount(12n)).toBe('12');
});

test('counts of things have their plural', () => {
  expect([0, 1, 2n, 1234].map((count) => formatCount(count, 'row'))).toEqual([
    '0 rows',
    '1 row',
    '2 rows',
    '1,234 rows',
  ]);
});
