import { spawn } from 'node:child_process';
import { request } from 'node:http';
import { connect as connectTcp } from 'node:net';
import { join } from 'node:path';
import { connect, type Frame, makeFrame, readFrames } from '@armilla/chassis';
import { CrossmatchServiceService, MatchRequest } from '@armilla/proto';
import { type Measurement, median, summarise } from '../measure.js';
import { firstLine, stop } from '../server-process.js';
import type { BenchOptions, CaseResult } from './case.js';

const MIB = 2 ** 20;

/** One way from a service: over a raw TCP pipe, over one gRPC hop (with and without CRC), and through the gateway as HTTP. */
export async function runTransportCase({ quick }: BenchOptions): Promise<CaseResult> {
  const totalBytes = (quick ? 64 : 512) * MIB;
  const repeats = quick ? 2 : 7;
  const rates: Record<string, number> = {};
  let gateway: Measurement | undefined;
  for (const crc of [false, true]) {
    const service = spawn(
      process.execPath,
      [join(import.meta.dirname, 'transport-server.js'), String(totalBytes), String(crc)],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    const [, port, target] = await firstLine(service, /tcp (\d+) grpc (\S+)/);
    const bin = join(import.meta.dirname, '..', '..', '..', 'cli', 'bin', 'armilla.mjs');
    const front = spawn(
      process.execPath,
      [bin, 'serve', 'gateway', '--port', '0', '--crossmatch-target', target, '--log-level', 'error'],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    const [, url] = await firstLine(front, /serving (http\S+?);? /);
    const ways: Record<string, () => Promise<number>> = {
      ...(crc ? {} : { raw_tcp: () => drainTcp(Number(port)) }),
      [crc ? 'one_hop_crc' : 'one_hop']: () => drainGrpc(target),
      [crc ? 'two_hops_crc' : 'two_hops']: () => drainHttp(url),
    };
    const seconds: Record<string, number[]> = {};
    // In turn, so that a slow minute of the machine slows all of them.
    for (let repeat = -1; repeat < repeats; repeat++) {
      for (const [name, way] of Object.entries(ways)) {
        const start = performance.now();
        const bytes = await way();
        if (bytes < totalBytes) throw new Error(`${name}: ${bytes} of ${totalBytes} bytes came`);
        if (repeat >= 0) (seconds[name] ??= []).push((performance.now() - start) / 1000);
      }
    }
    for (const [name, values] of Object.entries(seconds))
      rates[`${name}_mb_s`] = Math.round(totalBytes / 1e6 / median(values));
    gateway ??= summarise(seconds['two_hops'], NaN, NaN);
    await stop(front);
    await stop(service);
  }
  return {
    case: 'transport one way',
    rows: `${totalBytes / MIB} MiB in 1 MiB frames`,
    ours: gateway as Measurement,
    peers: [],
    facts: {
      ...rates,
      one_hop_of_tcp: Number((rates['one_hop_mb_s'] / rates['raw_tcp_mb_s']).toFixed(2)),
      one_hop_crc_of_tcp: Number((rates['one_hop_crc_mb_s'] / rates['raw_tcp_mb_s']).toFixed(2)),
    },
  };
}

function drainTcp(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    let bytes = 0;
    connectTcp(port, '127.0.0.1')
      .on('data', (chunk) => (bytes += chunk.byteLength))
      .on('error', reject)
      .on('end', () => resolve(bytes));
  });
}

async function drainGrpc(target: string): Promise<number> {
  const client = connect(CrossmatchServiceService, target);
  const call = client.match();
  call.write(makeFrame({ metadata: MatchRequest.encode(MatchRequest.fromPartial({})).finish(), endOfTable: true }));
  call.end();
  let bytes = 0;
  for await (const frame of readFrames<Frame>(call)) bytes += frame.bodyLength;
  client.close();
  return bytes;
}

/** By `node:http`: what `fetch` adds per chunk would be measured as well. */
function drainHttp(url: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'text/csv', accept: 'application/vnd.apache.arrow.stream' };
    const asked = request(`${url}/v1/crossmatch?right=any&radius=1arcsec`, { method: 'POST', headers }, (answer) => {
      let bytes = 0;
      if (answer.statusCode !== 200) reject(new Error(`status ${answer.statusCode}`));
      answer
        .on('data', (chunk: Buffer) => (bytes += chunk.byteLength))
        .on('error', reject)
        .on('end', () => resolve(bytes));
    });
    // An empty left table against a stored one: the service behind sends its stream whatever it is asked.
    asked.on('error', reject).end('ra,dec\n');
  });
}
