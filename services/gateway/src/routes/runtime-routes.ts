import type { FastifyInstance } from 'fastify';
import type { GatewayParts } from '../http/gateway-parts.js';
import { messageJson } from '../http/message-json.js';
import { readTimeoutHeader } from '../http/timeout-header.js';
import { GivenOptions } from '../options/option.js';
import {
  DECISIONS_OPTIONS,
  emptyDecisionsDraft,
  emptyExplainCallDraft,
  EXPLAIN_CALL_OPTIONS,
  explainCallRequest,
} from '../options/runtime-options.js';

/** What the server computes on, what its router decided, and what it would decide. */
export function runtimeRoutes(app: FastifyInstance, { runtime }: GatewayParts): void {
  app.get('/v1/runtime/status', async (request) => {
    const given = new GivenOptions();
    given.addQuery(request.query as Record<string, unknown>);
    given.read([], {});
    readTimeoutHeader(request);
    return messageJson(await runtime.getStatus(request.exchange));
  });
  app.get('/v1/runtime/decisions', async (request) => {
    const given = new GivenOptions();
    given.addQuery(request.query as Record<string, unknown>);
    readTimeoutHeader(request);
    const draft = emptyDecisionsDraft();
    given.read(DECISIONS_OPTIONS, draft);
    return messageJson(await runtime.listDecisions(request.exchange, draft));
  });
  app.get('/v1/runtime/explain', async (request) => {
    const given = new GivenOptions();
    given.addQuery(request.query as Record<string, unknown>);
    readTimeoutHeader(request);
    const draft = emptyExplainCallDraft();
    given.read(EXPLAIN_CALL_OPTIONS, draft);
    return messageJson(await runtime.explain(request.exchange, explainCallRequest(draft)));
  });
}
