import { Random } from '@armilla/base';
import { uniformSky } from '@armilla/sky';
import { encodeTable } from '@armilla/tables';
import { measure, peakRssOfProcessMib, percentile, summarise } from '../measure.js';
import { memoryTable, type Sky } from '../memory-table.js';
import { startServerProcess } from '../server-process.js';
import type { BenchOptions, CaseResult } from './case.js';

export const ARROW = 'application/vnd.apache.arrow.stream';

export async function arrowBlob(sky: Sky): Promise<Blob> {
  const table = memoryTable('table', sky);
  const parts: Uint8Array<ArrayBuffer>[] = [];
  for await (const part of encodeTable('arrow-stream', table.schema, table.batches()))
    parts.push(part as Uint8Array<ArrayBuffer>);
  return new Blob(parts);
}

export async function drain(answer: Response): Promise<number> {
  if (answer.status !== 200) throw new Error(`${answer.status}: ${await answer.text()}`);
  let bytes = 0;
  for await (const chunk of answer.body as ReadableStream<Uint8Array>) bytes += chunk.byteLength;
  return bytes;
}

/** Two tables as Arrow over HTTP and the matches back, client and server on the same cores. */
export async function runHttpCase({ quick }: BenchOptions): Promise<CaseResult> {
  const rows = quick ? 100_000 : 1_000_000;
  await using server = await startServerProcess();
  let bytes = 0;
  const ours = await measure(
    quick ? 3 : 10,
    async (repeat) => {
      const sky = uniformSky(new Random(10 + repeat), rows);
      const form = new FormData();
      form.append('right', await arrowBlob(sky.right), 'right.arrows');
      form.append('left', await arrowBlob(sky.left), 'left.arrows');
      return form;
    },
    async (body) => {
      bytes = await drain(
        await fetch(`${server.url}/v1/crossmatch?radius=3arcsec&columns=left.id,right.id,separation_arcsec`, {
          method: 'POST',
          body,
          headers: { accept: ARROW },
        }),
      );
    },
  );
  const serverRss = peakRssOfProcessMib(server.pid);
  return {
    case: 'http arrow there and back',
    rows: `${rows} x ${rows}`,
    ours,
    peers: [],
    facts: { result_bytes: bytes, ...(serverRss === undefined ? {} : { server_peak_rss_mib: Math.round(serverRss) }) },
  };
}

/** Many clients with small tables against a stored one. */
export async function runSmallCase({ quick }: BenchOptions): Promise<CaseResult> {
  const clients = 64;
  const requests = quick ? 256 : 3200;
  await using server = await startServerProcess();
  const { left, right } = uniformSky(new Random(3), quick ? 100_000 : 1_000_000);
  const put = await fetch(`${server.url}/v1/crossmatch/tables/stars`, {
    method: 'PUT',
    body: await arrowBlob(right),
    headers: { 'content-type': ARROW },
  });
  if (!put.ok) throw new Error(await put.text());
  const bodies = await Promise.all(
    Array.from({ length: 50 }, (_, i) =>
      arrowBlob({ ra: left.ra.slice(i * 1000, (i + 1) * 1000), dec: left.dec.slice(i * 1000, (i + 1) * 1000) }),
    ),
  );
  const seconds: number[] = [];
  let next = -clients * 2;
  const start = performance.now();
  let counted = start;
  await Promise.all(
    Array.from({ length: clients }, async () => {
      for (let mine = next++; mine < requests; mine = next++) {
        if (mine === 0) counted = performance.now();
        const began = performance.now();
        await drain(
          await fetch(
            `${server.url}/v1/crossmatch?radius=3arcsec&right=stars&columns=left.id,right.id,separation_arcsec`,
            {
              method: 'POST',
              body: bodies[Math.abs(mine) % bodies.length],
              headers: { 'content-type': ARROW },
            },
          ),
        );
        if (mine >= 0) seconds.push((performance.now() - began) / 1000);
      }
    }),
  );
  const wall = (performance.now() - counted) / 1000;
  return {
    case: 'small requests, 64 clients',
    rows: '1000 x stored',
    ours: summarise(seconds, NaN, NaN),
    peers: [],
    facts: {
      p50_ms: Number((percentile(seconds, 0.5) * 1000).toFixed(1)),
      p99_ms: Number((percentile(seconds, 0.99) * 1000).toFixed(1)),
      requests_per_s: Math.round(seconds.length / wall),
    },
  };
}
