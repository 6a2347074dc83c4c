import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';

export interface MachineLimits {
  /** Cores that this process may use, at least 1. */
  readonly coreCount: number;
  /** Memory that this process may use. */
  readonly memoryBytes: number;
  /** Where the memory limit comes from. */
  readonly source: 'cgroup v2' | 'cgroup v1' | 'machine';
}

/** Cores and memory of this process by cgroup limits, else of the machine. */
export function machineLimits(root = '/sys/fs/cgroup'): MachineLimits {
  const coreCount = Math.max(1, Math.min(availableParallelism(), cpuQuota(root) ?? Infinity));
  for (const [file, source] of [
    ['memory.max', 'cgroup v2'],
    ['memory/memory.limit_in_bytes', 'cgroup v1'],
  ] as const) {
    const limit = readNumber(`${root}/${file}`);
    if (limit !== undefined && limit < totalmem()) return { coreCount, memoryBytes: limit, source };
  }
  return { coreCount, memoryBytes: totalmem(), source: 'machine' };
}

/** Whole cores of the CPU quota, rounded up; undefined without a quota. */
function cpuQuota(root: string): number | undefined {
  if (existsSync(`${root}/cpu.max`)) {
    const [quota, period] = readFileSync(`${root}/cpu.max`, 'utf8').trim().split(' ').map(Number);
    return quota > 0 && period > 0 ? Math.ceil(quota / period) : undefined;
  }
  const quota = readNumber(`${root}/cpu/cpu.cfs_quota_us`);
  const period = readNumber(`${root}/cpu/cpu.cfs_period_us`);
  return quota !== undefined && period !== undefined && quota > 0 && period > 0 ? Math.ceil(quota / period) : undefined;
}

function readNumber(path: string): number | undefined {
  if (!existsSync(path)) return undefined;
  const value = Number(readFileSync(path, 'utf8').trim());
  return Number.isFinite(value) && value > 0 ? value : undefined;
}
