import { fail } from '@armilla/base';
import type { DeviceInfo, Job, JobBuffer } from './device.js';

/** Bytes of a buffer of a job, padded to four: the least that a device copies. */
export function bufferBytes(buffer: JobBuffer): number {
  const bytes =
    buffer.kind === 'uniform' || buffer.kind === 'input'
      ? buffer.data.byteLength
      : buffer.kind === 'resident'
        ? buffer.resident.byteLength
        : buffer.byteLength;
  return Math.max(4, Math.ceil(bytes / 4) * 4);
}

/** Holds a job against what a device can do; throws DEVICE_LIMIT_EXCEEDED, and BACKEND_UNAVAILABLE for kernels that need exact pairs of f32. */
export function checkJob(job: Job, { name: device, limits, df64 }: Pick<DeviceInfo, 'name' | 'limits' | 'df64'>): void {
  const exceed = (field: string, got: number, limit: number): never => {
    throw fail('DEVICE_LIMIT_EXCEEDED', { job: job.label, field, got, limit });
  };
  for (const [name, buffer] of Object.entries(job.buffers)) {
    const limit =
      buffer.kind === 'uniform'
        ? limits.maxUniformBindingBytes
        : Math.min(limits.maxBufferBytes, limits.maxStorageBindingBytes);
    const bytes = bufferBytes(buffer);
    if (!(bytes <= limit)) exceed(`bytes of ${name}`, bytes, limit);
  }
  for (const { bindings, workgroups, program } of job.passes) {
    if (program.needsDf64 === true && df64 !== 'exact') {
      const detail = `${program.file} needs exact pairs of f32, and the self-test of ${device} says: ${df64}`;
      throw fail('BACKEND_UNAVAILABLE', { operation: job.label, backend: 'webgpu', detail });
    }
    for (const name of bindings) {
      if (!Object.hasOwn(job.buffers, name)) {
        throw fail('INTERNAL', { detail: `${program.file}: job ${job.label} has no buffer ${name}` });
      }
    }
    const storageCount = bindings.filter((name) => job.buffers[name].kind !== 'uniform').length;
    if (storageCount > limits.maxStorageBuffers) {
      exceed(`storage buffers of ${program.file}`, storageCount, limits.maxStorageBuffers);
    }
    workgroups.forEach((count, axis) => {
      if (!(count <= limits.maxWorkgroupsPerDimension)) {
        exceed(`workgroups[${axis}] of ${program.file}`, count, limits.maxWorkgroupsPerDimension);
      }
    });
  }
}
