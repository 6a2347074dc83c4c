import { fail } from '@armilla/base';
import { newSpanContext, problemToHttp } from '@armilla/chassis';
import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
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
  const requestId = randomUUID();
  const { headers, body } = problemToHttp(fail('REQUEST_INVALID', { field: 'request', detail }), {
    requestId,
    traceId: newSpanContext().traceId,
  });
  const text = JSON.stringify({ ...body, status });
  const lines = {
    ...headers,
    'x-request-id': requestId,
    'content-length': Buffer.byteLength(text),
    connection: 'close',
  };
  const head = Object.entries(lines)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('');
  socket.end(
    `HTTP/1.1 ${status} ${status === 400 ? 'Bad Request' : status === 408 ? 'Request Timeout' : 'Request Header Fields Too Large'}\r\n${head}\r\n${text}`,
  );
}
