import type { Clock } from './clock.js';
import type { DeviceLease } from './lease.js';

/** What is done, in this order, to make a request fit. */
export type StageName = 'trim' | 'spill' | 'chunk' | 'cpu' | 'queue' | 'refuse';

export interface StageReport {
  readonly stage: StageName;
  readonly label: string;
  readonly tenant: string;
  /** What the request needed, or how much the budget was exceeded, bytes. */
  readonly neededBytes: number;
  /** What the stage freed, bytes. */
  readonly freedBytes: number;
  /** `chunk`: the size that was tried instead. */
  readonly chunkBytes: number | undefined;
  /** What went wrong in it. */
  readonly problem: string | undefined;
  readonly atMs: number;
}

/** What the stages came to, counted and told. */
export class StageLog {
  /** How often each stage was come to. */
  readonly counts: Record<StageName, number> = { trim: 0, spill: 0, chunk: 0, cpu: 0, queue: 0, refuse: 0 };

  constructor(
    private readonly clock: Clock,
    private readonly onStage?: (report: StageReport) => void,
  ) {}

  add(
    stage: StageName,
    request: MemoryRequest,
    freedBytes: number,
    detail: { chunkBytes?: number; problem?: string } = {},
  ): StageReport {
    this.counts[stage]++;
    const report: StageReport = {
      stage,
      label: request.label,
      tenant: request.tenant ?? 'default',
      neededBytes: request.byteLength,
      freedBytes,
      chunkBytes: detail.chunkBytes,
      problem: detail.problem,
      atMs: this.clock.now(),
    };
    this.onStage?.(report);
    return report;
  }
}

/** Memory on the device, of which there may be less than asked for, or the advice to do without it. */
export type MemoryGrant =
  | {
      readonly place: 'device';
      readonly lease: DeviceLease;
      readonly byteLength: number;
      readonly stages: readonly StageReport[];
    }
  | { readonly place: 'cpu'; readonly stages: readonly StageReport[] };

/** A request for device memory, and what else would do. */
export interface MemoryRequest {
  readonly byteLength: number;
  readonly usage: number;
  readonly label: string;
  /** `default` if left out. */
  readonly tenant?: string;
  /** The work can be cut: this much is enough, bytes. Left out: all or nothing. */
  readonly smallestBytes?: number;
  /** The work can be done without the device. */
  readonly cpuPossible?: boolean;
  readonly sameQueue?: boolean;
  /** Where it was asked for, as leaks name it; left out: some leases keep the stack of their taker. */
  readonly site?: string;
  /** Longest wait for memory of others; 30 s if left out, 0 for none. */
  readonly maxWaitMs?: number;
  readonly signal?: AbortSignal;
}
