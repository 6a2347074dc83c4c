const listenersOf = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Calls `listener` once when the signal aborts (not where it has already), until the result is disposed of. However many listen, the
 * signal has one listener: Node.js takes more than ten for a leak, and one call may have hundreds of jobs.
 */
export function whenAborted(signal: AbortSignal | undefined, listener: () => void): Disposable {
  if (signal === undefined || signal.aborted) return { [Symbol.dispose]: nothing };
  const listeners = listenersOf.get(signal) ?? listenTo(signal);
  // Two that give the same function are two.
  const own = (): void => listener();
  listeners.add(own);
  return { [Symbol.dispose]: () => void listeners.delete(own) };
}

/** Stays with the signal: it costs nothing, and one that is used again needs no other. */
function listenTo(signal: AbortSignal): Set<() => void> {
  const listeners = new Set<() => void>();
  listenersOf.set(signal, listeners);
  signal.addEventListener(
    'abort',
    () => {
      for (const listener of listeners) listener();
    },
    { once: true },
  );
  return listeners;
}

function nothing(): void {}
