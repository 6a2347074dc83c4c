import { fail, formatBytes } from '@armilla/base';
import type { DeviceInfo } from '../device.js';
import type { Program } from '../program.js';
import { limitsOf } from './limits.js';
import type { OpenOptions, SharedBytes } from './messages.js';
import type { Provider } from './provider.js';

const WANTED_FEATURES = ['timestamp-query', 'shader-f16', 'subgroups'] as const;

/** One life of a device, from its request until it is lost or destroyed, with what was compiled and uploaded in it. */
export class Generation {
  readonly #pipelines = new Map<string, Promise<GPUComputePipeline>>();
  readonly #residents = new Map<number, GPUBuffer>();
  /** Settles with the reason when the device is lost; never when it is destroyed by us. */
  readonly lost: Promise<string>;
  isLost = false;

  private constructor(
    readonly device: GPUDevice,
    readonly info: DeviceInfo,
  ) {
    this.lost = new Promise((resolve) => {
      void device.lost.then(({ reason, message }) => {
        if (reason === 'destroyed') return;
        this.isLost = true;
        resolve(message || 'no reason given');
      });
    });
  }

  /** A new adapter and a device of it: an adapter serves for one device only. Throws DEVICE_UNAVAILABLE. */
  static async open(gpu: GPU, provider: Provider, options: OpenOptions): Promise<Generation> {
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
    return new Generation(device, {
      kind: options.nullBackend ? 'null' : 'webgpu',
      provider: provider.name,
      vendor: info.vendor,
      architecture: info.architecture,
      name: info.device || info.description || 'unnamed',
      description: info.description,
      software: options.nullBackend === true || info.isFallbackAdapter === true,
      features,
      limits,
      timestamps: features.includes('timestamp-query'),
      df64: 'not measured',
    });
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

  /** The buffer of a resident, uploaded at its first use. */
  async resident(id: number, label: string, bytes: SharedBytes): Promise<GPUBuffer> {
    const known = this.#residents.get(id);
    if (known !== undefined) return known;
    const buffer = await this.createFilled(label, bytes, GPUBufferUsage.STORAGE);
    this.#residents.set(id, buffer);
    return buffer;
  }

  forget(id: number): void {
    this.#residents.get(id)?.destroy();
    this.#residents.delete(id);
  }

  /** Throws MEMORY_EXHAUSTED. */
  create(label: string, byteLength: number, usage: number): Promise<GPUBuffer> {
    return this.#allocate(label, byteLength, () => this.device.createBuffer({ label, size: byteLength, usage }));
  }

  /** A buffer that holds `bytes`. Throws MEMORY_EXHAUSTED. */
  createFilled(label: string, bytes: SharedBytes, usage: number): Promise<GPUBuffer> {
    const size = Math.max(4, Math.ceil(bytes.byteLength / 4) * 4);
    return this.#allocate(label, size, () => {
      const buffer = this.device.createBuffer({ label, size, usage, mappedAtCreation: true });
      const source = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      // Mapped memory, since writeBuffer from shared memory ends Node.js 20.
      new Uint8Array(buffer.getMappedRange()).set(source);
      buffer.unmap();
      return buffer;
    });
  }

  /** Ends the device; work in flight is rejected. */
  destroy(): void {
    this.device.destroy();
  }

  async #allocate(label: string, byteLength: number, make: () => GPUBuffer): Promise<GPUBuffer> {
    this.device.pushErrorScope('out-of-memory');
    let buffer: GPUBuffer | undefined;
    let cause: unknown;
    try {
      buffer = make();
    } catch (error) {
      // A mapping that cannot be had is thrown, not reported.
      cause = error;
    }
    const error = await this.device.popErrorScope();
    if (buffer !== undefined && error === null) return buffer;
    buffer?.destroy();
    // Destroyed buffers are given back with the next submission only.
    this.device.queue.submit([]);
    throw fail(
      'MEMORY_EXHAUSTED',
      { needed: `${formatBytes(byteLength)} for ${label}`, available: 'less', limit: `memory of ${this.info.name}` },
      { cause: cause ?? error },
    );
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
