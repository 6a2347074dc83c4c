import { checkJob } from './check-job.js';
import type { DeviceInfo, Job } from './device.js';

const limits = {
  maxBufferBytes: 1024,
  maxStorageBindingBytes: 512,
  maxUniformBindingBytes: 64,
  maxWorkgroupsPerDimension: 10,
  maxInvocationsPerWorkgroup: 64,
  maxWorkgroupStorageBytes: 1024,
  maxStorageBuffers: 2,
};
const device = (df64: DeviceInfo['df64'] = 'exact') => ({ name: 'Card', limits, df64 });
const program = { wgsl: '', file: 'some/kernel.wgsl', entryPoint: 'main' };

function job(change: Partial<Job['passes'][number]> = {}, byteLength = 512): Job {
  const buffers = {
    a: { kind: 'input', data: new Uint8Array(byteLength) },
    b: { kind: 'output', byteLength: 4 },
    c: { kind: 'scratch', byteLength: 4 },
  } as const;
  return { label: 'test', buffers, passes: [{ program, bindings: ['a', 'b'], workgroups: [1, 1, 1], ...change }] };
}

test('a job within the limits is taken; one over any of them is refused by name', () => {
  checkJob(job(), device());
  const refused = (change: Partial<Job['passes'][number]>, field: string, byteLength = 512): void =>
    expect(() => checkJob(job(change, byteLength), device())).toThrow(
      expect.objectContaining({ reason: 'DEVICE_LIMIT_EXCEEDED', message: expect.stringContaining(field) }),
    );
  refused({}, 'bytes of a', 513);
  refused({ bindings: ['a', 'b', 'c'] }, 'storage buffers of some/kernel.wgsl');
  refused({ workgroups: [1, 11, 1] }, 'workgroups[1]');
  refused({ workgroups: [NaN, 1, 1] }, 'workgroups[0]');
});

test('kernels of pairs of f32 run only where the self-test found them exact', () => {
  const pairs = job({ program: { ...program, needsDf64: true } });
  checkJob(pairs, device('exact'));
  for (const df64 of ['inexact', 'not measured'] as const) {
    checkJob(job(), device(df64));
    expect(() => checkJob(pairs, device(df64))).toThrow(
      expect.objectContaining({ reason: 'BACKEND_UNAVAILABLE', message: expect.stringContaining(df64) }),
    );
  }
});
