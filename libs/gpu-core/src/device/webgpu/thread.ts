import { Breakdown, fail, isProblem, type Problem, problemToJson, toProblem } from '@armilla/base';
import { setTimeout as sleep } from 'node:timers/promises';
import { parentPort } from 'node:worker_threads';
import type { MemoryNews } from '../../memory/device/snapshot.js';
import type { DeviceInfo } from '../device.js';
import { execute } from './execute.js';
import { Generation } from './generation.js';
import {
  answerLimitMs,
  type HostMessage,
  type JobMessage,
  type KeptBytes,
  type MemoryAnswer,
  type MemoryQuestion,
  type OpenOptions,
  SIGNALS,
  type ThreadMessage,
} from './messages.js';
import { loadProvider, type Provider } from './provider.js';
import { df64SelfTest } from './self-test.js';

const port = parentPort;
if (port === null) throw new Error('the thread of a device runs in a worker thread only');

const LOSS_NEWS_MS = 200;
/** A device that has not ended after so long is left as it is, ms; sooner where less was given for any answer. */
const CLOSE_MS = 10_000;

interface Life {
  readonly generation: Generation;
  readonly loss: Breakdown;
}

/** What the thread owns; it ends by the message `close`, never by force: that would end the process. */
let provider: Provider | undefined;
let gpu: GPU | undefined;
let options: OpenOptions = {};
let current: Promise<Life> | undefined;
let signals: Int32Array | undefined;
let closing = false;
/** A fault of its own ends the thread: it answers no more, and the host tries its jobs once more on a new one. */
let broken = false;
const residents = new Map<number, KeptBytes>();
/** The last that was opened: the host hears with each answer what room it has. */
let living: Generation | undefined;
let lossOfLiving: Breakdown | undefined;
const aborts = new Map<number, AbortController>();
const running = new Set<Promise<void>>();

port.on('message', (message: ThreadMessage) => {
  if (message.kind === 'open') track(open(message.options, message.signals));
  else if (message.kind === 'job') track(runJob(message));
  else if (message.kind === 'cancel') aborts.get(message.id)?.abort();
  else if (message.kind === 'keep') residents.set(message.id, message.kept);
  else if (message.kind === 'memory') track(tellMemory(message.id, message.question));
  else if (message.kind === 'forget') void forget(message.id);
  else if (message.kind === 'renew') track(renew(message.silent));
  else void close();
});

// A thread that ends with work in flight takes the process with it: a fault of its own destroys the device first.
process.on('uncaughtException', (error) => {
  process.stderr.write(`armilla: the thread of a device ends: ${error.stack ?? error.message}\n`);
  answer({ kind: 'ending', detail: error.message });
  broken = true;
  void close();
});

function track(work: Promise<void>): void {
  const tracked = work.finally(() => running.delete(tracked));
  running.add(tracked);
}

async function open(wanted: OpenOptions, shared: SharedArrayBuffer): Promise<void> {
  options = wanted;
  signals = new Int32Array(shared);
  try {
    provider = loadProvider({ ...process.env, ...wanted.provider });
    gpu = provider.create(flagsOf(wanted));
    const { generation } = await generate();
    const df64 = wanted.nullBackend ? 'not measured' : await selfTest();
    answer({ kind: 'opened', info: { ...generation.info, df64 } });
  } catch (error) {
    answer({ kind: 'failed', problem: problemToJson(notOpened(error)) });
    void close();
  }
}

async function selfTest(): Promise<DeviceInfo['df64']> {
  const { job, verdict } = df64SelfTest();
  const progress = { signal: new AbortController().signal, onStep: () => undefined };
  const { outputs } = await withRetry((generation) => execute(generation, job, kept, progress));
  return verdict(outputs);
}

function flagsOf({ adapter, nullBackend }: OpenOptions): string[] {
  return [
    ...(nullBackend ? ['backend=null'] : []),
    ...(adapter === undefined ? [] : [`adapter=${adapter}`]),
    // Times to the nanosecond instead of 65 microseconds.
    'disable-dawn-features=timestamp_quantization',
  ];
}

/** The device as it lives now; a new one after a loss. */
function generate(): Promise<Life> {
  if (current !== undefined) return current;
  if (gpu === undefined || provider === undefined || closing) return Promise.reject(fail('DRAINING'));
  const onNews = (news: MemoryNews): void => answer({ kind: 'news', news, roomBytes: living?.memory.roomBytes });
  const onMoved = (id: number, isThere: boolean): void => answer({ kind: 'moved', resident: id, isThere });
  const opened = Generation.open(gpu, provider, options, { onNews, onMoved }).then(
    (generation) => ({ generation, loss: new Breakdown() }),
    (error: unknown) => {
      throw notOpened(error);
    },
  );
  current = opened;
  const renew = (): void => {
    if (current === opened) current = undefined;
  };
  opened.then(({ generation, loss }) => {
    living = generation;
    lossOfLiving = loss;
    generation.watch.look();
    void generation.lost.then((detail) => {
      renew();
      loss.tell(fail('DEVICE_LOST', { device: generation.info.name, detail }));
      answer({ kind: 'lost', detail });
    });
  }, renew);
  return opened;
}

