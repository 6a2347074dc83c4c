import type { Decision } from './decision.js';
import { type Hedge, hedgeOf } from './hedge.js';
import type { Router } from './router.js';
import type { SimulatedMachine } from './simulated-machine.js';
import type { RouteRequest } from './size.js';

/** Sums of true times, ms: noise is what the router sees, not what it is judged by. */
export interface SimulationResult {
  readonly routerMs: number;
  /** The fastest device of every call. */
  readonly oracleMs: number;
  /** Always the same device, by id. */
  readonly alwaysMs: Readonly<Record<string, number>>;
  /** Device of each call. */
  readonly chosen: readonly string[];
}

/** What `routedCall` teaches a router of a call that was late and started on a second device. */
function finishHedged(router: Router, machine: SimulatedMachine, decision: Decision, hedge: Hedge, ms: number): void {
  const { device, afterMs } = hedge;
  const bytes = decision.predictions.find((one) => one.device === device)?.bytesToMove ?? 0;
  const secondMs = machine.run(device, decision.operation, decision.work, bytes);
  const won = afterMs + secondMs < ms;
  router.finish(decision, won ? afterMs + secondMs : ms, { device, afterMs, won });
  if (won) router.learn(decision, device, secondMs);
}

/** Lets a router serve the requests one by one on a simulated machine. */
export function simulate(
  router: Router,
  machine: SimulatedMachine,
  requests: readonly RouteRequest[],
): SimulationResult {
  let routerMs = 0;
  let oracleMs = 0;
  const alwaysMs: Record<string, number> = {};
  const chosen: string[] = [];
  for (const request of requests) {
    const decision = router.decide(request);
    router.start(decision);
    const prediction = decision.predictions.find(({ device }) => device === decision.chosen);
    const bytes = prediction?.bytesToMove ?? 0;
    const ms = machine.run(decision.chosen, request.operation, request.work, bytes);
    const hedge = hedgeOf(decision, router.devices);
    const late = hedge !== undefined && ms > hedge.afterMs ? hedge : undefined;
    if (late === undefined) router.finish(decision, ms);
    else finishHedged(router, machine, decision, late, ms);
    chosen.push(decision.chosen);
    let bestMs = Infinity;
    let ownMs = Infinity;
    for (const { id } of machine.devices) {
      const trueMs = machine.requestMs(id, request);
      alwaysMs[id] = (alwaysMs[id] ?? 0) + trueMs;
      bestMs = Math.min(bestMs, trueMs);
      if (id === decision.chosen) ownMs = trueMs;
    }
    const secondMs = late === undefined ? Infinity : late.afterMs + machine.requestMs(late.device, request);
    routerMs += Math.min(ownMs, secondMs);
    oracleMs += bestMs;
  }
  return { routerMs, oracleMs, alwaysMs, chosen };
}
