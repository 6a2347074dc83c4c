import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { createSecureContext } from 'node:tls';
import { logVerbosity, Server, ServerCredentials, type ServiceDefinition, setLogVerbosity } from '@grpc/grpc-js';
import { metrics, trace } from '@opentelemetry/api';
import { fail } from '@armilla/base';
import { checkBind, type HostPort } from '../auth/bind.js';
import { TokenFile } from '../auth/token-file.js';
import { type Config } from '../config/config.js';
import { Admission } from '../limits/admission.js';
import { createLogger, type Log } from '../log/logger.js';
import { fitCollectorToStreams } from '../stream/collector.js';
import { makeRpcMetrics } from '../telemetry/rpc-metrics.js';
import { watchAdmission } from './admission-metrics.js';
import { CallGuard } from './call-guard.js';
import { Health } from './health.js';
import { watchReaders } from './reader-watch.js';
import { type ServiceModule } from './service-module.js';
import { setConnectionLimits, setStreamWindow } from './window.js';

export interface ServeOptions {
  readonly services: readonly ServiceModule[];
  readonly config: Config;
  /** Default: one by `config.logLevel`. */
  readonly log?: Log;
  /** Default: one by the limits of `config`. */
  readonly admission?: Admission;
}

export interface RunningServer extends AsyncDisposable {
  /** host:port with the port that was taken. */
  readonly address: string;
  readonly port: number;
  readonly health: Health;
  readonly admission: Admission;
  /** Calls that run now. */
  readonly activeCallCount: number;
  /**
   * Stops accepting, answers NOT_SERVING, lets running calls finish within `graceMs` (default: drain_seconds), then
   * ends them with DRAINING, and closes the services. A second call waits for the first.
   */
  stop(graceMs?: number): Promise<void>;
}

/** Share of the machine's memory that calls may plan; the rest is for code, buffers and the system. */
const MEMORY_SHARE = 0.75;
/** Time that ended calls have to send their status before connections are cut. */
const FORCE_MS = 250;

/** Hosts services behind one port. Throws ADDRESS_NOT_LOOPBACK, ADDRESS_IN_USE and CONFIG_INVALID. */
export async function serve(options: ServeOptions): Promise<RunningServer> {
  const { services, config } = options;
  // What grpc-js prints on its own is told by our errors and log.
  setLogVerbosity(logVerbosity.NONE);
  fitCollectorToStreams();
  const log = options.log ?? createLogger(config);
  const bind = checkBind(config.grpcAddress, 'grpc_address', config);
  const tokens = config.authTokens === '' ? undefined : new TokenFile(config.authTokens, log);
  const admission = options.admission ?? makeAdmission(config);
  const traits = new Map(
    services.map(({ name, reasonInMessage, maxMessageBytes }) => [
      name,
      { reasonInMessage, maxMessageBytes: maxMessageBytes?.(config) },
    ]),
  );
  const guard = new CallGuard(config, log, makeRpcMetrics(), tokens, traits);
  const server = new Server({
    'grpc.max_receive_message_length': config.maxMessageBytes,
    'grpc.max_send_message_length': config.maxMessageBytes,
    'grpc.max_concurrent_streams': config.maxConcurrentStreams,
    'grpc.keepalive_time_ms': config.keepaliveSeconds * 1000,
    'grpc.keepalive_timeout_ms': 20_000,
    'grpc.enable_channelz': 0,
    interceptors: [guard.interceptor],
  });
  setStreamWindow(server);
  const context = { config, log, admission, tracer: trace.getTracer('armilla'), meter: metrics.getMeter('armilla') };
  watchAdmission(context.meter, admission);
  for (const service of services) {
    server.addService(loggedSerializers(service.definition as ServiceDefinition, log), service.handlers(context));
  }
  const health = new Health(services.map(({ name }) => name));
  health.addTo(server);
  if (config.reflection) {
    const { addReflection } = await import('./reflection.js');
    addReflection(
      server,
      services.map(({ name }) => name),
    );
  }
  const port = await listen(server, bind, credentialsOf(config));
  setConnectionLimits(server, config.maxConnections);
  const stopWatching = watchReaders(guard, config);
  const address = `${bind.host.includes(':') ? `[${bind.host}]` : bind.host}:${port}`;
  log.info('serving', {
    address,
    services: services.map(({ name }) => name),
    tls: config.tlsCert !== '',
    tokens: tokens !== undefined,
  });

  const stopNow = async (graceMs: number): Promise<void> => {
    log.info('stopping', { activeCallCount: guard.active.size, graceMs });
    guard.draining = true;
    health.drain();
    const drained = new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
    if (!(await settlesWithin(drained, graceMs))) {
      log.warn('calls ended by the stop', { activeCallCount: guard.active.size });
      for (const call of guard.active) guard.endCall(call, fail('DRAINING'));
      await settlesWithin(drained, FORCE_MS);
      server.forceShutdown();
    }
    stopWatching();
    const closed = await Promise.allSettled(services.map((service) => service.close?.()));
    for (const result of closed)
      if (result.status === 'rejected') log.error('service not closed', { detail: String(result.reason) });
    log.info('stopped');
  };
  let stopping: Promise<void> | undefined;
  const stop = (graceMs = config.drainSeconds * 1000): Promise<void> => (stopping ??= stopNow(graceMs));
  return {
    address,
    port,
    health,
    admission,
    get activeCallCount() {
      return guard.active.size;
    },
    stop,
    [Symbol.asyncDispose]: () => stop(),
  };
}

