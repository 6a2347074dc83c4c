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
  let stop: (reason: unknown) => void = () => undefined;
  const aborted = new Promise<never>((_, reject) => (stop = reject));
  // Without a reader at the moment of the abort nobody else would take this rejection.
  aborted.catch(() => undefined);
  const onAbort = (): void => stop(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    for (;;) {
      signal.throwIfAborted();
      const { value, done } = await Promise.race([iterator.next(), aborted]);
      if (done === true) return;
      yield value;
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    const closing = iterator.return?.();
    if (signal.aborted) closing?.catch(() => undefined);
    else await closing;
  }
}
