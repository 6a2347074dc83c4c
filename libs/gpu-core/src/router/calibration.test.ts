import { Random } from '@armilla/base';
import { Calibration, type CalibrationCase } from './calibration.js';
import { Router } from './router.js';
import { SimulatedMachine } from './simulated-machine.js';

function setting(seed = 1): { machine: SimulatedMachine; router: Router; now: () => number } {
  const machine = new SimulatedMachine('fast-gpu', seed, 0);
  const now = (): number => machine.nowMs;
  return { machine, router: new Router({ devices: machine.devices, environment: '', now }), now };
}

test('finds the costs of every device within its budget', async () => {
  const { machine, router, now } = setting();
  const rows = await new Calibration(router, machine.calibrationCases(), { now, budgetMs: 200 }).run();
  for (const { id } of machine.devices) {
    const spent = rows.filter(({ device }) => device === id).reduce((sum, { spentMs }) => sum + spentMs, 0);
    expect(spent).toBeLessThanOrEqual(200);
  }
  const [matmul] = router.operations().filter(({ operation }) => operation === 'gpu.matmul');
  machine.devices.forEach((device, i) => {
    expect(matmul.models[i].source).toBe('calibrated');
    expect(matmul.models[i].terms.msPerWork * device.rates['gpu.matmul']).toBeCloseTo(1, 1);
  });
});

test('runs again with the same result, and is one run while it runs', async () => {
  const { machine, router, now } = setting();
  const calibration = new Calibration(router, machine.calibrationCases(), { now });
  const [first, same] = await Promise.all([calibration.run(), calibration.run()]);
  expect(same).toBe(first);
  const stored = JSON.stringify(router.store());
  await calibration.run();
  expect(JSON.stringify(router.store())).toBe(stored);
});

test('the first call is apart from the budget and from the model', async () => {
  let first = true;
  let nowMs = 0;
  const measure = (): Promise<number> => {
    const ms = first ? 5000 : 1;
    first = false;
    nowMs += ms;
    return Promise.resolve(ms);
  };
  const router = new Router({ devices: [{ id: 'wasm:1' }], environment: '', now: () => nowMs });
  const one: CalibrationCase = {
    operation: 'gpu.xor',
    dtype: 'u8',
    sizeOf: (n) => ({ work: n, bytesIn: 2 * n, bytesOut: n }),
    smallest: 1,
    largest: 1000,
    measure: { 'wasm:1': measure },
  };
  const [row] = await new Calibration(router, [one], { now: () => nowMs }).run();
  expect(row.firstCallsMs).toBe(5000);
  expect(row.spentMs).toBeLessThanOrEqual(300);
  expect(router.operations()[0].models[0].terms.launchMs).toBeLessThan(1.1);
});

test('a launch that is most of a small call is not taken for work', async () => {
  let nowMs = 0;
  // Eight times the work of n for 2 n: by the first size alone the second would not fit a quarter of the budget.
  const work = (n: number): number => 2 * n ** 3;
  const measure = ({ n }: { n: number }): Promise<number> => {
    const ms = 0.4 + work(n) / 1e8;
    nowMs += ms;
    return Promise.resolve(ms);
  };
  const router = new Router({ devices: [{ id: 'wasm:1' }], environment: '', now: () => nowMs });
  const one: CalibrationCase = {
    operation: 'gpu.matmul',
    dtype: 'f32',
    sizeOf: (n) => ({ work: work(n), bytesIn: 8 * n * n, bytesOut: 4 * n * n }),
    smallest: 8,
    largest: 1024,
    measure: { 'wasm:1': measure },
  };
  await new Calibration(router, [one], { now: () => nowMs, budgetMs: 12 }).run();
  const { launchMs, msPerWork } = router.operations()[0].models[0].terms;
  expect(launchMs).toBeCloseTo(0.4, 2);
  expect(msPerWork * 1e8).toBeCloseTo(1, 0);
});

