/** @jest-environment <rootDir>/src/ops/conformance/environment.mjs */
import { WebGpuDevice } from '../device/webgpu/webgpu-device.js';
import { defineOperation } from '../operation/operation.js';
import { add } from '../ops/elementwise/index.js';
import { registerOperation, type RoutedOperation, routedOperation, routedOperations } from '../ops/routing.js';
import { onDawn } from '../testing/on-dawn.js';
import { Dispatcher } from './dispatcher.js';
import { Runtime } from './runtime.js';
import { verifyOperations } from './verify-operations.js';

let runtime: Runtime;
beforeAll(async () => (runtime = await Runtime.create({ workerCount: 2 })));
afterAll(() => runtime.close());

const stateFolder = '/nowhere';

onDawn('every operation agrees with its reference on every device', async () => {
  await using device = await WebGpuDevice.open();
  const devices = [{ id: 'webgpu:0', device, share: 1 }];
  const dispatcher = await Dispatcher.open(runtime, { stateFolder, environment: '', devices });
  const verdicts = await verifyOperations(dispatcher);
  expect(verdicts.filter(({ fault }) => fault !== undefined)).toEqual([]);
  const typeCount = routedOperations().reduce((sum, { dtypes }) => sum + dtypes.length, 0);
  expect(verdicts.filter(({ device: id }) => id === 'wasm:2')).toHaveLength(typeCount);
  expect(verdicts.filter(({ device: id }) => id === 'webgpu:0').length).toBeGreaterThan(10);
});

test('a backend that differs, and one that fails, are told, and the others are looked at all the same', async () => {
  const reference = add.on('reference');
  const typescript: typeof reference = async (execution, input) => {
    const result = await reference(execution, input);
    const out = result as Float32Array;
    out[17] += 1;
    return result;
  };
  const wasm: typeof reference = () => Promise.reject(new Error('no memory'));
  const name = 'test.add';
  const operation = defineOperation({ ...add, name, backends: { reference, typescript, wasm } });
  registerOperation({ ...routedOperation('gpu.add'), operation } as unknown as RoutedOperation);
  const dispatcher = await Dispatcher.open(runtime, { stateFolder, environment: '' });
  const verdicts = await verifyOperations(dispatcher);
  const bad = verdicts.filter(({ fault }) => fault !== undefined);
  expect(bad.map(({ operation: one, device }) => `${one} ${device}`)).toEqual([
    `${name} f32 typescript`,
    `${name} f32 wasm:1`,
    `${name} f32 wasm:2`,
    `${name} f64 typescript`,
    `${name} f64 wasm:1`,
    `${name} f64 wasm:2`,
  ]);
  expect(bad[0].fault).toContain('17');
  expect(bad[1].fault).toContain('no memory');
});
