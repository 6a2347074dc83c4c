import type { Config, MemoryStatus } from '@armilla/chassis';
import { machineLimits, type OpenDevice, pressureLevel, type Runtime } from '@armilla/gpu-core';

/** How long a device may take to say how its memory stands, ms: one that hangs must not hold up who asks. */
const ANSWER_MS = 1000;

/** Memory of the host, then of each device that says how its own stands. */
export async function describeMemory(
  runtime: Runtime,
  openDevices: readonly OpenDevice[],
  config: Pick<Config, 'memoryLimitBytes'>,
): Promise<MemoryStatus[]> {
  const devices = await Promise.all(openDevices.map(describeDeviceMemory));
  return [describeHostMemory(runtime, config), ...devices.filter((one) => one !== undefined)];
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

/** Memory of a device, as its own thread counts it; undefined where it does not answer. */
async function describeDeviceMemory({ id, device }: OpenDevice): Promise<MemoryStatus | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => (timer = setTimeout(() => resolve(undefined), ANSWER_MS)));
  const stats = await Promise.race([device.memory().catch(() => undefined), late]);
  clearTimeout(timer);
  if (stats === undefined) return undefined;
  const { usedBytes, reservedBytes, budget, pressure } = stats;
  return {
    device: id,
    usedBytes,
    reservedBytes,
    ...(budget.bytes !== undefined && { budgetBytes: budget.bytes }),
    budgetSource: budget.source,
    ...(pressure !== undefined && { pressureLevel: pressureLevel(pressure) }),
  };
}
