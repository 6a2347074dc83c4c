import { readFileSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';

/** What this process may use: the smallest of the machine and the control groups around the process. */
export interface MachineLimits {
  /** Whole cores, at least 1. */
  readonly coreCount: number;
  readonly memoryBytes: number;
  /** Where the figures come from, for `doctor`: "cgroup v2", "cgroup v1" or "os". */
  readonly source: string;
}

/** Reads `/proc` and `/sys`; `read` gives the text of a file, or undefined where there is none. */
export function machineLimits(read: (path: string) => string | undefined = readText): MachineLimits {
  const machine = { cores: availableParallelism(), bytes: totalmem() };
  const group = readUnified(read) ?? readLegacy(read);
  const coreCount = Math.max(1, Math.min(machine.cores, Math.floor(group?.cores ?? Infinity)));
  const memoryBytes = Math.min(machine.bytes, group?.bytes ?? Infinity);
  const limited = group !== undefined && (group.cores < Infinity || group.bytes < Infinity);
  return { coreCount, memoryBytes, source: limited ? group.source : 'os' };
}

interface GroupLimits {
  readonly cores: number;
  readonly bytes: number;
  readonly source: string;
}

/** cgroup v2: every ancestor may set a limit, the smallest holds. */
function readUnified(read: (path: string) => string | undefined): GroupLimits | undefined {
  const path = groupPath(read, (_, controllers) => controllers === '');
  if (path === undefined || read('/sys/fs/cgroup/cgroup.controllers') === undefined) return undefined;
  let cores = Infinity;
  let bytes = Infinity;
  for (const folder of ancestors(path)) {
    const [quota, period] = (read(`/sys/fs/cgroup${folder}cpu.max`) ?? 'max').trim().split(/\s+/);
    if (quota !== 'max') cores = Math.min(cores, limitOf(quota) / limitOf(period ?? '100000'));
    bytes = Math.min(bytes, limitOf(read(`/sys/fs/cgroup${folder}memory.max`)));
  }
  return { cores, bytes, source: 'cgroup v2' };
}

function readLegacy(read: (path: string) => string | undefined): GroupLimits | undefined {
  const cpu = groupPath(read, (_, controllers) => controllers.split(',').includes('cpu'));
  const memory = groupPath(read, (_, controllers) => controllers.split(',').includes('memory'));
  if (cpu === undefined && memory === undefined) return undefined;
  let cores = Infinity;
  let bytes = Infinity;
  for (const folder of ancestors(cpu ?? '/')) {
    const quota = limitOf(read(`/sys/fs/cgroup/cpu${folder}cpu.cfs_quota_us`));
    if (quota < Infinity)
      cores = Math.min(cores, quota / limitOf(read(`/sys/fs/cgroup/cpu${folder}cpu.cfs_period_us`)));
  }
  for (const folder of ancestors(memory ?? '/')) {
    bytes = Math.min(bytes, limitOf(read(`/sys/fs/cgroup/memory${folder}memory.limit_in_bytes`)));
  }
  return { cores: cores > 0 ? cores : Infinity, bytes, source: 'cgroup v1' };
}

/** Lines are "id:controllers:path". */
function groupPath(
  read: (path: string) => string | undefined,
  wanted: (id: string, controllers: string) => boolean,
): string | undefined {
  for (const line of (read('/proc/self/cgroup') ?? '').split('\n')) {
    const [id, controllers, path] = line.split(':');
    if (path !== undefined && wanted(id, controllers)) return path;
  }
  return undefined;
}

/** "/a/b" gives "/a/b/", "/a/", "/". */
function ancestors(path: string): string[] {
  const parts = path.split('/').filter((part) => part !== '' && part !== '..');
  return parts
    .reduceRight<string[]>((folders, _, i) => [...folders, `/${parts.slice(0, i + 1).join('/')}/`], [])
    .concat('/');
}

/** A missing file, "max", a negative number or junk is no limit. */
function limitOf(text: string | undefined): number {
  const value = Number.parseFloat(text ?? '');
  return value > 0 ? value : Infinity;
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // A group or a controller that is not there sets no limit.
    return undefined;
  }
}
