import { parseDecDegrees, parseRaDegrees } from '../index.js';

test.each([
  ['10.68', 10.68],
  [' -1e1 ', -10],
  ['370deg', 370],
  ['12.5°', 12.5],
  ['00:42:44.3', 10.684583333333333],
  ['00 42 44.3', 10.684583333333333],
  ['0h42m44.3s', 10.684583333333333],
  ['10d41m04.5s', 10.684583333333333],
])('right ascension %s is %d degrees', (text, degrees) => {
  expect(parseRaDegrees(text, 'ra')).toBeCloseTo(degrees, 12);
});

test.each([
  ['41.27', 41.27],
  ['-90', -90],
  ['+41:16:09', 41.26916666666667],
  ['-00 30 00', -0.5],
  ['-5d30m', -5.5],
])('declination %s is %d degrees', (text, degrees) => {
  expect(parseDecDegrees(text, 'dec')).toBeCloseTo(degrees, 12);
});

test.each(['', 'NaN', 'Infinity', '1e999', 'ten', '12:60:00', '1,5', '0x10'])("'%s' is no coordinate", (text) => {
  for (const parse of [parseRaDegrees, parseDecDegrees])
    expect(() => parse(text, 'ra')).toThrow(expect.objectContaining({ reason: 'OPTION_INVALID' }));
});

test.each(['90.1', '-91', '91:00:00', '12h00m00s'])("'%s' is no declination", (text) => {
  expect(() => parseDecDegrees(text, 'dec')).toThrow(expect.objectContaining({ reason: 'OPTION_INVALID' }));
});
