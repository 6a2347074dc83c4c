import type { Fence } from '../../memory/device/buffer-source.js';

/** Submits commands in order and says how far the device has come; one submit is one epoch. */
export class DeviceQueue implements Fence {
  epochOfLastSubmit = 0;
  completedEpoch = 0;
  readonly #pending = new Map<number, Promise<void>>();

  constructor(private readonly queue: GPUQueue) {}

  /** The epoch of these commands. */
  submit(commands: readonly GPUCommandBuffer[]): number {
    const epoch = ++this.epochOfLastSubmit;
    this.queue.submit([...commands]);
    const settle = (): void => {
      this.completedEpoch = Math.max(this.completedEpoch, epoch);
      this.#pending.delete(epoch);
    };
    // A device that was destroyed is done with everything.
    this.#pending.set(epoch, this.queue.onSubmittedWorkDone().then(settle, settle));
    return epoch;
  }

  async reached(epoch: number): Promise<void> {
    while (this.completedEpoch < epoch) {
      const pending = this.#pending.get(epoch);
      if (pending === undefined) return;
      await pending;
    }
  }

  /** Resolves when nothing is under way. */
  async drained(): Promise<void> {
    await Promise.all(this.#pending.values());
  }
}
