import { availableParallelism, totalmem } from 'node:os';
import { machineLimits } from '../index.js';

const files =
  (entries: Record<string, string>) =>
  (path: string): string | undefined =>
    entries[path];

test('cgroup v2: the smallest limit of all ancestors holds', () => {
  const limits = machineLimits(
    files({
      '/proc/self/cgroup': '0::/pod/box\n',
      '/sys/fs/cgroup/cgroup.controllers': 'cpu memory',
      '/sys/fs/cgroup/cpu.max': 'max 100000',
      '/sys/fs/cgroup/pod/cpu.max': '150000 100000',
      '/sys/fs/cgroup/pod/box/cpu.max': '400000 100000',
      '/sys/fs/cgroup/pod/memory.max': 'max',
      '/sys/fs/cgroup/pod/box/memory.max': '536870912',
    }),
  );
  expect(limits).toEqual({ coreCount: 1, memoryBytes: 536870912, source: 'cgroup v2' });
});

test('cgroup v1: quota and limit, -1 and huge numbers are none', () => {
  const limits = machineLimits(
    files({
      '/proc/self/cgroup': '5:memory:/a\n4:cpu,cpuacct:/a\n',
      '/sys/fs/cgroup/cpu/a/cpu.cfs_quota_us': '-1',
      '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '100000',
      '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000',
      '/sys/fs/cgroup/memory/a/memory.limit_in_bytes': '1073741824',
      '/sys/fs/cgroup/memory/memory.limit_in_bytes': '9223372036854771712',
    }),
  );
  expect(limits).toEqual({ coreCount: 1, memoryBytes: 1073741824, source: 'cgroup v1' });
});

test('without groups the machine is the limit', () => {
  expect(machineLimits(files({}))).toEqual({
    coreCount: availableParallelism(),
    memoryBytes: totalmem(),
    source: 'os',
  });
});
