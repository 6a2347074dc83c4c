import type { Worker } from 'node:worker_threads';
import { Channel, fail, isProblem, reviveProblem, toProblem } from '@armilla/base';
import { ThreadPool } from './thread-pool.js';
import type { FromWorker, Job, ReadNotes, ToWorker } from './worker-protocol.js';

const pool = new ThreadPool();

/** Ends the idle threads that are kept for later jobs; a process that wants to end need not call it. */
export async function closeTableThreads(): Promise<void> {
  await pool.close();
}

export interface JobOptions {
  readonly signal?: AbortSignal;
  /** Called at the end. */
  onDone?(notes: ReadNotes): void;
}

/**
 * Runs one job in a thread: feeds it `input` at its pace and yields what it sends at the consumer's. Leaving early, the signal and errors of
 * either side end the thread and give the input back.
 */
export async function* inThread(
  job: Job,
  input: AsyncIterable<Uint8Array> | undefined,
  options: JobOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  yield* run(await pool.hire(options.signal), job, input, options);
}

async function* run(
  worker: Worker,
  job: Job,
  input: AsyncIterable<Uint8Array> | undefined,
  options: JobOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { signal } = options;
  const send = (message: ToWorker, transfer: ArrayBuffer[] = []): void => worker.postMessage(message, transfer);
  const output = new Channel<FromWorker & { type: 'output' }>(Number.POSITIVE_INFINITY);
  const iterator = input?.[Symbol.asyncIterator]();
  let finished = false;
  let over = false;
  const feed = async (): Promise<void> => {
    const { value, done } = (await iterator?.next()) ?? { value: undefined, done: true };
    // The thread may serve another job by now.
    if (over) return;
    if (done === true) send({ type: 'inputEnd' });
    else {
      // The chunk belongs to the sender; a view of a pooled buffer must not move.
      const bytes = new Uint8Array(value);
      send({ type: 'input', bytes }, [bytes.buffer]);
    }
  };
  const giveBack = (): void => {
    over = true;
    // A source that hangs is not waited for.
    iterator?.return?.().catch(() => undefined);
  };
  // Also while the consumer does not ask for more.
  const onAbort = (): void => {
    output.close(toProblem(signal?.reason));
    giveBack();
    void worker.terminate();
  };
  signal?.addEventListener('abort', onAbort, { once: true });
  worker.on('message', (message: FromWorker) => {
    switch (message.type) {
      case 'pull':
        feed().catch((error: unknown) => output.close(error));
        return;
      case 'output':
        void output.send(message);
        return;
      case 'done':
        finished = true;
        options.onDone?.(message.notes);
        output.close();
        return;
      case 'failed':
        // The thread itself is well.
        finished = true;
        output.close(reviveProblem(message.problem));
    }
  });
  worker.once('error', (error) =>
    output.close(
      isProblem(error)
        ? error
        : fail('INTERNAL', { detail: `a table thread failed: ${error.message}` }, { cause: error }),
    ),
  );
  worker.once('exit', () => output.close(fail('INTERNAL', { detail: 'a table thread ended early' })));
  try {
    signal?.throwIfAborted();
    send({ type: 'start', job });
    for await (const { parts, byteCount } of output) {
      yield* parts;
      send({ type: 'taken', byteCount });
    }
  } finally {
    signal?.removeEventListener('abort', onAbort);
    giveBack();
    if (finished && signal?.aborted !== true) pool.keep(worker);
    else await pool.end(worker);
  }
}
