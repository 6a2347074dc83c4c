import { fail, type Problem } from '@armilla/base';
import type { Device, DeviceInfo, Job, JobResult, Resident, RunOptions } from '../../device/device.js';
import type { MemoryStats } from '../../memory/device/device-memory.js';
import type { MemoryNews } from '../../memory/device/snapshot.js';

const LIMITS = {
  maxBufferBytes: 2 ** 30,
  maxStorageBindingBytes: 2 ** 30,
  maxUniformBindingBytes: 65_536,
  maxWorkgroupsPerDimension: 65_535,
  maxInvocationsPerWorkgroup: 256,
  maxWorkgroupStorageBytes: 32_768,
  maxStorageBuffers: 8,
};

/** A device that adds on the host, with as much memory as a test gives it: jobs that need more are refused. */
export class AddingDevice implements Device {
  readonly jobs: Job[] = [];
  readonly lossCount = 0;
  /** What `roomBytes` says; jobs are held against `memoryBytes`. */
  roomBytes: number | undefined;
  memoryBytes = Infinity;
  /** What jobs fail with, however they are. */
  fault: Problem | undefined;
  /** Jobs that were asked for, also those that failed. */
  askedCount = 0;
  /** Added to each result: a device that computes wrong. */
  error = 0;
  #listener: ((news: MemoryNews) => void) | undefined;

  readonly info: DeviceInfo = {
    kind: 'webgpu',
    provider: 'test',
    vendor: 'test',
    architecture: 'test',
    name: 'Adder',
    description: 'test',
    software: false,
    features: [],
    limits: LIMITS,
    timestamps: false,
    df64: 'exact',
  };

  async run(job: Job, _options?: RunOptions): Promise<JobResult> {
    this.askedCount++;
    await Promise.resolve();
    if (this.fault !== undefined) throw this.fault;
    const { left, right, out } = job.buffers;
    if (left.kind !== 'input' || right.kind !== 'input' || out.kind !== 'output') throw new Error('no sum');
    const needed = left.data.byteLength + right.data.byteLength + out.byteLength;
    if (needed > this.memoryBytes && job.maxWaitMs === 0) {
      throw fail('MEMORY_EXHAUSTED', { needed: `${needed}`, available: `${this.memoryBytes}`, limit: 'test' });
    }
    this.jobs.push(job);
    const [a, b] = [left, right].map(({ data }) => new Float32Array(data.buffer, data.byteOffset, data.byteLength / 4));
    const sums = a.map((value, i) => value + b[i] + this.error);
    const ms = performance.timeOrigin + performance.now();
    return {
      outputs: { out: sums.buffer as ArrayBuffer },
      timing: {
        queueMs: 1,
        uploadMs: 2,
        kernelMs: 3,
        readbackMs: 4,
        overheadMs: 0,
        totalMs: 10,
        span: [ms - 10, ms],
        uploadBytes: a.byteLength + b.byteLength,
        readbackBytes: sums.byteLength,
        uploadSpan: [ms - 9, ms - 7],
        kernelSpan: [ms - 7, ms - 4],
        readbackSpan: [ms - 4, ms],
      },
    };
  }

  watchMemory(listener: (news: MemoryNews) => void): Disposable {
    this.#listener = listener;
    return { [Symbol.dispose]: () => (this.#listener = undefined) };
  }

  tell(news: MemoryNews): void {
    this.#listener?.(news);
  }

  keep(): Resident {
    throw new Error('it keeps nothing');
  }

  holds(): boolean {
    return false;
  }

  memory(): Promise<MemoryStats> {
    return Promise.reject(new Error('it counts nothing'));
  }

  canAllocate(byteLength: number): Promise<boolean> {
    return Promise.resolve(byteLength <= this.memoryBytes);
  }

  cleanup(): Promise<[]> {
    return Promise.resolve([]);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}
