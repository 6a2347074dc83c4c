/** @jest-environment <rootDir>/src/ops/conformance/environment.mjs */
import { Random } from '@armilla/base';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Device } from '../device/device.js';
import { WebGpuDevice } from '../device/webgpu/webgpu-device.js';
import { type DType, routedOperation, routedOperations } from '../ops/routing.js';
import { onDawn } from '../testing/on-dawn.js';
import { Dispatcher, type DispatcherOptions } from './dispatcher.js';
import { Runtime } from './runtime.js';
import { AddingDevice } from './testing/adding-device.js';

type Result = Float32Array | Float64Array | Uint8Array;

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

function open(devices: readonly Device[] = [], options: DispatcherOptions = {}): Promise<Dispatcher> {
  const named = devices.map((device, i) => ({ id: `webgpu:${i}`, device, share: 1 }));
  return Dispatcher.open(runtime, { stateFolder, environment: '', ...options, devices: named });
}

const coalesced = routedOperations().filter(({ coalescing }) => coalescing !== undefined);

/** All calls at once, and one after another: the same bits. */
async function expectAlike(dispatcher: Dispatcher, name: string, dtype: DType, device: string): Promise<void> {
  const random = new Random(9);
  const routed = routedOperation(name);
  const inputs = Array.from({ length: 40 }, (_, i) =>
    routed.sample(i % 7 === 0 ? 1 : 1 + random.below(40), dtype, random),
  );
  const before = dispatcher.view().batches.reduce((sum, { batchCount }) => sum + batchCount, 0);
  const together = await Promise.all(inputs.map((input) => dispatcher.run<Result>(name, input, { device })));
  const batches = dispatcher.view().batches.reduce((sum, { batchCount }) => sum + batchCount, 0) - before;
  expect(batches).toBe(2);
  for (const [i, input] of inputs.entries()) {
    const { value } = await dispatcher.run<Result>(name, input, { device });
    expect(Buffer.compare(Buffer.from(value.buffer), Buffer.from(together[i].value.buffer))).toBe(0);
    expect(together[i].value.byteLength).toBe(together[i].value.buffer.byteLength);
  }
}

test.each(coalesced.flatMap(({ operation: { name }, dtypes }) => dtypes.map((dtype) => [name, dtype] as const)))(
  'many small calls of %s %s at once come to what each gives alone, on every backend',
  async (name, dtype) => {
    const dispatcher = await open();
    const ids = dispatcher.router.devices.filter(({ kind }) => kind in routedOperation(name).operation.backends);
    expect(ids.length).toBeGreaterThan(2);
    for (const { id } of ids) await expectAlike(dispatcher, name, dtype, id);
  },
);

onDawn('the same on a device', async () => {
  await using device = await WebGpuDevice.open();
  const dispatcher = await open([device]);
  for (const { operation, dtypes } of coalesced) {
    await expectAlike(dispatcher, operation.name, dtypes[0], 'webgpu:0');
  }
});

test('a call that is none fails alone, results go where they are wanted, a cancelled call leaves the others', async () => {
  const dispatcher = await open();
  const values = (n: number): Float32Array => new Float32Array(n).fill(n);
  const out = new Float32Array(5);
  const abort = new AbortController();
  const calls = [
    dispatcher.run('gpu.add', { left: values(3), right: values(3) }),
    dispatcher.run('gpu.add', { left: values(4), right: values(5) }),
    dispatcher.run('gpu.add', { left: values(5), right: values(4) }),
    dispatcher.run('gpu.add', { left: values(5), right: values(5), out }),
    dispatcher.run('gpu.add', { left: values(6), right: values(6) }, { signal: abort.signal }),
    dispatcher.run('gpu.add', { left: values(7), right: values(7) }),
  ];
  abort.abort(new Error('enough'));
  const outcomes = await Promise.allSettled(calls);
  expect(outcomes.map(({ status }) => status)).toEqual([
    'fulfilled',
    'rejected',
    'rejected',
    'fulfilled',
    'rejected',
    'fulfilled',
  ]);
  expect(outcomes[1]).toMatchObject({ reason: { reason: 'SHAPE_MISMATCH' } });
  expect(outcomes[4]).toMatchObject({ reason: { message: 'enough' } });
  expect(out).toEqual(new Float32Array(5).fill(10));
  expect(outcomes[5]).toMatchObject({ value: { value: new Float32Array(7).fill(14) } });
});

