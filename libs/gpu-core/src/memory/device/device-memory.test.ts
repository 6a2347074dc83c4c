import { isProblem, Random } from '@armilla/base';
import { SimulatedClock } from './simulated-clock.js';
import { DeviceMemory, type DeviceMemoryOptions } from './device-memory.js';
import type { DeviceLease } from './lease.js';
import { SimulatedBuffers } from './simulated-buffers.js';
import type { MemoryGrant, StageReport } from './stages.js';

const MIB = 2 ** 20;
const STORAGE = 0x80;
const UNIFORM = 0x40;

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function memoryOf(
  device: SimulatedBuffers,
  budgetBytes: number | undefined,
  options: Partial<DeviceMemoryOptions> = {},
) {
  const clock = new SimulatedClock();
  const stages: StageReport[] = [];
  const memory = new DeviceMemory(device, device, {
    budget: { bytes: budgetBytes, source: 'configured', detail: 'test' },
    slabBytes: MIB,
    clock,
    onStage: (report) => stages.push(report),
    ...options,
  });
  return { memory, clock, stages, names: () => stages.map(({ stage }) => stage) };
}

function leaseOf(grant: MemoryGrant): DeviceLease {
  if (grant.place === 'cpu') throw new Error('a device was expected');
  return grant.lease;
}

async function resident(memory: DeviceMemory, mib: number, label: string, transferSeconds: number, spilled: string[]) {
  const grant = await memory.acquire({ byteLength: mib * MIB, usage: STORAGE, label });
  return memory.residents.add({
    lease: leaseOf(grant),
    transferSeconds,
    spill: () => Promise.resolve(void spilled.push(label)),
  });
}

test('stage one: idle memory is given back', async () => {
  const device = new SimulatedBuffers({ limitBytes: 100 * MIB });
  const { memory, names } = memoryOf(device, 100 * MIB);
  leaseOf(await memory.acquire({ byteLength: 60 * MIB, usage: STORAGE, label: 'a' })).release();
  using kept = leaseOf(await memory.acquire({ byteLength: 5 * MIB, usage: UNIFORM, label: 'b' }));
  const grant = await memory.acquire({ byteLength: 70 * MIB, usage: UNIFORM, label: 'c' });
  expect(grant.stages).toMatchObject([{ stage: 'trim', label: 'c', neededBytes: 70 * MIB, freedBytes: 60 * MIB }]);
  expect(names()).toEqual(['trim']);
  expect(memory.stats()).toMatchObject({ reservedBytes: 75 * MIB, usedBytes: 70 * MIB + kept.blockBytes });
});

test('stage two: the residents of least worth a byte go to the host, those in use stay', async () => {
  const { memory, clock, names } = memoryOf(new SimulatedBuffers(), 100 * MIB);
  const spilled: string[] = [];
  const often = await resident(memory, 20, 'often', 1, spilled);
  const seldom = await resident(memory, 20, 'seldom', 1, spilled);
  const cheap = await resident(memory, 20, 'cheap', 0.001, spilled);
  const busy = await resident(memory, 20, 'busy', 0.0001, spilled);
  using _use = busy.use();
  for (let i = 0; i < 5; i++) {
    clock.advance(100_000);
    for (let k = 0; k < 20; k++) often.use()[Symbol.dispose]();
  }
  const grant = await memory.acquire({ byteLength: 35 * MIB, usage: STORAGE, label: 'new' });
  expect(names()).toEqual(['trim', 'spill']);
  expect(spilled).toEqual(['cheap', 'seldom']);
  expect([often, seldom, cheap, busy].map(({ present }) => present)).toEqual([true, false, false, true]);
  expect(grant.stages[1]).toMatchObject({ stage: 'spill', freedBytes: 40 * MIB });
});

