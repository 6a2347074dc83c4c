import { fail } from '@armilla/base';
import type { IncomingHttpHeaders } from 'node:http';
import { contentEncoding } from './content-encoding.js';
import { type FormPart, formParts } from './multipart.js';

const FORM_LIMITS = { maxParts: 256, maxFieldBytes: 1 << 20 };

/** The parts of a request that is a form; undefined where it is none. Throws REQUEST_INVALID for one that is packed, and CONTENT_ENCODING_UNKNOWN. */
export function formOf(
  headers: IncomingHttpHeaders,
  body: AsyncIterable<Buffer>,
): AsyncGenerator<FormPart, void, undefined> | undefined {
  const mediaType = headers['content-type'] ?? '';
  if (!/^multipart\//i.test(mediaType)) return undefined;
  const encoding = contentEncoding(headers);
  if (encoding !== 'identity')
    throw fail('REQUEST_INVALID', {
      field: 'content-encoding',
      detail: `a form is read as it is, without content-encoding, got '${encoding}'; its tables may be gzipped`,
    });
  return formParts(body, mediaType, FORM_LIMITS);
}

/** Whether the headers say that a body follows. */
export function announcesBody(headers: IncomingHttpHeaders): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}
