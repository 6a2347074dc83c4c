import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { crossmatch, type Find } from '@armilla/crossmatch';
import { Runtime } from '@armilla/gpu-core';
import { openTable } from '@armilla/tables';
import { repositoryRoot } from '../repository/root.js';
import { dataFolder, hipparcos, testWithData } from './real-data.js';

interface Golden {
  pairs: number;
  digest: string;
  separation_sum_arcsec: number;
}

const fixtures = join(repositoryRoot, 'fixtures', 'crossmatch');
const read = <T>(name: string): T => JSON.parse(readFileSync(join(fixtures, name), 'utf8')) as T;

let runtime: Runtime;
beforeAll(async () => (runtime = await Runtime.create()));
afterAll(async () => runtime.close());

/** Pairs by (left row, right row), summed up as fixtures/generate/crossmatch.py does. */
async function match(leftPath: string, rightPath: string, radiusArcsec: number, find: Find): Promise<Golden> {
  const columns = ['left_row', 'right_row', 'separation_arcsec'];
  const stream = await crossmatch(
    await openTable(leftPath),
    await openTable(rightPath),
    { radiusArcsec, find, columns },
    { runtime },
  );
  const pairs: [number, number][] = [];
  let sum = 0;
  for await (const batch of stream) {
    const [left, right, separation] = [0, 1, 2].map(
      (at) => batch.getChildAt(at)?.toArray() as ArrayLike<number | bigint>,
    );
    for (let i = 0; i < batch.numRows; i++) {
      pairs.push([Number(left[i]), Number(right[i])]);
      sum += Number(separation[i]);
    }
  }
  pairs.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  const digest = createHash('sha256')
    .update(pairs.map(([i, j]) => `${i},${j}\n`).join(''))
    .digest('hex');
  return { pairs: pairs.length, digest, separation_sum_arcsec: sum };
}

function expectSame(got: Golden, golden: Golden): void {
  expect(got.pairs).toBe(golden.pairs);
  expect(got.digest).toBe(golden.digest);
  expect(Math.abs(got.separation_sum_arcsec / golden.separation_sum_arcsec - 1)).toBeLessThan(1e-9);
}

test.each([0.5, 2, 30, 600])('finds the pairs of astropy on the edge sky at %d arcsec', async (radiusArcsec) => {
  const golden = read<{ all: Record<string, Golden> }>('edge.json').all[String(radiusArcsec)];
  expectSame(
    await match(join(fixtures, 'edge_left.csv'), join(fixtures, 'edge_right.csv'), radiusArcsec, 'all'),
    golden,
  );
});

describe('Hipparcos-2 with Hipparcos-1', () => {
  type Modes = Record<string, Record<string, Golden>>;
  const golden = read<{ astropy: Modes; stilts: Modes }>('hipparcos.json');
  const { left, right } = hipparcos;

  for (const radius of Object.keys(golden.astropy)) {
    testWithData(`is identical to astropy and STILTS at ${radius} arcsec`, async () => {
      const nearest = await match(left, right, Number(radius), 'nearest');
      expectSame(nearest, golden.astropy[radius]['nearest']);
      expectSame(nearest, golden.stilts[radius]['best1']);
      const all = await match(left, right, Number(radius), 'all');
      expectSame(all, golden.astropy[radius]['all']);
      expectSame(all, golden.stilts[radius]['all']);
      expectSame(await match(right, left, Number(radius), 'nearest'), golden.astropy[radius]['nearest_swapped']);
    });
  }

  testWithData('has mutual pairs as counted', async () => {
    expect((await match(left, right, 10, 'mutual')).pairs).toBe(82_910);
    expect((await match(left, right, 60, 'mutual')).pairs).toBe(82_978);
    expect(dataFolder).toBeDefined();
  });
});