test('loops that become fast after some calls are measured when they are', async () => {
  let nowMs = 0;
  let calls = 0;
  const measure = ({ work }: { work: number }): Promise<number> => {
    const ms = 0.01 + (calls++ < 6 ? 100 : 1) * (work / 1e6);
    nowMs += ms;
    return Promise.resolve(ms);
  };
  const router = new Router({ devices: [{ id: 'typescript' }], environment: '', now: () => nowMs });
  const one: CalibrationCase = {
    operation: 'gpu.add',
    dtype: 'f32',
    sizeOf: (n) => ({ work: n, bytesIn: 8 * n, bytesOut: 4 * n }),
    smallest: 64,
    largest: 2 ** 22,
    measure: { typescript: measure },
  };
  await new Calibration(router, [one], { now: () => nowMs, budgetMs: 12 }).run();
  const { launchMs, msPerWork } = router.operations()[0].models[0].terms;
  expect(launchMs).toBeCloseTo(0.01, 3);
  expect(msPerWork * 1e6).toBeCloseTo(1, 2);
});

test('work that launches hide is not free: a million times of it is predicted to take longer', async () => {
  const random = new Random(3);
  let nowMs = 0;
  const measure = (): Promise<number> => {
    const ms = 5 * Math.exp(0.1 * random.normal());
    nowMs += ms;
    return Promise.resolve(ms);
  };
  const router = new Router({ devices: [{ id: 'webgpu:0' }], environment: '', now: () => nowMs });
  const one: CalibrationCase = {
    operation: 'gpu.add',
    dtype: 'f32',
    sizeOf: (n) => ({ work: n, bytesIn: 0, bytesOut: 0 }),
    smallest: 64,
    largest: 2 ** 16,
    measure: { 'webgpu:0': measure },
  };
  await new Calibration(router, [one], { now: () => nowMs }).run();
  const model = router.operations()[0].models[0];
  expect(model.predict(2 ** 16, 0).totalMs).toBeCloseTo(5, 0);
  expect(model.predict(2 ** 36, 0).totalMs).toBeGreaterThan(500);
});

test('aborted, it rejects with the reason and leaves every model as it was', async () => {
  const { machine, router, now } = setting();
  const controller = new AbortController();
  let calls = 0;
  const cases = machine.calibrationCases().map((one) => ({
    ...one,
    measure: Object.fromEntries(
      Object.entries(one.measure).map(([id, measure]) => [
        id,
        (size: Parameters<typeof measure>[0]) => {
          if (++calls === 60) controller.abort(new Error('stop'));
          return measure(size);
        },
      ]),
    ),
  }));
  const calibration = new Calibration(router, cases, { now });
  await expect(calibration.run({ signal: controller.signal })).rejects.toThrow('stop');
  expect(calls).toBe(60);
  expect(router.store()).toEqual([]);
  await calibration.run();
  expect(router.store()).toHaveLength(3);
});

test('a device that fails has no new model and a fault in its row; the others are measured', async () => {
  const { machine, router, now } = setting();
  const cases = machine
    .calibrationCases()
    .map((one) => ({ ...one, measure: { ...one.measure, 'wasm:1': () => Promise.reject(new Error('no kernel')) } }));
  const rows = await new Calibration(router, cases, { now }).run();
  for (const { device, fault, samples } of rows) {
    expect(fault).toBe(device === 'wasm:1' ? 'no kernel' : undefined);
    expect(samples > 0).toBe(device !== 'wasm:1');
  }
  expect(router.operations()[0].models[1].source).toBe('prior');
});

test('only the devices and operations that are asked for', async () => {
  const { machine, router, now } = setting();
  const calibration = new Calibration(router, machine.calibrationCases(), { now });
  const rows = await calibration.run({ devices: ['webgpu:0'], operations: ['gpu.add'] });
  expect(rows.map(({ device, operation }) => [device, operation])).toEqual([['webgpu:0', 'gpu.add']]);
});
