/** @jest-environment <rootDir>/src/ops/conformance/environment.mjs */
import { Random } from '@armilla/base';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Job, JobResult, RunOptions } from '../device/device.js';
import { operations } from '../ops/index.js';
import { registerOperation, routedOperation, routedOperations } from '../ops/routing.js';
import { summarise } from '../profile/summary.js';
import type { CalibrationRow } from '../router/calibration.js';
import { CostModel } from '../router/cost-model.js';
import { hardwareName } from '../router/hardware-key.js';
import { Dispatcher } from './dispatcher.js';
import { Runtime } from './runtime.js';
import { AddingDevice } from './testing/adding-device.js';

let runtime: Runtime;
let stateFolder: string;
beforeAll(async () => {
  runtime = await Runtime.create({ workerCount: 2 });
  stateFolder = mkdtempSync(join(tmpdir(), 'armilla-dispatcher-'));
});
afterAll(async () => {
  await runtime.close();
  rmSync(stateFolder, { recursive: true });
});

const open = (options = {}): Promise<Dispatcher> =>
  Dispatcher.open(runtime, { stateFolder, environment: '', ...options });

/** It answers nothing until it is told to stop. */
class HangingDevice extends AddingDevice {
  stopped = 0;

  override run(_job: Job, { signal }: RunOptions = {}): Promise<JobResult> {
    return new Promise((_, reject) =>
      signal?.addEventListener('abort', () => {
        this.stopped++;
        reject(signal.reason as Error);
      }),
    );
  }
}

test('every operation can be routed, and its sizes are those of its inputs', () => {
  expect(
    routedOperations()
      .map(({ operation }) => operation.name)
      .sort(),
  ).toEqual(Object.keys(operations).sort());
  const random = new Random(1);
  for (const routed of routedOperations()) {
    for (const dtype of routed.dtypes) {
      const input = routed.sample(5, dtype, random);
      expect(routed.dtypeOf(input)).toBe(dtype);
      expect(routed.sizeOfInput(input)).toEqual(routed.sizeOf(5, dtype));
    }
  }
  expect(routedOperation('gpu.matmul').sizeOf(10, 'f32')).toEqual({ work: 2000, bytesIn: 800, bytesOut: 400 });
});

test('each device gives the result of the operation, its decision says where, and the profile has it', async () => {
  const dispatcher = await open();
  const left = new Float32Array([1, 2, 3, 4]);
  const input = { left, right: left, rowCount: 2, innerCount: 2, columnCount: 2 };
  for (const { id } of dispatcher.router.devices) {
    const { value, decision } = await dispatcher.run<Float32Array>('gpu.matmul', input, { device: id });
    expect([...value]).toEqual([7, 10, 15, 22]);
    expect(decision).toMatchObject({ chosen: id, reason: 'override-request', operation: 'gpu.matmul', dtype: 'f32' });
  }
  const free = await dispatcher.run('gpu.matmul', input);
  expect(free.decision.predictions.map(({ device }) => device)).toEqual(dispatcher.router.devices.map(({ id }) => id));
  const rows = summarise(runtime.profiler.profile('test', 'test'));
  expect(rows.find(({ op }) => op === 'gpu.matmul')?.count).toBe(dispatcher.router.devices.length + 1);
});

test('a calibration holds for the kernels of operations from elsewhere, too', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'armilla-dispatcher-'));
  const open = (): Promise<Dispatcher> => Dispatcher.open(runtime, { stateFolder: folder, environment: '' });
  const first = await open();
  await first.run('gpu.add', { left: Float32Array.of(1), right: Float32Array.of(2) });
  await first.save();
  const matmul = routedOperation('gpu.matmul');
  registerOperation({ ...matmul, kernelFiles: [import.meta.filename] });
  try {
    expect((await (await open()).store.load()).models).toBeUndefined();
  } finally {
    registerOperation(matmul);
  }
  expect((await (await open()).store.load()).models).toHaveLength(1);
  rmSync(folder, { recursive: true });
});

test('a calibration is stored, and the next process starts from it', async () => {
  const dispatcher = await open();
  const measure = (): Promise<readonly CalibrationRow[]> =>
    dispatcher.calibrate({ operations: ['gpu.xor', 'gpu.sum'] });
  let rows = await measure();
  // By what else this machine does.
  while (rows.some(({ interrupted }) => interrupted)) rows = await measure();
  expect(rows.filter(({ fault }) => fault !== undefined)).toEqual([]);
  expect(new Set(rows.map(({ operation }) => operation))).toEqual(new Set(['gpu.xor', 'gpu.sum']));
  const next = await open();
  expect(next.explain('gpu.xor', 1 << 20).predictions.every(({ source }) => source !== 'prior')).toBe(true);
  expect(next.explain('gpu.xor', 1 << 20).predictions).toHaveLength(3);
  for (const file of readdirSync(stateFolder)) writeFileSync(join(stateFolder, file), '{"half":');
  const ignoring = await open();
  expect(ignoring.explain('gpu.xor', 1 << 20).predictions.every(({ source }) => source === 'prior')).toBe(true);
  await ignoring.calibrate({ operations: ['gpu.xor'] });
  expect((await ignoring.store.load()).models).toBeDefined();
});

