import { fail } from '@armilla/base';
import { gunzip } from '@armilla/tables';
import type { IncomingHttpHeaders } from 'node:http';

/** How a body is packed on its way, whatever it holds (RFC 9110, 8.4). Throws CONTENT_ENCODING_UNKNOWN. */
export function contentEncoding(headers: IncomingHttpHeaders): 'identity' | 'gzip' {
  const given = (headers['content-encoding'] ?? '').trim().toLowerCase();
  if (given === '' || given === 'identity') return 'identity';
  if (given === 'gzip' || given === 'x-gzip') return 'gzip';
  throw fail('CONTENT_ENCODING_UNKNOWN', { got: given.slice(0, 40), known: 'gzip' });
}

/** What a gzipped body holds. Throws GZIP_INVALID, and MESSAGE_TOO_LARGE where that is more than `maxBytes`. */
export async function* inflated(
  body: AsyncIterable<Uint8Array>,
  maxBytes: number,
): AsyncGenerator<Buffer, void, undefined> {
  let byteCount = 0;
  for await (const chunk of gunzip(body, 'request body')) {
    byteCount += chunk.length;
    if (byteCount > maxBytes)
      throw fail('MESSAGE_TOO_LARGE', {
        where: 'request body, unpacked',
        got: `more than ${maxBytes}`,
        limit: maxBytes,
      });
    yield Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  }
}