test('a resident that cannot be spilled stays, and the report says why', async () => {
  const { memory } = memoryOf(new SimulatedBuffers(), 100 * MIB);
  const grant = await memory.acquire({ byteLength: 60 * MIB, usage: STORAGE, label: 'a' });
  const kept = memory.residents.add({
    lease: leaseOf(grant),
    transferSeconds: 1,
    spill: () => Promise.reject(new Error('the host is full')),
  });
  const next = await memory.acquire({ byteLength: 60 * MIB, usage: STORAGE, label: 'b', cpuPossible: true });
  expect(next).toMatchObject({ place: 'cpu' });
  expect(next.stages[1]).toMatchObject({ stage: 'spill', freedBytes: 0, problem: 'the host is full' });
  expect(kept.present).toBe(true);
});

test('stages three and four: half the chunk, then the CPU', async () => {
  const { memory } = memoryOf(new SimulatedBuffers(), 100 * MIB);
  using _held = leaseOf(await memory.acquire({ byteLength: 60 * MIB, usage: STORAGE, label: 'a' }));
  const request = { byteLength: 80 * MIB, usage: STORAGE, label: 'b', cpuPossible: true };
  const half = await memory.acquire({ ...request, smallestBytes: 10 * MIB });
  expect(half).toMatchObject({ place: 'device', byteLength: 20 * MIB });
  expect(half.stages.map(({ stage, chunkBytes }) => [stage, chunkBytes])).toEqual([
    ['trim', undefined],
    ['chunk', 40 * MIB],
    ['chunk', 20 * MIB],
  ]);
  const cpu = await memory.acquire({ ...request, smallestBytes: 30 * MIB });
  expect(cpu.place).toBe('cpu');
  expect(cpu.stages.map(({ stage }) => stage)).toEqual(['trim', 'chunk', 'cpu']);
  expect(await memory.acquire({ ...request, byteLength: 1000 * MIB })).toMatchObject({ place: 'cpu' });
});

test('stage five: it waits until others give back and their fence is reached', async () => {
  const device = new SimulatedBuffers();
  const { memory, names } = memoryOf(device, 100 * MIB);
  const held = leaseOf(await memory.acquire({ byteLength: 60 * MIB, usage: STORAGE, label: 'a' }));
  let served = false;
  const waiting = memory.acquire({ byteLength: 60 * MIB, usage: STORAGE, label: 'b' }).then((grant) => {
    served = true;
    return grant;
  });
  await turn();
  device.submit();
  held.release();
  await turn();
  expect(served).toBe(false);
  device.complete();
  expect(leaseOf(await waiting).label).toBe('b');
  expect(names()).toEqual(['trim', 'queue']);
});

test('stage six: it is refused with a hint that the releases so far give', async () => {
  const { memory, clock, names } = memoryOf(new SimulatedBuffers(), 100 * MIB);
  leaseOf(await memory.acquire({ byteLength: 60 * MIB, usage: STORAGE, label: 'a' })).release();
  using _held = leaseOf(await memory.acquire({ byteLength: 60 * MIB, usage: STORAGE, label: 'a' }));
  const waiting = memory.acquire({ byteLength: 50 * MIB, usage: STORAGE, label: 'b', maxWaitMs: 2000 });
  const refused = expect(waiting).rejects.toMatchObject({
    reason: 'MEMORY_EXHAUSTED',
    code: 'RESOURCE_EXHAUSTED',
    fields: { label: 'b', retry_seconds: expect.any(Number) },
  });
  await turn();
  clock.advance(2000);
  await refused;
  expect(names()).toEqual(['trim', 'queue', 'refuse']);
  expect(memory.stats()).toMatchObject({ waitingCount: 0, leaseCount: 1 });
});

test('what can never fit is refused at once; a signal ends the wait', async () => {
  const { memory } = memoryOf(new SimulatedBuffers(), 100 * MIB);
  const request = { usage: STORAGE, label: 'a' };
  await expect(memory.acquire({ ...request, byteLength: 101 * MIB })).rejects.toMatchObject({
    reason: 'MEMORY_OVER_LIMIT',
  });
  using _all = leaseOf(await memory.acquire({ ...request, byteLength: 100 * MIB }));
  const aborter = new AbortController();
  const waiting = memory.acquire({ ...request, byteLength: MIB, signal: aborter.signal });
  await turn();
  const reason = new Error('gone');
  aborter.abort(reason);
  await expect(waiting).rejects.toBe(reason);
  expect(memory.stats().waitingCount).toBe(0);
});

