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

/** Awaits promises in the order of their making, `limit` of them under way at a time. */
export async function* inOrder<T, R>(source: AsyncIterable<T>, limit: number, work: (item: T) => Promise<R>): AsyncGenerator<R, void, undefined> {
  const underWay: Promise<R>[] = [];
  try {
    for await (const item of source) {
      underWay.push(work(item));
      if (underWay.length >= limit) yield await (underWay.shift() as Promise<R>);
    }
    while (underWay.length > 0) yield await (underWay.shift() as Promise<R>);
  } finally {
    // Those left over fail too when one fails; nobody waits for their errors.
    await Promise.allSettled(underWay);
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
