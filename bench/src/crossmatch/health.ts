import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { Random } from '@armilla/base';
import { uniformSky } from '@armilla/sky';
import { percentile, summarise } from '../measure.js';
import { startServerProcess } from '../server-process.js';
import type { BenchOptions, CaseResult } from './case.js';
import { ARROW, arrowBlob, drain } from './http.js';

/** How quickly /healthz answers while a large match and a large CSV answer keep every core busy. */
export async function runHealthCase({ quick }: BenchOptions): Promise<CaseResult> {
  const rows = quick ? 200_000 : 10_000_000;
  await using server = await startServerProcess();
  const sky = uniformSky(new Random(4), rows);
  const blobs = { left: await arrowBlob(sky.left), right: await arrowBlob(sky.right) };
  const post = (query: string, accept: string): Promise<number> => {
    const body = new FormData();
    body.append('right', blobs.right, 'right.arrows');
    body.append('left', blobs.left, 'left.arrows');
    return fetch(`${server.url}/v1/crossmatch?radius=3arcsec&${query}`, {
      method: 'POST',
      body,
      headers: { accept },
    }).then(drain);
  };
  const probe = spawn(process.execPath, [join(import.meta.dirname, 'health-probe.js'), server.url], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  await new Promise((resolve) => probe.stdout.once('readable', resolve));
  const printed = text(probe.stdout);
  const [arrowBytes, csvBytes] = await Promise.all([post('', ARROW), post('join=left', 'text/csv')]);
  probe.stdin.end();
  const seconds = JSON.parse((await printed).split('\n')[1]) as number[];
  return {
    case: 'healthz under load',
    rows: `${rows} x ${rows} twice`,
    ours: summarise(seconds, NaN, NaN),
    peers: [],
    facts: {
      p99_ms: Number((percentile(seconds, 0.99) * 1000).toFixed(1)),
      probes: seconds.length,
      arrow_bytes: arrowBytes,
      csv_bytes: csvBytes,
    },
  };
}
