import { fail, type Problem, reviveProblem } from '@armilla/base';
import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import { SHARE_ENV, Worker } from 'node:worker_threads';
import type { DeviceInfo } from '../device.js';
import { answerLimitMs, type HostMessage, type OpenOptions, SIGNALS, type ThreadMessage } from './messages.js';
import { Silence } from './silence.js';

/** Time that a thread has to end its device while the process exits. */
const EXIT_MS = 2000;
/** What is watched until the device is open; jobs and questions count from 1. */
const OPENING = 0;
/** A thread that has not ended after so long is left alone: its own limit is shorter, so it hangs in its driver. */
const LEAVE_MS = 12_000;

/** What comes of a thread. */
export interface ThreadEvents {
  onMessage(message: Exclude<HostMessage, { kind: 'opened' | 'failed' | 'ending' }>): void;
  /** It takes nothing more: it has begun to end. */
  onEnding(): void;
  /** It had opened its device and is no more; `detail` says why. */
  onEnded(detail: string): void;
  /** These jobs and questions have got on with nothing for too long; they are watched no longer. */
  onSilent(ids: readonly number[], fault: Problem): void;
}

/** The worker thread of a device, seen from the host. */
export class DeviceThread {
  /** Rejects with DEVICE_UNAVAILABLE, which says why. */
  readonly opened: Promise<DeviceInfo>;
  /** Does not settle where the thread hangs in its driver. */
  readonly #ended: Promise<void>;
  readonly #worker: Worker;
  readonly #signals = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT * SIGNALS.count));
  #silence: Silence<number> | undefined;
  readonly #owed = new Set<number>();
  #info: DeviceInfo | undefined;
  #fault: Problem | undefined;
  #isGone = false;

  constructor(
    private readonly options: OpenOptions,
    private readonly events: ThreadEvents,
  ) {
    this.#worker = new Worker(createRequire(import.meta.url).resolve('@armilla/gpu-core/gpu-thread'), {
      // The Vulkan loader reads the environment of the process, which a copy is not.
      env: SHARE_ENV,
    });
    this.#ended = new Promise((resolve) => this.#worker.once('exit', () => resolve()));
    this.opened = new Promise((resolve, reject) => {
      const limitMs = answerLimitMs(options);
      const onSilent = (): void => {
        this.#fault = this.#stalled(limitMs);
        reject(fail('DEVICE_UNAVAILABLE', { provider: 'webgpu', detail: this.#fault.message }));
        this.#worker.unref();
        this.post({ kind: 'close' });
      };
      this.#silence = new Silence({ limitMs, onSilent });
      this.#silence.begin(OPENING, () => 0);
      this.#listen(resolve, reject);
    });
    this.post({ kind: 'open', options, signals: this.#signals.buffer });
  }

  /** Why nobody waits for its answers: it got on with nothing, and has no new device yet. */
  get fault(): Problem | undefined {
    return this.#fault;
  }

  post(message: ThreadMessage): void {
    this.#worker.postMessage(message);
  }

  /** It owes the answer to a question, or to a job at a place among those in flight: the process stays for it, though not for ever. */
  begin(id: number, place?: number): void {
    this.#silence?.begin(id, () => (place === undefined ? 0 : Atomics.load(this.#signals, SIGNALS.jobs + place)));
    this.#owed.add(id);
    this.#worker.ref();
  }

  /** The answer has come, or nobody waits for it any more. */
  end(id: number): void {
    this.#silence?.end(id);
    this.#owed.delete(id);
    if (this.#owed.size === 0) this.#worker.unref();
  }

  /** Asks it to end; false: it does not. */
  async close(): Promise<boolean> {
    this.post({ kind: 'close' });
    return await this.hasEnded();
  }

  /** Whether it is no more, after waiting for that as long as it may take. */
  async hasEnded(): Promise<boolean> {
    this.#worker.ref();
    const waiting = new AbortController();
    const left = sleep(LEAVE_MS, false, { signal: waiting.signal }).catch(() => false);
    const slow = answerLimitMs(this.options, this.#info) === Infinity;
    const ended = await Promise.race([this.#ended.then(() => true), ...(slow ? [] : [left])]);
    waiting.abort();
    if (!ended) this.#worker.unref();
    return ended;
  }

  /**
   * Before the process exits. A thread that is ended with work in flight takes the process with it: it destroys its device first.
   * One that hangs in its driver cannot be ended, and Node.js would wait for it for ever.
   */
  endNow(): void {
    if (this.#isGone) return;
    this.post({ kind: 'close' });
    const outcome = Atomics.wait(this.#signals, SIGNALS.closed, 0, EXIT_MS);
    if (outcome !== 'timed-out' || this.#fault === undefined) return;
    process.stderr.write(`armilla: ${this.#fault.message}: the process is killed, since it could not end otherwise\n`);
    process.kill(process.pid, 'SIGKILL');
  }

  #listen(opened: (info: DeviceInfo) => void, failed: (fault: Problem) => void): void {
    let fault: Problem | undefined;
    let detail = 'its thread has ended';
    this.#worker.on('message', (message: HostMessage) => {
      if (message.kind === 'opened') {
        // It comes too late after it was given up.
        if (this.#fault !== undefined) return;
        this.#silence?.[Symbol.dispose]();
        this.#info = message.info;
        const limitMs = answerLimitMs(this.options, message.info);
        const onSilent = (ids: readonly number[]): void => {
          for (const id of ids) this.end(id);
          this.#fault = this.#stalled(limitMs);
          this.events.onSilent(ids, this.#fault);
        };
        this.#silence = new Silence({ limitMs, onSilent });
        this.#worker.unref();
        opened(message.info);
      } else if (message.kind === 'failed') fault = reviveProblem(message.problem);
      else if (message.kind === 'ending') {
        detail += `: ${message.detail}`;
        this.events.onEnding();
      } else {
        if (message.kind === 'renewed') this.#fault = undefined;
        if ('id' in message) this.end(message.id);
        this.events.onMessage(message);
      }
    });
    this.#worker.on('error', (error) => (detail += `: ${(error as Error).message}`));
    this.#worker.on('exit', () => {
      this.#isGone = true;
      this.#fault = undefined;
      this.#silence?.[Symbol.dispose]();
      if (this.#info === undefined) failed(fault ?? fail('DEVICE_UNAVAILABLE', { provider: 'webgpu', detail }));
      else this.events.onEnded(detail);
    });
  }

  #stalled(limitMs: number): Problem {
    const device = this.#info?.name ?? this.options.name ?? 'GPU';
    return fail('DEVICE_STALLED', { device, seconds: limitMs / 1000 });
  }
}
