import { formatBytes } from '@armilla/base';
import { DeviceMemory } from './device-memory.js';
import { SimulatedBuffers } from './simulated-buffers.js';
import { SimulatedClock } from './simulated-clock.js';
import { tenantBudgets } from './tenants.js';

const MIB = 2 ** 20;

function memoryOf(bytes: Readonly<Record<string, number>>): DeviceMemory {
  const device = new SimulatedBuffers();
  const budget = { bytes: 64 * MIB, source: 'configured', detail: 'test' } as const;
  return new DeviceMemory(device, device, {
    budget,
    clock: new SimulatedClock(),
    tenantBudgetBytes: tenantBudgets(bytes),
  });
}

test.each(['constructor', 'toString', '__proto__', 'hasOwnProperty', 'a'])(
  'a tenant called %s has the budget of those that are not named',
  async (tenant) => {
    const memory = memoryOf({ '*': 8 * MIB, big: 32 * MIB });
    expect([memory.canAllocate(8 * MIB, tenant), memory.canAllocate(9 * MIB, tenant)]).toEqual([true, false]);
    const grant = await memory.acquire({ byteLength: MIB, usage: 0x80, label: 'a', tenant });
    expect(grant.place).toBe('device');
    expect(Object.entries(memory.stats().tenants)).toEqual([[tenant, MIB]]);
    expect(tenantBudgets({ big: MIB })(tenant)).toBeUndefined();
  },
);

test('a tenant over its own budget is told what that is, and what of it is free', async () => {
  const memory = memoryOf({ '*': 8 * MIB, big: 32 * MIB });
  const request = { label: 'a', tenant: 'a', maxWaitMs: 0 };
  const whole = 'that tenant a may take';
  await expect(memory.reserve({ ...request, byteLength: 9 * MIB })).rejects.toMatchObject({
    reason: 'MEMORY_OVER_LIMIT',
    fields: { needed: formatBytes(9 * MIB), limit: `${formatBytes(8 * MIB)} ${whole}` },
  });
  using _held = await memory.reserve({ ...request, byteLength: 5 * MIB });
  const told = {
    reason: 'MEMORY_EXHAUSTED',
    fields: { available: formatBytes(3 * MIB), limit: `${formatBytes(8 * MIB)} ${whole}`, tenant: 'a' },
  };
  await expect(memory.reserve({ ...request, byteLength: 4 * MIB })).rejects.toMatchObject(told);
  await expect(memory.acquire({ ...request, byteLength: 4 * MIB, usage: 0x80 })).rejects.toMatchObject(told);
  await expect(memory.reserve({ ...request, tenant: 'big', byteLength: 32 * MIB })).resolves.toBeDefined();
});
