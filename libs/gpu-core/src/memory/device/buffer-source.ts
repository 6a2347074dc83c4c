/** A buffer of a device; what it is beyond its size is the source's affair. */
export interface DeviceBuffer {
  readonly byteLength: number;
  /** The flags it was made with; memory of other flags cannot stand in for it. */
  readonly usage: number;
}

/** Where a pool gets its buffers. */
export interface BufferSource {
  /** Throws MEMORY_EXHAUSTED where the device has no such room. */
  create(byteLength: number, usage: number): DeviceBuffer;
  /**
   * Settles when the device has really given the buffer and rejects with MEMORY_EXHAUSTED when it has not: WebGPU tells
   * by an error scope, some time after `create`.
   */
  confirm?(buffer: DeviceBuffer): Promise<void>;
  destroy(buffer: DeviceBuffer): void;
  /** Makes the device free what was destroyed; in Dawn only a later submit does (`queue.submit([])`). */
  reclaim(): void;
}

/** How far the device has come: epoch n is over when the work of the nth submit is done. */
export interface Fence {
  readonly epochOfLastSubmit: number;
  readonly completedEpoch: number;
  /** Resolves when `completedEpoch >= epoch`. */
  reached(epoch: number): Promise<void>;
}
