import { fail } from '@armilla/base';
import { deviceBudget } from '../../memory/device/budget.js';
import { DeviceMemory } from '../../memory/device/device-memory.js';
import { probeMemory } from '../../memory/device/probe.js';
import type { DeviceInfo } from '../device.js';
import type { Program } from '../program.js';
import { NativeBuffers } from './buffers.js';
import { DeviceResidents } from './device-residents.js';
import { limitsOf } from './limits.js';
import type { MemoryNews } from '../../memory/device/snapshot.js';
import { tenantBudgets } from '../../memory/device/tenants.js';
import { MemoryWatch } from './memory-watch.js';
import type { OpenOptions } from './messages.js';
import type { Provider } from './provider.js';
import { DeviceQueue } from './queue.js';
import { segmentBytesWithin, Transfers } from './transfers.js';

const SEGMENT_BYTES = 16 * 2 ** 20;
/** A software adapter fills each new buffer with zeros, on the CPU. */
const SOFTWARE_SEGMENT_BYTES = 2 ** 20;
const SOFTWARE_SLAB_BYTES = 4 * 2 ** 20;

const WANTED_FEATURES = ['timestamp-query', 'shader-f16', 'subgroups'] as const;

export interface GenerationEvents {
  readonly onNews: (news: MemoryNews) => void;
  /** A resident has come to the device, or has left it for want of memory. */
  readonly onMoved: (id: number, isThere: boolean) => void;
}

/** One life of a device, from its request until it is lost or destroyed, with what was compiled and uploaded in it. */
export class Generation {
  readonly #pipelines = new Map<string, Promise<GPUComputePipeline>>();
  readonly residents: DeviceResidents;
  /** Settles with the reason when the device is lost; never when it is destroyed by us. */
  readonly lost: Promise<string>;
  /** Or left: nothing more comes of it. */
  isLost = false;

  private constructor(
    readonly device: GPUDevice,
    readonly info: DeviceInfo,
    readonly queue: DeviceQueue,
    readonly buffers: NativeBuffers,
    readonly memory: DeviceMemory,
    readonly transfers: Transfers,
    readonly watch: MemoryWatch,
    onMoved: GenerationEvents['onMoved'],
  ) {
    this.residents = new DeviceResidents(memory, (...copy) => transfers.upload(...copy), onMoved);
    this.lost = new Promise((resolve) => {
      void device.lost.then(({ reason, message }) => {
        if (reason === 'destroyed') return;
        this.isLost = true;
        watch[Symbol.dispose]();
        resolve(message || 'no reason given');
      });
    });
  }