test('three times as much as there is: nothing fails', async () => {
  const device = new SimulatedBuffers({ limitBytes: 256 * MIB });
  const { memory } = memoryOf(device, 256 * MIB, { slabBytes: 8 * MIB });
  const random = new Random(5);
  const spilled: string[] = [];
  const residents = Array.from({ length: 8 }, (_, i) => resident(memory, 16, `resident ${i}`, 0.01 * (i + 1), spilled));
  const transients = Array.from({ length: 48 }, async (_, i) => {
    for (let round = 0; round < 6; round++) {
      const byteLength = MIB * (8 + random.below(9));
      const grant = await memory.acquire({ byteLength, usage: STORAGE, label: `call ${i}`, tenant: `t${i % 3}` });
      for (let k = random.below(4); k >= 0; k--) await turn();
      device.submit();
      leaseOf(grant).release();
    }
  });
  let ended = false;
  const all = Promise.all([...transients, ...residents]).finally(() => (ended = true));
  let peak = 0;
  while (!ended) {
    await turn();
    peak = Math.max(peak, device.usedBytes);
    device.complete(device.epochOfLastSubmit - random.below(2));
  }
  const kept = (await all).slice(48) as Awaited<ReturnType<typeof resident>>[];
  expect(peak).toBeLessThanOrEqual(256 * MIB);
  expect(memory.stats().stages).toMatchObject({ refuse: 0 });
  expect(memory.stats().stages.queue).toBeGreaterThan(0);
  expect(spilled.length).toBeGreaterThan(0);
  for (const one of kept) one[Symbol.dispose]();
  device.complete();
  memory.pool.trim();
  expect(memory.stats()).toMatchObject({ reservedBytes: 0, leaseCount: 0, requestedBytes: 0 });
  expect(device.liveBuffers).toBe(0);
});

/** A run of calls that takes a resident, slabs and large buffers; says whether it succeeded or why not. */
async function run(device: SimulatedBuffers): Promise<{ outcome: string; memory: DeviceMemory }> {
  const { memory, clock } = memoryOf(device, 64 * MIB);
  const spilled: string[] = [];
  let outcome = 'success';
  let ended = false;
  const calls = async (): Promise<void> => {
    using _resident = await resident(memory, 12, 'resident', 0.1, spilled);
    for (let i = 0; i < 12; i++) {
      using _left = leaseOf(await memory.acquire({ byteLength: (1 + (i % 5)) * 300_000, usage: STORAGE, label: 'l' }));
      using _right = leaseOf(
        await memory.acquire({ byteLength: i * MIB, usage: i % 2 ? STORAGE : UNIFORM, label: 'r' }),
      );
      device.submit();
    }
  };
  const done = calls()
    .catch((error: unknown) => {
      outcome = isProblem(error) ? error.reason : `untyped: ${String(error)}`;
    })
    .finally(() => (ended = true));
  while (!ended) {
    await turn();
    device.complete();
    clock.advance(1000);
  }
  await done;
  return { outcome, memory };
}

