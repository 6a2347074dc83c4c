import type { RecordBatch } from 'apache-arrow';
import type { MatchStream } from '../stream.js';
import type { Progress } from '../summary.js';

/** Progress is told at most this often. */
const PROGRESS_MS = 250;

/** The batches, and the progress where the wait for one is long. */
export async function* withProgress(
  stream: MatchStream,
  progress: () => Progress | undefined,
): AsyncGenerator<RecordBatch | Progress, void, undefined> {
  const batches = stream[Symbol.asyncIterator]();
  let toldMs = performance.now();
  let timer: NodeJS.Timeout | undefined;
  try {
    let next = batches.next();
    for (;;) {
      const tick = new Promise<undefined>(
        (resolve) =>
          (timer = setTimeout(() => resolve(undefined), Math.max(0, toldMs + PROGRESS_MS - performance.now()))),
      );
      const result = await Promise.race([next, tick]);
      clearTimeout(timer);
      if (performance.now() - toldMs >= PROGRESS_MS) {
        toldMs = performance.now();
        const now = progress();
        if (now) yield now;
      }
      if (!result) continue;
      if (result.done) return;
      yield result.value;
      next = batches.next();
    }
  } finally {
    clearTimeout(timer);
    await batches.return?.();
  }
}
