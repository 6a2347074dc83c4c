import type { Runtime } from '@armilla/gpu-core';

const PERIOD_MS = 1000;

/** Once a second puts into the profile how much memory of the host is used and reserved; a dispatcher does so for devices. */
export class MemoryCounters implements Disposable {
  #timer: NodeJS.Timeout | undefined;

  constructor(private readonly runtime: Runtime) {}

  start(periodMs = PERIOD_MS): void {
    this.record();
    this.#timer = setInterval(() => this.record(), periodMs).unref();
  }

  record(): void {
    const { profiler } = this.runtime;
    const { heapBytes, leasedBytes } = this.runtime.stats();
    profiler.count(profiler.track('memory.used', 'host', 'bytes'), leasedBytes);
    profiler.count(profiler.track('memory.reserved', 'host', 'bytes'), heapBytes);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
