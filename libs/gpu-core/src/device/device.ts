import type { MemoryStats } from '../memory/device/device-memory.js';
import type { MemoryNews, MemorySnapshot } from '../memory/device/snapshot.js';
import type { StageReport } from '../memory/device/stages.js';
import type { Program } from './program.js';

/** What a device says about itself. */
export interface DeviceInfo {
  /** "webgpu", or "null" for one that compiles and computes nothing. */
  readonly kind: 'webgpu' | 'null';
  readonly provider: string;
  readonly vendor: string;
  readonly architecture: string;
  readonly name: string;
  /** Driver and version, as the adapter puts it. */
  readonly description: string;
  /** A software adapter: for tests, never chosen by the router. */
  readonly software: boolean;
  readonly features: readonly string[];
  readonly limits: DeviceLimits;
  /** Whether kernel times come from the device's own clock. */
  readonly timestamps: boolean;
  /** Result of the self-test of double-single arithmetic; kernels that need it may run only where it is "exact". */
  readonly df64: 'exact' | 'inexact' | 'not measured';
}

export interface DeviceLimits {
  readonly maxBufferBytes: number;
  readonly maxStorageBindingBytes: number;
  readonly maxUniformBindingBytes: number;
  readonly maxWorkgroupsPerDimension: number;
  readonly maxInvocationsPerWorkgroup: number;
  readonly maxWorkgroupStorageBytes: number;
  readonly maxStorageBuffers: number;
}

/**
 * Data that stays on a device. The host keeps a copy, from which it is uploaded again when the device is lost. One that is
 * disposed of is not taken by further jobs; those that have begun keep it until their end.
 */
export interface Resident extends Disposable {
  readonly id: number;
  readonly label: string;
  readonly byteLength: number;
  /** The host's copy, in shared memory; not to be written. */
  readonly data: Uint8Array;
}

/** A buffer of a job. Sizes are padded to four bytes. */
export type JobBuffer =
  /** A structure of parameters. */
  | { readonly kind: 'uniform'; readonly data: ArrayBuffer }
  /** Read by kernels; uploaded for this job. */
  | { readonly kind: 'input'; readonly data: ArrayBufferView }
  | { readonly kind: 'resident'; readonly resident: Resident }
  /** Zeros at first; read back at the end. */
  | { readonly kind: 'output'; readonly byteLength: number }
  /** Zeros at first. */
  | { readonly kind: 'scratch'; readonly byteLength: number };

/** One dispatch of a kernel. */
export interface JobPass {
  readonly program: Program;
  /** Names of buffers for @binding(0), (1), … of @group(0). */
  readonly bindings: readonly string[];
  readonly workgroups: readonly [number, number, number];
}

/** One call of a device: buffers, and passes over them in order. */
export interface Job {
  readonly label: string;
  /** Whose budget of memory it takes, but for residents; default "default". */
  readonly tenant?: string;
  /** Longest wait for memory that others hold, ms; default 30 s; 0: it is refused at once. */
  readonly maxWaitMs?: number;
  /** Floating-point operations of all passes, for profiles. */
  readonly flops?: number;
  readonly buffers: Readonly<Record<string, JobBuffer>>;
  readonly passes: readonly JobPass[];
}

/** Where the time of a job went; milliseconds on the clock of `performance.timeOrigin`. */
export interface JobTiming {
  /** From the call until its buffers were filled: waiting for the thread and for memory. */
  readonly queueMs: number;
  readonly uploadMs: number;
  /** By the device's clock where it has one, else from submission to completion. */
  readonly kernelMs: number;
  readonly readbackMs: number;
  /** What is left of the whole, such as the first compilation of a kernel. */
  readonly overheadMs: number;
  /** From the call until its answer. */
  readonly totalMs: number;
  /** From the call until the last byte was read back. */
  readonly span: readonly [number, number];
  readonly uploadBytes: number;
  readonly readbackBytes: number;
  /** Spans [start, end) for the share of transfers that ran beside kernels of other jobs. */
  readonly uploadSpan: readonly [number, number];
  readonly kernelSpan: readonly [number, number];
  readonly readbackSpan: readonly [number, number];
}

export interface JobResult {
  /** By the name of the output buffer. */
  readonly outputs: Readonly<Record<string, ArrayBuffer>>;
  readonly timing: JobTiming;
}

export interface RunOptions {
  readonly signal?: AbortSignal;
}

/** A device that runs jobs. All methods throw typed problems; `close` may be called in every state, also twice. */
export interface Device extends AsyncDisposable {
  readonly info: DeviceInfo;
  /** How often the device was lost and opened again. */
  readonly lossCount: number;
  /** Throws DEVICE_LIMIT_EXCEEDED, KERNEL_INVALID, MEMORY_EXHAUSTED, DEVICE_FAILED, DEVICE_LOST, DEVICE_STALLED, DEVICE_UNAVAILABLE, CANCELLED, DRAINING. */
  run(job: Job, options?: RunOptions): Promise<JobResult>;
  /** Copies `data`; its first use by a job uploads it. Its memory counts for `tenant` (default "default"), whoever uses it. */
  keep(data: ArrayBufferView, label: string, options?: Pick<Job, 'tenant'>): Resident;
  /** Whether the resident is one that this device keeps, and was not disposed of. */
  holds(resident: Resident): boolean;
  /**
   * Whether it lies on the device now, by the last news: not before its first use, once it was spilled, or after a loss, when the
   * next job uploads it. Not of a device that does not tell.
   */
  hasUploaded?(resident: Resident): boolean;
  /** How its memory stands now. Throws DEVICE_LOST, DEVICE_STALLED, DEVICE_UNAVAILABLE, DRAINING. */
  memory(): Promise<MemoryStats>;
  /**
   * Whether a buffer of `byteLength` bytes (>= 0) could be had now without anyone's waiting: idle memory and residents that
   * are not in use count as free, what other jobs of the process were promised as taken. `tenant` (default "default") has to
   * stay within its own budget. Promises nothing. Throws OPTION_INVALID, DEVICE_LOST, DEVICE_STALLED, DEVICE_UNAVAILABLE, DRAINING.
   */
  canAllocate(byteLength: number, tenant?: string): Promise<boolean>;
  /**
   * Gives idle memory back, then that of residents that are not in use (they are uploaded again when they are wanted),
   * until at most `keepBytes` (>= 0) are taken from the device; default 85 % of the budget, 0 gives back all that can be.
   * Tells what was done, nothing where nothing had to be. Throws OPTION_INVALID, DEVICE_LOST, DEVICE_STALLED, DEVICE_UNAVAILABLE, DRAINING.
   */
  cleanup(keepBytes?: number): Promise<readonly StageReport[]>;
  /** The same with the samples so far and what leaks; not of a device that watches nothing. */
  memorySnapshot?(): Promise<MemorySnapshot>;
  /** Bytes that a job may take now without waiting, as of its last job; undefined: unknown. */
  readonly roomBytes?: number;
  /** Tells, as long as the result is not disposed of, how its memory stands: at changes, at most once a second. */
  watchMemory?(listener: (news: MemoryNews) => void): Disposable;
  close(): Promise<void>;
}
