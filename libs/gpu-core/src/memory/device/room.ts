import { fail, formatBytes } from '@armilla/base';
import { CLEANUP_AT, type DeviceBudget } from './budget.js';
import type { DevicePool } from './pool.js';
import type { Residents } from './residents.js';
import type { Reservation, Tenants } from './tenants.js';

/**
 * What the budget leaves: 85 % of it, all of it for whoever is alone, less the buffers of transfers. What is promised and
 * the buffers of which some is leased stay within that, so that each promise can be kept.
 */
export class Room {
  constructor(
    private readonly budget: DeviceBudget,
    private readonly stagingBytes: number,
    private readonly pool: DevicePool,
    private readonly tenants: Tenants,
    private readonly residents: Residents,
  ) {}

  /** What all buffers may take, bytes; Infinity where the budget is unknown. */
  get wholeBytes(): number {
    return Math.max(0, (this.budget.bytes ?? Infinity) - this.stagingBytes);
  }

  get sharedBytes(): number {
    return Math.max(0, Math.floor((this.budget.bytes ?? Infinity) * CLEANUP_AT) - this.stagingBytes);
  }

  /** What whoever has the reservation, or none, may bring all buffers to, bytes. */
  limitBytes(reservation?: Reservation): number {
    const otherBytes =
      this.pool.usedBytes -
      this.tenants.chargedBytes(reservation) +
      this.tenants.promisedBytes() -
      (reservation?.leftBytes ?? 0);
    return otherBytes > 0 ? this.sharedBytes : this.wholeBytes;
  }

  /** Whether there are so many bytes beyond what is held and promised. */
  has(byteLength: number, reservation?: Reservation): boolean {
    return this.pool.pinnedBytes + this.tenants.promisedBytes() + byteLength <= this.limitBytes(reservation);
  }

  /** The same, were all residents spilled that are not in use. */
  couldHave(byteLength: number): boolean {
    const spillable = this.residents.spillableBytes();
    const promised = this.tenants.promisedBytes();
    const alone = this.pool.usedBytes === spillable && promised === 0;
    const heldBytes = alone ? 0 : this.pool.pinnedBytes - spillable + promised;
    return heldBytes + byteLength <= (alone ? this.wholeBytes : this.sharedBytes);
  }

  /** Bytes that a call may take now without anyone's waiting; undefined where the budget is unknown. */
  get roomBytes(): number | undefined {
    if (this.budget.bytes === undefined) return undefined;
    const held = this.pool.pinnedBytes - this.residents.spillableBytes() + this.tenants.promisedBytes();
    return Math.max(0, this.sharedBytes - held);
  }

  /** Throws MEMORY_OVER_LIMIT where there are never so many bytes. */
  check(byteLength: number): void {
    if (byteLength <= this.wholeBytes) return;
    throw fail('MEMORY_OVER_LIMIT', { needed: formatBytes(byteLength), limit: formatBytes(this.wholeBytes) });
  }

  /** What is free of what, as a refusal tells it; of the tenant's own budget where that is in the way. */
  describe(overBudget: string | undefined): { available: string; limit: string } {
    if (overBudget !== undefined) {
      const available = formatBytes(this.tenants.freeBytes(overBudget));
      return { available, limit: this.tenants.limitOf(overBudget) };
    }
    const limit = this.limitBytes();
    if (limit === Infinity) return { available: 'too little', limit: 'what the device has' };
    const available = limit - this.pool.pinnedBytes - this.tenants.promisedBytes();
    return { available: formatBytes(Math.max(0, available)), limit: formatBytes(limit) };
  }
}
