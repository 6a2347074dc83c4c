import { Random } from '@armilla/base';
import { Calibration } from './calibration.js';
import { Router } from './router.js';
import { SimulatedMachine, type SimulatedMachineName } from './simulated-machine.js';
import { simulate } from './simulation.js';

const MACHINES: SimulatedMachineName[] = ['fast-gpu', 'slow-stack', 'weak-gpu'];

test.each(MACHINES)('%s: total time at most 1.03 that of an oracle after a calibration', async (name) => {
  for (let seed = 1; seed <= 5; seed++) {
    const machine = new SimulatedMachine(name, seed);
    const now = (): number => machine.nowMs;
    const router = new Router({ devices: machine.devices, environment: '', now, random: new Random(seed) });
    await new Calibration(router, machine.calibrationCases(), { now }).run();
    const random = new Random(100 + seed);
    const requests = Array.from({ length: 3000 }, () => machine.randomRequest(random));
    const { routerMs, oracleMs } = simulate(router, machine, requests);
    expect(routerMs / oracleMs).toBeLessThanOrEqual(1.03);
  }
});
