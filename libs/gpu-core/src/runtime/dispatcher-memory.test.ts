/** @jest-environment <rootDir>/src/ops/conformance/environment.mjs */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { OpenDevice } from '../device/open-devices.js';
import { WebGpuDevice } from '../device/webgpu/webgpu-device.js';
import { DeviceMemory } from '../memory/device/device-memory.js';
import { MemoryMonitor } from '../memory/device/monitor.js';
import { SimulatedBuffers } from '../memory/device/simulated-buffers.js';
import { SimulatedClock } from '../memory/device/simulated-clock.js';
import { profileToChromeTrace } from '../profile/export/chrome-trace.js';
import { overlaps } from '../profile/overlap.js';
import { summarise } from '../profile/summary.js';
import { onDawn } from '../testing/on-dawn.js';
import { Dispatcher, type DispatcherOptions } from './dispatcher.js';
import { Runtime } from './runtime.js';
import { AddingDevice } from './testing/adding-device.js';

const MIB = 2 ** 20;

let runtime: Runtime;
let stateFolder: string;
beforeEach(async () => {
  runtime = await Runtime.create({ workerCount: 1 });
  stateFolder = mkdtempSync(join(tmpdir(), 'armilla-dispatcher-'));
});
afterEach(async () => {
  await runtime.close();
  rmSync(stateFolder, { recursive: true });
});

function open(devices: readonly OpenDevice['device'][], options: DispatcherOptions = {}): Promise<Dispatcher> {
  const named = devices.map((device, i) => ({ id: `webgpu:${i}`, device, share: 1 }));
  return Dispatcher.open(runtime, { stateFolder, environment: '', ...options, devices: named });
}

function input(length: number): { left: Float32Array; right: Float32Array; sums: Float32Array } {
  const left = new Float32Array(length).map((_, i) => i % 1013);
  return { left, right: left, sums: left.map((value) => 2 * value) };
}

test('a call that the room of a device does not hold is cut, and its pieces are spread over devices of one make', async () => {
  const devices = [new AddingDevice(), new AddingDevice()];
  for (const device of devices) device.roomBytes = MIB;
  const dispatcher = await open(devices);
  const { sums, ...operands } = input(500_000);
  const { value, decision } = await dispatcher.run('gpu.add', operands, { device: 'webgpu:0', tenant: 'me' });
  expect(value).toEqual(sums);
  // A third of the room, less what size classes may add.
  const pieceBytes = MIB / 3.75;
  expect(decision.chunkCount).toBe(Math.ceil(6_000_000 / pieceBytes));
  expect(devices[0].jobs.length).toBeGreaterThan(0);
  expect(devices[1].jobs.length).toBeGreaterThan(0);
  const jobs = devices.flatMap((device) => device.jobs);
  expect(jobs.length).toBeGreaterThanOrEqual(decision.chunkCount);
  for (const { flops = NaN } of jobs) expect(12 * flops).toBeLessThanOrEqual(pieceBytes);
  expect(new Set(jobs.map(({ tenant }) => tenant))).toEqual(new Set(['me']));
});

test('a piece without memory is halved, and the operands stay as they were until all are there', async () => {
  const device = new AddingDevice();
  device.memoryBytes = 1_000_000;
  const dispatcher = await open([device]);
  const { left, right, sums } = input(500_000);
  const own = left.slice();
  const { value } = await dispatcher.run('gpu.add', { left: own, right, out: own }, { device: 'webgpu:0' });
  expect(value).toBe(own);
  expect(own).toEqual(sums);
  expect(device.jobs).toHaveLength(8);
  expect(dispatcher.view().memory).toMatchObject([{ calls: { halvedCount: 7, elsewhereCount: 0, waitedCount: 0 } }]);
});

