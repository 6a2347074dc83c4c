import { fail } from '@armilla/base';
import type { AdapterReport, Device, DeviceInfo, JobResult, MemoryStats, Resident } from '@armilla/gpu-core';

/** An adapter that was looked at and not opened: the router may predict for it, and nothing runs on it. */
export class UntakenDevice implements Device {
  readonly info: DeviceInfo;
  readonly lossCount = 0;

  constructor(provider: string, { count: _, ...adapter }: AdapterReport) {
    const timestamps = adapter.features.includes('timestamp-query');
    this.info = { kind: 'webgpu', provider, ...adapter, timestamps, df64: 'not measured' };
  }

  run(): Promise<JobResult> {
    return Promise.reject(this.#refusal());
  }

  keep(): Resident {
    throw this.#refusal();
  }

  holds(): boolean {
    return false;
  }

  memory(): Promise<MemoryStats> {
    return Promise.reject(this.#refusal());
  }

  canAllocate(): Promise<boolean> {
    return Promise.reject(this.#refusal());
  }

  cleanup(): Promise<never> {
    return Promise.reject(this.#refusal());
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #refusal(): Error {
    return fail('DEVICE_UNAVAILABLE', { provider: this.info.provider, detail: `${this.info.name} was not taken` });
  }
}
