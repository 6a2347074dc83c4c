/** @jest-environment <rootDir>/src/ops/conformance/environment.mjs */
import { Random } from '@armilla/base';
import { createHash } from 'node:crypto';
import type { Device } from '../../device/device.js';
import { WebGpuDevice } from '../../device/webgpu/webgpu-device.js';
import { Runtime } from '../../runtime/runtime.js';
import { onDawn } from '../../testing/on-dawn.js';
import { DeviceArray, type DeviceNumbers } from '../host/device-array.js';
import type { Numbers } from '../host/operand.js';
import { operations } from '../index.js';
import { conformanceCases } from './cases.js';

const cases = conformanceCases(new Random(4));
const pairs = cases.flatMap((one) =>
  Object.keys(one.backends)
    .filter((backend) => backend !== 'reference' && backend !== 'webgpu')
    .map((backend) => [one.name, backend, one] as const),
);

let one: Runtime;
let three: Runtime;
beforeAll(async () => {
  one = await Runtime.create({ workerCount: 1 });
  three = await Runtime.create({ workerCount: 3 });
});
afterAll(async () => {
  await one.close();
  await three.close();
});

test('every operation is tried', () => {
  expect(cases.map(({ name }) => name).sort()).toEqual(Object.keys(operations).sort());
});

test.each(pairs)('%s by %s agrees with the reference', async (_name, backend, { inputs, run, excess }) => {
  for (const input of inputs) {
    const reference = await run('reference', { runtime: three }, input);
    const result = await run(backend, { runtime: three }, input);
    if (typeof reference !== 'number') expect(result).toHaveLength(reference.length);
    expect(excess(result, reference, input, backend)).toBeLessThanOrEqual(1);
  }
});

test.each(cases.map((one) => [one.name, one] as const))(
  '%s in wasm gives the same bits for any number of workers',
  async (_name, { inputs, run }) => {
    for (const input of inputs) {
      const first = await run('wasm', { runtime: one }, input);
      for (const execution of [{ runtime: three }, { runtime: three, workerCount: 2 }])
        expect(bitsOf(await run('wasm', execution, input))).toBe(bitsOf(first));
    }
  },
);

test.each(['gpu.sum', 'gpu.mean', 'gpu.max', 'gpu.min'])(
  '%s gives the same bits in TypeScript and wasm',
  async (name) => {
    const { inputs, run } = cases.find((one) => one.name === name)!;
    for (const input of inputs)
      expect(await run('wasm', { runtime: three }, input)).toBe(await run('typescript', { runtime: three }, input));
  },
);

describe('on a device', () => {
  let device: Device | undefined;
  afterAll(() => device?.close());

  onDawn.each(cases.map((one) => [one.name, one] as const))(
    '%s agrees with the reference',
    async (_name, { inputs, run, excess }) => {
      device ??= await WebGpuDevice.open();
      for (const input of inputs) {
        const execution = { runtime: three, device };
        const result = run('webgpu', execution, input);
        if (Object.values(input).some((value) => value instanceof Float64Array)) {
          await expect(result).rejects.toMatchObject({ reason: 'BACKEND_UNAVAILABLE' });
          continue;
        }
        const reference = await run('reference', execution, input);
        if (typeof reference !== 'number') expect(await result).toHaveLength(reference.length);
        expect(excess(await result, reference, input, 'webgpu')).toBeLessThanOrEqual(1);
      }
    },
  );

  onDawn.each(cases.map((one) => [one.name, one] as const))(
    '%s gives the same bits of operands that the device keeps, on every backend',
    async (_name, { inputs, backends, run }) => {
      device ??= await WebGpuDevice.open();
      const usable = inputs.filter((input) => !Object.values(input).some((value) => value instanceof Float64Array));
      for (const [turn, input] of usable.entries()) {
        const kept = await keptOperands(device, input, turn);
        expect(kept.length).toBeGreaterThan(0);
        for (const backend of Object.keys(backends)) {
          const execution = { runtime: three, device };
          const there = await run(backend, execution, { ...input, ...Object.fromEntries(kept) });
          expect(bitsOf(there)).toBe(bitsOf(await run(backend, execution, input)));
        }
        for (const [, array] of kept) array[Symbol.dispose]();
      }
    },
  );
});

/** One operand, the other or both, by turns, kept on the device. */
async function keptOperands(device: Device, input: object, turn: number): Promise<[string, DeviceArray<Numbers>][]> {
  const operands = Object.entries(input).filter(
    (entry): entry is [string, DeviceNumbers] => entry[1] instanceof Float32Array || entry[1] instanceof Uint8Array,
  );
  const chosen = operands.filter((_, i) => operands.length === 1 || turn % 3 !== i);
  return (await Promise.all(
    chosen.map(async ([name, values]) => [name, await DeviceArray.keep(device, values, `test.${name}`)] as const),
  )) as [string, DeviceArray<Numbers>][];
}

/** All bits of a result, as text. */
function bitsOf(result: Numbers | number): string {
  const values = typeof result === 'number' ? Float64Array.of(result) : result;
  return createHash('sha256').update(values).digest('hex');
}
