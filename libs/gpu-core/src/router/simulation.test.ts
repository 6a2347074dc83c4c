import { Random } from '@armilla/base';
import { Calibration } from './calibration.js';
import { Router } from './router.js';
import { SIMULATED_SIZES, SimulatedMachine, type SimulatedMachineName } from './simulated-machine.js';
import { simulate } from './simulation.js';
import { requestOf, type RouteRequest } from './size.js';

const MACHINES: SimulatedMachineName[] = ['fast-gpu', 'slow-stack', 'weak-gpu'];
const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];

interface Setting {
  readonly machine: SimulatedMachine;
  readonly router: Router;
  readonly random: Random;
}

async function calibrated(name: SimulatedMachineName, seed: number): Promise<Setting> {
  const machine = new SimulatedMachine(name, seed);
  const now = (): number => machine.nowMs;
  const router = new Router({ devices: machine.devices, environment: '', now, random: new Random(seed) });
  await new Calibration(router, machine.calibrationCases(), { now }).run();
  return { machine, router, random: new Random(100 + seed) };
}

function calls({ machine, random }: Setting, count: number): RouteRequest[] {
  return Array.from({ length: count }, () => machine.randomRequest(random));
}

test.each(MACHINES)('%s: after a calibration the total time is at most 1.03 that of an oracle', async (name) => {
  for (const seed of SEEDS) {
    const setting = await calibrated(name, seed);
    const { routerMs, oracleMs } = simulate(setting.router, setting.machine, calls(setting, 3000));
    expect(routerMs / oracleMs).toBeLessThanOrEqual(1.03);
    const { spentMs, totalMs } = setting.router.explorationCost();
    expect(spentMs).toBeLessThanOrEqual(0.01 * totalMs);
  }
});

test.each(MACHINES)(
  '%s: 200 calls after a device became 8 times slower cost at most 1.10 of an oracle',
  async (name) => {
    const ratios: number[] = [];
    for (const seed of SEEDS) {
      const setting = await calibrated(name, seed);
      const { machine, router } = setting;
      simulate(router, machine, calls(setting, 1000));
      machine.slowDown('webgpu:0', 8);
      const { routerMs, oracleMs } = simulate(router, machine, calls(setting, 200));
      ratios.push(routerMs / oracleMs);
    }
    ratios.sort((a, b) => a - b);
    expect(ratios[SEEDS.length >> 1]).toBeLessThanOrEqual(1.1);
    // Where one product is half of all that the calls take.
    expect(Math.max(...ratios)).toBeLessThanOrEqual(1.2);
  },
);

test.each(MACHINES)(
  '%s: 50 small xor and 50 large matmul take at most 1.05 of the better single device',
  async (name) => {
    for (const seed of SEEDS) {
      const { machine, router, random } = await calibrated(name, seed);
      const mixed = Array.from({ length: 100 }, (_, i) => {
        const operation = i % 2 === 0 ? 'gpu.xor' : 'gpu.matmul';
        const n = i % 2 === 0 ? 64 + random.below(4096) : 512 + random.below(512);
        return requestOf(operation, 'f32', SIMULATED_SIZES[operation].sizeOf(n));
      });
      const { routerMs, alwaysMs } = simulate(router, machine, mixed);
      expect(routerMs / Math.min(...Object.values(alwaysMs))).toBeLessThanOrEqual(1.05);
    }
  },
);

test('identical seeds give identical decisions', async () => {
  const run = async (): Promise<readonly string[]> => {
    const setting = await calibrated('weak-gpu', 7);
    return simulate(setting.router, setting.machine, calls(setting, 2000)).chosen;
  };
  const first = await run();
  expect(await run()).toEqual(first);
  expect(new Set(first).size).toBeGreaterThan(2);
});

test('a device that was slow and is fast again comes back when it is calibrated', async () => {
  const setting = await calibrated('fast-gpu', 3);
  const { machine, router } = setting;
  const now = (): number => machine.nowMs;
  machine.slowDown('webgpu:0', 8);
  simulate(router, machine, calls(setting, 500));
  expect(router.slowed()).toContainEqual({ operation: 'gpu.matmul', dtype: 'f32', device: 'webgpu:0' });
  machine.slowDown('webgpu:0', 1);
  const calibration = new Calibration(router, machine.calibrationCases(), { now });
  await calibration.run({ devices: ['webgpu:0'] });
  expect(router.slowed()).toEqual([]);
  const { routerMs, oracleMs } = simulate(router, machine, calls(setting, 1000));
  expect(routerMs / oracleMs).toBeLessThanOrEqual(1.03);
});