async function runJob(job: JobMessage): Promise<void> {
  const abort = new AbortController();
  aborts.set(job.id, abort);
  const onStep = (): void => void (signals && Atomics.add(signals, SIGNALS.jobs + job.place, 1));
  const progress = { signal: abort.signal, onStep };
  try {
    const { outputs, times } = await withRetry((generation) => execute(generation, job, kept, progress));
    const { roomBytes } = living?.memory ?? {};
    answer({ kind: 'done', id: job.id, outputs, times, roomBytes }, Object.values(outputs));
  } catch (error) {
    refuse(job.id, error);
  } finally {
    aborts.delete(job.id);
    living?.watch.afterJob();
  }
}

/** Once more on a new device when the first is lost under the work. */
async function withRetry<T>(work: (generation: Generation) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    const opened = generate();
    const life = await opened;
    const { generation, loss } = life;
    try {
      return await loss.orBroken(work(generation));
    } catch (error) {
      if (closing) throw fail('DRAINING');
      if (!(await wasLost(life, error))) throw isProblem(error) ? error : failed(generation, error);
      if (current === opened) current = undefined;
      generation.watch[Symbol.dispose]();
      if (attempt === 2)
        throw isProblem(error)
          ? error
          : fail('DEVICE_LOST', { device: generation.info.name, detail: 'its work was aborted' });
    }
  }
}

/** What is no problem of ours comes from the driver. */
function failed({ info }: Generation, cause: unknown): Problem {
  return fail('DEVICE_FAILED', { device: info.name, detail: (cause as Error).message }, { cause });
}

function notOpened(cause: unknown): Problem {
  if (isProblem(cause)) return cause;
  return fail(
    'DEVICE_UNAVAILABLE',
    { provider: provider?.name ?? 'webgpu', detail: `its driver failed: ${(cause as Error).message}` },
    { cause },
  );
}

/** Whether the failure is that of a lost device; the news of the loss may come behind the failures that it causes. */
async function wasLost({ generation, loss }: Life, error: unknown): Promise<boolean> {
  if (generation.isLost) return true;
  if (isProblem(error)) return false;
  // What came of it `isLost` tells.
  await Promise.allSettled([loss.orBroken(sleep(LOSS_NEWS_MS))]);
  return generation.isLost || (error as Error).name === 'AbortError';
}

function kept(id: number): KeptBytes {
  const resident = residents.get(id);
  if (resident === undefined) throw fail('INTERNAL', { detail: `resident ${id} is used after its end` });
  return resident;
}

async function tellMemory(id: number, question: MemoryQuestion): Promise<void> {
  try {
    answer({ kind: 'memory', id, answer: await withRetry((generation) => answerTo(generation, question)) });
  } catch (error) {
    refuse(id, error);
  }
}

async function answerTo({ memory, watch }: Generation, question: MemoryQuestion): Promise<MemoryAnswer> {
  if (question.ask === 'snapshot') return watch.snapshot();
  if (question.ask === 'canAllocate') return memory.canAllocate(question.byteLength, question.tenant);
  return await memory.cleanup(question.keepBytes);
}

function refuse(id: number, error: unknown): void {
  const problem = problemToJson(toProblem(error));
  answer({ kind: 'problem', id, problem, roomBytes: living?.memory.roomBytes });
}

/**
 * Leaves a device that gets on with nothing, and opens it anew. Jobs that somebody waits for are tried once more, as after a loss; one that
 * hangs in a new device stays what it is.
 */
async function renew(silent: readonly number[]): Promise<void> {
  for (const id of silent) aborts.get(id)?.abort();
  const [left, loss] = [living, lossOfLiving];
  current = undefined;
  left?.leave();
  if (left) loss?.tell(fail('DEVICE_LOST', { device: left.info.name, detail: 'it got on with nothing' }));
  await generate().catch(() => undefined);
  answer({ kind: 'renewed' });
}

async function forget(id: number): Promise<void> {
  residents.delete(id);
  (await current?.catch(() => undefined))?.generation.residents.forget(id);
}

async function close(): Promise<void> {
  if (closing) return;
  closing = true;
  const limitMs = Math.min(CLOSE_MS, answerLimitMs(options, living?.info));
  await Promise.race([endDevice(), ...(limitMs < Infinity ? [sleep(limitMs, undefined, { ref: false })] : [])]);
  if (gpu !== undefined) provider?.release(gpu);
  if (signals !== undefined) {
    Atomics.store(signals, SIGNALS.closed, 1);
    Atomics.notify(signals, SIGNALS.closed);
  }
  port?.close();
}

async function endDevice(): Promise<void> {
  const life = await current?.catch(() => undefined);
  for (const abort of aborts.values()) abort.abort();
  await life?.generation.destroy();
  await Promise.allSettled(running);
}

function answer(message: HostMessage, transfer: ArrayBuffer[] = []): void {
  if (!broken) port?.postMessage(message, transfer);
}
