import type { Config, MemoryStatus } from '@armilla/chassis';
import { machineLimits, type OpenDevice, pressureLevel, type Runtime } from '@armilla/gpu-core';

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

/** Memory of a device, as its own thread counts it. */
export async function describeDeviceMemory({ id, device }: OpenDevice): Promise<MemoryStatus> {
  const { usedBytes, reservedBytes, budget, pressure } = await device.memory();
  return {
    device: id,
    usedBytes,
    reservedBytes,
    ...(budget.bytes !== undefined && { budgetBytes: budget.bytes }),
    budgetSource: budget.source,
    ...(pressure !== undefined && { pressureLevel: pressureLevel(pressure) }),
  };
}
