import { connect as connectHttp2 } from 'node:http2';
import { NAME } from './loopback.js';

/** A unary call with raw bytes, by plain HTTP/2; resolves with the trailers. */
export function rawUnary(
  address: string,
  method: string,
  body: Buffer,
  extra: Record<string, string> = {},
): Promise<Record<string, unknown>> {
  const session = connectHttp2(`http://${address}`);
  const stream = session.request({
    ...extra,
    ':method': 'POST',
    ':path': `/${NAME}/${method}`,
    'content-type': 'application/grpc',
    te: 'trailers',
  });
  return new Promise((resolve, reject) => {
    const done = (headers: Record<string, unknown>): void => {
      if (headers['grpc-status'] === undefined) return;
      session.close();
      resolve(headers);
    };
    stream.on('response', done).on('trailers', done).on('error', reject);
    stream.resume();
    stream.end(body);
  });
}
