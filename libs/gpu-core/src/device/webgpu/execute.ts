import { fail } from '@armilla/base';
import type { JobPass } from '../device.js';
import type { Generation } from './generation.js';
import { type BufferMessage, type JobMessage, type JobTimes, nowMs } from './messages.js';

/** Passes that are submitted before the first of them has ended: a cancelled job ends after so many. */
const PASSES_IN_FLIGHT = 4;

export interface Executed {
  readonly outputs: Record<string, ArrayBuffer>;
  readonly times: JobTimes;
}

/** The buffer of a resident, by its number. */
export type FindResident = (generation: Generation, id: number) => Promise<GPUBuffer>;

/**
 * Runs one job. All its buffers are given back when it ends, whatever the outcome; `cancelled` is looked at between passes.
 * Throws KERNEL_INVALID, MEMORY_EXHAUSTED, CANCELLED.
 */
export async function execute(
  generation: Generation,
  job: JobMessage,
  findResident: FindResident,
  cancelled: () => boolean,
): Promise<Executed> {
  const owned: GPUBuffer[] = [];
  const own = async (buffer: Promise<GPUBuffer>): Promise<GPUBuffer> => {
    owned.push(await buffer);
    return owned[owned.length - 1];
  };
  const { device } = generation;
  const beganMs = nowMs();
  let stamps: Stamps | undefined;
  const fences: Promise<unknown>[] = [];
  const faults: Promise<GPUError | null>[] = [];
  try {
    const pipelines = await Promise.all(job.passes.map(({ program }) => generation.pipeline(program)));
    const buffers = new Map<string, GPUBuffer>();
    for (const [name, buffer] of Object.entries(job.buffers)) {
      if (cancelled()) throw fail('CANCELLED');
      const label = `${job.label}.${name}`;
      buffers.set(
        name,
        buffer.kind === 'resident'
          ? await findResident(generation, buffer.id)
          : await own(makeBuffer(generation, label, buffer)),
      );
    }
    stamps = generation.info.timestamps && job.passes.length > 0 ? new Stamps(device, job.passes.length) : undefined;
    const uploadedMs = nowMs();
    for (const [at, pass] of job.passes.entries()) {
      if (at >= PASSES_IN_FLIGHT) await fences[at - PASSES_IN_FLIGHT];
      if (cancelled()) throw fail('CANCELLED');
      device.pushErrorScope('validation');
      const encoder = device.createCommandEncoder({ label: job.label });
      encodePass(device, encoder, pass, pipelines[at], buffers, stamps?.writes(at));
      device.queue.submit([encoder.finish()]);
      faults.push(device.popErrorScope());
      fences.push(device.queue.onSubmittedWorkDone());
    }
    const outputs = Object.entries(job.buffers).flatMap(([name, buffer]) =>
      buffer.kind === 'output' ? [{ name, byteLength: buffer.byteLength }] : [],
    );
    const readers: { name: string; byteLength: number; buffer: GPUBuffer }[] = [];
    const encoder = device.createCommandEncoder({ label: `${job.label}.readback` });
    for (const { name, byteLength } of outputs) {
      const source = buffers.get(name) as GPUBuffer;
      const buffer = await own(
        generation.create(
          `${job.label}.${name}.readback`,
          source.size,
          GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
        ),
      );
      encoder.copyBufferToBuffer(source, 0, buffer, 0, source.size);
      readers.push({ name, byteLength, buffer });
    }
    stamps?.resolve(encoder);
    await Promise.all(fences);
    const fault = (await Promise.all(faults)).find((error) => error !== null);
    if (fault) throw fail('INTERNAL', { detail: `${job.label}: ${fault.message}` });
    const kernelEndMs = nowMs();
    if (cancelled()) throw fail('CANCELLED');
    device.queue.submit([encoder.finish()]);
    const results: Record<string, ArrayBuffer> = {};
    for (const { name, byteLength, buffer } of readers) {
      await buffer.mapAsync(GPUMapMode.READ);
      results[name] = buffer.getMappedRange().slice(0, byteLength);
      buffer.unmap();
    }
    const kernelMs = await stamps?.read();
    return {
      outputs: results,
      times: {
        beganMs,
        uploadedMs,
        kernelStartMs: kernelMs === undefined ? uploadedMs : Math.max(uploadedMs, kernelEndMs - kernelMs),
        kernelEndMs,
        kernelMs,
        readbackStartMs: kernelEndMs,
        endedMs: nowMs(),
      },
    };
  } finally {
    // What kernels still use is not given back, and no promise is left behind: one that is ends the process with the thread.
    await Promise.allSettled([...fences, ...faults]);
    for (const buffer of owned) buffer.destroy();
    stamps?.destroy();
    // Destroyed buffers are given back with the next submission only.
    if (!generation.isLost) device.queue.submit([]);
  }
}

