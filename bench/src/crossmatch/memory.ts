import { Random } from '@armilla/base';
import { uniformSky } from '@armilla/sky';
import { peakRssOfProcessMib, rssOfProcessMib, summarise } from '../measure.js';
import type { Sky } from '../memory-table.js';
import { startServerProcess } from '../server-process.js';
import type { BenchOptions, CaseResult } from './case.js';
import { ARROW, arrowBlob, drain } from './http.js';

/** Time that the server has to give memory back after a job. */
const SETTLE_MS = 8000;

/** Resident memory of a server that is idle, after one large job, and after fifty smaller ones. */
export async function runMemoryCase({ quick }: BenchOptions): Promise<CaseResult> {
  const [largeRows, smallRows, jobs] = quick ? [200_000, 20_000, 5] : [10_000_000, 1_000_000, 50];
  await using server = await startServerProcess();
  const match = async (sky: { readonly left: Sky; readonly right: Sky }): Promise<number> => {
    const began = performance.now();
    const body = new FormData();
    body.append('right', await arrowBlob(sky.right), 'right.arrows');
    body.append('left', await arrowBlob(sky.left), 'left.arrows');
    await drain(
      await fetch(`${server.url}/v1/crossmatch?radius=3arcsec`, {
        method: 'POST',
        body,
        headers: { accept: ARROW, connection: 'close' },
      }),
    );
    return (performance.now() - began) / 1000;
  };
  const settled = async (): Promise<number> => {
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    return Math.round(rssOfProcessMib(server.pid) ?? NaN);
  };
  // Code is loaded and compiled by the first match.
  await match(uniformSky(new Random(5), 1000));
  const idle = await settled();
  const seconds = [await match(uniformSky(new Random(6), largeRows))];
  const afterLarge = await settled();
  for (let job = 0; job < jobs; job++) await match(uniformSky(new Random(10 + job), smallRows));
  const afterSmall = await settled();
  return {
    case: 'memory given back',
    rows: `${largeRows} x ${largeRows}, then ${jobs} times ${smallRows} x ${smallRows}`,
    ours: summarise(seconds, NaN, peakRssOfProcessMib(server.pid) ?? NaN),
    peers: [],
    facts: { idle_rss_mib: idle, after_large_rss_mib: afterLarge, after_small_rss_mib: afterSmall },
  };
}
