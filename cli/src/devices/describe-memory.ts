import type { Config, MemoryStatus } from '@armilla/chassis';
import { machineLimits, pressureLevel, type Runtime } from '@armilla/gpu-core';

/** Memory of the host that operations share. */
export function describeHostMemory(runtime: Runtime, config: Pick<Config, 'memoryLimitBytes'>): MemoryStatus {
  const { heapBytes, leasedBytes } = runtime.stats();
  const { memoryLimitBytes } = runtime;
  return {
    device: 'host',
    usedBytes: leasedBytes,
    reservedBytes: heapBytes,
    budgetBytes: memoryLimitBytes,
    budgetSource: config.memoryLimitBytes > 0 ? 'configured' : machineLimits().source,
    pressureLevel: pressureLevel(heapBytes / memoryLimitBytes),
  };
}
