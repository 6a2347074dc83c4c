import { fail, formatBytes } from '@armilla/base';
import type { BufferSource, DeviceBuffer, Fence } from './buffer-source.js';

export interface SimulatedBuffersOptions {
  /** Hard limit of all buffers together, bytes; none if left out. */
  readonly limitBytes?: number;
  /** The allocation with this number (from 1) fails once, whatever is free. */
  readonly failAt?: number;
  /** Failures are told by `confirm`, as WebGPU does. */
  readonly failLate?: boolean;
}

/**
 * The memory and the queue of a device that computes nothing: destroyed buffers take room until `reclaim`, submits are
 * done when `complete` says so.
 */
export class SimulatedBuffers implements BufferSource, Fence {
  epochOfLastSubmit = 0;
  completedEpoch = 0;
  /** Calls of `create`, failed ones included. */
  createCount = 0;
  #usedBytes = 0;
  readonly #live = new Set<DeviceBuffer>();
  readonly #failed = new Set<DeviceBuffer>();
  #destroyedBytes = 0;
  #waiting: { epoch: number; resolve: () => void }[] = [];
  readonly confirm: ((buffer: DeviceBuffer) => Promise<void>) | undefined;

  constructor(private readonly options: SimulatedBuffersOptions = {}) {
    if (options.failLate) {
      this.confirm = (buffer) =>
        this.#failed.has(buffer) ? Promise.reject(this.#outOfMemory(buffer.byteLength)) : Promise.resolve();
    }
  }

  /** Bytes that the device holds: live buffers and destroyed ones that are not reclaimed. */
  get usedBytes(): number {
    return this.#usedBytes + this.#destroyedBytes;
  }

  get liveBuffers(): number {
    return this.#live.size;
  }

  create(byteLength: number, usage: number): DeviceBuffer {
    this.createCount++;
    const full = this.usedBytes + byteLength > (this.options.limitBytes ?? Infinity);
    const buffer: DeviceBuffer = { byteLength, usage };
    if (full || this.createCount === this.options.failAt) {
      if (!this.options.failLate) throw this.#outOfMemory(byteLength);
      this.#failed.add(buffer);
      return buffer;
    }
    this.#live.add(buffer);
    this.#usedBytes += byteLength;
    return buffer;
  }

  destroy(buffer: DeviceBuffer): void {
    if (this.#failed.delete(buffer)) return;
    if (!this.#live.delete(buffer)) throw fail('INTERNAL', { detail: 'a buffer was destroyed twice' });
    this.#usedBytes -= buffer.byteLength;
    this.#destroyedBytes += buffer.byteLength;
  }

  reclaim(): void {
    this.#destroyedBytes = 0;
  }

  /** Hands work to the device; the result is its epoch. */
  submit(): number {
    return ++this.epochOfLastSubmit;
  }

  /** Work up to `epoch` is done. */
  complete(epoch = this.epochOfLastSubmit): void {
    this.completedEpoch = Math.max(this.completedEpoch, epoch);
    const due = this.#waiting.filter((waiter) => waiter.epoch <= this.completedEpoch);
    this.#waiting = this.#waiting.filter((waiter) => waiter.epoch > this.completedEpoch);
    for (const waiter of due) waiter.resolve();
  }

  reached(epoch: number): Promise<void> {
    if (epoch <= this.completedEpoch) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ epoch, resolve }));
  }

  #outOfMemory(byteLength: number): Error {
    const limit = this.options.limitBytes ?? this.usedBytes;
    return fail('MEMORY_EXHAUSTED', {
      needed: formatBytes(byteLength),
      available: formatBytes(Math.max(0, limit - this.usedBytes)),
      limit: formatBytes(limit),
    });
  }
}
