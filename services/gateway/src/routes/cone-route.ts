import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { acceptedFormat } from '../answer/answer-format.js';
import type { GatewayParts } from '../http/gateway-parts.js';
import { orRefuse } from '../http/refuse.js';
import { readTimeoutHeader } from '../http/timeout-header.js';
import { coneRequest, readCone } from '../options/cone-options.js';
import { GivenOptions } from '../options/option.js';
import { sendCall } from '../relay/send-call.js';

/** What the service counts before its first row, and which columns hold the positions. */
const PASSED_HEADERS = [
  'armilla-row-count',
  'armilla-found-row-count',
  'armilla-overflow',
  'armilla-table-columns',
] as const;

/** GET /v1/crossmatch/cone: rows of a stored table around a centre, nearest first; takes the Simple Cone Search's names too. */
export function coneRoute(app: FastifyInstance, parts: GatewayParts): void {
  app.get('/v1/crossmatch/cone', async (request, reply) => {
    reply.hijack();
    await orRefuse(request, reply, parts.log, () => searchCone(request, reply, parts));
  });
}

async function searchCone(request: FastifyRequest, reply: FastifyReply, parts: GatewayParts): Promise<void> {
  const { exchange } = request;
  const given = new GivenOptions();
  given.addQuery(request.query as Record<string, unknown>, true);
  readTimeoutHeader(request);
  const draft = readCone(given);
  if (draft.timeoutMs !== undefined) exchange.setTimeout(draft.timeoutMs);
  const format = draft.format ?? acceptedFormat(request.headers.accept);
  const message = coneRequest(draft, exchange.requestId);

  await sendCall(request, reply, parts, {
    call: () => parts.crossmatch.coneSearch(exchange, message),
    format,
    passedHeaders: PASSED_HEADERS,
  });
}
