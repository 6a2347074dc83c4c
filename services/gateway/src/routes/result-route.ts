import { fail } from '@armilla/base';
import type { GetResultResponse } from '@armilla/proto';
import type { FastifyInstance } from 'fastify';
import { acceptedFormat, ANSWER_FORMATS, type AnswerFormat } from '../answer/answer-format.js';
import type { GatewayParts } from '../http/gateway-parts.js';
import { messageJson } from '../http/message-json.js';
import { orRefuse } from '../http/refuse.js';
import { readTimeoutHeader } from '../http/timeout-header.js';
import { GivenOptions, type RequestOption } from '../options/option.js';
import { readChoice, readInteger } from '../options/value.js';
import { sendCall } from '../relay/send-call.js';
import type { RecentResult } from '../results/recent-results.js';

export interface ResultDraft {
  rejectedLimit: number;
}

export const RESULT_OPTIONS: readonly RequestOption<ResultDraft>[] = [
  {
    name: 'rejected',
    sentence: 'Rejected rows to list at most, with their reasons. Default 0.',
    schema: { type: 'integer', minimum: 0, maximum: 100_000 },
    take: (draft, value) => (draft.rejectedLimit = readInteger('rejected', value, 0, 100_000)),
  },
];

export interface EvidenceDraft {
  format: AnswerFormat | undefined;
}

export const EVIDENCE_OPTIONS: readonly RequestOption<EvidenceDraft>[] = [
  {
    name: 'format',
    sentence: 'Format of the answer, instead of the Accept header.',
    schema: { type: 'string', enum: Object.keys(ANSWER_FORMATS) },
    take: (draft, value) => (draft.format = readChoice('format', value, Object.keys(ANSWER_FORMATS) as AnswerFormat[])),
  },
];

/** GET /v1/crossmatch/results/ID: how a recent match went. 202 while it runs. */
export function resultRoute(app: FastifyInstance, { crossmatch, results }: GatewayParts): void {
  app.get<{ Params: { requestId: string } }>('/v1/crossmatch/results/:requestId', async (request, reply) => {
    const { exchange } = request;
    const { requestId } = request.params;
    const given = new GivenOptions();
    given.addQuery(request.query as Record<string, unknown>);
    const draft: ResultDraft = { rejectedLimit: 0 };
    given.read(RESULT_OPTIONS, draft);
    readTimeoutHeader(request);
    if (!/^[A-Za-z0-9_-]{1,64}$/.test(requestId))
      throw fail('RESULT_NOT_FOUND', { request_id: requestId.slice(0, 64) });
    const own = results.get(requestId, exchange.principal);
    // Another gateway may have run the match; the service also holds the rejected rows.
    const stored =
      own === undefined || draft.rejectedLimit > 0
        ? await crossmatch.getResult(exchange, { requestId, rejectedLimit: draft.rejectedLimit })
        : undefined;
    const state = own?.state ?? stateOf(stored);
    reply.code(state === 'running' ? 202 : 200);
    return {
      request_id: requestId,
      state,
      ...(own ? ownJson(own) : storedJson(stored)),
      ...(draft.rejectedLimit > 0 && { rejected: (stored?.rejected ?? []).map(messageJson) }),
    };
  });
}

/** GET /v1/crossmatch/results/ID/evidence: what the trust of a recent assessed match was measured on. */
export function evidenceRoute(app: FastifyInstance, parts: GatewayParts): void {
  app.get<{ Params: { requestId: string } }>('/v1/crossmatch/results/:requestId/evidence', async (request, reply) => {
    reply.hijack();
    await orRefuse(request, reply, parts.log, async () => {
      const { requestId } = request.params;
      const given = new GivenOptions();
      given.addQuery(request.query as Record<string, unknown>);
      const draft: EvidenceDraft = { format: undefined };
      given.read(EVIDENCE_OPTIONS, draft);
      readTimeoutHeader(request);
      await sendCall(request, reply, parts, {
        call: () => parts.crossmatch.getEvidence(request.exchange, { requestId }),
        format: draft.format ?? acceptedFormat(request.headers.accept),
        passedHeaders: [],
      });
    });
  });
}

function stateOf(stored: GetResultResponse | undefined): RecentResult['state'] {
  if (stored?.failureReason) return 'failed';
  return (stored?.summary ?? stored?.tablesSummary) ? 'complete' : 'running';
}

function ownJson({ progress, summary, stream, failure }: RecentResult): object {
  return {
    ...(summary && { summary: messageJson(summary) }),
    ...(stream && {
      stream: messageJson({ rowCount: stream.rowCount, batchCount: stream.batchCount, bodyCrc32c: stream.bodyCrc32c }),
    }),
    ...(progress && !summary && { progress: messageJson(progress) }),
    ...(failure && { failure: { reason: failure.reason, message: failure.message } }),
  };
}

function storedJson(stored: GetResultResponse | undefined): object {
  const summary = stored?.summary ?? stored?.tablesSummary;
  return {
    ...(summary && { summary: messageJson(summary) }),
    ...(stored?.failureReason && { failure: { reason: stored.failureReason, message: stored.failureMessage } }),
  };
}
