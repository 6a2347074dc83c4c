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

/**
 * Does `work` on the items and gives the results in their order, each as soon as it is there: while one is awaited or
 * used, the next is worked on.
 */
export async function* inOrder<T, R>(
  source: AsyncIterable<T> | Iterable<T>,
  work: (item: T) => Promise<R>,
): AsyncGenerator<R, void, undefined> {
  async function* begun(): AsyncGenerator<{ result: Promise<R> }> {
    for await (const item of source) {
      const result = work(item);
      // One that fails while an earlier one is awaited, or after all have gone, has nobody to tell yet.
      result.catch(() => undefined);
      yield { result };
    }
  }
  for await (const { result } of ahead(begun())) yield await result;
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

/** The same where a condition is looked at: it may have thousands of terms. */
export const CONDITION_SLICE_COUNT = 2 ** 10;

/** Runs `work(from, to)` over [0, count) in slices, with a breath after each but the last. */
export async function inSlices(
  count: number,
  signal: AbortSignal | undefined,
  work: (from: number, to: number) => void,
  sliceCount = SLICE_COUNT,
): Promise<void> {
  for (let from = 0; from < count; from += sliceCount) {
    const to = Math.min(count, from + sliceCount);
    work(from, to);
    if (to < count) await breathe(signal);
  }
}

/** What is made of one run of rows: mostly one result, or several that are made as they are taken. */
export type Several<T> = Iterable<T> | AsyncIterable<T>;
