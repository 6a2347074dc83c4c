/** @jest-environment <rootDir>/src/ops/conformance/environment.mjs */
import { Random } from '@armilla/base';
import type { Device, Job } from '../../device/device.js';
import { WebGpuDevice } from '../../device/webgpu/webgpu-device.js';
import { Runtime } from '../../runtime/runtime.js';
import { onDawn } from '../../testing/on-dawn.js';
import { distance } from '../distance/index.js';
import { add, sqrt } from '../elementwise/index.js';
import { batchedMatmul, halfMatmul, matmul } from '../matmul/index.js';
import { sum } from '../reduce/index.js';
import { xor } from '../xor/index.js';
import { DeviceArray } from './device-array.js';

let runtime: Runtime;
beforeAll(async () => (runtime = await Runtime.create({ workerCount: 1 })));
afterAll(() => runtime.close());

function floats(seed: number, n: number): Float32Array {
  const random = new Random(seed);
  return new Float32Array(n).map(() => random.normal());
}

/** The device, and how the operands of its jobs came to it: "left resident". */
function watched(whole: Device, limits: Partial<Device['info']['limits']> = {}): { device: Device; came: string[] } {
  const came: string[] = [];
  const run = (job: Job, options?: Parameters<Device['run']>[1]): ReturnType<Device['run']> => {
    for (const [name, { kind }] of Object.entries(job.buffers))
      if (kind === 'input' || kind === 'resident') came.push(`${name} ${kind}`);
    return whole.run(job, options);
  };
  const info = { ...whole.info, limits: { ...whole.info.limits, ...limits } };
  return {
    device: Object.create(whole, { info: { value: info }, run: { value: run }, ...bound(whole) }) as Device,
    came,
  };
}

/** Private fields are those of the device itself. */
function bound(whole: Device): PropertyDescriptorMap {
  return { keep: { value: whole.keep.bind(whole) }, holds: { value: whole.holds.bind(whole) } };
}

onDawn('numbers that a device keeps are uploaded once, and read in place by every operation', async () => {
  await using whole = await WebGpuDevice.open();
  const { device, came } = watched(whole);
  const values = floats(1, 60);
  using left = await DeviceArray.keep(device, values, 'test.left');
  using bytes = await DeviceArray.keep(device, new Uint8Array(7).fill(3), 'test.bytes');
  expect(await whole.memory()).toMatchObject({ residentCount: 2 });
  expect(left).toMatchObject({ length: 60, label: 'test.left', type: Float32Array });
  expect(left.values).toEqual(values);
  came.length = 0;
  const execution = { runtime, device };
  const shape = { rowCount: 6, innerCount: 10, columnCount: 6 };
  await add.on('webgpu')(execution, { left, right: left });
  await sqrt.on('webgpu')(execution, { left });
  await sum.on('webgpu')(execution, { values: left });
  await matmul.on('webgpu')(execution, { left, right: values, ...shape });
  await batchedMatmul.on('webgpu')(execution, { left: values, right: left, groups: [{ batchCount: 1, ...shape }] });
  await distance.on('webgpu')(execution, { left, right: left, leftCount: 20, rightCount: 20, coordinateCount: 3 });
  await xor.on('webgpu')(execution, { left: bytes, right: new Uint8Array(7) });
  // Halves are other numbers than those that are there.
  await halfMatmul.on('webgpu')(execution, { left, right: left, ...shape });
  expect(came).toEqual([
    ...['left resident', 'right resident', 'left resident', 'values resident'],
    ...['left resident', 'right input', 'left input', 'right resident', 'left resident', 'right resident'],
    ...['left resident', 'right input', 'left input', 'right input'],
  ]);
});

onDawn('of a call in pieces, and on another device, the copy of the host is taken', async () => {
  await using whole = await WebGpuDevice.open();
  await using other = await WebGpuDevice.open({ nullBackend: true });
  const values = floats(2, 4096);
  using left = await DeviceArray.keep(whole, values, 'test.left');
  using elsewhere = await DeviceArray.keep(other, values, 'test.elsewhere');
  const { device, came } = watched(whole, { maxStorageBindingBytes: 8192 });
  const execution = { runtime, device };
  const expected = await add.on('typescript')(execution, { left: values, right: values });
  expect(await add.on('webgpu')(execution, { left, right: elsewhere })).toEqual(expected);
  expect(new Set(came)).toEqual(new Set(['left input', 'right input']));
  expect(came).toHaveLength(4);
  came.length = 0;
  // 64 x 64 by 64 x 64, in blocks: the operand that is not cut stays where it is.
  const wide = watched(whole, { maxWorkgroupsPerDimension: 1 });
  const shape = { rowCount: 128, innerCount: 32, columnCount: 64 };
  const right = values.subarray(0, 2048);
  using kept = await DeviceArray.keep(whole, right, 'test.right');
  const product = await matmul.on('webgpu')({ runtime, device: wide.device }, { left, right: kept, ...shape });
  expect(product).toEqual(await matmul.on('webgpu')({ runtime, device: whole }, { left: values, right, ...shape }));
  expect(wide.came).toEqual(['left input', 'right resident', 'left input', 'right resident']);
  expect(await add.on('webgpu')({ runtime, device: whole }, { left, right: elsewhere })).toEqual(expected);
});

