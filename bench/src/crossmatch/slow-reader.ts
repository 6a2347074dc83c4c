import { request, type IncomingMessage } from 'node:http';
import { Random } from '@armilla/base';
import { uniformSky } from '@armilla/sky';
import { rssOfProcessMib, summarise } from '../measure.js';
import type { Sky } from '../memory-table.js';
import { type ServerProcess, startServerProcess } from '../server-process.js';
import type { BenchOptions, CaseResult } from './case.js';
import { ARROW, arrowBlob } from './http.js';

const BYTES_PER_SECOND = 10_000;
const TICK_MS = 100;
/** Id, ra and dec. */
const ROW_BYTES = 24;

/** What a reader took, and the resident memory of its server meanwhile, MiB. */
interface Reading {
  readonly idleMib: number;
  readonly peakMib: number;
  readonly bytes: number;
}

/**
 * What a client that reads 10 KB/s of a result of about a gigabyte costs a server, beyond what it has while idle and the
 * memory that it plans for the match, and beside a client that reads as fast as it can. The slow one leaves after some
 * seconds.
 */
export async function runSlowReaderCase({ quick }: BenchOptions): Promise<CaseResult> {
  const rows = quick ? 20_000 : 200_000;
  const seconds = quick ? 2 : 20;
  const sky = uniformSky(new Random(8), rows);
  const query = `radius=2.1deg&find=all&left_row_count=${rows}&right_row_count=${rows}`;
  let plannedMib = NaN;
  const reading = async (read: (answer: IncomingMessage) => Promise<number>): Promise<Reading> => {
    // The slow one reads less than the default minimum.
    await using server = await startServerProcess(['--min-reader-bytes-per-second', '0']);
    // Code is loaded and compiled by the first match.
    await readAll(await post(server, 'radius=1deg&find=all', uniformSky(new Random(7), 2000)));
    const sizes = `left_row_bytes=${ROW_BYTES}&right_row_bytes=${ROW_BYTES}`;
    const plan = await fetch(`${server.url}/v1/crossmatch/explain?${query}&${sizes}`);
    plannedMib = ((await plan.json()) as { planned_bytes: number }).planned_bytes / 2 ** 20;
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const rss = (): number => rssOfProcessMib(server.pid) ?? NaN;
    const idleMib = rss();
    const answer = await post(server, query, sky);
    let peakMib = rss();
    const timer = setInterval(() => (peakMib = Math.max(peakMib, rss())), TICK_MS);
    const bytes = await read(answer);
    clearInterval(timer);
    answer.destroy();
    return { idleMib, peakMib, bytes };
  };
  const fast = await reading(readAll);
  const slow = await reading((answer) => readSlowly(answer, seconds));
  return {
    case: 'slow reader',
    rows: `${rows} x ${rows}, all within 2.1 degrees`,
    ours: summarise([seconds], NaN, slow.peakMib),
    peers: [],
    facts: {
      result_bytes: fast.bytes,
      read_bytes: slow.bytes,
      planned_mib: Math.round(plannedMib),
      idle_rss_mib: Math.round(slow.idleMib),
      peak_rss_mib: Math.round(slow.peakMib),
      beyond_plan_mib: Math.round(slow.peakMib - slow.idleMib - plannedMib),
      fast_reader_peak_rss_mib: Math.round(fast.peakMib),
    },
  };
}

async function post(server: ServerProcess, query: string, sky: { left: Sky; right: Sky }): Promise<IncomingMessage> {
  const form = new FormData();
  form.append('right', await arrowBlob(sky.right), 'right.arrows');
  form.append('left', await arrowBlob(sky.left), 'left.arrows');
  const whole = new Response(form);
  const headers = { accept: ARROW, 'content-type': whole.headers.get('content-type') ?? '' };
  const body = Buffer.from(await whole.arrayBuffer());
  const answer = await new Promise<IncomingMessage>((resolve, reject) =>
    request(`${server.url}/v1/crossmatch?${query}`, { method: 'POST', headers }, resolve).on('error', reject).end(body),
  );
  if (answer.statusCode !== 200) throw new Error(`status ${answer.statusCode}`);
  return answer;
}

async function readAll(answer: IncomingMessage): Promise<number> {
  let bytes = 0;
  for await (const chunk of answer) bytes += (chunk as Buffer).byteLength;
  return bytes;
}

async function readSlowly(answer: IncomingMessage, seconds: number): Promise<number> {
  const start = performance.now();
  let bytes = 0;
  for (let elapsed = 0; elapsed < seconds; elapsed = (performance.now() - start) / 1000) {
    const wanted = Math.floor(elapsed * BYTES_PER_SECOND) - bytes;
    if (wanted > 0) bytes += (answer.read(wanted) as Buffer | null)?.byteLength ?? 0;
    await new Promise((resolve) => setTimeout(resolve, TICK_MS));
  }
  return bytes;
}
