import type { Config, MemoryStatus } from '@armilla/chassis';
import { type DeviceMemoryView, type Dispatcher, machineLimits, pressureLevel, type Runtime } from '@armilla/gpu-core';

/** Memory of the host, then of each device that has said how its own stands. */
export function describeMemory(
  runtime: Runtime,
  dispatcher: Dispatcher,
  config: Pick<Config, 'memoryLimitBytes'>,
): MemoryStatus[] {
  return [describeHostMemory(runtime, config), ...dispatcher.memory().flatMap(describeDeviceMemory)];
}

/** Memory of the host that operations share. */
function describeHostMemory(runtime: Runtime, config: Pick<Config, 'memoryLimitBytes'>): MemoryStatus {
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

/** Memory of a device, as its own thread told last. */
function describeDeviceMemory({ device, level, stats, leaks }: DeviceMemoryView): MemoryStatus[] {
  if (stats === undefined) return [];
  const { usedBytes, reservedBytes, budget } = stats;
  return [
    {
      device,
      usedBytes,
      reservedBytes,
      ...(budget.bytes !== undefined && { budgetBytes: budget.bytes }),
      budgetSource: budget.source,
      ...(level !== 'unknown' && { pressureLevel: level }),
      leaks,
    },
  ];
}
