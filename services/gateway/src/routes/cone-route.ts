import { mediaTypeOf } from '@armilla/tables';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { acceptedFormat } from '../answer/answer-format.js';
import { ClientWriter } from '../answer/client-writer.js';
import { sendAnswer } from '../answer/send-answer.js';
import { type GatewayParts, readerLimits } from '../http/gateway-parts.js';
import { refuse } from '../http/refuse.js';
import { readTimeoutHeader } from '../http/timeout-header.js';
import { coneRequest, readCone } from '../options/cone-options.js';
import { GivenOptions } from '../options/option.js';
import { answerOf } from '../relay/answer-of-call.js';
import { ipcOfFrames } from '../relay/ipc-frames.js';
import { formatAnswer } from '../tables/format-answer.js';

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
    const { exchange } = request;
    try {
      await searchCone(request, reply, parts);
    } catch (error) {
      exchange.abort(error);
      const problem = await refuse(request, reply, exchange.signal.reason);
      parts.log.warn('cone search failed', {
        requestId: exchange.requestId,
        traceId: exchange.traceId,
        reason: problem.reason,
        message: problem.message,
      });
    }
  });
}

async function searchCone(request: FastifyRequest, reply: FastifyReply, parts: GatewayParts): Promise<void> {
  const { exchange } = request;
  const { signal } = exchange;
  const given = new GivenOptions();
  given.addQuery(request.query as Record<string, unknown>, true);
  readTimeoutHeader(request);
  const draft = readCone(given);
  if (draft.timeoutMs !== undefined) exchange.setTimeout(draft.timeoutMs);
  const format = draft.format ?? acceptedFormat(request.headers.accept);
  const message = coneRequest(draft, exchange.requestId);

  const leave = parts.places.take();
  reply.raw.once('close', leave);
  const writer = new ClientWriter(
    reply.raw,
    readerLimits(parts.config),
    signal,
    () => false,
    (byteCount) => (exchange.sentBytes += byteCount),
  );
  try {
    const call = parts.crossmatch.coneSearch(exchange, message);
    const { frames, headers } = answerOf(call, PASSED_HEADERS, signal);
    const ipc = ipcOfFrames(frames, { onProgress: () => undefined, onSummary: () => undefined });
    const head = () => ({
      'content-type': mediaTypeOf(format),
      'cache-control': 'no-store',
      'x-request-id': exchange.requestId,
      ...headers(),
    });
    await sendAnswer(writer, formatAnswer(ipc, format, signal), head);
  } catch (error) {
    exchange.abort(error);
    throw error;
  } finally {
    writer.release();
    exchange.release();
  }
}
