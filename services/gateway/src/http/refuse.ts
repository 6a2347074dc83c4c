import { type Log, problemToHttp } from '@armilla/chassis';
import { type Problem, toProblem } from '@armilla/base';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ServerResponse } from 'node:http';
import { constants, type Http2ServerResponse } from 'node:http2';
import type { RawResponse } from '../answer/client-writer.js';
import { OptionProblems } from '../options/option.js';

const DRAIN_BYTES = 64 << 20;
const DRAIN_MS = 5_000;

/**
 * Ends an exchange that failed. Before the first byte of the answer it is problem+json, also for a client that is
 * still sending: what comes is then read and dropped for a while, since closing a socket with unread bytes on it would
 * take the answer away again. After the first byte only a broken connection is honest.
 */
export async function refuse(
  request: FastifyRequest,
  reply: FastifyReply,
  error: unknown,
  extraHeaders: Readonly<Record<string, string>> = {},
): Promise<Problem> {
  const problem = toProblem(error);
  const response: RawResponse = reply.raw;
  if (!reply.sent) reply.hijack();
  if (response.destroyed || response.writableEnded) return problem;
  if (response.headersSent) {
    breakConnection(response);
    return problem;
  }
  const { requestId, traceId } = request.exchange;
  const { status, headers, body } = problemToHttp(problem, {
    requestId,
    traceId,
    instance: request.url.split('?', 1)[0].slice(0, 256),
  });
  const errors =
    problem instanceof OptionProblems
      ? problem.problems.map((one) => ({
          field: String(one.fields.field ?? '?'),
          detail: one.message,
          reason: one.reason,
        }))
      : body.errors;
  const text = JSON.stringify({ ...body, ...(errors && { errors }) });
  const isHttp2 = request.raw.httpVersionMajor >= 2;
  const unread =
    !request.exchange.malformed && !request.raw.readableEnded && !request.raw.destroyed && hasBody(request);
  response.writeHead(status, {
    ...headers,
    ...extraHeaders,
    'x-request-id': requestId,
    'content-length': Buffer.byteLength(text),
    ...((unread || request.exchange.malformed) && !isHttp2 && { connection: 'close' }),
  });
  if (request.method !== 'HEAD') response.write(text);
  if (unread) await drain(request);
  response.end();
  return problem;
}

/** Makes sure that no reader takes what it has for a whole answer. */
export function breakConnection(response: RawResponse): void {
  if ('stream' in response && response.stream) {
    (response as Http2ServerResponse).stream.close(constants.NGHTTP2_INTERNAL_ERROR);
    return;
  }
  const socket = (response as ServerResponse).socket;
  // A TLS socket cannot be reset, but its end without a terminal chunk is as plain.
  if (socket !== null && !('encrypted' in socket)) socket.resetAndDestroy();
  response.destroy();
}

/** Runs the handler of an exchange that was taken over; what it throws ends the exchange, and is logged. */
export async function orRefuse(
  request: FastifyRequest,
  reply: FastifyReply,
  log: Log,
  handle: () => Promise<void>,
): Promise<void> {
  const { exchange } = request;
  try {
    await handle();
  } catch (error) {
    // A failure on the way in ends the exchange with its reason; what fails after that only follows from it.
    exchange.abort(error);
    const { reason, message } = await refuse(request, reply, exchange.signal.reason);
    const { requestId, traceId, route } = exchange;
    log.warn('request failed', { route, requestId, traceId, reason, message });
  }
}

function hasBody(request: FastifyRequest): boolean {
  if (request.raw.httpVersionMajor >= 2) return true;
  return request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length'] ?? 0) > 0;
}

/** Reads and drops the rest of a request, up to a limit of bytes and time. */
async function drain(request: FastifyRequest): Promise<void> {
  const { raw } = request;
  let byteCount = 0;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, DRAIN_MS);
    const finish = (): void => {
      clearTimeout(timer);
      resolve();
    };
    raw.on('data', (chunk: Buffer) => {
      byteCount += chunk.length;
      if (byteCount > DRAIN_BYTES) finish();
    });
    raw.once('end', finish).once('close', finish).on('error', finish);
    raw.resume();
  });
  raw.pause();
}
