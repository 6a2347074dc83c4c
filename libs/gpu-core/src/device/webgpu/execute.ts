import { fail, isProblem } from '@armilla/base';
import type { DeviceLease } from '../../memory/device/lease.js';
import type { Reservation } from '../../memory/device/tenants.js';
import type { JobPass } from '../device.js';
import { nativeOf } from './buffers.js';
import { READ_USAGE, UNIFORM_USAGE, writeUsage } from './buffer-usage.js';
import type { Generation } from './generation.js';
import {
  type BufferMessage,
  type JobMessage,
  type JobProgress,
  type JobTimes,
  type KeptBytes,
  nowMs,
  wordBytes,
} from './messages.js';
import { Stamps } from './stamps.js';

/** Passes that are submitted before the first of them has ended: a cancelled job ends after so many. */
const PASSES_IN_FLIGHT = 4;
/** While a job waits for memory it tells so often that it lives. */
const WAIT_STEP_MS = 100;

export interface Executed {
  readonly outputs: Record<string, ArrayBuffer>;
  readonly times: JobTimes;
}

/** Data that stays on the device, by its number. Throws INTERNAL for one that was given up. */
export type FindKept = (id: number) => KeptBytes;

/**
 * Runs one job. All its memory is given back when it ends, whatever the outcome; the signal is looked at between passes.
 * Throws KERNEL_INVALID, MEMORY_EXHAUSTED, MEMORY_OVER_LIMIT, CANCELLED.
 */
export async function execute(
  generation: Generation,
  job: JobMessage,
  kept: FindKept,
  progress: JobProgress,
): Promise<Executed> {
  const { device, queue, transfers } = generation;
  const { signal, onStep } = progress;
  /** Given back at the end, the last first. */
  const held: Disposable[] = [];
  const beganMs = nowMs();
  const faults: Promise<GPUError | null>[] = [];
  try {
    const pipelines = await Promise.all(job.passes.map(({ program }) => generation.pipeline(program)));
    onStep();
    const compiledMs = nowMs();
    const reservation = await promise(generation, job, kept, held, progress);
    const promisedMs = nowMs();
    const leases = await allocate(generation, job, kept, reservation, held, progress);
    const stamps =
      generation.info.timestamps && job.passes.length > 0
        ? await Stamps.open(device, generation.buffers, job.passes.length)
        : undefined;
    if (stamps) held.push(stamps);
    clear(generation, job, leases);
    onStep();
    const uploadedMs = nowMs();
    const epochs: number[] = [];
    for (const [at, pass] of job.passes.entries()) {
      if (at >= PASSES_IN_FLIGHT) await queue.reached(epochs[at - PASSES_IN_FLIGHT]);
      onStep();
      signal.throwIfAborted();
      device.pushErrorScope('validation');
      const encoder = device.createCommandEncoder({ label: job.label });
      encodePass(device, encoder, pass, pipelines[at], leases, stamps?.writes(at));
      if (at === job.passes.length - 1) stamps?.resolve(encoder);
      epochs.push(queue.submit([encoder.finish()]));
      faults.push(device.popErrorScope());
    }
    await queue.reached(queue.epochOfLastSubmit);
    onStep();
    const kernelEndMs = nowMs();
    const fault = (await Promise.all(faults)).find((error) => error !== null);
    if (fault) throw fail('INTERNAL', { detail: `${job.label}: ${fault.message}` });
    const outputs: Record<string, ArrayBuffer> = {};
    for (const [name, buffer] of Object.entries(job.buffers)) {
      if (buffer.kind !== 'output') continue;
      signal.throwIfAborted();
      outputs[name] = await transfers.read(leases.get(name) as DeviceLease, buffer.byteLength, progress);
    }
    const kernelMs = await stamps?.read();
    return {
      outputs,
      times: {
        beganMs,
        compiledMs,
        promisedMs,
        uploadedMs,
        kernelStartMs: kernelMs === undefined ? uploadedMs : Math.max(uploadedMs, kernelEndMs - kernelMs),
        kernelEndMs,
        kernelMs,
        readbackStartMs: kernelEndMs,
        endedMs: nowMs(),
      },
    };
  } catch (error) {
    throw signal.aborted && !isProblem(error) ? fail('CANCELLED', {}, { cause: error }) : error;
  } finally {
    // No promise is left behind: one that is ends the process with the thread.
    await Promise.allSettled(faults);
    for (const one of held.reverse()) one[Symbol.dispose]();
  }
}

/**
 * Room for all buffers of the job, so that two jobs never wait for each other's half. Residents that are on the device stay
 * until its end.
 */
