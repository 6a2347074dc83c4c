import { Channel } from '@armilla/base';

/**
 * The items of `source`, of which the next is made while the consumer works on the last. One ahead, never more: what a
 * stalled consumer costs stays bounded.
 */
export async function* ahead<T>(source: AsyncIterable<T>): AsyncGenerator<T, void, undefined> {
  const channel = new Channel<T>(1);
  const pump = (async () => {
    try {
      for await (const item of source) if (!(await channel.send(item))) return;
      channel.close();
    } catch (error) {
      channel.close(error ?? new Error('the source failed without a reason'));
    }
  })();
  try {
    yield* channel;
  } finally {
    await pump;
  }
}

/** Lets the event loop serve others; long loops of the serving thread call it between slices. */
export function breathe(signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    setImmediate(() => {
      if (signal?.aborted) reject(signal.reason);
      else resolve();
    });
  });
}
