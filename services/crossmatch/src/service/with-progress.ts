import type { RecordBatch } from 'apache-arrow';
import type { Progress } from '../summary.js';

/** Progress is told at most this often. */
const PROGRESS_MS = 250;

/** The progress while `work` takes long. What it throws, this does not: it is to be awaited after. */
export async function* progressUntil(
  work: Promise<unknown>,
  progress: () => Progress | undefined,
): AsyncGenerator<Progress, void, undefined> {
  let over = false;
  const settled = work.then(
    () => (over = true),
    () => (over = true),
  );
  for (;;) {
    let timer: NodeJS.Timeout | undefined;
    await Promise.race([settled, new Promise((resolve) => (timer = setTimeout(resolve, PROGRESS_MS)))]);
    clearTimeout(timer);
    if (over) return;
    const now = progress();
    if (now) yield now;
  }
}

/** The batches, and the progress where the wait for one is long. */
export async function* withProgress(
  stream: AsyncIterable<RecordBatch>,
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