/** grpc-js hides why a response could not be encoded; such a bug must be findable in the log. */
function loggedSerializers(definition: ServiceDefinition, log: Log): ServiceDefinition {
  const entries = Object.entries(definition).map(([name, method]) => {
    const responseSerialize = (message: unknown): Buffer => {
      try {
        return method.responseSerialize(message);
      } catch (error) {
        log.error('response not encoded', {
          method: method.path.slice(1),
          detail: (error as Error).message,
          stack: (error as Error).stack,
        });
        throw error;
      }
    };
    return [name, { ...method, responseSerialize }];
  });
  return Object.fromEntries(entries) as ServiceDefinition;
}

/** The admission that the limits of `config` describe. */
export function makeAdmission(
  config: Pick<Config, 'memoryLimitBytes' | 'admissionQueueLength' | 'admissionWaitSeconds'>,
): Admission {
  return new Admission({
    limitBytes: config.memoryLimitBytes || Math.floor(machineMemoryBytes() * MEMORY_SHARE),
    queueLength: config.admissionQueueLength,
    waitSeconds: config.admissionWaitSeconds,
  });
}

/** Memory of the machine or, where smaller, of the control group. */
function machineMemoryBytes(): number {
  const constrained = process.constrainedMemory();
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
}

function credentialsOf({ tlsCert, tlsKey }: Config): ServerCredentials {
  if (tlsCert === '') return ServerCredentials.createInsecure();
  try {
    const pair = { cert_chain: readFileSync(tlsCert), private_key: readFileSync(tlsKey) };
    // grpc-js would report a bad pair as an address that cannot be bound.
    createSecureContext({ cert: pair.cert_chain, key: pair.private_key });
    return ServerCredentials.createSsl(null, [pair]);
  } catch (error) {
    throw fail('CONFIG_INVALID', { detail: `tls_cert, tls_key: ${(error as Error).message}` }, { cause: error });
  }
}

function listen(server: Server, { host, port }: HostPort, credentials: ServerCredentials): Promise<number> {
  const address = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  return new Promise((resolve, reject) => {
    server.bindAsync(address, credentials, (error, bound) => {
      if (error) reject(fail('ADDRESS_IN_USE', { address, detail: error.message }, { cause: error }));
      else resolve(bound);
    });
  });
}

async function settlesWithin(promise: Promise<void>, milliseconds: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => (timer = setTimeout(() => resolve(false), milliseconds)));
  const settled = await Promise.race([promise.then(() => true), late]);
  clearTimeout(timer);
  return settled;
}
