import { Random } from '@armilla/base';
import {
  Calibration,
  Router,
  SIMULATED_SIZES,
  simulate,
  SimulatedMachine,
  type SimulatedMachineName,
  requestOf,
} from '@armilla/gpu-core';
import { median } from '../measure.js';

/** Times by that of an oracle, over seeds. */
export interface Spread {
  readonly median: number;
  readonly max: number;
}

export interface MachineLosses {
  readonly case: 'losses';
  readonly machine: SimulatedMachineName;
  readonly seeds: number;
  /** Simulated time of the calibration of all devices, without first calls, ms, median. */
  readonly calibration_ms: number;
  /** 3000 calls after a calibration. */
  readonly calibrated: Spread;
  /** 3000 calls from the shipped priors. */
  readonly uncalibrated: Spread;
  /** Best single device on the 3000 calls. */
  readonly best_single_device: Spread;
  /** The 200 calls after the GPU became 8 times slower. */
  readonly slower: Spread;
  /** 50 small xor and 50 large matmul, by the better of always-GPU and always the best CPU device. */
  readonly mixed: Spread;
}

export async function machineLosses(name: SimulatedMachineName, seeds: number): Promise<MachineLosses> {
  const rows: Record<'calibration' | 'calibrated' | 'uncalibrated' | 'single' | 'slower' | 'mixed', number[]> = {
    calibration: [],
    calibrated: [],
    uncalibrated: [],
    single: [],
    slower: [],
    mixed: [],
  };
  for (let seed = 1; seed <= seeds; seed++) {
    const { machine, router, calibrationMs } = await calibrated(name, seed);
    rows.calibration.push(calibrationMs);
    const random = new Random(100 + seed);
    const calls = (count: number) => Array.from({ length: count }, () => machine.randomRequest(random));
    const many = calls(3000);
    const { routerMs, oracleMs, alwaysMs } = simulate(router, machine, many);
    rows.calibrated.push(routerMs / oracleMs);
    rows.single.push(Math.min(...Object.values(alwaysMs)) / oracleMs);
    const other = new SimulatedMachine(name, seed);
    const fresh = simulate(newRouter(other, seed), other, many);
    rows.uncalibrated.push(fresh.routerMs / fresh.oracleMs);

    machine.slowDown('webgpu:0', 8);
    const late = calls(200);
    const slow = simulate(router, machine, late);
    rows.slower.push(slow.routerMs / slow.oracleMs);

    const again = await calibrated(name, seed);
    const mixed = Array.from({ length: 100 }, (_, i) => {
      const operation = i % 2 === 0 ? 'gpu.xor' : 'gpu.matmul';
      const n = i % 2 === 0 ? 64 + random.below(4096) : 512 + random.below(512);
      return requestOf(operation, 'f32', SIMULATED_SIZES[operation].sizeOf(n));
    });
    const result = simulate(again.router, again.machine, mixed);
    rows.mixed.push(result.routerMs / Math.min(...Object.values(result.alwaysMs)));
  }
  return {
    case: 'losses',
    machine: name,
    seeds,
    calibration_ms: median(rows.calibration),
    calibrated: spread(rows.calibrated),
    uncalibrated: spread(rows.uncalibrated),
    best_single_device: spread(rows.single),
    slower: spread(rows.slower),
    mixed: spread(rows.mixed),
  };
}

export function machineLossLines(losses: MachineLosses): string[] {
  const line = (name: string, { median: middle, max }: Spread): string =>
    `  ${name.padEnd(46)} median ${middle.toFixed(3)}  max ${max.toFixed(3)}`;
  return [
    `${losses.machine} (simulated, ${losses.seeds} seeds): total time by that of an oracle`,
    line(`after a calibration of ${Math.round(losses.calibration_ms)} ms`, losses.calibrated),
    line('from the shipped priors', losses.uncalibrated),
    line('best single device', losses.best_single_device),
    line('200 calls after the GPU became 8x slower', losses.slower),
    line('50 xor + 50 matmul by the better single device', losses.mixed),
  ];
}

function newRouter(machine: SimulatedMachine, seed: number): Router {
  return new Router({
    devices: machine.devices,
    environment: '',
    now: () => machine.nowMs,
    random: new Random(seed),
  });
}

async function calibrated(
  name: SimulatedMachineName,
  seed: number,
): Promise<{ machine: SimulatedMachine; router: Router; calibrationMs: number }> {
  const machine = new SimulatedMachine(name, seed);
  const router = newRouter(machine, seed);
  const rows = await new Calibration(router, machine.calibrationCases(), { now: () => machine.nowMs }).run();
  return { machine, router, calibrationMs: rows.reduce((sum, { spentMs }) => sum + spentMs, 0) };
}

function spread(values: readonly number[]): Spread {
  return { median: median(values), max: Math.max(...values) };
}
