import type { Decision } from './decision.js';
import type { Router } from './router.js';
import { shadowDevice, type ShadowLog, type ShadowOptions } from './shadow.js';
import type { RouteRequest } from './size.js';

/** Where and how to run. `measured` replaces the time of the whole call by that on the device, ms: waiting apart. */
export interface RunPlace {
  readonly device: string;
  readonly chunkCount: number;
  measured(serviceMs: number): void;
}

export interface RoutedCallOptions<T> {
  readonly shadow?: ShadowOptions<T> & { readonly log: ShadowLog };
  readonly now?: () => number;
}

/** Decides, runs on the chosen device, learns. A failed call teaches nothing and rejects as it did. */
export async function routedCall<T>(
  router: Router,
  request: RouteRequest,
  run: (place: RunPlace) => Promise<T>,
  options: RoutedCallOptions<T> = {},
): Promise<{ readonly value: T; readonly decision: Decision }> {
  const now = options.now ?? ((): number => performance.now());
  const decision = router.decide(request);
  router.start(decision);
  let timed: { value: T; ms: number };
  try {
    timed = await timedRun(run, decision.chosen, decision.chunkCount, now);
  } catch (error) {
    router.abandon(decision);
    throw error;
  }
  router.finish(decision, timed.ms);
  if (options.shadow !== undefined && decision.id % options.shadow.oneOf === 0)
    await runShadow(router, decision, timed, run, options.shadow, now);
  return { value: timed.value, decision };
}

async function runShadow<T>(
  router: Router,
  decision: Decision,
  chosen: { readonly value: T; readonly ms: number },
  run: (place: RunPlace) => Promise<T>,
  shadow: ShadowOptions<T> & { readonly log: ShadowLog },
  now: () => number,
): Promise<void> {
  const other = shadowDevice(decision);
  if (other === undefined) return;
  const chunkCount = decision.predictions.find(({ device }) => device === other)?.chunkCount ?? 1;
  let otherMs: number | null = null;
  let difference: string | null;
  try {
    const timed = await timedRun(run, other, chunkCount, now);
    otherMs = timed.ms;
    router.learn(decision, other, timed.ms);
    difference = shadow.compare(chosen.value, timed.value) ?? null;
  } catch (error) {
    // The caller has its result: a fault of the second run is what shadow runs are there to show.
    difference = `failed: ${error instanceof Error ? error.message : String(error)}`;
  }
  const { id: decisionId, operation } = decision;
  shadow.log.add({ decisionId, operation, chosen: decision.chosen, other, chosenMs: chosen.ms, otherMs, difference });
}

async function timedRun<T>(
  run: (place: RunPlace) => Promise<T>,
  device: string,
  chunkCount: number,
  now: () => number,
): Promise<{ value: T; ms: number }> {
  let serviceMs: number | undefined;
  const startMs = now();
  const value = await run({ device, chunkCount, measured: (ms) => void (serviceMs = ms) });
  return { value, ms: serviceMs ?? now() - startMs };
}