test.each([
  ['at once', false],
  ['later', true],
])(
  'no memory at the Nth allocation, for every N, told %s: it succeeds or fails typed, and all is given back',
  async (_, failLate) => {
    const clean = new SimulatedBuffers({ failLate });
    expect((await run(clean)).outcome).toBe('success');
    expect(clean.createCount).toBeGreaterThan(10);
    const outcomes: string[] = [];
    for (let n = 1; n <= clean.createCount; n++) {
      const device = new SimulatedBuffers({ failAt: n, failLate });
      const { outcome, memory } = await run(device);
      outcomes.push(outcome);
      device.complete();
      expect(memory.stats()).toMatchObject({ leaseCount: 0, usedBytes: 0, pendingBytes: 0, waitingCount: 0 });
      memory.pool.trim();
      expect([device.liveBuffers, device.usedBytes, memory.stats().reservedBytes]).toEqual([0, 0, 0]);
    }
    expect([...new Set(outcomes)].filter((outcome) => !['success', 'MEMORY_EXHAUSTED'].includes(outcome))).toEqual([]);
    expect(outcomes).toContain('success');
  },
);

test.each([1, 5, 30, 70])(
  'a device with %i MiB: the run succeeds or fails typed, and all is given back',
  async (mib) => {
    for (const failLate of [false, true]) {
      const device = new SimulatedBuffers({ limitBytes: mib * MIB, failLate });
      const { outcome, memory } = await run(device);
      expect(outcome).toBe(mib >= 30 ? 'success' : 'MEMORY_EXHAUSTED');
      device.complete();
      memory.pool.trim();
      expect([memory.stats().leaseCount, device.liveBuffers, device.usedBytes]).toEqual([0, 0, 0]);
    }
  },
);

test('a tenant over its budget waits for itself and starves nobody', async () => {
  const { memory, names } = memoryOf(new SimulatedBuffers(), 100 * MIB, {
    tenantBudgetBytes: (tenant) => (tenant === 'greedy' ? 20 * MIB : undefined),
  });
  const greedy = { byteLength: 16 * MIB, usage: STORAGE, label: 'g', tenant: 'greedy' };
  const first = leaseOf(await memory.acquire(greedy));
  const later = Array.from({ length: 5 }, () => memory.acquire(greedy));
  await turn();
  for (let i = 0; i < 3; i++) {
    using _lease = leaseOf(
      await memory.acquire({ byteLength: 16 * MIB, usage: STORAGE, label: 'm', tenant: 'modest' }),
    );
  }
  expect(memory.stats().tenants).toEqual({ greedy: 16 * MIB });
  expect(names().filter((name) => name !== 'queue')).toEqual([]);
  await expect(memory.acquire({ ...greedy, byteLength: 21 * MIB })).rejects.toMatchObject({
    reason: 'MEMORY_OVER_LIMIT',
    fields: { tenant: 'greedy' },
  });
  first.release();
  for (const one of later) leaseOf(await one).release();
  expect(memory.stats()).toMatchObject({ leaseCount: 0, waitingCount: 0 });
});

test('a large request that has waited long is not overtaken by small ones for ever', async () => {
  const { memory, clock } = memoryOf(new SimulatedBuffers(), 100 * MIB);
  const small = { byteLength: 20 * MIB, usage: STORAGE, label: 's', tenant: 'small' };
  const held = [leaseOf(await memory.acquire(small)), leaseOf(await memory.acquire(small))];
  const large = memory.acquire({ byteLength: 80 * MIB, usage: STORAGE, label: 'l', tenant: 'large' });
  let served = false;
  void large.then(() => (served = true));
  await turn();
  held.push(leaseOf(await memory.acquire(small)));
  clock.advance(1000);
  const behind = memory.acquire(small);
  for (const lease of held) lease.release();
  await turn();
  expect(served).toBe(true);
  leaseOf(await large).release();
  leaseOf(await behind).release();
});

