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

/** Items that a slice of a simple loop covers: about a millisecond. */
const SLICE_COUNT = 2 ** 18;

/** Runs `work(from, to)` over [0, count) in slices, with a breath after each but the last. */
export async function inSlices(count: number, signal: AbortSignal | undefined, work: (from: number, to: number) => void): Promise<void> {
  for (let from = 0; from < count; from += SLICE_COUNT) {
    const to = Math.min(count, from + SLICE_COUNT);
    work(from, to);
    if (to < count) await breathe(signal);
  }
}
