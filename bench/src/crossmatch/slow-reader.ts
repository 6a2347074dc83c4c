import { request, type IncomingMessage } from 'node:http';
import { Random } from '@armilla/base';
import { uniformSky } from '@armilla/sky';
import { rssOfProcessMib, summarise } from '../measure.js';
import { startServerProcess } from '../server-process.js';
import type { BenchOptions, CaseResult } from './case.js';
import { ARROW, arrowBlob, drain } from './http.js';

const BYTES_PER_SECOND = 10_000;
const TICK_MS = 100;
/** Left id, ra, dec. */
const ROW_BYTES = 24;

/**
 * What a client that reads 10 KB/s of a result of about a gigabyte costs a server, beyond what it has while idle and the
 * memory that it plans for the match. The reader leaves after some seconds.
 */
export async function runSlowReaderCase({ quick }: BenchOptions): Promise<CaseResult> {
  const rows = quick ? 20_000 : 200_000;
  const seconds = quick ? 2 : 20;
  // A rate below the default minimum.
  await using server = await startServerProcess(['--min-reader-bytes-per-second', '0']);
  const rss = (): number => rssOfProcessMib(server.pid) ?? NaN;
  const match = `radius=3deg&find=all&left_row_count=${rows}&right_row_count=${rows}`;
  const form = async (of: number): Promise<Response> => {
    const sky = uniformSky(new Random(8), of);
    const body = new FormData();
    body.append('right', await arrowBlob(sky.right), 'right.arrows');
    body.append('left', await arrowBlob(sky.left), 'left.arrows');
    return new Response(body);
  };
  const post = async (query: string, whole: Response): Promise<IncomingMessage> => {
    const body = Buffer.from(await whole.arrayBuffer());
    const headers = { accept: ARROW, 'content-type': whole.headers.get('content-type') ?? '' };
    return new Promise((resolve, reject) =>
      request(`${server.url}/v1/crossmatch?${query}`, { method: 'POST', headers }, resolve)
        .on('error', reject)
        .end(body),
    );
  };
  // Code is loaded and compiled by the first match.
  for await (const _ of await post('radius=1deg&find=all', await form(2000)));
  await new Promise((resolve) => setTimeout(resolve, 1000));
  const idleMib = rss();
  const sizes = `left_row_bytes=${ROW_BYTES}&right_row_bytes=${ROW_BYTES}`;
  const explained = (await (await fetch(`${server.url}/v1/crossmatch/explain?${match}&${sizes}`)).json()) as {
    planned_bytes: number;
    estimated_pair_count: number;
  };
  const answer = await post(match, await form(rows));
  if (answer.statusCode !== 200) throw new Error(`status ${answer.statusCode}`);
  const taken: number[] = [];
  let readBytes = 0;
  const started = performance.now();
  while (performance.now() - started < seconds * 1000) {
    await new Promise((resolve) => setTimeout(resolve, TICK_MS));
    const wanted = Math.floor(((performance.now() - started) / 1000) * BYTES_PER_SECOND) - readBytes;
    readBytes += (answer.read(wanted) as Buffer | null)?.byteLength ?? 0;
    taken.push(rss());
  }
  answer.destroy();
  const plannedMib = explained.planned_bytes / 2 ** 20;
  const peakMib = Math.max(...taken);
  const wholeBytes = await drain(
    await fetch(`${server.url}/v1/crossmatch?${match}`, {
      method: 'POST',
      body: await (await form(rows)).formData(),
      headers: { accept: ARROW },
    }),
  );
  return {
    case: 'slow reader',
    rows: `${rows} x ${rows}, all within 3 degrees`,
    ours: summarise([seconds], NaN, peakMib),
    peers: [],
    facts: {
      result_bytes: wholeBytes,
      read_bytes: readBytes,
      idle_rss_mib: Math.round(idleMib),
      planned_mib: Math.round(plannedMib),
      peak_rss_mib: Math.round(peakMib),
      last_rss_mib: Math.round(taken.at(-1) ?? NaN),
      beyond_plan_mib: Math.round(peakMib - idleMib - plannedMib),
    },
  };
}
