/** @jest-environment <rootDir>/src/ops/conformance/environment.mjs */
import { fail } from '@armilla/base';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Dispatcher } from './dispatcher.js';
import { Runtime } from './runtime.js';
import { AddingDevice } from './testing/adding-device.js';

const GONE = fail('DEVICE_UNAVAILABLE', { provider: 'test', detail: 'no card' });
const LOST = fail('DEVICE_LOST', { device: 'Adder', detail: 'its thread has ended' });
const FAILED = fail('DEVICE_FAILED', { device: 'Adder', detail: 'of the driver' });
const STALLED = fail('DEVICE_STALLED', { device: 'Adder', seconds: 60 });
const NOT_COMPILED = fail('KERNEL_INVALID', { file: 'add.wgsl', line: 8, detail: 'of the driver' });
const left = new Float32Array(1000).map((_, i) => i);
const operands = { left, right: left };
const sums = left.map((value) => 2 * value);

let runtime: Runtime;
let stateFolder: string;
beforeEach(async () => {
  runtime = await Runtime.create({ workerCount: 1 });
  stateFolder = mkdtempSync(join(tmpdir(), 'armilla-gone-'));
});
afterEach(async () => {
  await runtime.close();
  rmSync(stateFolder, { recursive: true });
});

async function open(devices: readonly AddingDevice[], route?: string): Promise<Dispatcher> {
  const named = devices.map((device, i) => ({ id: `webgpu:${i}`, device, share: 1 }));
  const options = { devices: named, stateFolder, environment: '', batches: false, ...(route && { route }) } as const;
  const dispatcher = await Dispatcher.open(runtime, options);
  // The devices are far ahead of the CPU.
  for (const id of ['typescript', 'wasm:1']) {
    for (let i = 0; i < 30; i++) {
      const slow = dispatcher.router.decide({
        operation: 'gpu.add',
        dtype: 'f32',
        work: 1000,
        operands: [{ bytes: 8000 }],
        bytesOut: 4000,
        device: id,
      });
      dispatcher.router.learn(slow, id, 60_000);
    }
  }
  return dispatcher;
}

test.each([GONE, LOST, FAILED, STALLED, NOT_COMPILED].map((fault) => [fault.reason, fault] as const))(
  '%s: the device is passed over by the call that finds it so, and by others',
  async (_, fault) => {
    const device = new AddingDevice();
    const dispatcher = await open([device]);
    expect((await dispatcher.run('gpu.add', operands)).decision.chosen).toBe('webgpu:0');
    device.fault = fault;
    for (let i = 0; i < 3; i++) {
      const { value, decision } = await dispatcher.run('gpu.add', operands);
      expect(value).toEqual(sums);
      expect(decision.refused).toContainEqual({
        device: 'webgpu:0',
        reason: 'unavailable',
        detail: fault.reason === 'KERNEL_INVALID' ? fault.message : (fault.fields.detail ?? fault.message),
      });
    }
    expect(device.askedCount).toBe(2);
    const { chosen, refused } = dispatcher.explain('gpu.add', 1000);
    expect(chosen).not.toBe('webgpu:0');
    expect(refused).toContainEqual(expect.objectContaining({ device: 'webgpu:0', reason: 'unavailable' }));
  },
);

test('where the call names it, or a rule does, the fault is the caller’s, and each call asks it once', async () => {
  const device = new AddingDevice();
  device.fault = GONE;
  const named = await open([device]);
  for (let i = 1; i <= 2; i++) {
    await expect(named.run('gpu.add', operands, { device: 'webgpu:0' })).rejects.toBe(GONE);
    expect(device.askedCount).toBe(i);
  }
  device.fault = undefined;
  expect((await named.run('gpu.add', operands, { device: 'webgpu' })).value).toEqual(sums);
  device.fault = LOST;
  const ruled = await open([device], 'gpu.add=webgpu:0');
  await expect(ruled.run('gpu.add', operands)).rejects.toBe(LOST);
});

test('a rule that names a kind goes on with the others of the kind', async () => {
  const devices = [new AddingDevice(), new AddingDevice()];
  const dispatcher = await open(devices);
  devices[0].fault = GONE;
  devices[1].fault = undefined;
  for (let i = 0; i < 2; i++) {
    const { value, decision } = await dispatcher.run('gpu.add', operands, { device: 'webgpu' });
    expect({ value, chosen: decision.chosen }).toEqual({ value: sums, chosen: 'webgpu:1' });
  }
  expect(devices[0].askedCount).toBeLessThanOrEqual(1);
  devices[1].fault = LOST;
  await expect(dispatcher.run('gpu.add', operands, { device: 'webgpu' })).rejects.toThrow(
    expect.objectContaining({ reason: expect.stringMatching('DEVICE_') }),
  );
});

test('a call that is spread over two devices goes on with the one that is left', async () => {
  const devices = [new AddingDevice(), new AddingDevice()];
  const dispatcher = await open(devices);
  // Pieces of a third of the room, at least 1024 values.
  for (const device of devices) device.roomBytes = 2 ** 16;
  const long = new Float32Array(100_000).map((_, i) => i % 1013);
  devices[1].fault = LOST;
  const { value } = await dispatcher.run('gpu.add', { left: long, right: long }, { device: 'webgpu:0' });
  expect(value).toEqual(long.map((one) => 2 * one));
  expect(devices[1].askedCount).toBeGreaterThan(0);
  expect(devices[1].jobs).toHaveLength(0);
});
