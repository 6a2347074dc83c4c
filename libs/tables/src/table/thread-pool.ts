import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';

/** Idle threads kept for the next job, and for how long: starting one costs some 150 ms of processor time. */
const IDLE_COUNT = 4;
const IDLE_MS = 10_000;
/** Beyond so many at work, a job waits a little for one of them before it starts another: jobs are mostly short. */
const EASY_COUNT = 2 * availableParallelism();
const PATIENCE_MS = 200;
/** More jobs wait for as long as it takes: a thread costs some 25 MB, and slow readers keep theirs. */
const THREAD_COUNT = 32;

interface Waiter {
  /** With a thread that has become free, or without one where a new one may be started. */
  wake(worker: Worker | undefined): void;
}

/** The threads that parse and write tables. */
export class ThreadPool {
  readonly #idle: { worker: Worker; timer: NodeJS.Timeout }[] = [];
  readonly #waiters: Waiter[] = [];
  #busyCount = 0;

  /** A thread for one job, to be given back by `keep` or `end`. */
  async hire(signal: AbortSignal | undefined): Promise<Worker> {
    signal?.throwIfAborted();
    const kept = this.#idle.pop();
    if (kept !== undefined) {
      clearTimeout(kept.timer);
      release(kept.worker);
      kept.worker.ref();
      this.#busyCount++;
      return kept.worker;
    }
    if (this.#busyCount >= EASY_COUNT) {
      const freed = await this.#wait(signal);
      if (freed !== undefined) return freed;
    }
    const path = createRequire(import.meta.url).resolve('@armilla/tables/worker');
    this.#busyCount++;
    return new Worker(path, { name: 'armilla tables', execArgv: [] });
  }

  #wait(signal: AbortSignal | undefined): Promise<Worker | undefined> {
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        const at = this.#waiters.indexOf(waiter);
        if (at >= 0) this.#waiters.splice(at, 1);
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
      };
      const onAbort = (): void => {
        leave();
        reject(signal?.reason as Error);
      };
      const waiter: Waiter = {
        wake: (worker) => {
          leave();
          resolve(worker);
        },
      };
      const timer = setTimeout(() => {
        if (this.#busyCount < THREAD_COUNT) waiter.wake(undefined);
      }, PATIENCE_MS);
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#waiters.push(waiter);
    });
  }

  /** Takes back a thread that has finished its job. */
  keep(worker: Worker): void {
    release(worker);
    const waiter = this.#waiters[0];
    if (waiter !== undefined) {
      waiter.wake(worker);
      return;
    }
    this.#busyCount--;
    if (this.#idle.length >= IDLE_COUNT) {
      void worker.terminate();
      return;
    }
    // A kept thread must not keep the process.
    worker.unref();
    const entry = { worker, timer: setTimeout(() => forget(), IDLE_MS).unref() };
    const forget = (): void => {
      const at = this.#idle.indexOf(entry);
      if (at >= 0) this.#idle.splice(at, 1);
      clearTimeout(entry.timer);
      void worker.terminate();
    };
    worker.once('exit', forget);
    worker.once('error', forget);
    this.#idle.push(entry);
  }

  /** Ends a thread in the middle of its job. */
  async end(worker: Worker): Promise<void> {
    release(worker);
    // Errors of a thread that is being ended concern nobody.
    worker.on('error', () => undefined);
    this.#busyCount--;
    this.#waiters[0]?.wake(undefined);
    await worker.terminate();
  }

  /** Ends the threads that are kept for later jobs. */
  async close(): Promise<void> {
    await Promise.all(
      this.#idle.splice(0).map(({ worker, timer }) => {
        clearTimeout(timer);
        return worker.terminate();
      }),
    );
  }
}

/** Takes our listeners off; without names Node's own would go with them and no message arrive again. */
function release(worker: Worker): void {
  for (const event of ['message', 'error', 'exit']) worker.removeAllListeners(event);
}
