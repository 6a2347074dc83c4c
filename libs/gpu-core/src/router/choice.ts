import { type DevicePrediction, normalCdf, type RouteReason } from './decision.js';

/** A device is left for another only if it is slower by this factor: predictions wander. */
const HYSTERESIS = 1.05;
/** A deadline counts as kept with this probability. */
const DEADLINE_CONFIDENCE = 0.95;
/** Below this probability a deadline counts as lost. */
const DEADLINE_LOST = 0.05;

export interface Choice {
  /** Index among the candidates. */
  readonly index: number;
  readonly reason: RouteReason;
}

/** Index of the earliest finish, the first among equals. */
export function earliest(candidates: readonly DevicePrediction[]): number {
  let best = 0;
  for (let i = 1; i < candidates.length; i++) {
    if (candidates[i].totalMs < candidates[best].totalMs) best = i;
  }
  return best;
}

/** Earliest predicted finish; a deadline and the last choice (index, or -1) may change that. */
export function choose(
  candidates: readonly DevicePrediction[],
  lastChoice: number,
  deadlineMs: number | undefined,
): Choice {
  const best = earliest(candidates);
  if (candidates.length === 1) return { index: best, reason: 'only-device' };
  if (deadlineMs !== undefined) {
    const meets = candidates.map((candidate) => meetsDeadline(candidate, deadlineMs));
    const likeliest = meets.indexOf(Math.max(...meets));
    if (meets[likeliest] < DEADLINE_LOST) return { index: best, reason: 'deadline-unlikely' };
    if (meets[best] < DEADLINE_CONFIDENCE && meets[likeliest] > meets[best])
      return { index: likeliest, reason: 'deadline' };
    // A slower device shall not endanger what the fastest keeps.
    if (lastChoice >= 0 && meets[lastChoice] < DEADLINE_CONFIDENCE) return { index: best, reason: 'fastest' };
  }
  if (lastChoice >= 0 && lastChoice !== best) {
    if (candidates[lastChoice].totalMs <= HYSTERESIS * candidates[best].totalMs)
      return { index: lastChoice, reason: 'hysteresis' };
  }
  return { index: best, reason: 'fastest' };
}

/** Probability that the result is there in time, with log-normal times behind a queue as predicted. */
export function meetsDeadline(candidate: DevicePrediction, deadlineMs: number): number {
  const leftMs = deadlineMs - candidate.terms.queueMs;
  if (leftMs <= 0) return 0;
  return normalCdf(Math.log(leftMs / (candidate.totalMs - candidate.terms.queueMs)) / candidate.sigma);
}

/** Probability that `a` ends before `b`: difference of two normal logarithms. */
export function confidence(a: DevicePrediction, b: DevicePrediction): number {
  return normalCdf(Math.log(b.totalMs / a.totalMs) / Math.hypot(a.sigma, b.sigma));
}

/** Work at which two devices are even, for calls whose bytes grow with the work; null where the lines do not meet. */
export function evenWork(a: DevicePrediction, b: DevicePrediction, work: number): number | null {
  const fixed = b.terms.launchMs + b.terms.queueMs - a.terms.launchMs - a.terms.queueMs;
  const rising = a.terms.computeMs + a.terms.transferMs - b.terms.computeMs - b.terms.transferMs;
  const share = fixed / rising;
  return share > 0 && share < Infinity ? share * work : null;
}
