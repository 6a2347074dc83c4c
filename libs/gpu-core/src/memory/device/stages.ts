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
  /** Longest wait for memory of others; 30 s if left out, 0 for none. */
  readonly maxWaitMs?: number;
  readonly signal?: AbortSignal;
}
