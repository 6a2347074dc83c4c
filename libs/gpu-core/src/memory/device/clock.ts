/** Time as an argument: tests turn the hands themselves. */
export interface Clock {
  /** Milliseconds since some fixed moment; never goes back. */
  now(): number;
  /** Runs `action` once after `delayMs`; the result takes it back. */
  after(delayMs: number, action: () => void): () => void;
}

/** As `systemClock`; what waits by it keeps no thread alive. */
export const idleClock: Clock = {
  now: () => performance.now(),
  after: (delayMs, action) => {
    const timer = setTimeout(action, delayMs).unref();
    return () => clearTimeout(timer);
  },
};

export const systemClock: Clock = {
  now: () => performance.now(),
  after: (delayMs, action) => {
    const timer = setTimeout(action, delayMs);
    return () => clearTimeout(timer);
  },
};
