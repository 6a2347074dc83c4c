import { fail } from '@armilla/base';
import type { DeviceMemory } from '../../memory/device/device-memory.js';
import type { DeviceLease } from '../../memory/device/lease.js';
import type { MemoryResident } from '../../memory/device/residents.js';
import type { Reservation } from '../../memory/device/tenants.js';
import { READ_USAGE } from './buffer-usage.js';
import { type JobProgress, type KeptBytes, type SharedBytes, wordBytes } from './messages.js';

/** Of a bus of the slower kind; decides which of two residents is cheaper to bring back. */
const UPLOAD_BYTES_PER_SECOND = 4e9;

/** Copies bytes to the start of the target. Throws the signal's reason. */
export type Upload = (bytes: SharedBytes, target: DeviceLease, progress: JobProgress) => Promise<void>;

/** A resident that is on the device, and stays until its use is disposed of. */
export interface HeldResident {
  readonly lease: DeviceLease;
  readonly use: Disposable;
}

/** What one life of a device has of the data that stays there, by its number. */
export class DeviceResidents {
  readonly #known = new Map<number, { lease: DeviceLease; resident: MemoryResident }>();

  constructor(
    private readonly memory: DeviceMemory,
    private readonly upload: Upload,
    /** A resident has come to the device, or has left it for want of memory. */
    private readonly onMoved: (id: number, isThere: boolean) => void,
  ) {}

  /** Undefined for one that is not there: not used yet, or spilled. */
  hold(id: number): HeldResident | undefined {
    const known = this.#known.get(id);
    return known?.resident.present ? { lease: known.lease, use: known.resident.use() } : undefined;
  }

  /** Uploads it where it is not there. Throws what `acquire` throws, and the signal's reason. */
  async bring(id: number, kept: KeptBytes, reservation: Reservation, progress: JobProgress): Promise<HeldResident> {
    const { signal } = progress;
    for (;;) {
      const held = this.hold(id);
      if (held) return held;
      const { label, bytes, site, tenant } = kept;
      const grant = await this.memory.acquire(
        { byteLength: wordBytes(bytes.byteLength), usage: READ_USAGE, label, tenant, sameQueue: true, site, signal },
        reservation,
      );
      if (grant.place !== 'device') throw fail('INTERNAL', { detail: `resident ${label} was sent to the CPU` });
      const { lease } = grant;
      try {
        await this.upload(bytes, lease, progress);
        // Of a job that was cancelled meanwhile it may have been forgotten: nobody would do so again.
        signal.throwIfAborted();
      } catch (error) {
        lease[Symbol.dispose]();
        throw error;
      }
      if (this.#known.get(id)?.resident.present) {
        // Another job was faster.
        lease[Symbol.dispose]();
        continue;
      }
      // The host has its copy all along: there is nothing to save.
      const transferSeconds = bytes.byteLength / UPLOAD_BYTES_PER_SECOND;
      const resident = this.memory.residents.add({
        lease,
        transferSeconds,
        spill: () => Promise.resolve(),
        onSpilled: () => this.onMoved(id, false),
      });
      this.#known.set(id, { lease, resident });
      this.onMoved(id, true);
    }
  }

  /** What `bring` will take of the memory, bytes. */
  missingBytes(id: number, { bytes }: KeptBytes): number {
    if (this.#known.get(id)?.resident.present) return 0;
    return this.memory.pool.blockBytesOf(wordBytes(bytes.byteLength));
  }

  forget(id: number): void {
    this.#known.get(id)?.resident[Symbol.dispose]();
    this.#known.delete(id);
  }
}
