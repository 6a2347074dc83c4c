import { Random } from '@armilla/base';
import type { DeviceBuffer } from './buffer-source.js';
import type { DeviceLease } from './lease.js';
import { DevicePool } from './pool.js';
import { SimulatedBuffers } from './simulated-buffers.js';

const KIB = 1024;
const STORAGE = 0x80;
const UNIFORM = 0x40;

interface Held {
  readonly lease: DeviceLease;
  readonly buffer: DeviceBuffer;
  readonly start: number;
  readonly end: number;
}

test.each([1, 2, 3, 4])('against a plain ledger: leases and fences in any order (seed %i)', (seed) => {
  const device = new SimulatedBuffers();
  const pool = new DevicePool(device, device, { slabBytes: 256 * KIB });
  const random = new Random(seed);
  const live: Held[] = [];
  const waiting: (Held & { epoch: number })[] = [];
  for (let step = 0; step < 1500; step++) {
    const dice = random.uniform();
    if (dice < 0.45) {
      const bytes = Math.floor(2 ** random.between(0, 18));
      const sameQueue = random.uniform() < 0.3;
      const lease = pool.lease(bytes, random.uniform() < 0.7 ? STORAGE : UNIFORM, `label ${step % 5}`, { sameQueue });
      const held = { lease, buffer: lease.buffer, start: lease.offset, end: lease.offset + lease.blockBytes };
      expect(held.start % 256).toBe(0);
      expect(held.end).toBeLessThanOrEqual(held.buffer.byteLength);
      expect(lease.blockBytes).toBeGreaterThanOrEqual(bytes);
      const overlaps = (other: Held): boolean =>
        other.buffer === held.buffer && other.start < held.end && held.start < other.end;
      expect(live.some(overlaps)).toBe(false);
      if (!sameQueue) {
        expect(waiting.some((other) => other.epoch > device.completedEpoch && overlaps(other))).toBe(false);
      }
      live.push(held);
    } else if (dice < 0.85 && live.length > 0) {
      const [held] = live.splice(random.below(live.length), 1);
      held.lease.release();
      waiting.push({ ...held, epoch: device.epochOfLastSubmit });
    } else if (dice < 0.95) device.submit();
    else if (dice < 0.99) device.complete(device.completedEpoch + random.below(3));
    else pool.trim(random.below(512 * KIB));
    device.completedEpoch = Math.min(device.completedEpoch, device.epochOfLastSubmit);
    expect(pool.ledger.requestedBytes).toBe(live.reduce((sum, { lease }) => sum + lease.byteLength, 0));
    expect(pool.usedBytes).toBe(live.reduce((sum, { start, end }) => sum + end - start, 0));
    expect(pool.reservedBytes).toBe(device.usedBytes);
    expect(pool.usedBytes + pool.pendingBytes).toBeLessThanOrEqual(pool.reservedBytes);
  }
  const { labels } = pool.stats();
  expect(labels.reduce((sum, label) => sum + label.liveBytes, 0)).toBe(pool.ledger.requestedBytes);
  for (const { lease } of live) lease.release();
  device.complete();
  expect(pool.stats()).toMatchObject({ requestedBytes: 0, usedBytes: 0, pendingBytes: 0, leaseCount: 0, tenants: {} });
  // Neighbours have joined: every slab is one free block again, so that all of it can go.
  pool.trim();
  expect(pool.reservedBytes).toBe(0);
  expect(device.liveBuffers).toBe(0);
});

test('memory is used again when the last use is done, and at once on the same queue', () => {
  const device = new SimulatedBuffers();
  const pool = new DevicePool(device, device, { slabBytes: 64 * KIB, largeBytes: 64 * KIB });
  const first = pool.lease(64 * KIB, STORAGE, 'a');
  const { buffer } = first;
  device.submit();
  first.release();
  const elsewhere = pool.lease(64 * KIB, STORAGE, 'b');
  expect(elsewhere.buffer).not.toBe(buffer);
  const sameQueue = pool.lease(64 * KIB, STORAGE, 'c', { sameQueue: true });
  expect(sameQueue.buffer).toBe(buffer);
  sameQueue.release();
  device.complete();
  expect(pool.lease(64 * KIB, STORAGE, 'd').buffer).toBe(buffer);
});

test('large blocks are whole buffers of their size, and serve smaller ones that waste little', () => {
  const device = new SimulatedBuffers();
  const pool = new DevicePool(device, device, { slabBytes: 64 * KIB });
  const large = pool.lease(100_000, STORAGE, 'a');
  expect(large.blockBytes).toBe(100_096);
  const { buffer } = large;
  large.release();
  expect(pool.lease(70_000, STORAGE, 'b').buffer).not.toBe(buffer);
  expect(pool.lease(81_000, STORAGE, 'c').buffer).toBe(buffer);
});