function makeBuffer(
  generation: Generation,
  label: string,
  buffer: Exclude<BufferMessage, { kind: 'resident' }>,
): Promise<GPUBuffer> {
  if (buffer.kind === 'uniform') return generation.createFilled(label, buffer.bytes, GPUBufferUsage.UNIFORM);
  if (buffer.kind === 'input') return generation.createFilled(label, buffer.bytes, GPUBufferUsage.STORAGE);
  return generation.create(
    label,
    Math.max(4, Math.ceil(buffer.byteLength / 4) * 4),
    GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC,
  );
}

function encodePass(
  device: GPUDevice,
  encoder: GPUCommandEncoder,
  { program, bindings, workgroups }: JobPass,
  pipeline: GPUComputePipeline,
  buffers: ReadonlyMap<string, GPUBuffer>,
  timestampWrites: GPUComputePassTimestampWrites | undefined,
): void {
  const pass = encoder.beginComputePass({ label: program.file, ...(timestampWrites && { timestampWrites }) });
  pass.setPipeline(pipeline);
  const entries = bindings.map((name, binding) => ({
    binding,
    resource: { buffer: buffers.get(name) as GPUBuffer },
  }));
  pass.setBindGroup(0, device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }));
  pass.dispatchWorkgroups(...workgroups);
  pass.end();
}

/** The device's clock at start and end of each pass. */
class Stamps {
  readonly #set: GPUQuerySet;
  readonly #resolved: GPUBuffer;
  readonly #reader: GPUBuffer;

  constructor(
    device: GPUDevice,
    private readonly passCount: number,
  ) {
    const size = passCount * 16;
    this.#set = device.createQuerySet({ type: 'timestamp', count: passCount * 2 });
    this.#resolved = device.createBuffer({ size, usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC });
    this.#reader = device.createBuffer({ size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  }

  writes(pass: number): GPUComputePassTimestampWrites {
    return { querySet: this.#set, beginningOfPassWriteIndex: 2 * pass, endOfPassWriteIndex: 2 * pass + 1 };
  }

  resolve(encoder: GPUCommandEncoder): void {
    encoder.resolveQuerySet(this.#set, 0, this.passCount * 2, this.#resolved, 0);
    encoder.copyBufferToBuffer(this.#resolved, 0, this.#reader, 0, this.passCount * 16);
  }

  /** Milliseconds that the passes took together. */
  async read(): Promise<number> {
    await this.#reader.mapAsync(GPUMapMode.READ);
    const ticks = new BigUint64Array(this.#reader.getMappedRange());
    let nanoseconds = 0n;
    // A pass may end before it began where a clock was reset in between.
    for (let i = 0; i < ticks.length; i += 2) nanoseconds += ticks[i + 1] > ticks[i] ? ticks[i + 1] - ticks[i] : 0n;
    this.#reader.unmap();
    return Number(nanoseconds) / 1e6;
  }

  destroy(): void {
    this.#set.destroy();
    this.#resolved.destroy();
    this.#reader.destroy();
  }
}