test('room is promised before a call runs', async () => {
  const { memory } = memoryOf(new SimulatedBuffers(), 100 * MIB);
  using reservation = await memory.reserve({ label: 'spectra.fit', byteLength: 15_000 * 4096 });
  expect(reservation.byteLength).toBe(15_000 * 4096);
  expect(memory.canAllocate(20 * MIB)).toBe(true);
  expect(memory.canAllocate(50 * MIB)).toBe(false);
  const other = await memory.acquire({ byteLength: 50 * MIB, usage: STORAGE, label: 'o', cpuPossible: true });
  expect(other.place).toBe('cpu');
  const own = await memory.acquire({ byteLength: 50 * MIB, usage: STORAGE, label: 'spectra.fit' }, reservation);
  expect(reservation.leftBytes).toBe(15_000 * 4096 - 50 * MIB);
  leaseOf(own).release();
  expect(reservation.leftBytes).toBe(15_000 * 4096);
  const queued = memory.reserve({ label: 'unknown', byteLength: 45 * MIB });
  await turn();
  expect(memory.stats().waitingCount).toBe(1);
  reservation[Symbol.dispose]();
  expect((await queued).byteLength).toBe(45 * MIB);
});

test('a promise spills residents that are not in use; what can never fit is refused at once', async () => {
  const { memory, names } = memoryOf(new SimulatedBuffers(), 100 * MIB);
  const spilled: string[] = [];
  const idle = await resident(memory, 70, 'idle', 1, spilled);
  expect(memory.roomBytes).toBe(85 * MIB);
  const reservation = await memory.reserve({ label: 'job', byteLength: 60 * MIB });
  expect([spilled, idle.present, names()]).toEqual([['idle'], false, ['spill']]);
  expect(memory.roomBytes).toBe(25 * MIB);
  const busy = await resident(memory, 20, 'busy', 1, spilled);
  const use = busy.use();
  const waiting = memory.reserve({ label: 'job', byteLength: 20 * MIB });
  await turn();
  expect(memory.stats().waitingCount).toBe(1);
  use[Symbol.dispose]();
  expect((await waiting).byteLength).toBe(20 * MIB);
  expect(spilled).toEqual(['idle', 'busy']);
  await expect(memory.reserve({ label: 'job', byteLength: 101 * MIB })).rejects.toMatchObject({
    reason: 'MEMORY_OVER_LIMIT',
  });
  await expect(memory.reserve({ label: 'job', byteLength: 60 * MIB, maxWaitMs: 0 })).rejects.toMatchObject({
    reason: 'MEMORY_EXHAUSTED',
    fields: { label: 'job' },
  });
  reservation[Symbol.dispose]();
});

test('what may be allocated counts what size classes add, what can be spilled, and who is alone', async () => {
  const { memory } = memoryOf(new SimulatedBuffers(), 100 * MIB, {
    slabBytes: 4 * MIB,
    tenantBudgetBytes: (name) => (name === 'small' ? 950 * 1024 : undefined),
  });
  // Alone: all of the budget.
  expect([memory.canAllocate(100 * MIB), memory.canAllocate(100 * MIB + 1)]).toEqual([true, false]);
  // 900 KiB are a block of 1 MiB.
  expect([memory.canAllocate(896 * 1024, 'small'), memory.canAllocate(900 * 1024, 'small')]).toEqual([true, false]);
  const idle = await resident(memory, 40, 'idle', 1, []);
  // What is idle can be given back: alone again.
  expect([memory.canAllocate(100 * MIB), memory.canAllocate(100 * MIB + 1)]).toEqual([true, false]);
  using _use = idle.use();
  expect([memory.canAllocate(45 * MIB), memory.canAllocate(45 * MIB + 1)]).toEqual([true, false]);
});

test('a clean-up goes down to as much as it is told, also where nobody knows the budget', async () => {
  const { memory } = memoryOf(new SimulatedBuffers(), undefined);
  const kept = await resident(memory, 40, 'kept', 1, []);
  leaseOf(await memory.acquire({ byteLength: 30 * MIB, usage: STORAGE, label: 'a' })).release();
  expect(await memory.cleanup()).toEqual([]);
  expect(await memory.cleanup(50 * MIB)).toMatchObject([{ stage: 'trim', neededBytes: 20 * MIB }]);
  expect([kept.present, memory.stats().usedBytes]).toEqual([true, 40 * MIB]);
  expect(await memory.cleanup(0)).toMatchObject([{ stage: 'trim' }, { stage: 'spill', freedBytes: 40 * MIB }]);
  expect([kept.present, memory.stats().reservedBytes]).toEqual([false, 0]);
});