test('what is measured beside a process that has the GPU is of the same machine, and leaves the models of the GPU', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'armilla-dispatcher-'));
  const device = new AddingDevice();
  const shared = { stateFolder: folder, environment: '', hardware: [hardwareName(device.info)] };
  const first = await Dispatcher.open(runtime, { ...shared, devices: [{ id: 'webgpu:0', device, share: 1 }] });
  const input = { left: new Float32Array(100), right: new Float32Array(100) };
  await first.run('gpu.add', input, { device: 'webgpu:0' });
  await first.save();
  const beside = await Dispatcher.open(runtime, shared);
  await beside.run('gpu.add', input, { device: 'typescript' });
  await beside.run('gpu.sum', { values: input.left }, { device: 'typescript' });
  await beside.save();
  const { models = [] } = await first.store.load();
  expect(models.map(({ operation, devices }) => [operation, Object.keys(devices).sort()])).toEqual([
    ['gpu.add', ['typescript', 'webgpu:0']],
    ['gpu.sum', ['typescript']],
  ]);
  rmSync(folder, { recursive: true });
});

test('a call that a device never answers ends on another one; not where it would write to a place of the caller', async () => {
  const device = new HangingDevice();
  const devices = [{ id: 'webgpu:0', device, share: 1 }];
  const dispatcher = await open({ devices, batches: false });
  const fast = new CostModel({ launchMs: 1e-4, msPerWork: 0, msPerByte: 0 }, 'calibrated');
  dispatcher.router.install('gpu.add', 'f32', 'webgpu:0', fast);
  const input = { left: Float32Array.of(1, 2, 3), right: Float32Array.of(10, 20, 30) };
  const { value, decision } = await dispatcher.run<Float32Array>('gpu.add', input);
  expect([...value]).toEqual([11, 22, 33]);
  expect(decision).toMatchObject({ chosen: 'webgpu:0', second: { won: true } });
  expect(device.stopped).toBe(1);
  dispatcher.router.install('gpu.add', 'f32', 'webgpu:0', fast);
  const out = new Float32Array(3);
  const abort = new AbortController();
  const alone = dispatcher.run('gpu.add', { ...input, out }, { signal: abort.signal });
  setTimeout(() => abort.abort(new Error('enough')), 50);
  await expect(alone).rejects.toThrow('enough');
  expect([...out]).toEqual([0, 0, 0]);
  expect(device.stopped).toBe(2);
});

test('what cannot be routed is a typed error', async () => {
  const dispatcher = await open();
  await expect(dispatcher.run('gpu.nothing', {})).rejects.toMatchObject({
    reason: 'OPERATION_UNKNOWN',
    message: expect.stringContaining('gpu.matmul'),
  });
  for (const input of [null, undefined, 5] as unknown as object[])
    await expect(dispatcher.run('gpu.sum', input)).rejects.toMatchObject({ reason: 'OPTION_INVALID' });
  for (const input of [{}, { values: [1] }, { values: new Int32Array(4) }])
    await expect(dispatcher.run('gpu.sum', input)).rejects.toMatchObject({ reason: 'SHAPE_MISMATCH' });
  await expect(dispatcher.run('gpu.batchedMatmul', {})).rejects.toMatchObject({ reason: 'SHAPE_MISMATCH' });
  const values = new Float32Array(4);
  await expect(dispatcher.run('gpu.sum', { values }, { device: 'abacus' })).rejects.toMatchObject({
    reason: 'OPTION_INVALID',
  });
  const invalid = expect.objectContaining({ reason: 'OPTION_INVALID' });
  expect(() => dispatcher.explain('gpu.xor', 8, 'f64')).toThrow(invalid);
  for (const size of [0, -1, 1.5, NaN, 2 ** 31]) expect(() => dispatcher.explain('gpu.xor', size)).toThrow(invalid);
  await expect(dispatcher.run('gpu.sum', { values }, { signal: AbortSignal.abort() })).rejects.toMatchObject({
    name: 'AbortError',
  });
});

test('rules of configuration name devices', async () => {
  const dispatcher = await open({ route: 'gpu.sum=typescript' });
  expect(dispatcher.explain('gpu.sum', 1 << 20)).toMatchObject({ chosen: 'typescript', reason: 'override-config' });
  await expect(open({ route: 'gpu.sum' })).rejects.toMatchObject({ reason: 'CONFIG_INVALID' });
  await expect(open({ route: 'gpu.nothing=wasm' })).rejects.toMatchObject({
    reason: 'CONFIG_INVALID',
    message: expect.stringMatching(/no operation 'gpu\.nothing'; there are .*gpu\.matmul/),
  });
});
