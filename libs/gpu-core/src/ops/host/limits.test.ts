import { Random } from '@armilla/base';
import type { Device } from '../../device/device.js';
import { WebGpuDevice } from '../../device/webgpu/webgpu-device.js';
import { Runtime } from '../../runtime/runtime.js';
import { onDawn } from '../../testing/on-dawn.js';
import { distance } from '../distance/index.js';
import { add } from '../elementwise/index.js';
import { batchedMatmul, matmul } from '../matmul/index.js';
import { max, sum } from '../reduce/index.js';
import { xor } from '../xor/index.js';
import { HeapArray } from './operand.js';

let runtime: Runtime;
beforeAll(async () => (runtime = await Runtime.create({ workerCount: 2, memoryLimitBytes: 2 ** 28 })));
afterAll(() => runtime.close());

function floats(seed: number, n: number): Float32Array {
  const random = new Random(seed);
  const values = new Float32Array(n);
  for (let i = 0; i < n; i++) values[i] = random.normal();
  return values;
}

test('shapes that do not fit are typed errors that name the operand', async () => {
  const execution = { runtime };
  const one = new Float32Array(6);
  const fails = async (call: Promise<unknown>, operand: string): Promise<void> =>
    expect(call).rejects.toMatchObject({ reason: 'SHAPE_MISMATCH', fields: { operand } });
  for (const backend of ['reference', 'typescript', 'wasm', 'onnxruntime', 'webgpu'] as const) {
    const run = matmul.on(backend);
    const shape = { rowCount: 2, innerCount: 3, columnCount: 2 };
    await fails(run(execution, { left: one, right: one, ...shape, innerCount: 2 }), 'left');
    await fails(run(execution, { left: one, right: new Float32Array(5), ...shape }), 'right');
    await fails(run(execution, { left: one, right: one, ...shape, out: one }), 'out');
    await fails(run(execution, { left: one, right: new Float64Array(6) as never, ...shape }), 'right');
    await fails(run(execution, { left: one, right: one, ...shape, rowCount: -2 }), 'rowCount');
    await fails(run(execution, { left: one, right: one, ...shape, columnCount: 2.5 }), 'columnCount');
    await fails(run(execution, { left: one, right: one, ...shape, innerCount: 2 ** 31 }), 'innerCount');
    // Products of these extents are 2^64: in 32 or 64 bits they would be 0.
    const huge = { rowCount: 2 ** 16, innerCount: 2 ** 16, columnCount: 2 ** 16, batchCount: 2 ** 16 };
    await fails(batchedMatmul.on(backend)(execution, { left: one, right: one, groups: [huge, huge] }), 'left');
  }
  for (const backend of ['reference', 'typescript', 'wasm', 'webgpu'] as const) {
    await fails(add.on(backend)(execution, { left: one, right: new Float32Array(5) }), 'right');
    await fails(xor.on(backend)(execution, { left: new Uint8Array(3), right: new Uint8Array(2) }), 'right');
    await fails(max.on(backend)(execution, { values: new Float32Array(0) }), 'values');
    const points = { leftCount: 2, rightCount: 2, coordinateCount: 3 };
    await fails(distance.on(backend)(execution, { left: one, right: one, ...points, leftCount: 3 }), 'left');
  }
});

test.each(['reference', 'typescript', 'wasm', 'webgpu', 'onnxruntime'] as const)(
  'operands of another type are refused by %s, by what they are',
  async (backend) => {
    const shape = { rowCount: 1, innerCount: 1, columnCount: 1 };
    const wrong: [unknown, string][] = [
      [new Int32Array(1), 'Int32Array'],
      [[1], 'Array'],
      [null, 'null'],
      [undefined, 'undefined'],
      [{}, 'object'],
      [new DataView(new ArrayBuffer(8)), 'DataView'],
    ];
    const execution = { runtime };
    for (const [values, got] of wrong) {
      const refused = { reason: 'SHAPE_MISMATCH', message: expect.stringContaining(`got ${got}`) };
      const given = values as Float32Array;
      const one = Float32Array.of(1);
      await expect(matmul.on(backend)(execution, { left: given, right: given, ...shape })).rejects.toMatchObject(
        refused,
      );
      await expect(matmul.on(backend)(execution, { left: one, right: given, ...shape })).rejects.toMatchObject(refused);
      if (backend === 'onnxruntime') continue;
      await expect(add.on(backend)(execution, { left: given, right: given })).rejects.toMatchObject(refused);
      await expect(sum.on(backend)(execution, { values: given })).rejects.toMatchObject(refused);
      const bytes = values as Uint8Array;
      await expect(xor.on(backend)(execution, { left: bytes, right: bytes })).rejects.toMatchObject(refused);
      const points = { leftCount: 1, rightCount: 1, coordinateCount: 1 };
      const far = distance.on(backend)(execution, { left: given, right: given, ...points });
      await expect(far).rejects.toMatchObject(refused);
    }
    if (backend === 'onnxruntime') return;
    const floats = Float32Array.of(1) as unknown as Uint8Array;
    await expect(xor.on(backend)(execution, { left: floats, right: floats })).rejects.toMatchObject({
      message: expect.stringContaining('u8, got f32'),
    });
  },
);

