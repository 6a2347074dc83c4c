import { type Decision, type DevicePrediction, chosenPrediction } from './decision.js';
import type { KnownDevice } from './device.js';

/** Where and when a call starts a second time. */
export interface Hedge {
  readonly device: string;
  readonly chunkCount: number;
  /** After the first start, ms. */
  readonly afterMs: number;
}

/** What came of a second start. */
export interface SecondStart {
  readonly device: string;
  /** After the first start, ms. */
  readonly afterMs: number;
  /** The result is that of the second device. */
  readonly won: boolean;
}

/** A call is late when it takes longer than predicted by this many sigma, in the logarithm, and by this factor at least, */
const LATE_SIGMAS = 3;
const LEAST_LATE = 1.25;
/** and by more than the scheduler and the collector cost, ms. */
const LEAST_LATE_MS = 3;
/** A second start waits for this share of what it would take: short calls are late sooner than a long one elsewhere pays. */
const SHARE_OF_SECOND = 0.25;

/**
 * The best device beside the chosen one, for a call that turns out to be late there: a device of its own that became slow, or
 * hangs, costs one call little more than a start elsewhere (hedged requests: Dean & Barroso 2013, The Tail at Scale, CACM 56).
 * Undefined for calls on the host's cores, whose second start would take from the first, and for those that a rule placed.
 */
export function hedgeOf(decision: Decision, devices: readonly KnownDevice[]): Hedge | undefined {
  if (decision.reason.startsWith('override')) return undefined;
  const known = new Map(devices.map((device) => [device.id, device]));
  const home = known.get(decision.chosen);
  if (home === undefined || home.memory === 'host') return undefined;
  const refused = new Set(decision.refused.map(({ device }) => device));
  let second: DevicePrediction | undefined;
  for (const one of decision.predictions) {
    if (refused.has(one.device) || known.get(one.device)?.queue === home.queue) continue;
    if (second === undefined || one.totalMs < second.totalMs) second = one;
  }
  if (second === undefined) return undefined;
  const { totalMs, sigma } = chosenPrediction(decision);
  const late = Math.max(LEAST_LATE, Math.exp(LATE_SIGMAS * sigma));
  return {
    device: second.device,
    chunkCount: second.chunkCount,
    afterMs: Math.max(late * totalMs, totalMs + LEAST_LATE_MS, SHARE_OF_SECOND * second.totalMs),
  };
}
