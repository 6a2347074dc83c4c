import { fail } from '@armilla/base';
import { checkBind, type Config, createLogger, type Log, TokenFile } from '@armilla/chassis';
import type { ChannelCredentials } from '@grpc/grpc-js';
import fastify, {
  type FastifyHttp2SecureOptions,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify';
import { readFileSync } from 'node:fs';
import type { Http2SecureServer, ServerHttp2Session } from 'node:http2';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Exchange } from './http/exchange.js';
import type { GatewayParts } from './http/gateway-parts.js';
import { makeHttpMetrics } from './http/http-metrics.js';
import { Places } from './http/places.js';
import { refuse } from './http/refuse.js';
import { problemRoutes } from './http/problem-routes.js';
import { answerConnect, answerMalformed, checkHost } from './http/malformed.js';
import { RecentResults } from './results/recent-results.js';
import { coneRoute } from './routes/cone-route.js';
import { explainRoute } from './routes/explain-route.js';
import { matchRoute } from './routes/match-route.js';
import { profileRoutes } from './routes/profile-routes.js';
import { evidenceRoute, resultRoute } from './routes/result-route.js';
import { runtimeRoutes } from './routes/runtime-routes.js';
import { OPEN_PATHS, systemRoutes } from './routes/system-routes.js';
import { tableRoutes } from './routes/table-routes.js';
import { tablesMatchRoute } from './routes/tables-match-route.js';
import { CrossmatchClient } from './service/crossmatch-client.js';
import { RuntimeClient } from './service/runtime-client.js';
import { Spool } from './upload/spool.js';

export interface GatewayOptions {
  readonly config: Config;
  /** host:port of the crossmatch service and of the runtime service beside it; default: `config.crossmatchTarget`. */
  readonly crossmatchTarget?: string;
  /** For the hop to the service; default: in clear. */
  readonly credentials?: ChannelCredentials;
  readonly log?: Log;
  /** Metrics in the text format of Prometheus; default: none. */
  readonly metricsText?: () => string | Promise<string>;
}

export interface RunningGateway extends AsyncDisposable {
  /** "http://127.0.0.1:7431", with the port that was taken. */
  readonly url: string;
  readonly port: number;
  /** What is served, as "GET /healthz"; HEAD goes with every GET. */
  readonly routes: readonly string[];
  /** Streams that run now. */
  readonly activeStreamCount: number;
  /** Stops accepting, lets requests finish within `graceMs` (default: drain_seconds), then ends them. A second call waits for the first. */
  close(graceMs?: number): Promise<void>;
}

/** Time that ended requests have to send their refusal before connections are cut. */
const FORCE_MS = 500;
const KEEP_ALIVE_MS = 10_000;
const MAX_HEADER_BYTES = 16 << 10;

/** Opens the HTTP side. Throws ADDRESS_NOT_LOOPBACK, ADDRESS_IN_USE and CONFIG_INVALID. */
export async function startGateway(options: GatewayOptions): Promise<RunningGateway> {
  const { config } = options;
  const log = options.log ?? createLogger(config);
  const bind = checkBind(config.httpAddress, 'http_address', config);
  const tokens = config.authTokens === '' ? undefined : new TokenFile(config.authTokens, log);
  const target = options.crossmatchTarget ?? config.crossmatchTarget;
  if (target === '')
    throw fail('CONFIG_INVALID', { detail: 'crossmatch_target: say where the crossmatch service listens' });

  const exchanges = new Set<Exchange>();
  let draining = false;
  const parts: GatewayParts = {
    config,
    log,
    crossmatch: new CrossmatchClient(target, options.credentials),
    runtime: new RuntimeClient(target, options.credentials),
    spool: await Spool.open(
      config.spoolDirectory === '' ? join(tmpdir(), 'armilla') : config.spoolDirectory,
      config.spoolLimitBytes,
    ),
    results: new RecentResults(config.resultTtlSeconds * 1000),
    places: new Places(config.maxHttpStreams),
    version: (createRequire(import.meta.url)('@armilla/gateway/package.json') as { version: string }).version,
    metricsText: options.metricsText ?? (() => ''),
    draining: () => draining,
  };

  const measured = makeHttpMetrics();
  const app = createApp(config);
  app.decorateRequest('exchange', null as never);
  app.addHook('onRequest', async (request, reply) => {
    const exchange = new Exchange(
      request,
      reply,
      config.maxDeadlineSeconds * 1000,
      config.defaultDeadlineSeconds * 1000,
    );
    request.exchange = exchange;
    exchanges.add(exchange);
    measured.started(request.method);
    reply.raw.once('close', () => {
      exchanges.delete(exchange);
      const { route, receivedBytes, sentBytes, startMs } = exchange;
      measured.ended({
        method: request.method,
        route,
        status: reply.raw.statusCode,
        seconds: (performance.now() - startMs) / 1000,
        receivedBytes,
        sentBytes,
      });
    });
    reply.header('x-request-id', exchange.requestId);
    checkHost(request.raw);
    if (draining && !OPEN_PATHS.includes(request.routeOptions.url ?? '')) throw fail('DRAINING');
    if (tokens !== undefined && !OPEN_PATHS.includes(request.routeOptions.url ?? ''))
      exchange.principal = tokens.check(request.headers.authorization);
  });
  // Bodies are streams: no parser may touch them.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, _payload, done) => done(null, undefined));
  const routes = problemRoutes(app);
  systemRoutes(app, parts);
  explainRoute(app, parts);
  coneRoute(app, parts);
  resultRoute(app, parts);
  evidenceRoute(app, parts);
  tableRoutes(app, parts);
  matchRoute(app, parts);
  tablesMatchRoute(app, parts);
  runtimeRoutes(app, parts);
  profileRoutes(app, parts);

  const sessions = watchSessions(app);
  app.server.maxConnections = config.maxConnections;
  // A client that asks first is told to go on when its body is wanted, and spared the upload when it is refused.
  app.server.on('checkContinue', (request, response) => app.routing(request, response));
  // What else a client expects is nothing that it could be refused for.
  app.server.on('checkExpectation', (request, response) => app.routing(request, response));
  app.server.on('connect', answerConnect);
  const url = await listen(app, bind.host, bind.port).catch(async (error: unknown) => {
    parts.crossmatch.close();
    parts.runtime.close();
    await parts.spool.close();
    throw fail('ADDRESS_IN_USE', { address: config.httpAddress, detail: (error as Error).message }, { cause: error });
  });
  log.info('gateway serving', { url, target, tokens: tokens !== undefined });

  const stop = async (graceMs: number): Promise<void> => {
    draining = true;
    log.info('gateway stopping', { activeStreamCount: parts.places.taken, graceMs });
    const timer = setTimeout(() => {
      for (const exchange of exchanges) exchange.abort(fail('DRAINING'));
      cutTimer = setTimeout(() => {
        app.server.closeAllConnections?.();
        sessions.destroy();
      }, FORCE_MS);
    }, graceMs);
    let cutTimer: NodeJS.Timeout | undefined;
    sessions.close();
    await app.close();
    clearTimeout(timer);
    clearTimeout(cutTimer);
    parts.crossmatch.close();
    parts.runtime.close();
    await parts.spool.close();
  };
  let stopping: Promise<void> | undefined;
  const close = (graceMs = config.drainSeconds * 1000): Promise<void> => (stopping ??= stop(graceMs));
  return {
    url,
    port: Number(new URL(url).port),
    routes: routes(),
    get activeStreamCount() {
      return parts.places.taken;
    },
    close,
    [Symbol.asyncDispose]: () => close(),
  };
}

