import { fail } from '@armilla/base';
import { mediaTypeOf } from '@armilla/tables';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { OutgoingHttpHeaders } from 'node:http';
import { acceptedFormat, type AnswerFormat } from '../answer/answer-format.js';
import { ClientWriter } from '../answer/client-writer.js';
import { sendAnswer } from '../answer/send-answer.js';
import type { Exchange } from '../http/exchange.js';
import { bodyOf, type GatewayParts, readerLimits } from '../http/gateway-parts.js';
import { refuse } from '../http/refuse.js';
import { readTimeoutHeader } from '../http/timeout-header.js';
import type { MatchDraft } from '../options/match-options.js';
import { GivenOptions } from '../options/option.js';
import { framesOfIpc } from '../relay/ipc-frames.js';
import { openMatch } from '../relay/match-relay.js';
import type { RecentResult } from '../results/recent-results.js';
import { formatAnswer } from '../tables/format-answer.js';
import { ipcOfUpload } from '../tables/upload-ipc.js';
import {
  hasRightUpload,
  orderedTables,
  readMatchDraft,
  refuseLeft,
  type UploadedTable,
} from '../upload/match-upload.js';
import { formParts } from '../upload/multipart.js';
import { overflow } from '../upload/overflow.js';
import type { Spool } from '../upload/spool.js';

const FORM_LIMITS = { maxParts: 64, maxFieldBytes: 1 << 20 };

/** POST /v1/crossmatch: tables in, matched rows out, both streamed. */
export function matchRoute(app: FastifyInstance, parts: GatewayParts): void {
  app.post('/v1/crossmatch', async (request, reply) => {
    const { exchange } = request;
    reply.hijack();
    const result = parts.results.begin(exchange);
    try {
      await runMatch(request, reply, parts, result);
      parts.results.complete(result);
      parts.log.info('match answered', {
        requestId: exchange.requestId,
        receivedBytes: exchange.receivedBytes,
        sentBytes: exchange.sentBytes,
        elapsedMs: exchange.elapsedMs,
      });
    } catch (error) {
      // A failure on the way in ends the exchange with its reason; what fails after that only follows from it.
      exchange.abort(error);
      const problem = await refuse(request, reply, exchange.signal.reason);
      parts.results.fail(result, problem);
      parts.log.warn('match failed', {
        requestId: exchange.requestId,
        traceId: exchange.traceId,
        reason: problem.reason,
        message: problem.message,
      });
    }
  });
}

async function runMatch(
  request: FastifyRequest,
  reply: FastifyReply,
  parts: GatewayParts,
  result: RecentResult,
): Promise<void> {
  const { exchange } = request;
  const { signal } = exchange;
  const given = new GivenOptions();
  given.addQuery(request.query as Record<string, unknown>);
  readTimeoutHeader(request);
  // An answer that nobody could read is refused before anything is read.
  const accepted = given.has('format') ? undefined : acceptedFormat(request.headers.accept);

  const leave = parts.places.take();
  reply.raw.once('close', leave);
  const uploading = (): boolean => !request.raw.readableEnded;
  const writer = new ClientWriter(
    reply.raw,
    readerLimits(parts.config),
    signal,
    uploading,
    (byteCount) => (exchange.sentBytes += byteCount),
  );
  let sent: Promise<unknown> | undefined;
  try {
    const body = overflow(bodyOf(request, parts.config), parts.spool, () => writer.stuck);
    const match = await openMatch(
      exchange,
      parts.crossmatch,
      result,
      (onOptions) => tablesOf(request, body, given, parts.spool, onOptions),
      (table) =>
        framesOfIpc(
          ipcOfUpload(
            table,
            parts.spool,
            signal,
            (misfits) => (result.misfits[table.table === 1 ? 'right' : 'left'] = misfits),
          ),
          table.table,
          table.where,
        ),
    );
    sent = match.sent;
    const format = match.draft.format ?? accepted ?? 'arrow-stream';
    await sendAnswer(writer, formatAnswer(match.answer, format, signal), () =>
      answerHead(exchange, format, match.headers()),
    );
  } catch (error) {
    exchange.abort(error);
    throw error;
  } finally {
    writer.release();
    exchange.release();
    await sent;
  }
}

/** A form's tables; or a bare body, which is the left table whatever its media type says. */
async function* tablesOf(
  request: FastifyRequest,
  body: AsyncIterable<Buffer>,
  given: GivenOptions,
  spool: Spool,
  onOptions: (draft: MatchDraft) => void,
): AsyncGenerator<UploadedTable, void, undefined> {
  const mediaType = request.headers['content-type'] ?? '';
  if (/^multipart\//i.test(mediaType)) {
    const encoding = request.headers['content-encoding'] ?? 'identity';
    if (!/^identity$/i.test(encoding))
      throw fail('REQUEST_INVALID', {
        field: 'content-encoding',
        detail: `a form is read as it is, without content-encoding, got '${encoding.slice(0, 40)}'; its tables may be gzipped`,
      });
    yield* orderedTables(formParts(body, mediaType, FORM_LIMITS), given, spool, onOptions);
    return;
  }
  const draft = readMatchDraft(given);
  if (hasRightUpload(draft)) {
    throw fail('REQUEST_INVALID', {
      field: 'right',
      detail:
        'the body is the left table, so the right one must be stored: give right=NAME, or send both as multipart/form-data',
    });
  }
  onOptions(draft);
  if (draft.leftTable !== '') {
    if (request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length'] ?? 0) > 0)
      refuseLeft();
    return;
  }
  yield { table: 0, where: 'left', bytes: body };
}

function answerHead(
  { requestId }: Exchange,
  format: AnswerFormat,
  passed: Readonly<Record<string, string>>,
): OutgoingHttpHeaders {
  return {
    'content-type': mediaTypeOf(format),
    'cache-control': 'no-store',
    'x-request-id': requestId,
    link: `</v1/crossmatch/results/${requestId}>; rel="describedby"`,
    ...passed,
  };
}
