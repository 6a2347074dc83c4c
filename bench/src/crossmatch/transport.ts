import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { median, summarise } from '../measure.js';
import { firstLine, SERVER_ENVIRONMENT, stop } from '../server-process.js';
import type { BenchOptions, CaseResult } from './case.js';

const MIB = 2 ** 20;

/**
 * One way from a service: over a raw TCP pipe, over one gRPC hop and through the gateway as HTTP, with and without CRC.
 * Every way leads from a process that sends the same 1 MiB again and again to one reading process, all of them warm and
 * under the same settings, in turn, so that a slow minute of the machine slows all of them.
 */
export async function runTransportCase({ quick }: BenchOptions): Promise<CaseResult> {
  const totalBytes = (quick ? 64 : 512) * MIB;
  const repeats = quick ? 2 : 9;
  const plain = await startService(totalBytes, false);
  const summed = await startService(totalBytes, true);
  const reader = startReader();
  const ways: Readonly<Record<string, string>> = {
    raw_tcp: `tcp ${plain.tcpPort}`,
    one_hop: `grpc ${plain.target}`,
    two_hops: `http ${plain.url}`,
    one_hop_crc: `grpc ${summed.target}`,
    two_hops_crc: `http ${summed.url}`,
  };
  const seconds: Record<string, number[]> = {};
  for (let repeat = -1; repeat < repeats; repeat++) {
    for (const [name, order] of Object.entries(ways)) {
      const read = await reader.read(order);
      if (read.bytes < totalBytes) throw new Error(`${name}: ${read.bytes} of ${totalBytes} bytes came`);
      if (repeat >= 0) (seconds[name] ??= []).push(read.seconds);
    }
  }
  for (const child of [reader.child, ...plain.children, ...summed.children]) await stop(child);
  const rate = (of: number): number => Math.round(totalBytes / 1e6 / of);
  const ofTcp = (name: string, of: (values: readonly number[]) => number): number =>
    Number((of(seconds['raw_tcp']) / of(seconds[name])).toFixed(2));
  const least = (values: readonly number[]): number => Math.min(...values);
  return {
    case: 'transport one way',
    rows: `${totalBytes / MIB} MiB in 1 MiB frames`,
    ours: summarise(seconds['two_hops'], NaN, NaN),
    peers: [],
    facts: {
      ...Object.fromEntries(
        Object.entries(seconds).flatMap(([name, values]) => [
          [`${name}_mb_s`, rate(median(values))],
          [`${name}_best_mb_s`, rate(least(values))],
        ]),
      ),
      one_hop_of_tcp: ofTcp('one_hop', median),
      one_hop_of_tcp_best: ofTcp('one_hop', least),
      one_hop_crc_of_tcp: ofTcp('one_hop_crc', median),
      one_hop_crc_of_tcp_best: ofTcp('one_hop_crc', least),
    },
  };
}

interface Service {
  readonly tcpPort: string;
  readonly target: string;
  /** Of a gateway in front of it, in a process of its own. */
  readonly url: string;
  readonly children: readonly ChildProcess[];
}

async function startService(totalBytes: number, crc: boolean): Promise<Service> {
  const stdio = ['ignore', 'pipe', 'inherit'] as const;
  const settings = { stdio: [...stdio], env: SERVER_ENVIRONMENT };
  const entry = join(import.meta.dirname, 'transport-server.js');
  const service = spawn(process.execPath, [entry, String(totalBytes), String(crc)], settings);
  const [, tcpPort, target] = await firstLine(service, /tcp (\d+) grpc (\S+)/);
  const bin = join(import.meta.dirname, '..', '..', '..', 'cli', 'bin', 'armilla.mjs');
  const flags = ['--port', '0', '--crossmatch-target', target, '--log-level', 'error'];
  const front = spawn(process.execPath, [bin, 'serve', 'gateway', ...flags], settings);
  const [, url] = await firstLine(front, /serving (http\S+?);? /);
  return { tcpPort, target, url, children: [front, service] };
}

function startReader(): { child: ChildProcess; read(order: string): Promise<{ bytes: number; seconds: number }> } {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'transport-reader.js')], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: SERVER_ENVIRONMENT,
  });
  const lines = createInterface({ input: child.stdout });
  const ended = once(child, 'exit').then(() => Promise.reject<never>(new Error('the reading process ended')));
  // Also when nobody waits for it any more.
  ended.catch(() => undefined);
  return {
    child,
    read: async (order) => {
      const line = once(lines, 'line') as Promise<[string]>;
      child.stdin.write(`${order}\n`);
      const [bytes, seconds] = (await Promise.race([line, ended]))[0].split(' ').map(Number);
      return { bytes, seconds };
    },
  };
}
