import { Random } from '@armilla/base';
import { DeviceMemory, type DeviceMemoryOptions } from './device-memory.js';
import type { DeviceLease } from './lease.js';
import { SimulatedBuffers } from './simulated-buffers.js';
import { SimulatedClock } from './simulated-clock.js';
import type { MemoryRequest } from './stages.js';
import type { Reservation } from './tenants.js';

const MIB = 2 ** 20;
const USAGES = [0x40, 0x80, 0x90];
const now = { label: 'job', sameQueue: true, maxWaitMs: 0 } as const;

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function memoryOf(budgetBytes: number, options: Partial<DeviceMemoryOptions> = {}) {
  const device = new SimulatedBuffers({ limitBytes: budgetBytes });
  const clock = new SimulatedClock();
  const budget = { bytes: budgetBytes, source: 'configured', detail: 'test' } as const;
  return { device, clock, memory: new DeviceMemory(device, device, { budget, clock, ...options }) };
}

async function leaseOf(memory: DeviceMemory, request: MemoryRequest, reservation?: Reservation): Promise<DeviceLease> {
  const grant = await memory.acquire(request, reservation);
  if (grant.place === 'cpu') throw new Error('a device was expected');
  return grant.lease;
}

test.each(['of its own tenant', 'of another tenant'])(
  'what was promised is given while a job %s waits for it',
  async (whose) => {
    const { memory, clock } = memoryOf(32 * MIB);
    const first = await memory.reserve({ ...now, byteLength: 16 * MIB });
    const tenant = whose === 'of its own tenant' ? 'default' : 'other';
    const second = memory.reserve({ label: 'second', byteLength: 16 * MIB, tenant });
    await turn();
    // It is not overtaken any more.
    clock.advance(2000);
    expect(memory.stats().waitingCount).toBe(1);
    const leases = [];
    for (let i = 0; i < 4; i++) {
      leases.push(await leaseOf(memory, { ...now, byteLength: 4 * MIB, usage: USAGES[i % 3] }, first));
    }
    expect(memory.stats()).toMatchObject({ waitingCount: 1, stages: { queue: 1, refuse: 0 } });
    for (const lease of leases) lease.release();
    first[Symbol.dispose]();
    expect((await second).byteLength).toBe(16 * MIB);
  },
);

test('whoever holds memory and needs more than was promised goes before those who wait for it', async () => {
  const { memory, clock } = memoryOf(100 * MIB);
  const other = await leaseOf(memory, { ...now, byteLength: 40 * MIB, usage: USAGES[0] });
  const first = await memory.reserve({ ...now, byteLength: 20 * MIB });
  const held = await leaseOf(memory, { ...now, byteLength: 20 * MIB, usage: USAGES[0] }, first);
  const second = memory.reserve({ label: 'second', byteLength: 60 * MIB });
  await turn();
  clock.advance(2000);
  const more = leaseOf(memory, { label: 'more', byteLength: 30 * MIB, usage: USAGES[0] }, first);
  await turn();
  expect(memory.stats().waitingCount).toBe(2);
  other.release();
  (await more).release();
  held.release();
  first[Symbol.dispose]();
  expect((await second).byteLength).toBe(60 * MIB);
});

test.each([1, 2, 3, 4, 5, 6])(
  'promises are kept at once, however the slabs are cut, with small and large jobs (seed %i)',
  async (seed) => {
    const random = new Random(seed);
    const budget = 4 * MIB;
    const { memory, device, clock } = memoryOf(budget);
    let running = 0;
    let promised = 0;
    const job = async (): Promise<void> => {
      const share = [0.02, 0.25, 0.9][random.below(3)];
      const sizes = USAGES.map(() => Math.ceil((budget * share * (0.1 + 0.9 * random.uniform())) / 4));
      const byteLength = sizes.reduce((sum, bytes) => sum + memory.pool.blockBytesOf(bytes), 0);
      const reservation = await memory.reserve({ label: 'job', byteLength, maxWaitMs: 1e9 });
      promised++;
      running++;
      const leases: DeviceLease[] = [];
      for (const [i, bytes] of sizes.entries()) {
        leases.push(await leaseOf(memory, { ...now, byteLength: bytes, usage: USAGES[i] }, reservation));
        if (random.uniform() < 0.5) await turn();
      }
      for (let i = random.below(5); i > 0; i--) await turn();
      for (const lease of leases) lease.release(device.submit());
      reservation[Symbol.dispose]();
      running--;
    };
    let ended = false;
    const all = Promise.all(
      Array.from({ length: 6 }, async () => {
        for (let i = 0; i < 40; i++) await job();
      }),
    ).finally(() => (ended = true));
    let most = 0;
    while (!ended) {
      await turn();
      most = Math.max(most, running);
      clock.advance(10);
      device.complete(device.epochOfLastSubmit - random.below(2));
    }
    await all;
    expect(promised).toBe(240);
    expect(most).toBeGreaterThan(1);
    expect(memory.stats()).toMatchObject({ usedBytes: 0, promisedBytes: 0, waitingCount: 0, stages: { refuse: 0 } });
  },
);

