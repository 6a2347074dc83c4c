import { Breakdown, whenAborted } from '@armilla/base';

/** The items of `source` until the signal aborts, which then throws its reason at once: a source that hangs does not hold its reader. */
export async function* abortable<T>(
  source: AsyncIterable<T>,
  signal: AbortSignal | undefined,
): AsyncGenerator<T, void, undefined> {
  if (signal === undefined) {
    yield* source;
    return;
  }
  const iterator = source[Symbol.asyncIterator]();
  const breakdown = new Breakdown();
  using _listening = whenAborted(signal, () => breakdown.tell(signal.reason));
  try {
    for (;;) {
      signal.throwIfAborted();
      const { value, done } = await breakdown.orBroken(iterator.next());
      if (done === true) return;
      yield value;
    }
  } finally {
    const closing = iterator.return?.();
    if (signal.aborted) closing?.catch(() => undefined);
    else if (closing) await breakdown.orBroken(closing);
  }
}
