import { fail, type Problem, reviveProblem, whenAborted } from '@armilla/base';
import { types } from 'node:util';
import type { MemoryStats } from '../../memory/device/device-memory.js';
import type { MemoryNews, MemorySnapshot } from '../../memory/device/snapshot.js';
import type { StageReport } from '../../memory/device/stages.js';
import { checkJob } from '../check-job.js';
import type { Device, DeviceInfo, Job, JobBuffer, JobResult, JobTiming, Resident, RunOptions } from '../device.js';
import { DeviceThread } from './device-thread.js';
import { HostResidents } from './host-residents.js';
import {
  type BufferMessage,
  type HostMessage,
  JOBS_IN_FLIGHT,
  type JobMessage,
  type JobTimes,
  type MemoryAnswer,
  type MemoryAnswers,
  type MemoryQuestion,
  nowMs,
  type OpenOptions,
  type ThreadMessage,
} from './messages.js';
import { type ReopenClock, Reopening } from './reopening.js';
import { copyShared } from './shared-bytes.js';

interface Pending {
  readonly message: Omit<JobMessage, 'place'>;
  /** Among the jobs in flight. */
  place: number;
  readonly uploadBytes: number;
  readonly resolve: (result: JobResult) => void;
  readonly reject: (error: unknown) => void;
  /** Threads that ended under it. */
  lostCount: number;
}

/** The host's side of a device in a worker thread. Opens it again where its thread has ended, and tries its jobs once more. */
export class WebGpuDevice implements Device {
  /** Of this process, which does not end before their threads. */
  static readonly #living = new Set<WebGpuDevice>();
  /** The last one; it may have ended. */
  #thread: DeviceThread | undefined;
  /** The thread takes jobs and questions. */
  #opened = false;
  #info!: DeviceInfo;
  #closing: Promise<void> | undefined;
  #lastId = 0;
  #lossCount = 0;
  readonly #queued: Pending[] = [];
  readonly #inFlight = new Map<number, Pending>();
  readonly #residents = new HostResidents((message) => this.#post(message));
  readonly #asked = new Map<number, { resolve: (answer: MemoryAnswer) => void; reject: (error: unknown) => void }>();
  readonly #watchers = new Set<(news: MemoryNews) => void>();
  #news: MemoryNews | undefined;
  #roomBytes: number | undefined;
  readonly #reopening: Reopening;