test('what waits for a fence only is given without a wait for others', async () => {
  const { memory, device } = memoryOf(100 * MIB);
  const before = await leaseOf(memory, { ...now, byteLength: 80 * MIB, usage: USAGES[0] });
  before.release(device.submit());
  using reservation = await memory.reserve({ ...now, byteLength: 60 * MIB });
  const lease = leaseOf(memory, { ...now, byteLength: 60 * MIB, usage: USAGES[1] }, reservation);
  await turn();
  expect(memory.stats().usedBytes).toBe(0);
  device.complete();
  expect((await lease).blockBytes).toBe(60 * MIB);
});

test.each([[[48, 48]], [[0.001, 99]], [[30, 30, 30]], [[2, 3, 5, 7, 80]]])(
  'whoever is alone may take nearly all of the budget in several buffers: %j MiB of 100',
  async (sizes) => {
    const { memory } = memoryOf(100 * MIB);
    const bytes = sizes.map((mib) => Math.ceil(mib * MIB));
    const byteLength = bytes.reduce((sum, one) => sum + memory.pool.blockBytesOf(one), 0);
    expect(memory.canAllocate(byteLength)).toBe(true);
    using reservation = await memory.reserve({ ...now, byteLength });
    // Alone it is no more.
    expect(memory.canAllocate(1)).toBe(byteLength < 84 * MIB);
    await expect(memory.reserve({ ...now, byteLength: 100 * MIB - byteLength })).rejects.toMatchObject({
      reason: 'MEMORY_EXHAUSTED',
    });
    for (const [i, one] of bytes.entries()) {
      await leaseOf(memory, { ...now, byteLength: one, usage: USAGES[i % 3] }, reservation);
    }
    expect(memory.stats()).toMatchObject({ usedBytes: byteLength, promisedBytes: 0, stages: { queue: 1 } });
  },
);

test.each([1, 2, 3])('what may be allocated is what a job gets (seed %i)', async (seed) => {
  const random = new Random(seed);
  const outcomes = new Set<boolean>();
  for (let i = 0; i < 60; i++) {
    const { memory } = memoryOf(64 * MIB, {
      tenantBudgetBytes: (tenant) => (tenant === 'small' ? 20 * MIB : undefined),
    });
    const size = (): number => Math.ceil(random.uniform() * 24 * MIB);
    for (let k = random.below(3); k > 0; k--) {
      const tenant = ['small', 'default'][random.below(2)];
      const byteLength = tenant === 'small' ? size() / 4 : size();
      const lease = await leaseOf(memory, { ...now, tenant, byteLength: Math.ceil(byteLength), usage: USAGES[k % 3] });
      if (random.uniform() < 0.7) memory.residents.add({ lease, transferSeconds: 1, spill: () => Promise.resolve() });
    }
    if (random.uniform() < 0.3) await memory.reserve({ ...now, byteLength: MIB });
    const tenant = ['small', 'default'][random.below(2)];
    const byteLength = Math.ceil((random.uniform() * (tenant === 'small' ? 20 : 64) + 0.1) * MIB * 0.95);
    const could = memory.canAllocate(byteLength, tenant);
    const got = await memory.reserve({ ...now, tenant, byteLength: memory.pool.blockBytesOf(byteLength) }).then(
      () => true,
      () => false,
    );
    expect({ i, byteLength, tenant, got }).toEqual({ i, byteLength, tenant, got: could });
    outcomes.add(got);
  }
  expect(outcomes.size).toBe(2);
});
