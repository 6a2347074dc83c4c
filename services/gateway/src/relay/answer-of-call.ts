import { readFrames } from '@armilla/chassis';
import type { Metadata } from '@grpc/grpc-js';
import type { Readable } from 'node:stream';

export interface CallAnswer<T> {
  readonly messages: AsyncIterable<T>;
  /** Headers of the service; there before the first message. */
  headers(): Record<string, string>;
}

/**
 * The answer of a call to the service, with those headers of it that are named. The first read is started now: grpc-js
 * holds back nothing that arrives before the first read, and never again once it has kept such a message, so that a late
 * reader would have the whole answer in memory.
 */
export function answerOf<T>(call: Readable, passed: readonly string[], signal: AbortSignal): CallAnswer<T> {
  // readFrames throws it; until that listens nothing may end the process.
  call.on('error', () => undefined);
  let received: Metadata | undefined;
  call.once('metadata', (metadata: Metadata) => (received = metadata));
  const messages = readFrames<T>(call, signal);
  const first = messages.next();
  // Thrown at the reader, who may come later.
  first.catch(() => undefined);
  const rest = async function* (): AsyncGenerator<T, void, undefined> {
    try {
      for (let next = await first; !next.done; next = await messages.next()) yield next.value;
    } finally {
      await messages.return();
    }
  };
  return { messages: rest(), headers: () => passedHeaders(received, passed) };
}

function passedHeaders(metadata: Metadata | undefined, passed: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const name of passed) {
    const value = metadata?.get(name)[0];
    if (typeof value === 'string') headers[name] = value;
  }
  return headers;
}
