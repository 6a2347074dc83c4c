import { fail } from '@armilla/base';
import { type Config } from '../config/config.js';
import { type CallGuard } from './call-guard.js';
import { type ServerCall } from './server-call.js';

interface Mark {
  takenBytes: number;
  sinceMs: number;
}

/** Looks this often within a window, so that a slow reader is ended within a tenth more than its length. */
const LOOKS_PER_WINDOW = 10;

/** Ends calls whose reader keeps bytes waiting and takes fewer than the configured rate; returns how to stop that. */
export function watchReaders(
  guard: CallGuard,
  config: Pick<Config, 'minReaderBytesPerSecond' | 'readerWindowSeconds'>,
): () => void {
  const { minReaderBytesPerSecond: limit, readerWindowSeconds: windowSeconds } = config;
  if (limit === 0) return () => undefined;
  const marks = new WeakMap<ServerCall, Mark>();
  const look = (): void => {
    const nowMs = performance.now();
    for (const call of guard.active) {
      const { writes } = call;
      const mark = marks.get(call);
      // Nothing waiting: the reader is ahead of us, whatever our own pace is.
      if (!writes || writes.inFlightBytes === 0 || !mark) {
        marks.set(call, { takenBytes: writes?.takenBytes ?? 0, sinceMs: nowMs });
        continue;
      }
      const seconds = (nowMs - mark.sinceMs) / 1000;
      if (seconds < windowSeconds) continue;
      const rate = Math.round((writes.takenBytes - mark.takenBytes) / seconds);
      marks.set(call, { takenBytes: writes.takenBytes, sinceMs: nowMs });
      if (rate < limit) guard.endCall(call, fail('READER_TOO_SLOW', { rate, limit, seconds: Math.round(seconds) }));
    }
  };
  const timer = setInterval(look, (windowSeconds * 1000) / LOOKS_PER_WINDOW);
  timer.unref();
  return () => clearInterval(timer);
}
