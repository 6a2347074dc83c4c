import { fail, formatBytes } from '@armilla/base';
import type { DeviceBuffer } from './buffer-source.js';
import type { LeaseRecord } from './ledger.js';

/**
 * A labelled range of device memory, owned by whoever asked for it: `using lease = pool.lease(…)`. After its release
 * every access throws LEASE_RELEASED.
 */
export class DeviceLease implements Disposable {
  readonly #record: LeaseRecord;
  readonly #giveBack: (record: LeaseRecord, epoch: number | undefined) => void;

  constructor(record: LeaseRecord, giveBack: (record: LeaseRecord, epoch: number | undefined) => void) {
    this.#record = record;
    this.#giveBack = giveBack;
  }

  get label(): string {
    return this.#record.site.label;
  }

  get tenant(): string {
    return this.#record.tenant;
  }

  get released(): boolean {
    return this.#record.released;
  }

  /** Bytes asked for. */
  get byteLength(): number {
    return this.#record.requestedBytes;
  }

  /** Bytes taken: the size class, a multiple of 256. */
  get blockBytes(): number {
    return this.#record.blockBytes;
  }

  get buffer(): DeviceBuffer {
    return this.#live('its buffer was read').slab.buffer;
  }

  /** Start in `buffer`, bytes, a multiple of 256. */
  get offset(): number {
    return this.#live('its offset was read').offset;
  }

  /** Resolves when the device has given the memory; rejects with MEMORY_EXHAUSTED when it has not after all. */
  confirmed(): Promise<void> {
    return this.#live('its confirmation was asked for').slab.confirmation ?? Promise.resolve();
  }

  /**
   * Gives the memory back; it is used again when submit `epoch` is done (left out: the last submit so far). Throws
   * LEASE_RELEASED the second time.
   */
  release(epoch?: number): void {
    this.#live('it was released again');
    this.#giveBack(this.#record, epoch);
  }

  /** As `release`, and nothing where that has happened. */
  [Symbol.dispose](): void {
    if (!this.#record.released) this.#giveBack(this.#record, undefined);
  }

  #live(detail: string): LeaseRecord['block'] {
    if (this.#record.released) {
      throw fail('LEASE_RELEASED', { label: this.label, size: formatBytes(this.#record.requestedBytes), detail });
    }
    return this.#record.block;
  }
}