test('a clean-up trims, then spills, down to 85 percent', async () => {
  const { memory, names } = memoryOf(new SimulatedBuffers(), 100 * MIB);
  const spilled: string[] = [];
  expect(await memory.cleanup()).toEqual([]);
  leaseOf(await memory.acquire({ byteLength: 90 * MIB, usage: STORAGE, label: 'a' })).release();
  expect(await memory.cleanup()).toMatchObject([{ stage: 'trim', freedBytes: 90 * MIB }]);
  const large = await resident(memory, 90, 'large', 1, spilled);
  expect(memory.stats().pressure).toBeCloseTo(0.9);
  expect(await memory.cleanup()).toMatchObject([
    { stage: 'trim', freedBytes: 0 },
    { stage: 'spill', freedBytes: 90 * MIB },
  ]);
  expect([large.present, memory.stats().reservedBytes]).toEqual([false, 0]);
  expect(names()).toEqual(['trim', 'trim', 'spill']);
});

test('who waits gets the room of a resident that comes out of use', async () => {
  const { memory, names } = memoryOf(new SimulatedBuffers(), 100 * MIB);
  const spilled: string[] = [];
  const busy = await resident(memory, 60, 'busy', 1, spilled);
  const use = busy.use();
  const waiting = memory.acquire({ byteLength: 60 * MIB, usage: STORAGE, label: 'b' });
  await turn();
  expect(spilled).toEqual([]);
  use[Symbol.dispose]();
  expect(leaseOf(await waiting).byteLength).toBe(60 * MIB);
  expect(names()).toEqual(['trim', 'queue', 'spill']);
});

test('without a known budget the device alone sets the limit', async () => {
  const device = new SimulatedBuffers({ limitBytes: 50 * MIB });
  const { memory } = memoryOf(device, undefined);
  using _held = leaseOf(await memory.acquire({ byteLength: 40 * MIB, usage: STORAGE, label: 'a' }));
  expect(memory.stats().pressure).toBeUndefined();
  await expect(
    memory.acquire({ byteLength: 40 * MIB, usage: STORAGE, label: 'b', maxWaitMs: 0 }),
  ).rejects.toMatchObject({ reason: 'MEMORY_EXHAUSTED' });
});

test('the buffers of transfers count as reserved, and what is left of the budget is for all others', async () => {
  const { memory } = memoryOf(new SimulatedBuffers(), 100 * MIB, { stagingBytes: 10 * MIB });
  expect(memory.stats()).toMatchObject({
    stagingBytes: 10 * MIB,
    reservedBytes: 10 * MIB,
    peakReservedBytes: 10 * MIB,
    usedBytes: 0,
    pressure: 0.1,
  });
  expect(memory.roomBytes).toBe(75 * MIB);
  expect([memory.canAllocate(90 * MIB), memory.canAllocate(90 * MIB + 1)]).toEqual([true, false]);
  const request = { usage: STORAGE, label: 'a', maxWaitMs: 0 };
  await expect(memory.acquire({ ...request, byteLength: 91 * MIB })).rejects.toMatchObject({
    reason: 'MEMORY_OVER_LIMIT',
  });
  const held = leaseOf(await memory.acquire({ ...request, byteLength: 70 * MIB }));
  await expect(memory.acquire({ ...request, byteLength: 6 * MIB })).rejects.toMatchObject({
    reason: 'MEMORY_EXHAUSTED',
  });
  held.release();
  expect(memory.stats()).toMatchObject({ reservedBytes: 80 * MIB, pressure: 0.8 });
  expect(await memory.cleanup(30 * MIB)).toMatchObject([{ stage: 'trim', neededBytes: 50 * MIB }]);
  // They stay: nothing is to be done.
  expect(await memory.cleanup(0)).toEqual([]);
  expect(memory.stats()).toMatchObject({ reservedBytes: 10 * MIB });
});