test('where a whole slab is not to be had a smaller one is taken', () => {
  const device = new SimulatedBuffers({ limitBytes: 20 * KIB });
  const pool = new DevicePool(device, device, { slabBytes: 64 * KIB });
  pool.lease(10 * KIB, STORAGE, 'a');
  expect(pool.reservedBytes).toBe(16 * KIB);
  expect(() => pool.lease(10 * KIB, UNIFORM, 'b')).toThrow(expect.objectContaining({ reason: 'MEMORY_EXHAUSTED' }));
  expect(pool.stats()).toMatchObject({ leaseCount: 1, reservedBytes: 16 * KIB });
});

test('a second release is an error, leaving the scope after a release is not', () => {
  const device = new SimulatedBuffers();
  const pool = new DevicePool(device, device);
  const lease = pool.lease(1000, STORAGE, 'nearest.left');
  lease.release();
  lease[Symbol.dispose]();
  const next = pool.lease(1000, STORAGE, 'nearest.right');
  const released = expect.objectContaining({
    reason: 'LEASE_RELEASED',
    message: expect.stringMatching(/nearest\.left/),
  });
  expect(() => lease.release()).toThrow(released);
  expect(() => lease.buffer).toThrow(released);
  expect(() => lease.offset).toThrow(released);
  expect(pool.lease(1000, STORAGE, 'c').offset).not.toBe(next.offset);
  expect(pool.stats().leaseCount).toBe(2);
});

test('the scope gives a lease back', () => {
  const device = new SimulatedBuffers();
  const pool = new DevicePool(device, device);
  {
    using lease = pool.lease(1000, STORAGE, 'a');
    expect(pool.stats().requestedBytes).toBe(lease.byteLength);
  }
  expect(pool.stats()).toMatchObject({ requestedBytes: 0, hitRate: 0 });
});

test('an epoch that cannot be the last use is refused, and the lease stays', () => {
  const device = new SimulatedBuffers();
  const pool = new DevicePool(device, device);
  const lease = pool.lease(1000, STORAGE, 'a');
  expect(() => lease.release(2)).toThrow(expect.objectContaining({ reason: 'OPTION_INVALID' }));
  lease.release(1);
  expect(pool.pendingBytes).toBe(1024);
});

test('a lease that is lost is given back and counted under its label', () => {
  const device = new SimulatedBuffers();
  const lost: string[] = [];
  let lose: (() => void) | undefined;
  const pool = new DevicePool(device, device, {
    lossRegistry: (onLoss) => ({ register: (_, record) => (lose = () => onLoss(record)), unregister: () => undefined }),
    onLoss: (record) => lost.push(record.site.label),
  });
  const lease = pool.lease(1000, STORAGE, 'spectra.template');
  lose!();
  lose!();
  expect(lost).toEqual(['spectra.template']);
  expect(lease.released).toBe(true);
  expect(pool.stats()).toMatchObject({ leaseCount: 0, labels: [{ label: 'spectra.template', lostCount: 1 }] });
});

test('a buffer that the device has not given after all is forgotten, its leases can be released', async () => {
  const device = new SimulatedBuffers({ limitBytes: 16 * KIB, failLate: true });
  const pool = new DevicePool(device, device, { slabBytes: 64 * KIB });
  const lease = pool.lease(1000, STORAGE, 'a');
  await expect(lease.confirmed()).rejects.toMatchObject({ reason: 'MEMORY_EXHAUSTED' });
  expect(pool.stats()).toMatchObject({ reservedBytes: 0, usedBytes: 0, leaseCount: 1 });
  lease.release();
  expect(pool.stats()).toMatchObject({ leaseCount: 0, usedBytes: 0 });
});

test('mixed sizes come nine times of ten out of the pool, and waste an eighth', () => {
  const device = new SimulatedBuffers();
  const pool = new DevicePool(device, device);
  const random = new Random(7);
  const live: DeviceLease[] = [];
  let requested = 0;
  let used = 0;
  for (let i = 0; i < 20_000; i++) {
    const small = random.uniform() < 0.5;
    const lease = pool.lease(
      Math.floor(2 ** (small ? random.between(8, 16) : random.between(18, 23))),
      STORAGE,
      'mixed',
    );
    requested += lease.byteLength;
    used += lease.blockBytes;
    live.push(lease);
    if (live.length > 64) live.splice(random.below(live.length), 1)[0].release();
    if (i % 8 === 0) device.submit();
    device.complete(device.epochOfLastSubmit - 2);
  }
  expect(pool.stats().hitRate).toBeGreaterThanOrEqual(0.9);
  expect(used / requested - 1).toBeLessThanOrEqual(0.15);
});
