import { loadConfig, createLogger } from '@armilla/chassis';
import type { ChannelCredentials } from '@grpc/grpc-js';
import { tableFromArrays, tableToIPC } from 'apache-arrow';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RunningGateway, startGateway } from '../gateway.js';
import { echo, type FakeCrossmatch, type MatchBehaviour, startFake } from './fake-crossmatch.js';

export interface UnderTest extends AsyncDisposable {
  readonly url: string;
  readonly fake: FakeCrossmatch;
  readonly gateway: RunningGateway;
  readonly spoolFolder: string;
  /** Files that wait on disk now. */
  spooledFiles(): string[];
}

/** A gateway in front of a fake service, both on free loopback ports. */
export async function startUnderTest(
  options: {
    behaviour?: MatchBehaviour;
    flags?: Record<string, string>;
    fakeFlags?: Record<string, string>;
    target?: string;
    metricsText?: () => Promise<string>;
    credentials?: ChannelCredentials;
  } = {},
): Promise<UnderTest> {
  const spoolFolder = mkdtempSync(join(tmpdir(), 'armilla-gateway-test-'));
  const fake = await startFake(options.behaviour ?? echo, options.fakeFlags);
  const config = loadConfig({
    flags: { httpAddress: '127.0.0.1:0', logLevel: 'silent', spoolDirectory: spoolFolder, ...options.flags },
  });
  const gateway = await startGateway({
    config,
    crossmatchTarget: options.target ?? fake.target,
    log: createLogger(config),
    metricsText: options.metricsText,
    credentials: options.credentials,
  });
  return {
    url: gateway.url,
    fake,
    gateway,
    spoolFolder,
    spooledFiles: () =>
      readdirSync(spoolFolder, { recursive: true, encoding: 'utf8' }).filter((name) => name.includes('/')),
    [Symbol.asyncDispose]: async () => {
      await gateway.close(0);
      await fake[Symbol.asyncDispose]();
      rmSync(spoolFolder, { recursive: true, force: true });
    },
  };
}

/** An Arrow stream of `rowCount` positions. */
export function positionsIpc(rowCount: number, offset = 0): Uint8Array<ArrayBuffer> {
  const ra = Float64Array.from({ length: rowCount }, (_, row) => ((row + offset) * 0.37) % 360);
  const dec = Float64Array.from({ length: rowCount }, (_, row) => ((row * 0.11) % 180) - 90);
  return tableToIPC(tableFromArrays({ ra, dec }), 'stream') as Uint8Array<ArrayBuffer>;
}

export const blob = (bytes: Uint8Array<ArrayBuffer> | string): Blob => new Blob([bytes]);

/** Waits until `condition` holds; a hang guard, not a measure. */
export async function eventually(condition: () => boolean, what: string, limitMs = 10_000): Promise<void> {
  const start = performance.now();
  while (!condition()) {
    if (performance.now() - start > limitMs) throw new Error(`never happened: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
