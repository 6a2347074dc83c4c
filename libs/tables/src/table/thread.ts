import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import { Channel, fail, Gate, isProblem, reviveProblem, toProblem } from '@armilla/base';
import type { FromWorker, Job, ToWorker } from './worker-protocol.js';

/** Idle threads kept for the next job, and for how long: starting one takes some 60 ms. */
const IDLE_COUNT = 2;
const IDLE_MS = 10_000;
/** More jobs wait: a thread costs some 40 MB. */
const THREAD_COUNT = 32;
const gate = new Gate(THREAD_COUNT);

const idle: { worker: Worker; timer: NodeJS.Timeout }[] = [];

function hire(): Worker {
  const kept = idle.pop();
  if (kept !== undefined) {
    clearTimeout(kept.timer);
    release(kept.worker);
    kept.worker.ref();
    return kept.worker;
  }
  const path = createRequire(import.meta.url).resolve('@armilla/tables/worker');
  return new Worker(path, { name: 'armilla tables', execArgv: [] });
}

/** Takes our listeners off; without names Node's own would go with them and no message arrive again. */
function release(worker: Worker): void {
  for (const event of ['message', 'error', 'exit']) worker.removeAllListeners(event);
}

function keep(worker: Worker): void {
  release(worker);
  if (idle.length >= IDLE_COUNT) {
    void worker.terminate();
    return;
  }
  // A kept thread must not keep the process.
  worker.unref();
  const entry = { worker, timer: setTimeout(() => forget(entry), IDLE_MS).unref() };
  worker.once('exit', () => forget(entry));
  worker.once('error', () => forget(entry));
  idle.push(entry);
}

function forget(entry: { worker: Worker; timer: NodeJS.Timeout }): void {
  const at = idle.indexOf(entry);
  if (at >= 0) idle.splice(at, 1);
  clearTimeout(entry.timer);
  void entry.worker.terminate();
}

/** Ends the idle threads that are kept for later jobs; a process that wants to end need not call it. */
export async function closeTableThreads(): Promise<void> {
  await Promise.all(
    idle.splice(0).map(({ worker, timer }) => {
      clearTimeout(timer);
      return worker.terminate();
    }),
  );
}

export interface JobOptions {
  readonly signal?: AbortSignal;
  /** Called at the end with the values that became null, by column. */
  onDone?(misfits: readonly (readonly [string, number])[]): void;
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
  const { signal } = options;
  signal?.throwIfAborted();
  await gate.enter(signal);
  try {
    yield* run(hire(), job, input, options);
  } finally {
    gate.leave();
  }
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
        options.onDone?.(message.misfits);
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
    send({ type: 'start', job });
    for await (const { parts, byteCount } of output) {
      yield* parts;
      send({ type: 'taken', byteCount });
    }
  } finally {
    signal?.removeEventListener('abort', onAbort);
    giveBack();
    if (finished && signal?.aborted !== true) keep(worker);
    else {
      release(worker);
      // Errors of a thread that is being ended concern nobody.
      worker.on('error', () => undefined);
      await worker.terminate();
    }
  }
}