test('a result that overlaps an operand in part is refused; one that is the operand is not, where each value is made of its own', async () => {
  const values = new Float32Array(8).fill(2);
  const shape = { rowCount: 2, innerCount: 2, columnCount: 2 };
  const points = { leftCount: 2, rightCount: 2, coordinateCount: 2 };
  const overlaps = { reason: 'SHAPE_MISMATCH', message: expect.stringContaining('overlaps') };
  const [four, shifted, right] = [values.subarray(0, 4), values.subarray(1, 5), new Float32Array(4)];
  for (const backend of ['reference', 'typescript', 'wasm'] as const) {
    const calls = [
      add.on(backend)({ runtime }, { left: four, right, out: shifted }),
      matmul.on(backend)({ runtime }, { left: four, right, out: four, ...shape }),
      matmul.on(backend)({ runtime }, { left: right, right: four, out: shifted, ...shape }),
      distance.on(backend)({ runtime }, { left: four, right, out: four, ...points }),
    ];
    for (const call of calls) await expect(call).rejects.toMatchObject(overlaps);
    const own = Float32Array.of(1, 2);
    expect(await add.on(backend)({ runtime }, { left: own, right: own, out: own })).toBe(own);
    expect([...own]).toEqual([2, 4]);
    expect(await add.on(backend)({ runtime }, { left: four, right, out: values.subarray(4) })).toHaveLength(4);
  }
});

test('a Buffer is an array of bytes, and gives one', async () => {
  for (const backend of ['reference', 'typescript', 'wasm'] as const) {
    const bytes = await xor.on(backend)({ runtime }, { left: Buffer.from([1, 2]), right: new Uint8Array([3, 3]) });
    expect(bytes).toEqual(new Uint8Array([2, 1]));
  }
});

test('a result that no array holds is a typed error', async () => {
  const none = new Float32Array(0);
  const shape = { rowCount: 2 ** 31 - 1, innerCount: 0, columnCount: 2 ** 31 - 1 };
  for (const backend of ['reference', 'typescript', 'wasm'] as const) {
    await expect(matmul.on(backend)({ runtime }, { left: none, right: none, ...shape })).rejects.toMatchObject({
      reason: 'MEMORY_OVER_LIMIT',
    });
    const points = { leftCount: 2 ** 31 - 1, rightCount: 2 ** 31 - 1, coordinateCount: 0 };
    await expect(distance.on(backend)({ runtime }, { left: none, right: none, ...points })).rejects.toMatchObject({
      reason: 'MEMORY_OVER_LIMIT',
    });
  }
});

test('a backend that is not there says so', async () => {
  const values = { left: new Float32Array(4), right: new Float32Array(4) };
  await expect(add.on('webgpu')({ runtime }, values)).rejects.toMatchObject({ reason: 'BACKEND_UNAVAILABLE' });
  expect(() => add.on('onnxruntime')).toThrow(RangeError);
});

test('more than the memory limit is a typed error, and leaves nothing behind', async () => {
  const left = new Float32Array(2 ** 26);
  const input = { left, right: left, rowCount: 2 ** 13, innerCount: 2 ** 13, columnCount: 2 ** 13 };
  await expect(matmul.on('wasm')({ runtime }, input)).rejects.toMatchObject({ reason: 'MEMORY_OVER_LIMIT' });
  const small = { left: Float32Array.of(3), right: Float32Array.of(4), rowCount: 1, innerCount: 1, columnCount: 1 };
  expect([...(await matmul.on('wasm')({ runtime }, small))]).toEqual([12]);
});

test('arrays beyond what is staged at once, cut in odd places', async () => {
  const n = 2 ** 24 + 1001;
  const left = new Float32Array(n).map((_, i) => i % 1013);
  const doubled = await add.on('wasm')({ runtime }, { left, right: left });
  expect(doubled.every((value, i) => value === 2 * (i % 1013))).toBe(true);
  expect(await sum.on('wasm')({ runtime }, { values: left })).toBe(
    await sum.on('typescript')({ runtime }, { values: left }),
  );
  const key = new Uint8Array(left.buffer, 3, 4 * n - 8);
  const there = await xor.on('wasm')({ runtime }, { left: key, right: new Uint8Array(key.length).fill(77) });
  const back = await xor.on('typescript')({ runtime }, { left: there, right: new Uint8Array(key.length).fill(77) });
  expect(Buffer.compare(back, key)).toBe(0);
});