test('what a call does lies in its own span, also when it waited for another, and a batch is a span of its own', async () => {
  const own = await Runtime.create({ workerCount: 1 });
  const dispatcher = await Dispatcher.open(own, { stateFolder, environment: '' });
  const call = (outer: string): Promise<unknown> =>
    own.profiler.run(outer, () =>
      dispatcher.run('gpu.xor', { left: new Uint8Array(20), right: new Uint8Array(20) }, { device: 'wasm:1' }),
    );
  await Promise.all([call('first'), call('second')]);
  await Promise.all([call('third'), call('fourth'), call('fifth')]);
  const { spans, ops } = own.profiler.profile();
  const indexOf = (id: number): number => spans.id.indexOf(id);
  const pathOf = (i: number): string =>
    i < 0 ? '' : `${pathOf(indexOf(spans.parent[i]))}/${ops[spans.op[i]]}`.replace(/^\//, '');
  const paths = Array.from(spans.id, (_, i) => pathOf(i)).filter((path) => path.endsWith('/xor.xor'));
  expect(paths.sort()).toEqual([
    'first/gpu.xor/xor.xor',
    'gpu.xor/xor.xor',
    'second/gpu.xor/xor.xor',
    'third/gpu.xor/xor.xor',
  ]);
  await own.close();
});

test('large calls, calls with a deadline and dispatchers without batches run each for itself', async () => {
  const dispatcher = await open([], { batches: { smallBytes: 100 } });
  const small = { left: new Uint8Array(20), right: new Uint8Array(20) };
  const large = { left: new Uint8Array(50), right: new Uint8Array(50) };
  await Promise.all([1, 2, 3].map(() => dispatcher.run('gpu.xor', large)));
  await Promise.all([1, 2, 3].map(() => dispatcher.run('gpu.xor', small, { deadlineMs: 1000 })));
  expect(dispatcher.view().batches).toEqual([]);
  await Promise.all([1, 2, 3].map(() => dispatcher.run('gpu.xor', small)));
  expect(dispatcher.view().batches).toMatchObject([{ calls: 'gpu.xor u8', batchCount: 2, itemCount: 3 }]);
  const none = await open([], { batches: false });
  await Promise.all([1, 2, 3].map(() => none.run('gpu.xor', small)));
  expect(none.view().batches).toEqual([]);
});

test('one of N calls runs twice; what both give is held against the tolerance', async () => {
  const dispatcher = await open([], { shadowOneOf: 2 });
  const random = new Random(3);
  for (const routed of routedOperations()) {
    for (const dtype of routed.dtypes) {
      const input = routed.sample(100, dtype, random);
      for (let i = 0; i < 4; i++) await dispatcher.run(routed.operation.name, input);
    }
  }
  const rows = dispatcher.view().shadow;
  expect(rows.map(({ operation }) => operation).sort()).toEqual(
    routedOperations()
      .map((one) => one.operation.name)
      .sort(),
  );
  expect(dispatcher.shadow.records().filter(({ difference }) => difference !== null)).toEqual([]);
  expect(rows.every(({ runs }) => runs > 0)).toBe(true);
});

test('a device that computes wrong is found by shadow calls, and the caller has the result of the one that was chosen', async () => {
  const device = new AddingDevice();
  device.error = 1e-3;
  const dispatcher = await open([device], { shadowOneOf: 1 });
  const values = new Float32Array(1000).fill(1);
  const { value } = await dispatcher.run('gpu.add', { left: values, right: values }, { device: 'typescript' });
  expect(value).toEqual(new Float32Array(1000).fill(2));
  const all = dispatcher.shadow.records();
  expect(all).toHaveLength(1);
  const place = { left: values, right: values, out: new Float32Array(1000) };
  await dispatcher.run('gpu.add', place, { device: 'typescript' });
  expect(dispatcher.shadow.records()).toHaveLength(1);
  const wrong = await dispatcher.run('gpu.add', { left: values, right: values }, { device: 'webgpu:0' });
  expect(wrong.decision.chosen).toBe('webgpu:0');
  expect(dispatcher.shadow.records()[0]).toMatchObject({
    chosen: 'webgpu:0',
    difference: expect.stringMatching(/^1000 of 1000 values differ: value 0 is 2\.00/),
  });
});
