import { fail } from '@armilla/base';
import { setTimeout as wait } from 'node:timers/promises';
import type { Decision } from './decision.js';
import { type Hedge, hedgeOf, type SecondStart } from './hedge.js';
import type { Router } from './router.js';
import { shadowDevice, type ShadowLog, type ShadowOptions } from './shadow.js';
import type { RouteRequest } from './size.js';

/** Where and how to run. `measured` replaces the time of the whole call by that on the device, ms: waiting apart. */
export interface RunPlace {
  readonly device: string;
  readonly chunkCount: number;
  /** Aborts where the call has ended on another device; undefined where it runs on this one alone. */
  readonly signal: AbortSignal | undefined;
  measured(serviceMs: number): void;
}

export interface RoutedCallOptions<T> {
  readonly shadow?: ShadowOptions<T> & { readonly log: ShadowLog };
  /** A call that is late on a device of its own starts on the next best too: it must write nowhere but its result. */
  readonly hedged?: boolean;
  readonly now?: () => number;
  /** Resolves after so many ms, or rejects when the signal aborts. */
  readonly sleep?: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** Decides, runs on the chosen device, learns. A failed call teaches nothing and rejects as it did. */
export async function routedCall<T>(
  router: Router,
  request: RouteRequest,
  run: (place: RunPlace) => Promise<T>,
  options: RoutedCallOptions<T> = {},
): Promise<{ readonly value: T; readonly decision: Decision }> {
  const { now = (): number => performance.now(), shadow, hedged = false } = options;
  const decision = router.decide(request);
  router.start(decision);
  const hedge = hedged ? hedgeOf(decision, router.devices) : undefined;
  let ended: HedgedRun<T>;
  try {
    ended =
      hedge === undefined
        ? { timed: await new TimedRun(run, chosenPlace(decision), now).done }
        : await runHedged(router, decision, hedge, run, { now, sleep: options.sleep ?? sleepFor });
  } catch (error) {
    router.abandon(decision);
    throw error;
  }
  const { timed, firstMs = timed.ms, second } = ended;
  router.finish(decision, firstMs, second);
  if (second?.won) router.learn(decision, second.device, timed.ms);
  if (shadow !== undefined && second === undefined && decision.id % shadow.oneOf === 0)
    await runShadow(router, decision, timed, run, shadow, now);
  return { value: timed.value, decision: second === undefined ? decision : { ...decision, second } };
}

function chosenPlace({ chosen, chunkCount }: Decision): Pick<RunPlace, 'device' | 'chunkCount'> {
  return { device: chosen, chunkCount };
}

interface Timed<T> {
  readonly value: T;
  readonly ms: number;
}

interface HedgedRun<T> {
  readonly timed: Timed<T>;
  /** Time of the chosen device, or what it has had when the other one was done; default that of `timed`. */
  readonly firstMs?: number;
  readonly second?: SecondStart;
}

/** One run of a call on one device. */
class TimedRun<T> {
  readonly startMs: number;
  readonly done: Promise<Timed<T>>;

  constructor(
    run: (place: RunPlace) => Promise<T>,
    { device, chunkCount }: Pick<RunPlace, 'device' | 'chunkCount'>,
    now: () => number,
    private readonly abort?: AbortController,
  ) {
    this.startMs = now();
    let serviceMs: number | undefined;
    const signal = abort?.signal;
    this.done = run({ device, chunkCount, signal, measured: (ms) => void (serviceMs = ms) }).then((value) => {
      return { value, ms: serviceMs ?? now() - this.startMs };
    });
  }

  /** Nobody wants the result any more; resolves when nothing of it runs. */
  cancel(): Promise<void> {
    this.abort?.abort(fail('CANCELLED', {}));
    return this.done.then(nothing, nothing);
  }
}

/** Waits for the first run; where it is late, for the first of two that ends well. */
async function runHedged<T>(
  router: Router,
  decision: Decision,
  hedge: Hedge,
  run: (place: RunPlace) => Promise<T>,
  { now, sleep }: Required<Pick<RoutedCallOptions<T>, 'now' | 'sleep'>>,
): Promise<HedgedRun<T>> {
  const first = new TimedRun(run, chosenPlace(decision), now, new AbortController());
  const awake = new AbortController();
  const late = sleep(hedge.afterMs, awake.signal).then(nothing, nothing);
  const early = await Promise.race([first.done, late]).finally(() => awake.abort());
  if (early !== undefined) return { timed: early };
  const afterMs = now() - first.startMs;
  using _queued = router.startAlso(decision, hedge.device);
  const second = new TimedRun(run, hedge, now, new AbortController());
  const [timed, won] = await Promise.any([
    first.done.then((ended) => [ended, false] as const),
    second.done.then((ended) => [ended, true] as const),
  ]).catch((error: AggregateError) => {
    // Both failed: the first says why.
    throw error.errors[0];
  });
  const firstMs = won ? now() - first.startMs : timed.ms;
  const cancelled = (won ? first : second).cancel();
  // What computes on the host's cores reads the operands until it stops.
  if (!won) await cancelled;
  return { timed, firstMs, second: { device: hedge.device, afterMs, won } };
}

function nothing(): void {}

function sleepFor(ms: number, signal: AbortSignal): Promise<void> {
  return wait(ms, undefined, { signal });
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
    const timed = await new TimedRun(run, { device: other, chunkCount }, now).done;
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
