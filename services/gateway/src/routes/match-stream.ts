import { mediaTypeOf } from '@armilla/tables';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { acceptedFormat } from '../answer/answer-format.js';
import { ClientWriter } from '../answer/client-writer.js';
import { sendAnswer } from '../answer/send-answer.js';
import { bodyOf, type GatewayParts, readerLimits } from '../http/gateway-parts.js';
import { refuse } from '../http/refuse.js';
import { readTimeoutHeader } from '../http/timeout-header.js';
import type { MatchDraft } from '../options/match-options.js';
import { GivenOptions } from '../options/option.js';
import { type MatchCall, openMatch } from '../relay/match-relay.js';
import type { RecentResult } from '../results/recent-results.js';
import { formatAnswer } from '../tables/format-answer.js';
import { framesOfUpload } from '../tables/upload-ipc.js';
import type { UploadedTable } from '../upload/match-upload.js';
import { overflow } from '../upload/overflow.js';

/** How a route takes tables and what it calls with them. */
export interface MatchDoor<Draft extends MatchDraft> {
  readonly call: MatchCall<Draft>;
  /** The tables of a request in the order that the service wants them; `onOptions` is called once, before the first one. */
  readonly tables: (
    request: FastifyRequest,
    body: AsyncIterable<Buffer>,
    given: GivenOptions,
    onOptions: (draft: Draft) => void,
  ) => AsyncGenerator<UploadedTable, void, undefined>;
}

/** Tables in, matched rows out, both streamed; how it went is kept as a result. */
export async function streamMatch<Draft extends MatchDraft>(
  request: FastifyRequest,
  reply: FastifyReply,
  parts: GatewayParts,
  door: MatchDoor<Draft>,
): Promise<void> {
  const { exchange } = request;
  reply.hijack();
  const result = parts.results.begin(exchange);
  try {
    await runMatch(request, reply, parts, door, result);
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
}

async function runMatch<Draft extends MatchDraft>(
  request: FastifyRequest,
  reply: FastifyReply,
  parts: GatewayParts,
  { call, tables }: MatchDoor<Draft>,
  result: RecentResult,
): Promise<void> {
  const { exchange } = request;
  const { signal, requestId } = exchange;
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
      call,
      result,
      (onOptions) => tables(request, body, given, onOptions),
      (table) => framesOfUpload(table, parts.spool, signal),
    );
    sent = match.sent;
    const format = match.draft.format ?? accepted ?? 'arrow-stream';
    await sendAnswer(writer, formatAnswer(match.answer, format, signal), () => ({
      'content-type': mediaTypeOf(format),
      'cache-control': 'no-store',
      'x-request-id': requestId,
      link: `</v1/crossmatch/results/${requestId}>; rel="describedby"`,
      ...match.headers(),
    }));
  } catch (error) {
    exchange.abort(error);
    throw error;
  } finally {
    writer.release();
    exchange.release();
    await sent;
  }
}
