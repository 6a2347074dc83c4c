import { Random } from '@armilla/base';
import { Calibration, type Decision, Router, SimulatedMachine } from '@armilla/gpu-core';
import { median } from '../measure.js';

export interface Cost {
  readonly min_us: number;
  readonly median_us: number;
}

export interface DecisionCost {
  readonly case: 'decision';
  readonly devices: number;
  readonly decide: Cost;
  /** Of the call's end: what it teaches. */
  readonly observe: Cost;
  readonly repeats: number;
}

const CALLS = 5000;

/** Time of a decision and of an observation on four devices and three operations, with calls of all sizes. */
export async function decisionCost(repeats: number): Promise<DecisionCost> {
  const machine = new SimulatedMachine('fast-gpu', 1);
  const router = new Router({ devices: machine.devices, environment: '' });
  await new Calibration(router, machine.calibrationCases(), { now: () => machine.nowMs }).run();
  const random = new Random(2);
  const requests = Array.from({ length: CALLS }, () => machine.randomRequest(random));
  const decideUs: number[] = [];
  const observeUs: number[] = [];
  for (let repeat = -2; repeat < repeats; repeat++) {
    // Decisions and observations in turns, as calls come: after an observation, corrections are computed anew.
    let decideMs = 0;
    let observeMs = 0;
    for (const request of requests) {
      const start = performance.now();
      const decision: Decision = router.decide(request);
      const decided = performance.now();
      router.start(decision);
      const ms = machine.requestMs(decision.chosen, request) * Math.exp(0.12 * random.normal());
      const ended = performance.now();
      router.finish(decision, ms);
      observeMs += performance.now() - ended;
      decideMs += decided - start;
    }
    if (repeat < 0) continue;
    decideUs.push((decideMs * 1000) / CALLS);
    observeUs.push((observeMs * 1000) / CALLS);
  }
  return {
    case: 'decision',
    devices: machine.devices.length,
    decide: cost(decideUs),
    observe: cost(observeUs),
    repeats,
  };
}

export function decisionCostLines({ devices, decide, observe, repeats }: DecisionCost): string[] {
  const line = (name: string, { min_us, median_us }: Cost): string =>
    `  ${name.padEnd(12)} min ${min_us.toFixed(2)} us  median ${median_us.toFixed(2)} us`;
  return [
    `decision among ${devices} devices (${repeats} runs of ${CALLS} calls)`,
    line('decide', decide),
    line('observe', observe),
  ];
}

function cost(us: readonly number[]): Cost {
  return { min_us: Math.min(...us), median_us: median(us) };
}
