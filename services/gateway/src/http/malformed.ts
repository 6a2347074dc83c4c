import { fail, type Problem } from '@armilla/base';
import { newSpanContext, problemToHttp } from '@armilla/chassis';
import { randomUUID } from 'node:crypto';
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Http2ServerRequest } from 'node:http2';
import type { Duplex } from 'node:stream';
import { exchangeOf } from './exchange.js';

const STATUS_OF_CODE: Readonly<Record<string, readonly [number, string]>> = {
  HPE_HEADER_OVERFLOW: [431, 'the headers are over 16 KiB'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'the headers did not come in time'],
};

/**
 * What is not HTTP is answered as well as can be, and the connection closed. A request whose body breaks off ends with
 * its reason; in the middle of an answer the connection is only cut.
 */
export function answerMalformed(error: Error & { code?: string }, socket: Duplex): void {
  const busy = (socket as { _httpMessage?: ServerResponse })._httpMessage;
  const exchange = busy && exchangeOf(busy);
  if (busy && exchange && !busy.headersSent && error.code !== 'ECONNRESET') {
    exchange.malformed = true;
    const detail = error.code === 'HPE_INVALID_EOF_STATE' ? 'the body ends early' : 'the body is not valid HTTP/1.1';
    exchange.abort(fail('REQUEST_INVALID', { field: 'body', detail }));
    return;
  }
  if (busy || !socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const [status, detail] = STATUS_OF_CODE[error.code ?? ''] ?? [400, 'the request is not valid HTTP/1.1'];
  endWith(socket, fail('REQUEST_INVALID', { field: 'request', detail }), {}, status);
}

/** Node.js closes the connection of a CONNECT that nobody takes without a word. */
export function answerConnect({ url = '' }: Pick<IncomingMessage, 'url'>, socket: Duplex): void {
  socket.on('error', () => socket.destroy());
  const problem = fail('METHOD_NOT_ALLOWED', { method: 'CONNECT', path: url.slice(0, 200), allowed: 'none' });
  endWith(socket, problem, { allow: '' });
}

/** HTTP/1.1 asks for one, and a request without may be meant for another server. @throws REQUEST_INVALID */
export function checkHost({ httpVersion, headers }: IncomingMessage | Http2ServerRequest): void {
  if (httpVersion === '1.1' && headers.host === undefined)
    throw fail('REQUEST_INVALID', { field: 'host', detail: 'an HTTP/1.1 request has to have this header' });
}

/** Writes an answer where there is no response to write it with. */
function endWith(
  socket: Duplex,
  problem: Problem,
  extraHeaders: Readonly<Record<string, string>>,
  otherStatus?: number,
): void {
  const requestId = randomUUID();
  const answer = problemToHttp(problem, { requestId, traceId: newSpanContext().traceId });
  const { headers, body } = answer;
  const status = otherStatus ?? answer.status;
  const text = JSON.stringify({ ...body, status });
  const lines = {
    ...headers,
    ...extraHeaders,
    'x-request-id': requestId,
    'content-length': Buffer.byteLength(text),
    connection: 'close',
  };
  const head = Object.entries(lines)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('');
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${head}\r\n${text}`);
}
