import { DeviceMemory } from '../../memory/device/device-memory.js';
import type { DeviceLease } from '../../memory/device/lease.js';
import { SimulatedBuffers } from '../../memory/device/simulated-buffers.js';
import { SimulatedClock } from '../../memory/device/simulated-clock.js';
import { tenantBudgets } from '../../memory/device/tenants.js';
import { DeviceResidents, type Upload } from './device-residents.js';
import type { KeptBytes } from './messages.js';

const MIB = 2 ** 20;

function residentsOf(upload: Upload) {
  const device = new SimulatedBuffers();
  const memory = new DeviceMemory(device, device, {
    budget: { bytes: 64 * MIB, source: 'configured', detail: 'test' },
    tenantBudgetBytes: tenantBudgets({ '*': 8 * MIB, big: 32 * MIB }),
    clock: new SimulatedClock(),
  });
  return { memory, residents: new DeviceResidents(memory, upload, () => undefined) };
}

function keptOf(byteLength: number, tenant: string): KeptBytes {
  const bytes = { buffer: new SharedArrayBuffer(byteLength), byteOffset: 0, byteLength };
  return { label: 'test.kept', tenant, site: undefined, bytes };
}

const onStep = (): void => undefined;
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test.each(['before', 'after'])(
  'a job that is cancelled during the upload leaves nothing, where it is forgotten %s the end of that',
  async (when) => {
    let end!: () => void;
    const uploading = new Promise<void>((resolve) => (end = resolve));
    const { memory, residents } = residentsOf(() => uploading);
    const kept = keptOf(4 * MIB, 'a');
    using reservation = await memory.reserve({ label: 'job', tenant: 'a', byteLength: 4 * MIB });
    const abort = new AbortController();
    const bringing = residents.bring(1, kept, reservation, { signal: abort.signal, onStep });
    const rejected = expect(bringing).rejects.toThrow('enough');
    await turn();
    expect(memory.stats().usedBytes).toBe(4 * MIB);
    abort.abort(new Error('enough'));
    if (when === 'before') residents.forget(1);
    end();
    await rejected;
    if (when === 'after') residents.forget(1);
    expect(memory.stats()).toMatchObject({ usedBytes: 0, residentCount: 0, leaseCount: 0 });
  },
);

test('the signal reaches the upload', async () => {
  const signals: AbortSignal[] = [];
  const { memory, residents } = residentsOf((_bytes: unknown, _target: DeviceLease, { signal }) => {
    signals.push(signal);
    return Promise.resolve();
  });
  const { signal } = new AbortController();
  using reservation = await memory.reserve({ label: 'job', byteLength: MIB });
  (await residents.bring(1, keptOf(MIB, 'default'), reservation, { signal, onStep })).use[Symbol.dispose]();
  expect(signals).toEqual([signal]);
});

test('two jobs that bring the same resident have it once', async () => {
  const { memory, residents } = residentsOf(() => turn());
  const kept = keptOf(MIB, 'a');
  const { signal } = new AbortController();
  using reservation = await memory.reserve({ label: 'job', tenant: 'a', byteLength: 2 * MIB });
  const [left, right] = await Promise.all(
    [1, 1].map((id) => residents.bring(id, kept, reservation, { signal, onStep })),
  );
  expect(left.lease).toBe(right.lease);
  expect(memory.stats()).toMatchObject({ usedBytes: MIB, residentCount: 1, spillableBytes: 0 });
  left.use[Symbol.dispose]();
  right.use[Symbol.dispose]();
  expect(memory.stats().spillableBytes).toBe(MIB);
});

test('what is kept counts for its keeper, also out of a promise to another', async () => {
  const { memory, residents } = residentsOf(() => Promise.resolve());
  const kept = keptOf(9 * MIB, 'big');
  const { signal } = new AbortController();
  const job = { label: 'job', tenant: 'a', maxWaitMs: 0 };
  const shares = new Map([
    ['a', 8 * MIB],
    ['big', residents.missingBytes(1, kept)],
  ]);
  using reservation = await memory.reserve({ ...job, byteLength: 17 * MIB, shares });
  using use = (await residents.bring(1, kept, reservation, { signal, onStep })).use;
  await memory.acquire({ ...job, byteLength: 8 * MIB, usage: 0x80 }, reservation);
  expect(memory.stats()).toMatchObject({ promisedBytes: 0, tenants: { a: 8 * MIB, big: 9 * MIB } });
  expect(residents.missingBytes(1, kept)).toBe(0);
  expect(use).toBeDefined();
});

test('where the keeper is over its budget, what it keeps gives way, not what others keep', async () => {
  const { memory, residents } = residentsOf(() => Promise.resolve());
  const { signal } = new AbortController();
  const bring = async (id: number, tenant: string, jobTenant: string): Promise<void> => {
    const kept = keptOf(5 * MIB, tenant);
    const shares = new Map([[tenant, residents.missingBytes(id, kept)]]);
    const job = { label: 'job', tenant: jobTenant, maxWaitMs: 0 };
    using reservation = await memory.reserve({ ...job, byteLength: 5 * MIB, shares });
    (await residents.bring(id, kept, reservation, { signal, onStep })).use[Symbol.dispose]();
  };
  await bring(1, 'a', 'b');
  await bring(2, 'b', 'b');
  await bring(3, 'a', 'b');
  expect([1, 2, 3].map((id) => residents.hold(id) !== undefined)).toEqual([false, true, true]);
  expect(memory.stats().tenants).toEqual({ a: 5 * MIB, b: 5 * MIB });
});
