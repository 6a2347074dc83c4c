import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { isProblem, Random } from '@armilla/base';
import { realData } from '../testing/real-data.js';
import { PartitionInfo } from './partition-info.js';
import { endOf, startOf } from './pixel.js';

const parse = (text: string): PartitionInfo => PartitionInfo.parse(text, 'partition_info.csv');

function reasonOf(text: string): string {
  try {
    parse(text);
  } catch (error) {
    if (isProblem(error)) return `${error.reason}: ${error.message}`;
    throw error;
  }
  return 'read';
}

test('partitions come in the order of the nested curve', () => {
  expect(parse('Norder,Npix\n2,177\n0,4\n1,47\n2,176\n').partitions).toEqual([
    { order: 0, number: 4, rowCount: undefined },
    { order: 2, number: 176, rowCount: undefined },
    { order: 2, number: 177, rowCount: undefined },
    { order: 1, number: 47, rowCount: undefined },
  ]);
});

test('columns stand in any order, rows are known where they are listed', () => {
  const info = parse('Npix,Dir,num_rows,Norder\r\n44,0,42,1\r\n45,0,29,1\r\n\r\n');
  expect(info.partitions.map(({ number, rowCount }) => [number, rowCount])).toEqual([
    [44, 42],
    [45, 29],
  ]);
  expect(info.rowCount).toBe(71);
  expect(parse('Norder,Npix\n0,1\n').rowCount).toBeUndefined();
  expect(parse('Norder,Npix\n').partitions).toEqual([]);
});

test.each([
  [
    '',
    'HATS_INVALID: partition_info.csv: not a usable HATS catalog: it is empty: a header with Norder and Npix is needed',
  ],
  ['a,b\n1,2\n', "line 1: the columns Norder and Npix are needed, got 'a,b'"],
  ['Norder,Npix\n0,12\n', 'Norder=0, Npix=12: pixels of order 0 are in [0, 11]'],
  ['Norder,Npix\n1,48\n', 'pixels of order 1 are in [0, 47]'],
  ['Norder,Npix\n25,0\n', 'orders are in [0, 24]'],
  ['Norder,Npix\n-1,0\n', 'line 2: whole numbers are needed'],
  ['Norder,Npix\n1.5,0\n', 'line 2: whole numbers are needed'],
  ['Norder,Npix\n0,1e9\n', 'line 2: whole numbers are needed'],
  ['Norder,Npix,num_rows\n0,1,x\n', 'line 2: whole numbers are needed'],
  ['Norder,Npix\n0,1\n0\n', 'line 3: 1 values, the header has 2'],
  ['Norder,Npix\n0,1\n0,1\n', 'partition Norder=0, Npix=1 is listed twice'],
  ['Norder,Npix\n0,1\n3,127\n', 'partitions Norder=0, Npix=1 and Norder=3, Npix=127 overlap'],
  ['Norder,Npix\n5,1024\n0,1\n', 'partitions Norder=0, Npix=1 and Norder=5, Npix=1024 overlap'],
  [`Norder,Npix\n${'9'.repeat(2000)},1\n`, 'line 2: it has 2002 characters'],
])('%j is refused', (text, message) => {
  expect(reasonOf(text)).toContain(message);
  expect(reasonOf(text)).toMatch(/^HATS_INVALID: /);
});

test('pixels that overlap are found, wherever they stand', () => {
  const random = new Random(31);
  let [refused, read] = [0, 0];
  for (let i = 0; i < 2000; i++) {
    const pixels = Array.from({ length: random.below(7) }, () => {
      const order = random.below(7);
      return { order, number: random.below(12 * 4 ** order) };
    });
    const overlap = pixels.some((a, k) =>
      pixels.slice(k + 1).some((b) => startOf(a) < endOf(b) && startOf(b) < endOf(a)),
    );
    const text = `Norder,Npix\n${pixels.map(({ order, number }) => `${order},${number}\n`).join('')}`;
    expect(reasonOf(text) === 'read').toBe(!overlap);
    if (overlap) refused++;
    else {
      read++;
      expect(parse(parse(text).toCsv()).partitions).toEqual(parse(text).partitions);
    }
  }
  expect(Math.min(refused, read)).toBeGreaterThan(100);
});

const large = realData('hats/large_catalog_partition_info.csv.gz');
(large ? test : test.skip)('the partitions of a large catalog: all pixels of order 7', () => {
  const { partitions } = parse(gunzipSync(readFileSync(large as string)).toString());
  expect(partitions.length).toBe(196_608);
  expect(partitions.every(({ order, number }, i) => order === 7 && number === i)).toBe(true);
});