test('a device without room, or without memory when it comes to it, is passed over, and the decision says why', async () => {
  const device = new AddingDevice();
  const dispatcher = await open([device], { route: 'gpu.exp=typescript' });
  // Far ahead of all others, as soon as it has room.
  for (const id of ['typescript', 'wasm:1']) {
    for (let i = 0; i < 30; i++) {
      const slow = dispatcher.router.decide(requestOf500k(id));
      dispatcher.router.learn(slow, id, 60_000);
    }
  }
  const { sums, ...operands } = input(500_000);
  const free = await dispatcher.run('gpu.add', operands);
  expect(free.decision).toMatchObject({ chosen: 'webgpu:0' });
  device.roomBytes = 0;
  const without = await dispatcher.run('gpu.add', operands);
  expect(without.value).toEqual(sums);
  expect(without.decision.chosen).not.toBe('webgpu:0');
  expect(without.decision.refused).toContainEqual({ device: 'webgpu:0', reason: 'memory' });
  expect(device.jobs).toHaveLength(1);
  device.roomBytes = undefined;
  device.memoryBytes = 0;
  const late = await dispatcher.run('gpu.add', operands);
  expect(late.value).toEqual(sums);
  expect(late.decision.refused).toContainEqual({ device: 'webgpu:0', reason: 'memory' });
  expect(dispatcher.view().memory[0].calls).toMatchObject({ elsewhereCount: 2, waitedCount: 0 });
  // Nobody else may: it waits, and is cut to what the device has in all.
  const forced = await dispatcher.run('gpu.add', operands, { device: 'webgpu:0' });
  expect(forced.value).toEqual(sums);
  expect(device.jobs.at(-1)?.maxWaitMs).toBeUndefined();
  expect(dispatcher.view().memory[0].calls).toMatchObject({ elsewhereCount: 2, waitedCount: 1 });
});

function requestOf500k(device: string): Parameters<Dispatcher['router']['decide']>[0] {
  return {
    operation: 'gpu.add',
    dtype: 'f32',
    work: 500_000,
    operands: [{ bytes: 4_000_000 }],
    bytesOut: 2_000_000,
    device,
  };
}

test('the level and leaks of a device are in the view, its bytes and pressure in the profile and its trace', async () => {
  const device = new AddingDevice();
  const dispatcher = await open([device]);
  expect(dispatcher.view().memory).toMatchObject([{ device: 'webgpu:0', level: 'unknown', leaks: [] }]);
  const buffers = new SimulatedBuffers();
  const clock = new SimulatedClock();
  const memory: DeviceMemory = new DeviceMemory(buffers, buffers, {
    budget: { bytes: 100 * MIB, source: 'configured', detail: 'test' },
    slabBytes: MIB,
    clock,
  });
  using monitor = new MemoryMonitor(memory, {
    clock,
    onSample: (sample) => device.tell({ sample, level: monitor.level, stats: memory.stats(), leaks: monitor.leaks }),
  });
  monitor.start();
  const leaked: Disposable[] = [];
  for (let second = 0; second < 60; second++) {
    leaked.push(memory.pool.lease(MIB, 0x80, 'test.leaking'));
    clock.advance(1000);
  }
  const [view] = dispatcher.view().memory;
  expect(view).toMatchObject({ level: 'moderate', stats: { usedBytes: 60 * MIB, budget: { source: 'configured' } } });
  expect(view.leaks).toMatchObject([
    { kind: 'slope', label: 'test.leaking', stack: expect.stringContaining('.test.') },
  ]);
  expect(JSON.parse(JSON.stringify(dispatcher.view().memory))).toMatchObject([{ device: 'webgpu:0' }]);
  const profile = runtime.profiler.profile();
  const trace = JSON.parse(profileToChromeTrace(profile)) as {
    traceEvents: { ph: string; name: string; args: object }[];
  };
  const counts = trace.traceEvents.filter(({ ph }) => ph === 'C');
  expect(new Set(counts.map(({ name }) => name))).toEqual(
    new Set(['memory.requested', 'memory.used', 'memory.reserved', 'memory.pressure']),
  );
  expect(counts.filter(({ name }) => name === 'memory.used').at(-1)?.args).toEqual({ bytes: 60 * MIB });
  for (const lease of leaked) lease[Symbol.dispose]();
});

test('a job of a device is a span with the parts of its time', async () => {
  const device = new AddingDevice();
  const dispatcher = await open([device]);
  const { left, right } = input(1000);
  await dispatcher.run('gpu.add', { left, right }, { device: 'webgpu:0' });
  const rows = summarise(runtime.profiler.profile());
  expect(dispatcher.devices.map(({ id, device: { info } }) => [id, info.name])).toEqual([['webgpu:0', 'Adder']]);
  expect(rows.find(({ op, device: on }) => op === 'gpu.add' && on === 'webgpu:0')).toMatchObject({
    count: 1,
    queueNs: 1e6,
    uploadNs: 2e6,
    kernelNs: 3e6,
    readbackNs: 4e6,
    bytes: 12_000,
    flops: 1000,
  });
});