async function promise(
  { memory, residents }: Generation,
  job: JobMessage,
  kept: FindKept,
  held: Disposable[],
  { signal, onStep }: JobProgress,
): Promise<Reservation> {
  const { label, tenant, maxWaitMs } = job;
  const ids = new Set(Object.values(job.buffers).flatMap((buffer) => (buffer.kind === 'resident' ? [buffer.id] : [])));
  const needs = (): Map<string, number> => {
    const shares = new Map([[tenant, 0]]);
    const add = (owner: string, bytes: number): unknown => shares.set(owner, (shares.get(owner) ?? 0) + bytes);
    for (const buffer of Object.values(job.buffers)) {
      if (buffer.kind !== 'resident') add(tenant, memory.pool.blockBytesOf(wordBytes(bytesOf(buffer))));
    }
    for (const id of ids) add(kept(id).tenant, residents.missingBytes(id, kept(id)));
    return shares;
  };
  for (;;) {
    const shares = needs();
    const byteLength = [...shares.values()].reduce((sum, bytes) => sum + bytes, 0);
    // Others have the memory, and this wait has an end of its own: it is no silence of the device.
    const waiting = setInterval(onStep, WAIT_STEP_MS);
    const reservation = await memory
      .reserve({ label, tenant, byteLength, shares, maxWaitMs, signal })
      .finally(() => clearInterval(waiting));
    // While it waited, residents may have been spilled for others.
    if ([...needs()].every(([owner, bytes]) => bytes <= (shares.get(owner) ?? 0))) {
      held.push(reservation);
      for (const id of ids) {
        const there = residents.hold(id);
        if (there) held.push(there.use);
      }
      return reservation;
    }
    reservation[Symbol.dispose]();
  }
}

/** Memory for each buffer, out of what was promised; filled where the job brings bytes. */
async function allocate(
  generation: Generation,
  job: JobMessage,
  kept: FindKept,
  reservation: Reservation,
  held: Disposable[],
  progress: JobProgress,
): Promise<Map<string, DeviceLease>> {
  const { signal } = progress;
  const { memory, transfers } = generation;
  const { label, tenant, maxWaitMs } = job;
  const leases = new Map<string, DeviceLease>();
  let writtenCount = 0;
  for (const [name, buffer] of Object.entries(job.buffers)) {
    if (buffer.kind === 'resident') {
      const { lease, use } = await generation.residents.bring(buffer.id, kept(buffer.id), reservation, progress);
      held.push(use);
      leases.set(name, lease);
      continue;
    }
    const grant = await memory.acquire(
      {
        byteLength: wordBytes(bytesOf(buffer)),
        usage:
          buffer.kind === 'uniform' ? UNIFORM_USAGE : buffer.kind === 'input' ? READ_USAGE : writeUsage(writtenCount++),
        label: `${label}.${name}`,
        tenant,
        sameQueue: true,
        maxWaitMs,
        signal,
      },
      reservation,
    );
    if (grant.place !== 'device') throw fail('INTERNAL', { detail: `${label}.${name} was sent to the CPU` });
    held.push(grant.lease);
    leases.set(name, grant.lease);
    if (buffer.kind === 'uniform' || buffer.kind === 'input')
      await transfers.upload(buffer.bytes, grant.lease, progress);
  }
  return leases;
}

function bytesOf(buffer: Exclude<BufferMessage, { kind: 'resident' }>): number {
  return 'bytes' in buffer ? buffer.bytes.byteLength : buffer.byteLength;
}

/** Memory that was used before holds what was there: results and scratch begin with zeros. */
function clear({ device, queue }: Generation, job: JobMessage, leases: ReadonlyMap<string, DeviceLease>): void {
  const encoder = device.createCommandEncoder({ label: `${job.label}.clear` });
  let count = 0;
  for (const [name, buffer] of Object.entries(job.buffers)) {
    const empty = 'bytes' in buffer && buffer.bytes.byteLength === 0;
    if (buffer.kind !== 'output' && buffer.kind !== 'scratch' && !empty) continue;
    const lease = leases.get(name) as DeviceLease;
    encoder.clearBuffer(nativeOf(lease.buffer), lease.offset, lease.byteLength);
    count++;
  }
  if (count > 0) queue.submit([encoder.finish()]);
}

function encodePass(
  device: GPUDevice,
  encoder: GPUCommandEncoder,
  { program, bindings, workgroups }: JobPass,
  pipeline: GPUComputePipeline,
  leases: ReadonlyMap<string, DeviceLease>,
  timestampWrites: GPUComputePassTimestampWrites | undefined,
): void {
  const pass = encoder.beginComputePass({ label: program.file, ...(timestampWrites && { timestampWrites }) });
  pass.setPipeline(pipeline);
  const entries = bindings.map((name, binding) => {
    const { buffer, offset, byteLength } = leases.get(name) as DeviceLease;
    return { binding, resource: { buffer: nativeOf(buffer), offset, size: byteLength } };
  });
  pass.setBindGroup(0, device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }));
  pass.dispatchWorkgroups(...workgroups);
  pass.end();
}
