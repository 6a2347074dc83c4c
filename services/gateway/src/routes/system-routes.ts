import { fail } from '@armilla/base';
import { ServingStatus } from '@armilla/proto';
import type { FastifyInstance } from 'fastify';
import type { GatewayParts } from '../http/gateway-parts.js';
import { openapiDocument } from '../openapi/document.js';

const READY_MS = 2_000;

/** Paths that need no token: probes have none, and the description holds no data. */
export const OPEN_PATHS: readonly string[] = ['/healthz', '/readyz', '/openapi.json'];

export function systemRoutes(
  app: FastifyInstance,
  { config, crossmatch, metricsText, version, draining }: GatewayParts,
): void {
  app.get('/healthz', () => ({ status: 'ok' }));
  app.get('/readyz', async (request) => {
    if (draining()) throw fail('DRAINING');
    const { status } = await crossmatch.checkHealth(request.exchange.signal, Date.now() + READY_MS);
    if (status !== ServingStatus.SERVING)
      throw fail('SERVER_UNAVAILABLE', { target: 'crossmatch', detail: 'it is not serving' });
    return { status: 'ok' };
  });
  app.get('/metrics', async (_request, reply) => {
    reply.type('text/plain; version=0.0.4; charset=utf-8');
    return metricsText();
  });
  const document = openapiDocument(version, config.authTokens !== '');
  app.get('/openapi.json', () => document);
}