onDawn('under a small budget a device computes in pieces that overlap, within the budget', async () => {
  await using device = await WebGpuDevice.open({ memoryBytes: 8 * MIB });
  const dispatcher = await open([device]);
  const { sums, ...operands } = input(2_000_000);
  const { value, decision } = await dispatcher.run('gpu.add', operands, { device: 'webgpu:0' });
  expect(value).toEqual(sums);
  expect(decision.chunkCount).toBeGreaterThan(3);
  const stats = await device.memory();
  expect(stats.peakReservedBytes).toBeLessThanOrEqual(8 * MIB);
  expect(stats).toMatchObject({ usedBytes: 0, promisedBytes: 0, budget: { bytes: 8 * MIB, source: 'configured' } });
  const profile = runtime.profiler.profile();
  const job = summarise(profile).find(({ op, device: on }) => op === 'gpu.add' && on === 'webgpu:0');
  expect(job?.count).toBeGreaterThanOrEqual(decision.chunkCount);
  for (const part of ['uploadNs', 'kernelNs', 'readbackNs'] as const) expect(job?.[part]).toBeGreaterThan(0);
  const [overlap] = overlaps(profile);
  expect(overlap).toMatchObject({ device: 'webgpu:0' });
  expect(overlap.share).toBeGreaterThan(0);
  expect(dispatcher.view().memory[0]).toMatchObject({
    device: 'webgpu:0',
    stats: { budget: { source: 'configured' } },
  });
});

onDawn('a product over the budget is computed in blocks, bit for bit as in one', async () => {
  await using small = await WebGpuDevice.open({ memoryBytes: 2 * MIB });
  await using large = await WebGpuDevice.open();
  const dispatcher = await open([small, large]);
  const n = 400;
  const left = new Float32Array(n * n).map((_, i) => Math.sin(i));
  const product = { left, right: left, rowCount: n, innerCount: n, columnCount: n };
  const cut = await dispatcher.run<Float32Array>('gpu.matmul', product, { device: 'webgpu:0' });
  const whole = await dispatcher.run<Float32Array>('gpu.matmul', product, { device: 'webgpu:1' });
  expect(cut.decision.chunkCount).toBeGreaterThan(1);
  expect(whole.decision.chunkCount).toBe(1);
  expect(Buffer.compare(Buffer.from(cut.value.buffer), Buffer.from(whole.value.buffer))).toBe(0);
  expect((await small.memory()).peakReservedBytes).toBeLessThanOrEqual(2 * MIB);
});

onDawn('what no piece of fits goes to another device, and is refused with a hint where there is none', async () => {
  await using device = await WebGpuDevice.open({ memoryBytes: MIB / 4, tenantBytes: { small: 1024 } });
  // As the router sees a card.
  const card: WebGpuDevice = Object.create(device, { info: { value: { ...device.info, software: false } } });
  const bound = new Proxy(device, {
    get: (target, key) => {
      const value: unknown = key === 'info' ? card.info : Reflect.get(target, key, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  const dispatcher = await open([bound]);
  const k = 100_000;
  const values = new Float32Array(k).fill(1);
  const dot = { left: values, right: values, rowCount: 1, innerCount: k, columnCount: 1 };
  const { value, decision } = await dispatcher.run<Float32Array>('gpu.matmul', dot);
  expect([...value]).toEqual([k]);
  expect(decision.chosen).not.toBe('webgpu:0');
  await expect(dispatcher.run('gpu.matmul', dot, { device: 'webgpu:0' })).rejects.toMatchObject({
    reason: 'MEMORY_OVER_LIMIT',
  });
  const few = { left: values.subarray(0, 2000), right: values.subarray(0, 2000) };
  await expect(dispatcher.run('gpu.add', few, { device: 'webgpu:0', tenant: 'small' })).rejects.toMatchObject({
    reason: 'MEMORY_OVER_LIMIT',
    fields: { tenant: 'small' },
  });
  await expect(dispatcher.run('gpu.add', few, { device: 'webgpu:0' })).resolves.toMatchObject({});
});
