import type { MemoryStatus } from '@armilla/chassis';
import type { Profiler } from '@armilla/gpu-core';

const PERIOD_MS = 1000;

/** Once a second puts into the profile how much memory is used and reserved; a device that does not answer is left out. */
export class MemoryCounters implements Disposable {
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly profiler: Profiler,
    private readonly memory: () => Promise<readonly MemoryStatus[]>,
  ) {}

  start(periodMs = PERIOD_MS): void {
    const next = async (): Promise<void> => {
      await this.record();
      if (this.#timer !== undefined) this.#timer = setTimeout(() => void next(), periodMs).unref();
    };
    this.#timer = setTimeout(() => void next(), 0).unref();
  }

  async record(): Promise<void> {
    for (const { device, usedBytes, reservedBytes } of await this.memory()) {
      this.profiler.count(this.profiler.track('memory.used', device, 'bytes'), usedBytes);
      this.profiler.count(this.profiler.track('memory.reserved', device, 'bytes'), reservedBytes);
    }
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