test('operands in a heap are used, and results left, where they are', async () => {
  const heap = runtime.openHeap(2 ** 20, 'test');
  {
    using left = new HeapArray(heap, Float32Array, 1000, 'left');
    using out = new HeapArray(heap, Float32Array, 1000, 'out');
    left.values.set(floats(1, 1000));
    const before = heap.report();
    const expected = await add.on('reference')({ runtime }, { left, right: left });
    await add.on('wasm')({ runtime }, { left, right: left, out });
    expect(out.values).toEqual(expected);
    const shape = { rowCount: 25, innerCount: 40, columnCount: 25 };
    const product = await matmul.on('wasm')({ runtime }, { left, right: left, ...shape });
    const own = left.values.slice();
    expect(product).toEqual(await matmul.on('wasm')({ runtime }, { left: own, right: own, ...shape }));
    const exact = await sum.on('typescript')({ runtime }, { values: own });
    expect(await sum.on('wasm')({ runtime }, { values: left })).toBe(exact);
    expect(heap.report()).toEqual(before);
  }
  expect(heap.leaseCount).toBe(0);
  runtime.closeHeap(heap);
});

test('a cancelled product ends and gives its memory back', async () => {
  const n = 1500;
  const values = floats(2, n * n);
  const abort = new AbortController();
  const input = { left: values, right: values, rowCount: n, innerCount: n, columnCount: n };
  const call = matmul.on('wasm')({ runtime, signal: abort.signal }, input);
  setTimeout(() => abort.abort(new Error('enough')), 5);
  await expect(call).rejects.toThrow('enough');
  const heap = runtime.openHeap(1000, 'test');
  expect(heap.leaseCount).toBe(0);
  runtime.closeHeap(heap);
  await expect(
    matmul.on('onnxruntime')({ runtime, signal: AbortSignal.abort(new Error('before')) }, input),
  ).rejects.toThrow(/before|tensor/);
});

onDawn('a device with small limits gets the work in pieces', async () => {
  await using whole = await WebGpuDevice.open();
  const limits = { ...whole.info.limits, maxStorageBindingBytes: 16_384 * 4, maxWorkgroupsPerDimension: 3 };
  const jobs: number[] = [];
  const device: Device = Object.create(whole, {
    info: { value: { ...whole.info, limits } },
    run: {
      value: (...args: Parameters<Device['run']>) => {
        for (const { workgroups } of args[0].passes) jobs.push(Math.max(...workgroups));
        return whole.run(...args);
      },
    },
  });
  const execution = { runtime, device };
  const values = floats(3, 40_001);
  const pair = { left: values, right: values };
  expect(await add.on('webgpu')({ ...execution, device: square(device) }, pair)).toEqual(
    await add.on('reference')(execution, pair),
  );
  expect(await max.on('webgpu')(execution, { values })).toBe(await max.on('reference')(execution, { values }));
  const shape = { rowCount: 150, innerCount: 200, columnCount: 200 };
  const product = { left: floats(4, 150 * 200), right: floats(5, 200 * 200), ...shape };
  expect(jobs.length).toBeGreaterThan(2);
  const [got, expected] = [
    await matmul.on('webgpu')(execution, product),
    await matmul.on('reference')(execution, product),
  ];
  expect(got.every((value, i) => Math.abs(value - expected[i]) < 1e-3)).toBe(true);
  const batch = {
    left: floats(6, 7000),
    right: floats(7, 7000),
    groups: [{ batchCount: 7, rowCount: 10, innerCount: 100, columnCount: 10 }],
  };
  const [gotBatch, expectedBatch] = [
    await batchedMatmul.on('webgpu')(execution, batch),
    await batchedMatmul.on('reference')(execution, batch),
  ];
  expect(gotBatch.every((value, i) => Math.abs(value - expectedBatch[i]) < 1e-3)).toBe(true);
  const points = { left: floats(8, 900), right: floats(9, 600), leftCount: 300, rightCount: 200, coordinateCount: 3 };
  const [gotFar, far] = [
    await distance.on('webgpu')(execution, points),
    await distance.on('reference')(execution, points),
  ];
  expect(gotFar.every((value, i) => Math.abs(value - far[i]) < 1e-5)).toBe(true);
  expect(Math.max(...jobs)).toBeLessThanOrEqual(64);
});

/** Loops over one index take a rectangle of workgroups: 64 of them at most here. */
function square(device: Device): Device {
  const limits = { ...device.info.limits, maxWorkgroupsPerDimension: 8 };
  return Object.create(device, { info: { value: { ...device.info, limits } } }) as Device;
}
