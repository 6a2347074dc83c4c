import { fail } from '@armilla/base';
import { type ArrowLimits, arrowLimits } from './limits.js';
import type { IpcMessage } from './message.js';
import { readHeader } from './wire/header.js';

export interface MessageFacts {
  readonly kind: 'schema' | 'dictionary' | 'batch';
  /** Rows of a record batch, values of a dictionary, 0 for a schema. */
  readonly rowCount: number;
}

/**
 * Checks one message by itself, for those who only pass it on: the flatbuffer, the limits, and that every buffer lies inside
 * the body. Whether it suits its schema is for `MessageDecoder`.
 * @throws ARROW_INVALID, ARROW_LIMIT, ARROW_TYPE_UNSUPPORTED
 */
export function validateMessage(
  message: IpcMessage,
  options: { readonly where?: string; readonly limits?: Partial<ArrowLimits> } = {},
): MessageFacts {
  const where = options.where ?? 'stream';
  const limits = arrowLimits(options.limits);
  const bodyLength = message.body.reduce((sum, part) => sum + part.byteLength, 0);
  if (bodyLength > limits.messageBytes)
    throw fail('ARROW_LIMIT', {
      where,
      detail: `a message of ${bodyLength} bytes, over ${limits.messageBytes}; write smaller batches`,
    });
  const header = readHeader(message.header, bodyLength, where, limits);
  return { kind: header.kind, rowCount: header.kind === 'schema' ? 0 : header.batch.rowCount };
}
