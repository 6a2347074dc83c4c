import { Random } from '@armilla/base';
import { collectGarbage } from '../reclaim.js';
import { DeviceMemory } from './device-memory.js';
import type { DeviceLease } from './lease.js';
import type { LeakReport } from './leaks.js';
import { MemoryMonitor } from './monitor.js';
import { DevicePool } from './pool.js';
import { SimulatedClock } from './simulated-clock.js';
import { SimulatedBuffers } from './simulated-buffers.js';

const MIB = 2 ** 20;
const STORAGE = 0x80;

function watched() {
  const device = new SimulatedBuffers();
  const clock = new SimulatedClock();
  const leaks: LeakReport[] = [];
  const budget = { bytes: undefined, source: 'unknown', detail: 'test' } as const;
  const memory = new DeviceMemory(device, device, { budget, clock, slabBytes: 8 * MIB });
  const monitor = new MemoryMonitor(memory, { clock, onLeak: (report) => leaks.push(report) });
  monitor.start();
  return { pool: memory.pool, clock, leaks, monitor };
}

/** Calls that come and go: lifetimes in seconds, exponential about the mean. */
function noise(pool: DevicePool, clock: SimulatedClock, random: Random, meanSeconds: number, label: string): void {
  const lease = pool.lease(Math.floor(2 ** random.between(14, 21)), STORAGE, label);
  clock.after(-Math.log(1 - random.uniform()) * meanSeconds * 1000, () => lease.release());
}

/** Mostly short calls, some long ones. */
function tailed(pool: DevicePool, clock: SimulatedClock, random: Random): void {
  noise(pool, clock, random, random.uniform() < 0.9 ? 0.2 : 20, 'spectra.fit');
}

function leakyTemplate(pool: DevicePool): DeviceLease {
  return pool.lease(400_000, STORAGE, 'spectra.template');
}

test('a steady leak among steady noise is told within a minute, by label and place', () => {
  for (let seed = 1; seed <= 10; seed++) {
    const { pool, clock, leaks } = watched();
    const random = new Random(seed);
    for (let second = 0; second < 120; second++) {
      for (let i = 0; i < 20; i++) noise(pool, clock, random, 2, 'nearest.left');
      clock.advance(1000);
    }
    expect(leaks).toEqual([]);
    const kept: DeviceLease[] = [];
    const startMs = clock.now();
    while (leaks.length === 0 && clock.now() - startMs < 60_000) {
      for (let i = 0; i < 20; i++) noise(pool, clock, random, 2, 'nearest.left');
      kept.push(leakyTemplate(pool));
      noise(pool, clock, random, 1, 'spectra.template');
      clock.advance(1000);
    }
    expect(leaks).toMatchObject([{ kind: 'slope', label: 'spectra.template' }]);
    expect(clock.now() - startMs).toBeLessThan(60_000);
    expect(leaks[0].stack).toMatch(/leakyTemplate/);
    expect(leaks[0].bytesPerSecond).toBeGreaterThan(200_000);
    expect(leaks[0].bytesPerSecond).toBeLessThan(600_000);
    expect(leaks[0].leastBytesPerSecond).toBeGreaterThan(0);
    expect(kept.length).toBeLessThan(60);
  }
});

test.each([0.1, 2, 8])('steady noise of calls that take %f s raises no alarm in half an hour', (meanSeconds) => {
  for (let seed = 1; seed <= 4; seed++) {
    const { pool, clock, leaks } = watched();
    const random = new Random(seed);
    // Residents that stay are no leak.
    for (let i = 0; i < 10; i++) pool.lease(3 * MIB, STORAGE, 'catalog');
    for (let second = 0; second < 1800; second++) {
      // Up to a hundred live at a time.
      const perSecond = Math.min(50, Math.ceil(100 / meanSeconds));
      for (let i = 0; i < perSecond; i++) noise(pool, clock, random, meanSeconds, 'nearest.left');
      for (let i = 0; i < 20; i++) tailed(pool, clock, random);
      if (second % 60 === 30) pool.lease(30 * MIB, STORAGE, 'once a minute').release();
      clock.advance(1000);
      // What the warm-up looks like is known: from empty to busy.
      if (second === 300) leaks.length = 0;
    }
    expect(
      leaks.map(({ kind, label, grownBytes, liveBytes }) => ({ seed, kind, label, grownBytes, liveBytes })),
    ).toEqual([]);
  }
});

test('a fifth more than five minutes ago is told once', () => {
  const { pool, clock, leaks } = watched();
  pool.lease(10 * MIB, STORAGE, 'catalog');
  const kept: DeviceLease[] = [];
  for (let second = 0; second < 900; second++) {
    // Steps as rare as these are no slope within half a minute.
    if (second % 100 === 50) kept.push(pool.lease(1.5 * MIB, STORAGE, 'catalog'));
    clock.advance(1000);
  }
  expect(leaks.map(({ kind, label }) => [kind, label])).toEqual([
    ['window', 'catalog'],
    ['window', 'catalog'],
  ]);
  expect(leaks[0].grownBytes).toBeGreaterThanOrEqual(2 * MIB);
  expect(leaks[0].oldestSeconds).toBeGreaterThanOrEqual(299);
  expect(kept).toHaveLength(9);
});

test('a lease that becomes garbage is found, given back and told', async () => {
  const device = new SimulatedBuffers();
  const lost: string[] = [];
  const pool = new DevicePool(device, device, {
    onLoss: (record) => lost.push(`${record.site.label} ${record.stack}`),
  });
  forgetOne(pool);
  for (let i = 0; i < 100 && lost.length === 0; i++) {
    collectGarbage();
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(lost).toEqual([expect.stringMatching(/spectra\.template [^]*forgetOne/)]);
  expect(pool.stats()).toMatchObject({ leaseCount: 0, requestedBytes: 0 });
});

function forgetOne(pool: DevicePool): void {
  leakyTemplate(pool);
}
