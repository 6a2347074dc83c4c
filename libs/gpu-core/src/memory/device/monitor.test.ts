import { DeviceMemory } from './device-memory.js';
import { MemoryMonitor } from './monitor.js';
import { SimulatedClock } from './simulated-clock.js';
import { SimulatedBuffers } from './simulated-buffers.js';
import { memoryCounterEvents, memorySnapshot } from './snapshot.js';

const MIB = 2 ** 20;

function monitored(kept?: number) {
  const device = new SimulatedBuffers();
  const clock = new SimulatedClock();
  const levels: string[] = [];
  const memory = new DeviceMemory(device, device, {
    budget: { bytes: 100 * MIB, source: 'configured', detail: 'test' },
    clock,
    slabBytes: MIB,
  });
  const monitor = new MemoryMonitor(memory, { clock, kept, onLevel: (level) => levels.push(level) });
  return { memory, clock, levels, monitor };
}

test('levels are told when they change, and from 85 percent on idle memory goes', async () => {
  const { memory, clock, levels, monitor } = monitored();
  monitor.start();
  const lease = memory.pool.lease(99 * MIB, 1, 'a');
  clock.advance(3000);
  await new Promise((resolve) => setImmediate(resolve));
  expect(levels).toEqual(['critical']);
  lease.release();
  clock.advance(1000);
  await new Promise((resolve) => setImmediate(resolve));
  expect(memory.stats().reservedBytes).toBe(0);
  memory.pool.lease(65 * MIB, 1, 'b');
  clock.advance(1000);
  expect(levels).toEqual(['critical', 'moderate']);
  monitor[Symbol.dispose]();
  clock.advance(5000);
  expect(monitor.samples).toHaveLength(5);
});

test('other programs on the device press as well', () => {
  const { levels, monitor } = monitored();
  monitor.observe({ source: 'nvidia-smi', totalBytes: 1000, usedBytes: 850, utilisation: 0.5, detail: 'card' });
  expect(monitor.sample().pressure).toBe(0.85);
  expect(levels).toEqual(['high']);
});

test('the last samples are kept, oldest first', () => {
  const { clock, monitor } = monitored(3);
  for (let i = 0; i < 5; i++) {
    monitor.sample();
    clock.advance(10);
  }
  expect(monitor.samples.map(({ atMs }) => atMs)).toEqual([20, 30, 40]);
});

test('a snapshot is plain JSON', () => {
  const { memory, monitor } = monitored();
  memory.pool.lease(1000, 1, 'nearest.left', { tenant: 'alice' });
  const snapshot = memorySnapshot(memory, monitor);
  const read = JSON.parse(JSON.stringify(snapshot));
  expect(read).toMatchObject({
    version: 1,
    level: 'low',
    stats: {
      requestedBytes: 1000,
      usedBytes: 1024,
      reservedBytes: MIB,
      tenants: { alice: 1024 },
      labels: [{ label: 'nearest.left', liveBytes: 1000, peakBytes: 1000 }],
      budget: { source: 'configured' },
    },
    samples: [{ usedBytes: 1024, pressure: 0.01 }],
    leaks: [],
  });
});

test('samples are counter events whose stacked series add up to what is reserved', () => {
  const { memory, clock, monitor } = monitored();
  memory.pool.lease(1000, 1, 'a');
  clock.advance(2);
  const events = memoryCounterEvents([monitor.sample()], 'gpu0', 7);
  expect(events).toEqual([
    { name: 'gpu0 memory bytes', ph: 'C', ts: 2000, pid: 7, args: { used: 1024, pending: 0, idle: MIB - 1024 } },
    { name: 'gpu0 requested bytes', ph: 'C', ts: 2000, pid: 7, args: { requested: 1000 } },
    { name: 'gpu0 pressure percent', ph: 'C', ts: 2000, pid: 7, args: { pressure: 1 } },
  ]);
});
