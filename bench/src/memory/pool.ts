import { Random } from '@armilla/base';
import { type DeviceLease, DevicePool, SimulatedBuffers } from '@armilla/gpu-core';
import { median } from '../measure.js';

/** A time per lease and its release, ns. */
export interface LeaseTime {
  readonly case: string;
  readonly min_ns: number;
  readonly median_ns: number;
  readonly repeats: number;
}

/** What the mixed workload takes of the pool. */
export interface MixedUse {
  readonly case: 'mixed workload';
  readonly leases: number;
  readonly live: number;
  /** Share of leases without a new buffer. */
  readonly hit_rate: number;
  /** (taken - asked for) / asked for, over all leases. */
  readonly waste: number;
  /** Largest reserved / largest asked for at one time. */
  readonly reserved_ratio: number;
}

const MIB = 2 ** 20;
const STORAGE = 0x80;
const LEASES = 100_000;
const LIVE = 64;

/** Times on a simulated device, so that they are the pool's own, and how well sizes of the mixed workload fit. */
export function runMemoryBench({ quick = false } = {}): (LeaseTime | MixedUse)[] {
  const repeats = quick ? 3 : 11;
  return [
    leaseTime('small, one at a time', repeats, (pool) => {
      for (let i = 0; i < LEASES; i++) pool.lease(4000, STORAGE, 'bench').release();
    }),
    leaseTime('large, one at a time', repeats, (pool) => {
      for (let i = 0; i < LEASES; i++) pool.lease(32 * MIB, STORAGE, 'bench').release();
    }),
    leaseTime(
      'mixed sizes, 64 live, fences 2 submits behind',
      repeats,
      (pool, buffers) => void mix(pool, buffers, LEASES),
    ),
    mixedUse(quick ? LEASES / 10 : LEASES),
  ];
}

function leaseTime(
  name: string,
  repeats: number,
  work: (pool: DevicePool, buffers: SimulatedBuffers) => void,
): LeaseTime {
  const ns: number[] = [];
  for (let repeat = -2; repeat < repeats; repeat++) {
    const buffers = new SimulatedBuffers();
    const pool = new DevicePool(buffers, buffers);
    const start = performance.now();
    work(pool, buffers);
    if (repeat >= 0) ns.push(((performance.now() - start) * 1e6) / LEASES);
  }
  return { case: name, min_ns: Math.min(...ns), median_ns: median(ns), repeats };
}

/** Half the leases small (256 B to 64 KiB), half large (256 KiB to 8 MiB), sizes even by their logarithm. */
function mix(pool: DevicePool, buffers: SimulatedBuffers, leases: number): { asked: number; taken: number } {
  const random = new Random(7);
  const live: DeviceLease[] = [];
  let asked = 0;
  let taken = 0;
  for (let i = 0; i < leases; i++) {
    const bytes = Math.floor(2 ** (random.uniform() < 0.5 ? random.between(8, 16) : random.between(18, 23)));
    const lease = pool.lease(bytes, STORAGE, 'bench.mixed');
    asked += bytes;
    taken += lease.blockBytes;
    live.push(lease);
    if (live.length > LIVE) live.splice(random.below(live.length), 1)[0].release();
    if (i % 8 === 0) buffers.submit();
    buffers.complete(buffers.epochOfLastSubmit - 2);
  }
  for (const lease of live) lease.release();
  return { asked, taken };
}

function mixedUse(leases: number): MixedUse {
  const buffers = new SimulatedBuffers();
  const pool = new DevicePool(buffers, buffers);
  const { asked, taken } = mix(pool, buffers, leases);
  const { hitRate, peakReservedBytes, peakRequestedBytes } = pool.stats();
  return {
    case: 'mixed workload',
    leases,
    live: LIVE,
    hit_rate: hitRate,
    waste: taken / asked - 1,
    reserved_ratio: peakReservedBytes / peakRequestedBytes,
  };
}