/** The address that was taken. */
async function listen(app: FastifyInstance, host: string, port: number): Promise<string> {
  await app.listen({ host, port, listenTextResolver: () => '' });
  const { port: taken } = app.server.address() as AddressInfo;
  const scheme = 'setSecureContext' in app.server ? 'https' : 'http';
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${taken}`;
}

/** HTTP/2 windows of uploads: the default of 64 KiB holds them at a fifth of the speed. */
const WINDOW_BYTES = 1 << 20;

/** Sessions of HTTP/2 outlive their requests: they are told to go when the server stops. */
function watchSessions(app: FastifyInstance): { close(): void; destroy(): void } {
  const sessions = new Set<ServerHttp2Session>();
  app.server.on('session', (session: ServerHttp2Session) => {
    sessions.add(session);
    session.setLocalWindowSize(WINDOW_BYTES);
    session.once('close', () => sessions.delete(session));
  });
  return {
    close: () => sessions.forEach((session) => session.close()),
    destroy: () => sessions.forEach((session) => session.destroy()),
  };
}

function createApp(config: Config): FastifyInstance {
  const headersMs = config.headerSeconds * 1000;
  const common = {
    // Bodies are limited where they are read, uploads are paced there too: a long one is no fault.
    bodyLimit: Number.MAX_SAFE_INTEGER,
    requestTimeout: 0,
    connectionTimeout: 0,
    keepAliveTimeout: KEEP_ALIVE_MS,
    forceCloseConnections: 'idle' as const,
    // Refusals while the gateway stops are ours, as problem+json.
    return503OnClosing: false,
    clientErrorHandler: answerMalformed,
    frameworkErrors: (error: Error, request: FastifyRequest, reply: FastifyReply): void => {
      request.exchange = new Exchange(request, reply, headersMs, headersMs);
      void refuse(
        request,
        reply,
        fail('REQUEST_INVALID', { field: 'path', detail: error.message.slice(0, 300) }, { cause: error }),
      );
    },
    routerOptions: { maxParamLength: 256 },
    logger: false as const,
  };
  const server = {
    maxHeaderSize: MAX_HEADER_BYTES,
    // Node.js refuses a missing one with an empty answer; `checkHost` says what is wrong.
    requireHostHeader: false,
    headersTimeout: headersMs,
    connectionsCheckingInterval: headersMs / 4,
  };
  if (config.tlsCert === '') return fastify({ ...common, http: server });
  const https = {
    allowHTTP1: true,
    cert: readFileSync(config.tlsCert),
    key: readFileSync(config.tlsKey),
    settings: { initialWindowSize: WINDOW_BYTES },
    ...server,
  };
  const secure = { ...common, http2: true, https } as unknown as FastifyHttp2SecureOptions<Http2SecureServer>;
  return fastify(secure) as unknown as FastifyInstance;
}