  private constructor(
    private readonly options: OpenOptions,
    clock?: ReopenClock,
  ) {
    this.#reopening = new Reopening(() => this.#startNext(), clock);
    if (WebGpuDevice.#living.size === 0) process.on('exit', WebGpuDevice.#endAll);
    WebGpuDevice.#living.add(this);
  }

  /**
   * Throws DEVICE_UNAVAILABLE, which says why there is none, and what a device that fails at once gives: DEVICE_FAILED, MEMORY_EXHAUSTED,
   * KERNEL_INVALID. `clock` is that of the tries to open it again after a loss.
   */
  static async open(options: OpenOptions = {}, clock?: ReopenClock): Promise<WebGpuDevice> {
    const { answerMs } = options;
    if (answerMs !== undefined && !(answerMs > 0)) {
      throw fail('OPTION_INVALID', { field: 'answerMs', expected: 'a number over 0', got: String(answerMs) });
    }
    const device = new WebGpuDevice(options, clock);
    try {
      device.#info = await device.#start();
      return device;
    } catch (error) {
      await device.close();
      throw error;
    }
  }

  get info(): DeviceInfo {
    return this.#info;
  }

  get lossCount(): number {
    return this.#lossCount;
  }

  get roomBytes(): number | undefined {
    return this.#roomBytes;
  }

  async run(job: Job, { signal }: RunOptions = {}): Promise<JobResult> {
    signal?.throwIfAborted();
    if (this.#closing !== undefined) throw fail('DRAINING');
    checkJob(job, this.#info);
    using _residents = this.#residents.use(job);
    const id = ++this.#lastId;
    const message: Pending['message'] = {
      kind: 'job',
      id,
      label: job.label,
      tenant: job.tenant ?? 'default',
      maxWaitMs: job.maxWaitMs,
      askedMs: nowMs(),
      buffers: Object.fromEntries(Object.entries(job.buffers).map(([name, buffer]) => [name, this.#share(buffer)])),
      passes: job.passes,
    };
    const uploadBytes = Object.values(message.buffers).reduce(
      (sum, buffer) => sum + ('bytes' in buffer ? buffer.bytes.byteLength : 0),
      0,
    );
    let listening: Disposable | undefined;
    try {
      return await new Promise<JobResult>((resolve, reject) => {
        const pending: Pending = { message, place: -1, uploadBytes, resolve, reject, lostCount: 0 };
        listening = whenAborted(signal, () => {
          const at = this.#queued.indexOf(pending);
          if (at >= 0) this.#queued.splice(at, 1);
          else this.#post({ kind: 'cancel', id });
          reject(signal?.reason);
        });
        this.#queued.push(pending);
        this.#dispatch();
      });
    } finally {
      listening?.[Symbol.dispose]();
    }
  }

  keep(data: ArrayBufferView, label: string, { tenant = 'default' }: Pick<Job, 'tenant'> = {}): Resident {
    return this.#residents.keep(++this.#lastId, data, label, tenant);
  }

  holds(resident: Resident): boolean {
    return this.#residents.holds(resident);
  }

  hasUploaded(resident: Resident): boolean {
    return this.#residents.isThere(resident);
  }

  async memory(): Promise<MemoryStats> {
    return (await this.memorySnapshot()).stats;
  }

  async canAllocate(byteLength: number, tenant = 'default'): Promise<boolean> {
    checkBytes('byteLength', byteLength);
    if (tenant === '') throw fail('OPTION_INVALID', { field: 'tenant', expected: 'a name', got: "''" });
    return await this.#ask({ ask: 'canAllocate', byteLength, tenant });
  }

  async cleanup(keepBytes?: number): Promise<readonly StageReport[]> {
    if (keepBytes !== undefined) checkBytes('keepBytes', keepBytes);
    return await this.#ask({ ask: 'cleanup', keepBytes });
  }

  watchMemory(listener: (news: MemoryNews) => void): Disposable {
    this.#watchers.add(listener);
    if (this.#news !== undefined) listener(this.#news);
    return { [Symbol.dispose]: () => void this.#watchers.delete(listener) };
  }

  memorySnapshot(): Promise<MemorySnapshot> {
    return this.#ask({ ask: 'snapshot' });
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #ask<Ask extends MemoryQuestion['ask']>(
    question: Extract<MemoryQuestion, { ask: Ask }>,
  ): Promise<MemoryAnswers[Ask]> {
    if (!this.#opened && this.#closing === undefined) await this.#reopening.run();
    if (this.#closing !== undefined) throw fail('DRAINING');
    if (this.#thread?.fault !== undefined) throw this.#thread.fault;
    const id = ++this.#lastId;
    return await new Promise((resolve, reject) => {
      this.#asked.set(id, { resolve: resolve as (answer: MemoryAnswer) => void, reject });
      this.#post({ kind: 'memory', id, question });
      this.#thread?.begin(id);
    });
  }

  async #close(): Promise<void> {
    this.#reopening.stop();
    for (const { reject } of this.#queued.splice(0)) reject(fail('DRAINING'));
    // One that does not end is left alone: it ends with the process, or the process with it.
    if ((await this.#thread?.close()) === false) return;
    WebGpuDevice.#living.delete(this);
    if (WebGpuDevice.#living.size === 0) process.off('exit', WebGpuDevice.#endAll);
  }

  static readonly #endAll = (): void => {
    for (const device of WebGpuDevice.#living) device.#thread?.endNow();
  };

  async #startNext(): Promise<void> {
    const ended = await this.#thread?.hasEnded();
    if (this.#closing !== undefined) throw fail('DRAINING');
    if (ended === false)
      throw fail('DEVICE_UNAVAILABLE', { provider: 'webgpu', detail: 'its last thread does not end' });
    await this.#start();
  }

  async #start(): Promise<DeviceInfo> {
    const thread = new DeviceThread(this.options, {
      onMessage: (message) => this.#receive(message),
      onEnding: () => (this.#opened = false),
      onEnded: (detail) => this.#afterThread(detail),
      onSilent: (ids, fault) => this.#stall(ids, fault),
    });
    this.#thread = thread;
    this.#residents.tellAll();
    const info = await thread.opened;
    this.#opened = true;
    return info;
  }

  /**
   * These have got on with nothing: nobody waits for them any more, and the thread leaves its device for a new one. Until that is
   * there nothing is begun; others in flight are tried once more.
   */
  #stall(ids: readonly number[], fault: Problem): void {
    this.#residents.lost();
    for (const id of ids) {
      const waiting = this.#inFlight.get(id) ?? this.#asked.get(id);
      this.#inFlight.delete(id);
      this.#asked.delete(id);
      waiting?.reject(fault);
    }
    for (const { reject } of this.#queued.splice(0)) reject(fault);
    this.#post({ kind: 'renew', silent: ids });
  }

  #afterThread(detail: string): void {
    this.#opened = false;
    const pending = [...this.#inFlight.values()];
    this.#inFlight.clear();
    const name = this.#info?.name ?? '?';
    for (const { reject } of this.#asked.values())
      reject(this.#closing === undefined ? fail('DEVICE_LOST', { device: name, detail }) : fail('DRAINING'));
    this.#asked.clear();
    if (this.#closing !== undefined) {
      for (const { reject } of pending) reject(fail('DRAINING'));
      return;
    }
    this.#lossCount++;
    this.#residents.lost();
    this.#roomBytes = undefined;
    for (const job of pending.reverse()) {
      if (++job.lostCount < 2) this.#queued.unshift(job);
      else job.reject(fail('DEVICE_LOST', { device: name, detail }));
    }
    this.#dispatch();
  }

  #receive(message: Exclude<HostMessage, { kind: 'opened' | 'failed' | 'ending' }>): void {
    if (message.kind === 'lost') {
      this.#lossCount++;
      this.#residents.lost();
      return;
    }
    if (message.kind === 'moved') return this.#residents.moved(message.resident, message.isThere);
    if (message.kind === 'renewed') {
      this.#lossCount++;
      return;
    }
    if (message.kind === 'news') {
      this.#roomBytes = message.roomBytes;
      this.#news = message.news;
      for (const listener of this.#watchers) listener(message.news);
      return;
    }
    const asked = this.#asked.get(message.id);
    this.#asked.delete(message.id);
    if (message.kind === 'memory') {
      asked?.resolve(message.answer);
      return;
    }
    this.#roomBytes = message.roomBytes;
    if (message.kind === 'problem') asked?.reject(reviveProblem(message.problem));
    const pending = this.#inFlight.get(message.id);
    this.#inFlight.delete(message.id);
    if (message.kind === 'problem') pending?.reject(reviveProblem(message.problem));
    else pending?.resolve({ outputs: message.outputs, timing: timingOf(pending, message.times, message.outputs) });
    this.#dispatch();
  }

  #dispatch(): void {
    const fault = this.#thread?.fault;
    if (fault !== undefined) for (const { reject } of this.#queued.splice(0)) reject(fault);
    if (!this.#opened && this.#queued.length > 0) {
      this.#reopening.run().then(
        () => this.#dispatch(),
        (error: unknown) => {
          for (const { reject } of this.#queued.splice(0)) reject(error);
        },
      );
    }
    while (this.#opened && this.#inFlight.size < JOBS_IN_FLIGHT && this.#queued.length > 0) {
      const pending = this.#queued.shift() as Pending;
      const { id } = pending.message;
      const taken = new Set([...this.#inFlight.values()].map(({ place }) => place));
      pending.place = 0;
      while (taken.has(pending.place)) pending.place++;
      this.#inFlight.set(id, pending);
      this.#post({ ...pending.message, place: pending.place });
      this.#thread?.begin(id, pending.place);
    }
  }

  #post(message: ThreadMessage): void {
    this.#thread?.post(message);
  }

  #share(buffer: JobBuffer): BufferMessage {
    if (buffer.kind === 'resident') return { kind: 'resident', id: buffer.resident.id };
    if (buffer.kind === 'output' || buffer.kind === 'scratch') return buffer;
    const view = buffer.kind === 'uniform' ? new Uint8Array(buffer.data) : buffer.data;
    // Memory of kernels is shared already, and its lease outlives the job.
    const bytes = types.isSharedArrayBuffer(view.buffer)
      ? { buffer: view.buffer, byteOffset: view.byteOffset, byteLength: view.byteLength }
      : copyShared(view);
    return { kind: buffer.kind, bytes };
  }
}

function checkBytes(field: string, got: number): void {
  if (Number.isSafeInteger(got) && got >= 0) return;
  throw fail('OPTION_INVALID', { field, expected: 'a whole number of bytes', got: String(got) });
}

function timingOf(
  { message, uploadBytes }: Pending,
  times: JobTimes,
  outputs: Readonly<Record<string, ArrayBuffer>>,
): JobTiming {
  const { askedMs } = message;
  const uploadMs = times.uploadedMs - times.promisedMs;
  const kernelMs = times.kernelMs ?? times.kernelEndMs - times.kernelStartMs;
  const readbackMs = times.endedMs - times.readbackStartMs;
  const queueMs = Math.max(0, times.beganMs - askedMs) + times.promisedMs - times.compiledMs;
  const totalMs = nowMs() - askedMs;
  return {
    queueMs,
    uploadMs,
    kernelMs,
    readbackMs,
    overheadMs: Math.max(0, totalMs - queueMs - uploadMs - kernelMs - readbackMs),
    totalMs,
    span: [askedMs, times.endedMs],
    uploadBytes,
    readbackBytes: Object.values(outputs).reduce((sum, { byteLength }) => sum + byteLength, 0),
    uploadSpan: [times.promisedMs, times.uploadedMs],
    kernelSpan: [times.kernelStartMs, times.kernelEndMs],
    readbackSpan: [times.readbackStartMs, times.endedMs],
  };
}