  /** A new adapter and a device of it: an adapter serves for one device only. Throws DEVICE_UNAVAILABLE. */
  static async open(
    gpu: GPU,
    provider: Provider,
    options: OpenOptions,
    { onNews, onMoved }: GenerationEvents,
  ): Promise<Generation> {
    const unavailable = (detail: string, cause?: unknown): Error =>
      fail('DEVICE_UNAVAILABLE', { provider: provider.name, detail }, { cause });
    let adapter: GPUAdapter | null;
    try {
      adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
    } catch (cause) {
      throw unavailable((cause as Error).message, cause);
    }
    if (adapter === null) throw unavailable('it offers no adapter: there is no Vulkan, Metal or Direct3D 12 driver');
    const { info } = adapter;
    const features = WANTED_FEATURES.filter((feature) => adapter.features.has(feature));
    const limits = limitsOf(adapter.limits);
    let device: GPUDevice;
    try {
      device = await adapter.requestDevice({
        label: 'armilla',
        requiredFeatures: features,
        requiredLimits: requiredLimits(adapter.limits),
      });
    } catch (cause) {
      throw unavailable(`adapter ${info.device} gives no device: ${(cause as Error).message}`, cause);
    }
    // The standard knows no such answer, drivers do.
    if (!(device as GPUDevice | null)) throw unavailable(`adapter ${info.device} gives no device, and no reason`);
    const description: DeviceInfo = {
      kind: options.nullBackend ? 'null' : 'webgpu',
      provider: provider.name,
      vendor: info.vendor,
      architecture: info.architecture,
      name: options.name ?? (info.device || info.description || 'unnamed'),
      description: info.description,
      software: options.nullBackend === true || info.isFallbackAdapter === true,
      features,
      limits,
      timestamps: features.includes('timestamp-query'),
      df64: 'not measured',
    };

    const queue = new DeviceQueue(device.queue);
    const buffers = new NativeBuffers(device, queue, description.name);
    try {
      const software = description.software;
      const probeOptions = { deviceName: description.name, software };
      const probe = await probeMemory(probeOptions);
      const whole = deviceBudget(options.memoryBytes, probe);
      const budget = { ...whole, bytes: whole.bytes && Math.floor(whole.bytes * (options.share ?? 1)) };
      const segmentBytes = software ? SOFTWARE_SEGMENT_BYTES : SEGMENT_BYTES;
      const transfers = new Transfers(buffers, queue, device, segmentBytesWithin(budget.bytes, segmentBytes));
      await buffers.confirmAll();
      const { tenantBytes } = options;
      const memory: DeviceMemory = new DeviceMemory(buffers, queue, {
        budget,
        stagingBytes: transfers.reservedBytes,
        ...(software && { slabBytes: SOFTWARE_SLAB_BYTES }),
        ...(tenantBytes && { tenantBudgetBytes: tenantBudgets(tenantBytes) }),
        onLoss: (record) => watch.onLoss(record),
      });
      const watch = new MemoryWatch(memory, probe, probeOptions, onNews);
      return new Generation(device, description, queue, buffers, memory, transfers, watch, onMoved);
    } catch (error) {
      device.destroy();
      throw error;
    }
  }

  /** Compiles a kernel once. Throws KERNEL_INVALID with file and line. */
  pipeline(program: Program): Promise<GPUComputePipeline> {
    const key = JSON.stringify([program.file, program.entryPoint, program.constants ?? {}, program.wgsl]);
    let pipeline = this.#pipelines.get(key);
    if (pipeline === undefined) {
      pipeline = compile(this.device, program);
      this.#pipelines.set(key, pipeline);
      // One that fails is compiled anew, should the device have been at fault; its caller sees the failure.
      pipeline.catch(() => this.#pipelines.delete(key));
    }
    return pipeline;
  }

  /** Ends the device; work in flight is rejected. */
  async destroy(): Promise<void> {
    this.leave();
    await this.queue.drained();
  }

  /** The same without waiting for what it may never do. */
  leave(): void {
    this.isLost = true;
    this.watch[Symbol.dispose]();
    this.device.destroy();
  }
}

async function compile(device: GPUDevice, program: Program): Promise<GPUComputePipeline> {
  device.pushErrorScope('validation');
  const module = device.createShaderModule({ label: program.file, code: program.wgsl });
  const [{ messages }] = await Promise.all([module.getCompilationInfo(), device.popErrorScope()]);
  const first = messages.find(({ type }) => type === 'error');
  if (first !== undefined) {
    throw fail('KERNEL_INVALID', {
      file: program.file,
      line: first.lineNum,
      detail: `${first.message} (column ${first.linePos})`,
    });
  }
  try {
    return await device.createComputePipelineAsync({
      label: program.file,
      layout: 'auto',
      compute: { module, entryPoint: program.entryPoint, ...(program.constants && { constants: program.constants }) },
    });
  } catch (cause) {
    const detail = `entry point ${program.entryPoint}: ${(cause as Error).message.trim().split('\n')[0]}`;
    throw fail('KERNEL_INVALID', { file: program.file, line: '?', detail }, { cause });
  }
}

/** All that the adapter has: the defaults are those of a telephone. */
function requiredLimits(limits: GPUSupportedLimits): Record<string, number> {
  const names = [
    'maxBufferSize',
    'maxStorageBufferBindingSize',
    'maxComputeInvocationsPerWorkgroup',
    'maxComputeWorkgroupSizeX',
    'maxComputeWorkgroupSizeY',
    'maxComputeWorkgroupStorageSize',
    'maxStorageBuffersPerShaderStage',
  ] as const;
  return Object.fromEntries(names.map((name) => [name, limits[name]]));
}
