import { Random } from '@armilla/base';
import { CatalogTable, crossmatch } from '@armilla/crossmatch';
import { Runtime } from '@armilla/gpu-core';
import { uniformSky } from '@armilla/sky';
import { measure, median } from '../measure.js';
import { memoryTable, type Sky } from '../memory-table.js';
import type { BenchOptions, CaseResult } from './case.js';

/** A left table against a right one ten times as large that stays indexed; rows come as they are found. */
export async function runResidentCase({ quick }: BenchOptions): Promise<CaseResult> {
  const rows = quick ? 50_000 : 1_000_000;
  await using runtime = await Runtime.create();
  const large = uniformSky(new Random(7), rows * 10);
  await using table = await CatalogTable.load(memoryTable('right', large.right), { runtime });
  const firstBatch: number[] = [];
  let pairs = 0;
  const ours = await measure(
    quick ? 3 : 20,
    (repeat) => memoryTable('left', sampled(large.left, new Random(100 + repeat), rows)),
    async (left, repeat) => {
      const start = performance.now();
      const options = { radiusArcsec: 3, order: 'any', columns: ['left.id', 'right.id', 'separation_arcsec'] } as const;
      const stream = await crossmatch(left, table, { ...options, columns: [...options.columns] }, { runtime });
      let seen = false;
      pairs = 0;
      for await (const batch of stream) {
        if (!seen && repeat >= 0) firstBatch.push((performance.now() - start) / 1000);
        seen = true;
        pairs += batch.numRows;
      }
    },
  );
  return {
    case: 'resident',
    rows: `${rows} x ${rows * 10}`,
    ours,
    peers: [],
    facts: {
      pairs,
      first_batch_min_s: Number(Math.min(...firstBatch).toFixed(4)),
      first_batch_median_s: Number(median(firstBatch).toFixed(4)),
    },
  };
}

function sampled(sky: Sky, random: Random, count: number): Sky {
  const ra = new Float64Array(count);
  const dec = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    const at = random.below(sky.ra.length);
    ra[i] = sky.ra[at];
    dec[i] = sky.dec[at];
  }
  return { ra, dec };
}
