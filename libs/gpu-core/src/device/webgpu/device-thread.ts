import { fail, type Problem, reviveProblem } from '@armilla/base';
import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import { SHARE_ENV, Worker } from 'node:worker_threads';
import type { DeviceInfo } from '../device.js';
import { answerLimitMs, type HostMessage, type OpenOptions, SIGNALS, type ThreadMessage } from './messages.js';
import { Silence } from './silence.js';

/** Time that a thread has to end its device while the process exits. */
const EXIT_MS = 2000;
/** A thread that has not ended after so long is left alone: its own limit is shorter, so it hangs in its driver. */
const LEAVE_MS = 12_000;

/** What comes of a thread. */
export interface ThreadEvents {
  onMessage(message: Exclude<HostMessage, { kind: 'opened' | 'failed' | 'ending' }>): void;
  /** It takes nothing more: it has begun to end. */
  onEnding(): void;
  /** It had opened its device and is no more; `detail` says why. */
  onEnded(detail: string): void;
  /** It has got on with nothing of what it owes for too long. */
  onSilent(fault: Problem): void;
}

/** The worker thread of a device, seen from the host. */
export class DeviceThread {
  /** Rejects with DEVICE_UNAVAILABLE, which says why. */
  readonly opened: Promise<DeviceInfo>;
  /** Does not settle where the thread hangs in its driver. */
  readonly #ended: Promise<void>;
  readonly #worker: Worker;
  readonly #signals = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT * SIGNALS.count));
  #silence!: Silence;
  #info: DeviceInfo | undefined;
  /** Why nobody waits for its answers. */
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
      this.#silence = this.#watch(answerLimitMs(options), ({ message: detail }) => {
        reject(fail('DEVICE_UNAVAILABLE', { provider: 'webgpu', detail }));
        this.post({ kind: 'close' });
      });
      this.#silence.owed(true);
      this.#listen(resolve, reject);
    });
    this.post({ kind: 'open', options, signals: this.#signals.buffer });
  }

  post(message: ThreadMessage): void {
    this.#worker.postMessage(message);
  }

  /** Whether it owes answers: the process stays for them, and they may not take for ever. */
  owes(anything: boolean): void {
    this.#silence.owed(anything);
    if (anything) this.#worker.ref();
    else this.#worker.unref();
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
        this.#silence[Symbol.dispose]();
        this.#info = message.info;
        this.#silence = this.#watch(answerLimitMs(this.options, message.info), (silent) =>
          this.events.onSilent(silent),
        );
        opened(message.info);
      } else if (message.kind === 'failed') fault = reviveProblem(message.problem);
      else if (message.kind === 'ending') {
        detail += `: ${message.detail}`;
        this.events.onEnding();
      } else {
        if ('id' in message) this.#fault = undefined;
        this.events.onMessage(message);
      }
    });
    this.#worker.on('error', (error) => (detail += `: ${(error as Error).message}`));
    this.#worker.on('exit', () => {
      this.#isGone = true;
      this.#silence[Symbol.dispose]();
      if (this.#info === undefined) failed(fault ?? fail('DEVICE_UNAVAILABLE', { provider: 'webgpu', detail }));
      else this.events.onEnded(detail);
    });
  }

  #watch(limitMs: number, onSilent: (fault: Problem) => void): Silence {
    return new Silence({
      limitMs,
      progress: () => Atomics.load(this.#signals, SIGNALS.progress),
      onSilent: () => {
        const device = this.#info?.name ?? this.options.name ?? 'GPU';
        this.#fault = fail('DEVICE_STALLED', { device, seconds: limitMs / 1000 });
        this.#worker.unref();
        onSilent(this.#fault);
      },
    });
  }
}
