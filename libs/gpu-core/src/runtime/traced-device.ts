import type { Device, DeviceInfo, Job, JobResult, Resident, RunOptions } from '../device/device.js';
import type { MemoryStats } from '../memory/device/device-memory.js';
import type { StageReport } from '../memory/device/stages.js';
import type { Profiler } from '../profile/profiler.js';

/** A device whose jobs are spans of the profiler, with the times of their parts. */
export class TracedDevice implements Device {
  constructor(
    private readonly device: Device,
    /** What profiles call it. */
    private readonly id: string,
    private readonly profiler: Profiler,
  ) {}

  get info(): DeviceInfo {
    return this.device.info;
  }

  get lossCount(): number {
    return this.device.lossCount;
  }

  get roomBytes(): number | undefined {
    return this.device.roomBytes;
  }

  async run(job: Job, options?: RunOptions): Promise<JobResult> {
    const result = await this.device.run(job, options);
    const { span, queueMs, uploadMs, kernelMs, readbackMs, uploadBytes, readbackBytes } = result.timing;
    const ns = (ms: number): number => (ms - this.profiler.originEpochMs) * 1e6;
    this.profiler.record(job.label, ns(span[0]), ns(span[1]), {
      device: this.id,
      queueNs: queueMs * 1e6,
      uploadNs: uploadMs * 1e6,
      kernelNs: kernelMs * 1e6,
      readbackNs: readbackMs * 1e6,
      bytes: uploadBytes + readbackBytes,
      ...(job.flops !== undefined && { flops: job.flops }),
    });
    return result;
  }

  keep(data: ArrayBufferView, label: string, options?: Pick<Job, 'tenant'>): Resident {
    return this.device.keep(data, label, options);
  }

  holds(resident: Resident): boolean {
    return this.device.holds(resident);
  }

  hasUploaded(resident: Resident): boolean {
    return this.device.hasUploaded?.(resident) ?? true;
  }

  memory(): Promise<MemoryStats> {
    return this.device.memory();
  }

  canAllocate(byteLength: number, tenant?: string): Promise<boolean> {
    return this.device.canAllocate(byteLength, tenant);
  }

  cleanup(keepBytes?: number): Promise<readonly StageReport[]> {
    return this.device.cleanup(keepBytes);
  }

  close(): Promise<void> {
    return this.device.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.device.close();
  }
}
