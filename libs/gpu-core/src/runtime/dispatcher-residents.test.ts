/** @jest-environment <rootDir>/src/ops/conformance/environment.mjs */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebGpuDevice } from '../device/webgpu/webgpu-device.js';
import { DeviceArray } from '../ops/host/device-array.js';
import { CostModel } from '../router/cost-model.js';
import type { DevicePrediction } from '../router/decision.js';
import { onDawn } from '../testing/on-dawn.js';
import { type Computed, Dispatcher } from './dispatcher.js';
import { Runtime } from './runtime.js';

let runtime: Runtime;
let stateFolder: string;
beforeAll(async () => {
  runtime = await Runtime.create({ workerCount: 1 });
  stateFolder = mkdtempSync(join(tmpdir(), 'armilla-residents-'));
});
afterAll(async () => {
  await runtime.close();
  rmSync(stateFolder, { recursive: true });
});

function open(device: WebGpuDevice): Promise<Dispatcher> {
  const devices = [{ id: 'webgpu:0', device, share: 1 }];
  return Dispatcher.open(runtime, { stateFolder, environment: '', devices });
}

function predicted({ decision }: Computed<unknown>, device: string): DevicePrediction {
  const found = decision.predictions.find((one) => one.device === device);
  if (found === undefined) throw new Error(`nothing is predicted for ${device}`);
  return found;
}

const on = { device: 'webgpu:0' };

onDawn('the router counts no upload of what a device keeps, there and only there', async () => {
  await using device = await WebGpuDevice.open();
  const dispatcher = await open(device);
  const n = 100;
  const values = new Float32Array(n * n).map((_, i) => (i % 17) - 8);
  const shape = { rowCount: n, innerCount: n, columnCount: n };
  using left = await dispatcher.keep('webgpu:0', values, 'test.left');
  const bytes = values.byteLength;
  const plain = await dispatcher.run('gpu.matmul', { left: values, right: values, ...shape }, on);
  expect(predicted(plain, 'webgpu:0').bytesToMove).toBe(3 * bytes);
  const one = await dispatcher.run('gpu.matmul', { left, right: values, ...shape }, on);
  expect(predicted(one, 'webgpu:0').bytesToMove).toBe(2 * bytes);
  const both = await dispatcher.run('gpu.matmul', { left, right: left, ...shape }, on);
  expect(predicted(both, 'webgpu:0').bytesToMove).toBe(bytes);
  // By one model: that of the calls has learnt meanwhile.
  const transferMs = ({ decision }: Computed<unknown>): number =>
    predicted({ value: undefined, decision: dispatcher.router.explain(decision.request) }, 'webgpu:0').terms.transferMs;
  expect(transferMs(both)).toBeCloseTo(transferMs(plain) / 3, 10);
  expect(predicted(both, 'wasm:1').bytesToMove).toBe(0);
  expect([one.value, both.value]).toEqual([plain.value, plain.value]);
  // Each group is a job that takes a part.
  const groups = [n / 2, n / 2].map((rowCount) => ({ batchCount: 1, rowCount, innerCount: n, columnCount: n / 2 }));
  const batch = { left, right: values, groups };
  const parts = await dispatcher.run('gpu.batchedMatmul', batch, on);
  expect(predicted(parts, 'webgpu:0').bytesToMove).toBe(2.5 * bytes);
  const whole = { ...batch, groups: [{ batchCount: 1, rowCount: n, innerCount: n, columnCount: n }] };
  expect(predicted(await dispatcher.run('gpu.batchedMatmul', whole, on), 'webgpu:0').bytesToMove).toBe(2 * bytes);
  // Halves are made on the host.
  const half = await dispatcher.run('gpu.halfMatmul', { left, right: left, ...shape }, on);
  expect(predicted(half, 'webgpu:0').bytesToMove).toBe(3 * bytes);
  // The same numbers, computed on the host.
  const host = await dispatcher.run<Float32Array>(
    'gpu.matmul',
    { left, right: left, ...shape },
    { device: 'typescript' },
  );
  expect(host.value).toEqual(both.value);
});

onDawn('what was spilled counts as an upload, until the next call has brought it back', async () => {
  await using device = await WebGpuDevice.open({ memoryBytes: 2 ** 22 });
  const dispatcher = await open(device);
  const values = new Float32Array(50_000).fill(2);
  using left = await dispatcher.keep('webgpu:0', values, 'test.left');
  const moved = async (): Promise<number> => {
    const sum = await dispatcher.run<Float32Array>('gpu.add', { left, right: values }, on);
    expect(sum.value[7]).toBe(4);
    return predicted(sum, 'webgpu:0').bytesToMove;
  };
  expect(device.hasUploaded(left.resident)).toBe(true);
  expect(await moved()).toBe(2 * values.byteLength);
  await device.cleanup(0);
  expect(device.hasUploaded(left.resident)).toBe(false);
  expect(await moved()).toBe(3 * values.byteLength);
  expect(await moved()).toBe(2 * values.byteLength);
});