onDawn('what was given up for others is uploaded again', async () => {
  await using device = await WebGpuDevice.open({ memoryBytes: 2 ** 21 });
  const values = floats(3, 1000);
  using left = await DeviceArray.keep(device, values, 'test.left');
  expect(await device.cleanup(0)).not.toEqual([]);
  expect(await device.memory()).toMatchObject({ residentCount: 0 });
  const result = await sqrt.on('webgpu')({ runtime, device }, { left });
  expect(result).toEqual(await sqrt.on('webgpu')({ runtime, device }, { left: values }));
  expect(await device.memory()).toMatchObject({ residentCount: 1 });
});

onDawn('after its end, as a result, of f64, and where there is no room it is a typed error', async () => {
  await using device = await WebGpuDevice.open({ memoryBytes: 2 ** 20 });
  const values = floats(4, 1000);
  const left = await DeviceArray.keep(device, values, 'test.left');
  const invalid = { reason: 'SHAPE_MISMATCH', fields: { operand: 'out' } };
  for (const backend of ['reference', 'typescript', 'wasm', 'webgpu'] as const) {
    const wrong = { left: values, right: values, out: left as never };
    await expect(add.on(backend)({ runtime, device }, wrong)).rejects.toMatchObject(invalid);
  }
  const bytes = new Uint8Array(4000);
  await expect(xor.on('wasm')({ runtime }, { left: bytes, right: bytes, out: left as never })).rejects.toMatchObject(
    invalid,
  );
  const square = { rowCount: 10, innerCount: 10, columnCount: 10 };
  const hundred = values.subarray(0, 100);
  await expect(
    matmul.on('wasm')({ runtime }, { left: hundred, right: hundred, ...square, out: left as never }),
  ).rejects.toMatchObject(invalid);

  left[Symbol.dispose]();
  left[Symbol.dispose]();
  const released = { reason: 'LEASE_RELEASED', fields: { label: 'test.left' } };
  for (const backend of ['reference', 'typescript', 'wasm', 'webgpu'] as const) {
    await expect(add.on(backend)({ runtime, device }, { left, right: values })).rejects.toMatchObject(released);
    await expect(add.on(backend)({ runtime, device }, { left: values, right: left })).rejects.toMatchObject(released);
    await expect(sum.on(backend)({ runtime, device }, { values: left })).rejects.toMatchObject(released);
  }
  expect(() => left.values).toThrow(expect.objectContaining({ reason: 'LEASE_RELEASED' }));
  expect(() => left.resident).toThrow(expect.objectContaining({ reason: 'LEASE_RELEASED' }));
  expect(await device.memory()).toMatchObject({ residentCount: 0, usedBytes: 0 });

  await expect(DeviceArray.keep(device, new Float64Array(3) as never, 'test.f64')).rejects.toMatchObject({
    reason: 'OPTION_INVALID',
    fields: { got: 'Float64Array' },
  });
  await expect(DeviceArray.keep(device, new Float32Array(2 ** 19), 'test.large')).rejects.toMatchObject({
    reason: 'MEMORY_OVER_LIMIT',
  });
  const aborted = { signal: AbortSignal.abort(new Error('enough')) };
  await expect(DeviceArray.keep(device, values, 'test.cancelled', aborted)).rejects.toThrow('enough');
  expect(await device.memory()).toMatchObject({ residentCount: 0, usedBytes: 0 });
});

onDawn('a device refuses residents of another one, whatever their numbers', async () => {
  await using device = await WebGpuDevice.open({ nullBackend: true });
  await using other = await WebGpuDevice.open({ nullBackend: true });
  const mine = device.keep(floats(5, 10), 'test.mine');
  const theirs = other.keep(floats(6, 10), 'test.theirs');
  expect(theirs.id).toBe(mine.id);
  expect([device.holds(mine), device.holds(theirs)]).toEqual([true, false]);
  const job = { label: 'test', buffers: { values: { kind: 'resident', resident: theirs } }, passes: [] } as const;
  await expect(device.run(job)).rejects.toMatchObject({
    reason: 'INTERNAL',
    message: expect.stringContaining('test.theirs'),
  });
  mine[Symbol.dispose]();
  expect(device.holds(mine)).toBe(false);
});

onDawn('what is disposed of while jobs have it stays until they have ended', async () => {
  await using device = await WebGpuDevice.open();
  const values = floats(7, 5000);
  const left = await DeviceArray.keep(device, values, 'test.left');
  // More than the thread has at once: some wait on the host.
  const calls = Array.from({ length: 8 }, () => sqrt.on('webgpu')({ runtime, device }, { left }));
  left[Symbol.dispose]();
  await expect(sqrt.on('webgpu')({ runtime, device }, { left })).rejects.toMatchObject({ reason: 'LEASE_RELEASED' });
  const [first, ...rest] = await Promise.all(calls);
  for (const other of rest) expect(other).toEqual(first);
  expect(first).toEqual(await sqrt.on('webgpu')({ runtime, device }, { left: values }));
  expect(await device.memory()).toMatchObject({ residentCount: 0, usedBytes: 0 });
});

onDawn('bytes of a Buffer are kept as bytes', async () => {
  await using device = await WebGpuDevice.open({ nullBackend: true });
  using kept = await DeviceArray.keep(device, Buffer.from('catalog'), 'test.bytes');
  expect(kept.type).toBe(Uint8Array);
  expect(Buffer.from(kept.values).toString()).toBe('catalog');
});

onDawn('an empty array is kept as any other', async () => {
  await using device = await WebGpuDevice.open();
  using left = await DeviceArray.keep(device, new Float32Array(0), 'test.empty');
  const execution = { runtime, device };
  expect(await sqrt.on('webgpu')(execution, { left })).toEqual(new Float32Array(0));
  expect(await sum.on('webgpu')(execution, { values: left })).toBe(0);
});
