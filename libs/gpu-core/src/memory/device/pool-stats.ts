import type { DevicePool } from './pool.js';

/** A label's share of the pool; bytes are those asked for. */
export interface LabelStats {
  readonly label: string;
  readonly liveBytes: number;
  readonly liveCount: number;
  readonly peakBytes: number;
  readonly leaseCount: number;
  /** Leases that were collected as garbage before they were released. */
  readonly lostCount: number;
}

export interface PoolStats {
  /** Asked for by live leases, bytes. */
  readonly requestedBytes: number;
  /** Taken by live leases: their size classes, bytes. */
  readonly usedBytes: number;
  /** Given back, and waiting for a fence, bytes. */
  readonly pendingBytes: number;
  /** Taken from the device, bytes. */
  readonly reservedBytes: number;
  readonly peakRequestedBytes: number;
  readonly peakReservedBytes: number;
  readonly leaseCount: number;
  readonly bufferCount: number;
  /** Share of leases that needed no new buffer; NaN before the first. */
  readonly hitRate: number;
  readonly hitCount: number;
  readonly missCount: number;
  /** What size classes cost: (used - requested) / requested; 0 where nothing is leased. */
  readonly internalFragmentation: number;
  /** 1 - largest free block / all free bytes, in slabs that are cut; 0 where nothing is free. */
  readonly externalFragmentation: number;
  readonly tenants: Readonly<Record<string, number>>;
  /** By live bytes, the largest first. */
  readonly labels: readonly LabelStats[];
}

export function poolStats(pool: DevicePool): PoolStats {
  const { ledger } = pool;
  let free = 0;
  let largest = 0;
  let bufferCount = 0;
  for (const arena of pool.arenas) {
    free += arena.freeBytesInSlabs;
    largest = Math.max(largest, arena.largestFreeBytes);
    bufferCount += arena.slabs.size;
  }
  const { requestedBytes } = ledger;
  const usedBytes = pool.usedBytes;
  return {
    requestedBytes,
    usedBytes,
    pendingBytes: pool.pendingBytes,
    reservedBytes: pool.reservedBytes,
    peakRequestedBytes: ledger.peakRequestedBytes,
    peakReservedBytes: pool.peakReservedBytes,
    leaseCount: ledger.liveCount,
    bufferCount,
    hitRate: pool.hitCount / (pool.hitCount + pool.missCount),
    hitCount: pool.hitCount,
    missCount: pool.missCount,
    internalFragmentation: requestedBytes > 0 ? (usedBytes - requestedBytes) / requestedBytes : 0,
    externalFragmentation: free > 0 ? 1 - largest / free : 0,
    tenants: Object.fromEntries(ledger.bytesByTenant),
    labels: [...ledger.sites.values()]
      .map(({ label, liveBytes, liveCount, peakBytes, leaseCount, lostCount }) => ({
        label,
        liveBytes,
        liveCount,
        peakBytes,
        leaseCount,
        lostCount,
      }))
      .sort((a, b) => b.liveBytes - a.liveBytes),
  };
}
