import { fail } from '@armilla/base';
import type { DeviceLimits, Job, JobBuffer } from './device.js';

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

/** Holds a job against the limits of a device; throws DEVICE_LIMIT_EXCEEDED. */
export function checkJob(job: Job, limits: DeviceLimits): void {
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
