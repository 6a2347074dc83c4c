import { fail, formatBytes } from '@armilla/base';
import type { BufferSource, DeviceBuffer } from '../../memory/device/buffer-source.js';
import type { DeviceQueue } from './queue.js';

/** A buffer of the native module, as the memory pool sees it. */
export interface NativeBuffer extends DeviceBuffer {
  readonly native: GPUBuffer;
}

/** Buffers of one device. That there is no room for one is told by an error scope, some time after it was made. */
export class NativeBuffers implements BufferSource {
  readonly #verdicts = new Map<DeviceBuffer, Promise<GPUError | null>>();

  constructor(
    private readonly device: GPUDevice,
    private readonly queue: DeviceQueue,
    private readonly deviceName: string,
  ) {}

  create(byteLength: number, usage: number): NativeBuffer {
    this.device.pushErrorScope('out-of-memory');
    let native: GPUBuffer;
    try {
      native = this.device.createBuffer({ size: byteLength, usage });
    } catch (cause) {
      void this.device.popErrorScope();
      throw this.#exhausted(byteLength, cause);
    }
    const buffer = { byteLength, usage, native };
    this.#verdicts.set(buffer, this.device.popErrorScope());
    return buffer;
  }

  async confirm(buffer: DeviceBuffer): Promise<void> {
    const error = await this.#verdicts.get(buffer);
    this.#verdicts.delete(buffer);
    if (error) throw this.#exhausted(buffer.byteLength, error);
  }

  /** Settles when the device has given these; all that was asked for so far if none is named. Throws MEMORY_EXHAUSTED. */
  async confirmAll(buffers: readonly DeviceBuffer[] = [...this.#verdicts.keys()]): Promise<void> {
    // All settle before the first failure is told: no promise is left behind.
    const outcomes = await Promise.allSettled(buffers.map((buffer) => this.confirm(buffer)));
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  }

  destroy(buffer: DeviceBuffer): void {
    nativeOf(buffer).destroy();
  }

  /** Destroyed buffers are given back with the next submission only. */
  reclaim(): void {
    this.queue.submit([]);
  }

  #exhausted(byteLength: number, cause: unknown): Error {
    const limit = `memory of ${this.deviceName}`;
    return fail('MEMORY_EXHAUSTED', { needed: formatBytes(byteLength), available: 'less', limit }, { cause });
  }
}

export function nativeOf(buffer: DeviceBuffer): GPUBuffer {
  return (buffer as NativeBuffer).native;
}
