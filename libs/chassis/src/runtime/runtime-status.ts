/** What the process computes on and how it went; sizes in bytes. */
export interface RuntimeStatus {
  /** Milliseconds since the epoch. */
  readonly startEpochMs: number;
  /** Those that the process has first, then those that it does not have. */
  readonly devices: readonly DeviceStatus[];
  readonly workers: WorkersStatus;
  /** The host first. */
  readonly memory: readonly MemoryStatus[];
  readonly router: RouterStatus;
  readonly profiler: ProfilerStatus;
}

/** A device, or what this process does not have and why. What is not known is left out. */
export interface DeviceStatus {
  /** "wasm:2", "webgpu:0"; undefined where the process does not have it. */
  readonly id?: string;
  /** "typescript", "wasm", "onnxruntime", "webgpu", "null". */
  readonly kind: string;
  /** Native module that offers it. */
  readonly provider?: string;
  readonly name: string;
  readonly vendor?: string;
  readonly architecture?: string;
  readonly description?: string;
  readonly software?: boolean;
  readonly features?: readonly string[];
  readonly limits?: DeviceStatusLimits;
  /** "exact", "inexact", "not measured". */
  readonly df64?: string;
  readonly timestamps?: boolean;
  /** Part of the device that this process takes, (0, 1]. */
  readonly share?: number;
  /** Who computes on it. */
  readonly owner?: string;
  readonly absentReason?: string;
  readonly lossCount?: number;
}

export interface DeviceStatusLimits {
  readonly maxBufferBytes: number;
  readonly maxStorageBindingBytes: number;
  readonly maxUniformBindingBytes: number;
  readonly maxWorkgroupsPerDimension: number;
  readonly maxInvocationsPerWorkgroup: number;
  readonly maxWorkgroupStorageBytes: number;
  readonly maxStorageBuffers: number;
}

export interface WorkersStatus {
  readonly workerCount: number;
  readonly queuedTaskCount: number;
  readonly finishedItemCount: number;
}

export interface MemoryStatus {
  /** "host", or the id of a device. */
  readonly device: string;
  readonly usedBytes: number;
  readonly reservedBytes: number;
  /** Undefined: unknown. */
  readonly budgetBytes?: number;
  /** "configured", or who was asked; "unknown". */
  readonly budgetSource: string;
  /** "low", "moderate", "high", "critical"; undefined where the budget is unknown. */
  readonly pressureLevel?: string;
  /** The last alarms, oldest first. */
  readonly leaks?: readonly MemoryLeakStatus[];
}

/** Memory of one label that grows, or that nobody gave back (docs/memory.md). */
export interface MemoryLeakStatus {
  readonly label: string;
  readonly kind: string;
  readonly liveBytes: number;
  readonly liveCount: number;
  readonly grownBytes: number;
  readonly overSeconds: number;
  readonly oldestSeconds: number;
  /** The stack of where most of it was taken, where that is known. */
  readonly stack?: string | undefined;
}

/** What the router learnt (docs/router.md). */
export interface RouterStatus {
  readonly operations: readonly RouterOperationStatus[];
  readonly regret: readonly RegretStatus[];
  readonly exploration: { readonly spentMs: number; readonly totalMs: number };
  readonly shadow: readonly ShadowStatus[];
}

/** Calls that ran on the next best device too. */
export interface ShadowStatus {
  readonly operation: string;
  readonly runs: number;
  readonly differences: number;
  readonly otherFaster: number;
}

export interface RouterOperationStatus {
  readonly operation: string;
  readonly dtype: string;
  readonly modelVersion: number;
  readonly models: readonly ModelStatus[];
  readonly crossoverHost: readonly CrossoverStatus[];
  readonly crossoverDevice: readonly CrossoverStatus[];
}

export interface ModelStatus {
  readonly device: string;
  readonly source: string;
  readonly samples: number;
  readonly launchMs: number;
  readonly workPerSecond: number | null;
  readonly bytesPerSecond: number | null;
  readonly sigma: number;
  readonly slowed: boolean;
}

/** Sizes that a device is predicted to win, both ends included. */
export interface CrossoverStatus {
  readonly device: string;
  readonly from: number;
  readonly to: number;
}

export interface RegretStatus {
  readonly operation: string;
  readonly calls: number;
  readonly actualMs: number;
  readonly bestPredictedMs: number;
  readonly explorationMs: number;
  readonly overrideMs: number;
}

/** What the profiler saw (docs/profile.md). */
export interface ProfilerStatus {
  readonly enabled: boolean;
  readonly spanCount: number;
  readonly overwrittenCount: number;
  readonly droppedCount: number;
  readonly operations: readonly OperationStatus[];
  readonly advice: readonly string[];
}

/** Times of an operation on a device, ns; NaN where there is none. */
export interface OperationStatus {
  readonly op: string;
  readonly device: string;
  readonly count: number;
  readonly totalNs: number;
  readonly meanNs: number;
  readonly minNs: number;
  readonly maxNs: number;
  readonly stdNs: number;
  readonly p50Ns: number;
  readonly p95Ns: number;
  readonly p99Ns: number;
  readonly queueNs: number;
  readonly uploadNs: number;
  readonly kernelNs: number;
  readonly readbackNs: number;
  readonly overheadNs: number;
  readonly gbPerS: number;
  readonly gflopPerS: number;
  readonly rooflinePercent: number;
}