onDawn('a call goes to the device that keeps its operands, where their upload made it the slower one', async () => {
  await using whole = await WebGpuDevice.open();
  const methods = (['run', 'keep', 'holds', 'hasUploaded'] as const).map((name) => [
    name,
    { value: whole[name].bind(whole) },
  ]);
  const card = Object.create(whole, {
    info: { value: { ...whole.info, software: false } },
    roomBytes: { value: undefined },
    watchMemory: { value: undefined },
    ...Object.fromEntries(methods),
  }) as WebGpuDevice;
  const n = 100_000;
  // 10 ms on the host; on the card 0.6 ms, and 7 ms for each array that moves. No call learns from another one.
  const calibrated = async (): Promise<Dispatcher> => {
    const dispatcher = await open(card);
    const install = (device: string, msPerWork: number, msPerByte: number): void => {
      const model = new CostModel({ launchMs: 0.1, msPerWork, msPerByte }, 'calibrated');
      dispatcher.router.install('gpu.add', 'f32', device, model);
    };
    install('typescript', 1e-4, 0);
    install('wasm:1', 1e-4, 0);
    install('webgpu:0', 5e-6, 7 / (4 * n));
    return dispatcher;
  };
  const values = new Float32Array(n).map((_, i) => i % 1013);
  using kept = await DeviceArray.keep(card, values, 'test.values');
  const onHost = await (await calibrated()).run('gpu.add', { left: values, right: values });
  expect(onHost.decision.chosen).not.toBe('webgpu:0');
  const there = await (await calibrated()).run('gpu.add', { left: kept, right: kept });
  expect(there.decision).toMatchObject({ chosen: 'webgpu:0', reason: 'fastest' });
  expect(there.value).toEqual(onHost.value);
});

onDawn('a decision for a call that must be cut counts all of its operands', async () => {
  await using device = await WebGpuDevice.open({ memoryBytes: 2 ** 20 });
  const dispatcher = await open(device);
  const values = new Float32Array(100_000).map((_, i) => i % 1013);
  using left = await dispatcher.keep('webgpu:0', values, 'test.left');
  const { value, decision } = await dispatcher.run('gpu.add', { left, right: values }, on);
  expect(value).toEqual(values.map((one) => 2 * one));
  expect(decision.chunkCount).toBeGreaterThan(1);
  expect(predicted({ value, decision }, 'webgpu:0').bytesToMove).toBe(3 * values.byteLength);
});

onDawn('small calls with kept operands are made batches as others are', async () => {
  await using device = await WebGpuDevice.open();
  const dispatcher = await open(device);
  const values = Float32Array.of(1, 2, 3, 4);
  using left = await dispatcher.keep('webgpu:0', values, 'test.left');
  const calls = Array.from({ length: 12 }, (_, i) =>
    dispatcher.run<Float32Array>('gpu.add', { left, right: values.map((value) => value + i) }, on),
  );
  const results = await Promise.all(calls);
  results.forEach(({ value }, i) => expect([...value]).toEqual([2 + i, 4 + i, 6 + i, 8 + i]));
  const [batch] = dispatcher.view().batches;
  expect(batch.batchCount).toBeLessThan(12);
});

onDawn('what is not there or was disposed of is a typed error', async () => {
  await using device = await WebGpuDevice.open({ nullBackend: true });
  const dispatcher = await open(device);
  const values = new Float32Array(16);
  await expect(dispatcher.keep('wasm:1', values, 'test')).rejects.toMatchObject({
    reason: 'OPTION_INVALID',
    fields: { expected: 'one of webgpu:0', got: "'wasm:1'" },
  });
  const without = await Dispatcher.open(runtime, { stateFolder, environment: '' });
  await expect(without.keep('webgpu:0', values, 'test')).rejects.toMatchObject({ reason: 'OPTION_INVALID' });
  const left = await dispatcher.keep('webgpu:0', values, 'test.left');
  // A device that it does not know: operands come from the host.
  const decided = await without.run('gpu.sqrt', { left });
  expect(decided.value).toEqual(values);
  left[Symbol.dispose]();
  const released = { reason: 'LEASE_RELEASED', fields: { label: 'test.left' } };
  await expect(dispatcher.run('gpu.sqrt', { left }, on)).rejects.toMatchObject(released);
  await expect(dispatcher.run('gpu.add', { left: values, right: left })).rejects.toMatchObject(released);
  await expect(dispatcher.keep('webgpu:0', [1, 2] as never, 'test')).rejects.toMatchObject({
    reason: 'OPTION_INVALID',
  });
});
