import { readFileSync } from 'node:fs';
import { computeInBackground } from '@armilla/base';
import { credentials, type ChannelCredentials } from '@grpc/grpc-js';
import {
  type Config,
  createLogger,
  makeAdmission,
  type RunningServer,
  runtimeService,
  serve,
  startTelemetry,
} from '@armilla/chassis';
import { crossmatchServices, StoredTables } from '@armilla/crossmatch/service';
import { type RunningGateway, startGateway } from '@armilla/gateway';
import { exportToOpenTelemetry, Runtime } from '@armilla/gpu-core';
import { BackgroundCalibration } from '../devices/background-calibration.js';
import { type Compute, openCompute } from '../devices/compute.js';
import { MemoryCounters } from '../devices/memory-counters.js';
import { checkAddressFree } from './address-check.js';
import { runtimeSource } from './runtime-source.js';
import { type NamedTable, storeTable } from './store-table.js';

/** Parts of the product that one process can host. */
export const HOSTED = ['crossmatch', 'gateway'] as const;
export type Hosted = (typeof HOSTED)[number];

export interface ServerOptions {
  readonly config: Config;
  /** Default: all. */
  readonly hosted?: readonly Hosted[];
  /** Loaded, indexed and kept before the server listens. */
  readonly tables?: readonly NamedTable[];
  /** Ends the start; a server that has started is ended by `stop`. */
  readonly signal?: AbortSignal;
  readonly onStored?: (name: string, rowCount: number) => void;
}

/** Gateway and services in one process. */
export interface ArmillaServer extends AsyncDisposable {
  /** Undefined without a gateway. */
  readonly url: string | undefined;
  /** host:port; undefined without services. */
  readonly grpcAddress: string | undefined;
  /** What its services compute on; undefined without services. */
  readonly compute: Compute | undefined;
  /** Lets running calls finish within `graceMs` (default: drain_seconds), then ends everything. */
  stop(graceMs?: number): Promise<void>;
}

/** Starts what `hosted` names; throws ADDRESS_IN_USE, ADDRESS_NOT_LOOPBACK, CONFIG_INVALID, what loading a table throws, and the reason of `signal`. */
export async function startServer({
  config,
  hosted = HOSTED,
  tables = [],
  signal,
  onStored,
}: ServerOptions): Promise<ArmillaServer> {
  computeInBackground();
  const log = createLogger(config);
  if (hosted.includes('gateway')) await checkAddressFree(config.httpAddress, 'http_address', config);
  // In the order in which they are started; stopped backwards.
  const stops: ((graceMs?: number) => Promise<void>)[] = [];
  const stop = async (graceMs?: number): Promise<void> => {
    for (const end of stops.splice(0).reverse()) await end(graceMs);
  };
  try {
    const telemetry = await startTelemetry();
    stops.push(() => telemetry.shutdown());
    let server: RunningServer | undefined;
    let compute: Compute | undefined;
    let calibration: BackgroundCalibration | undefined;
    if (hosted.includes('crossmatch')) {
      const runtime = await Runtime.create({
        workerCount: config.workerCount || undefined,
        memoryLimitBytes: config.memoryLimitBytes || undefined,
      });
      stops.push(() => runtime.close());
      if (telemetry.exporting) {
        const end = exportToOpenTelemetry(runtime.profiler);
        stops.push(async () => end());
      }
      const opened = (compute = await openCompute(runtime, config, signal));
      stops.push(async () => opened[Symbol.asyncDispose]());
      const counters = new MemoryCounters(runtime);
      stops.push(async () => counters[Symbol.dispose]());
      counters.start();
      const admission = makeAdmission(config);
      const quotaBytes = config.tableQuotaBytes || admission.stats().limitBytes / 2;
      const stored = new StoredTables({ quotaBytes, defaultTtlSeconds: config.tableTtlSeconds });
      stops.push(() => stored[Symbol.asyncDispose]());
      for (const table of tables) onStored?.(table.name, await storeTable(table, stored, runtime, signal));
      const services = [
        ...crossmatchServices({ runtime, dispatcher: compute.dispatcher, tables: stored }),
        runtimeService(runtimeSource({ runtime, compute, config })),
      ];
      const background = (calibration = new BackgroundCalibration(compute.dispatcher, log));
      signal?.throwIfAborted();
      server = await serve({ services, config, log, admission });
      // What the last calls teach is kept as well.
      stops.push(
        () => background.save(),
        server.stop,
        () => background.stop(),
      );
    }
    let gateway: RunningGateway | undefined;
    if (hosted.includes('gateway')) {
      signal?.throwIfAborted();
      gateway = await startGateway({
        config,
        crossmatchTarget: server?.address,
        credentials: server && ownCredentials(config),
        log,
        metricsText: () => telemetry.prometheusText(),
      });
      stops.push(gateway.close);
    }
    // Once everything listens: nobody waits for it.
    calibration?.start();
    return { url: gateway?.url, grpcAddress: server?.address, compute, stop, [Symbol.asyncDispose]: () => stop() };
  } catch (error) {
    await stop(0);
    throw error;
  }
}

/** For the hop inside the process: the certificate is our own, whatever name it is made out for. */
function ownCredentials({ tlsCert }: Config): ChannelCredentials | undefined {
  if (tlsCert === '') return undefined;
  return credentials.createSsl(readFileSync(tlsCert), null, null, { checkServerIdentity: () => undefined });
}
