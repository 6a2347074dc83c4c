import { type Frame, readFrames } from '@armilla/chassis';
import type { Metadata } from '@grpc/grpc-js';
import type { Readable } from 'node:stream';

export interface CallAnswer {
  readonly frames: AsyncIterable<Frame>;
  /** Headers of the service; there before the first frame. */
  headers(): Record<string, string>;
}

/**
 * The answer of a call to the service, with those headers of it that are named. The first read is started now: grpc-js
 * holds back nothing that arrives before the first read, and never again once it has kept such a message, so that a late
 * reader would have the whole answer in memory.
 */
export function answerOf(call: Readable, passed: readonly string[], signal: AbortSignal): CallAnswer {
  // readFrames throws it; until that listens nothing may end the process.
  call.on('error', () => undefined);
  let received: Metadata | undefined;
  call.once('metadata', (metadata: Metadata) => (received = metadata));
  const frames = readFrames<Frame>(call, signal);
  const first = frames.next();
  // Thrown at the reader, who may come later.
  first.catch(() => undefined);
  const rest = async function* (): AsyncGenerator<Frame, void, undefined> {
    try {
      for (let next = await first; !next.done; next = await frames.next()) yield next.value;
    } finally {
      await frames.return();
    }
  };
  return { frames: rest(), headers: () => passedHeaders(received, passed) };
}

function passedHeaders(metadata: Metadata | undefined, passed: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const name of passed) {
    const value = metadata?.get(name)[0];
    if (typeof value === 'string') headers[name] = value;
  }
  return headers;
}
