import { formatNs, formatNumber, formatPercent, formatSize, hueOf, shorten } from './format.js';
import { linearScale, logScale } from './scale.js';

test('durations, sizes, numbers and shares in short', () => {
  expect([0, 12.3, 999, 1500, 2.5e6, 61e9, NaN].map(formatNs)).toEqual([
    '0 ns',
    '12.3 ns',
    '999 ns',
    '1.50 µs',
    '2.50 ms',
    '61.0 s',
    '–',
  ]);
  expect([512, 1536, 3 * 2 ** 30, 2 ** 70, Infinity].map(formatSize)).toEqual([
    '512 B',
    '1.50 KiB',
    '3.00 GiB',
    '1048576 PiB',
    '–',
  ]);
  expect([5, 12_345, 2.5e6, 3e9, 1e15, 0.001].map(formatNumber)).toEqual([
    '5',
    '12\u202f345',
    '2.50 M',
    '3.00 G',
    '1.0e+15',
    '1.0e-3',
  ]);
  expect([0.012, 0.0999, 0.5, 1, NaN].map(formatPercent)).toEqual(['1.2 %', '10 %', '50 %', '100 %', '–']);
  expect([shorten('abcdef', 4), shorten('abc', 4), shorten('abc', 0)]).toEqual(['abc…', 'abc', 'a…']);
  expect(hueOf('sky.join')).toBe(hueOf('sky.join'));
  expect(new Set(Array.from({ length: 100 }, (_, i) => hueOf(`op ${i}`))).size).toBe(8);
});

test('scales map ends to ends and give few round ticks', () => {
  const linear = linearScale([0, 97], [10, 110], 5);
  expect([linear(0), linear(97)]).toEqual([10, 110]);
  expect(linear.ticks).toEqual([0, 20, 40, 60, 80]);
  expect(linearScale([5, 5], [0, 1]).ticks.length).toBeLessThan(50);
  const log = logScale([1, 1e6], [0, 60], 3);
  expect([log(1), log(1e3), log(1e6)]).toEqual([0, 30, 60]);
  expect(log.ticks).toEqual([1, 100, 10_000, 1e6]);
  expect([...logScale([3, 60], [0, 1]).ticks].sort((a, b) => a - b)).toEqual([5, 10, 20, 50]);
});
