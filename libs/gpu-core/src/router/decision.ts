import type { ModelSource } from './cost-model.js';
import type { SecondStart } from './hedge.js';
import type { RouteRequest } from './size.js';

/**
 * Why the device was chosen: "override-..." by a rule, "only-device" (no other can), "fastest" (earliest predicted
 * finish), "hysteresis" (not slower enough than another to change), "exploration" (to learn), "deadline" (likelier to meet
 * it than the fastest), "deadline-unlikely" (none is likely to meet it).
 */
export type RouteReason =
  | 'override-request'
  | 'override-environment'
  | 'override-config'
  | 'only-device'
  | 'fastest'
  | 'hysteresis'
  | 'exploration'
  | 'deadline'
  | 'deadline-unlikely';

/** What one device would take, ms from now. */
export interface DevicePrediction {
  readonly device: string;
  /** Sum of the terms: ms until the result is there. */
  readonly totalMs: number;
  readonly terms: {
    readonly launchMs: number;
    readonly computeMs: number;
    readonly transferMs: number;
    readonly queueMs: number;
  };
  /** Standard deviation of the natural log of measured by predicted time. */
  readonly sigma: number;
  /** Measured calls behind the prediction. */
  readonly samples: number;
  readonly source: ModelSource;
  readonly bytesToMove: number;
  readonly chunkCount: number;
}

/** Why a device was not considered. */
export interface DeviceRefusal {
  readonly device: string;
  readonly reason: 'memory' | 'software' | 'no-backend' | 'overridden' | 'rule-only' | 'unavailable';
  /**
   * Of "no-backend", where the operation has more to say: "k is over 16"; of "rule-only" (only a rule sends such calls there),
   * why that is so; of "unavailable", why the device is gone.
   */
  readonly detail?: string;
}

/** Every decision carries the whole explanation. Plain data: JSON keeps it. */
export interface Decision {
  /** Counts from 1. */
  readonly id: number;
  readonly atMs: number;
  readonly operation: string;
  readonly dtype: string;
  readonly work: number;
  readonly chosen: string;
  readonly reason: RouteReason;
  /** Probability that the chosen device ends before the best other, 0 to 1; 1 where there is no other. */
  readonly confidence: number;
  /** Calls to cut the work into for the chosen device, >= 1. */
  readonly chunkCount: number;
  /** In the order of the devices; the chosen one is among them. */
  readonly predictions: readonly DevicePrediction[];
  readonly refused: readonly DeviceRefusal[];
  /** Work at which the chosen device and the best other are even, calls of the same shape; null: nowhere. */
  readonly crossoverWork: number | null;
  /** Grows when a model of the operation is calibrated, loaded or found changed. */
  readonly modelVersion: number;
  /** Where the call was late, and started on another device too; only once it has ended. */
  readonly second?: SecondStart;
  readonly request: RouteRequest;
}

/** Prediction of the chosen device. */
export function chosenPrediction(decision: Decision): DevicePrediction {
  return decision.predictions.find(({ device }) => device === decision.chosen) as DevicePrediction;
}

/** Least predicted time without waiting among the devices that might have been chosen. */
export function bestServiceMs(decision: Decision): number {
  let best = Infinity;
  for (const { device, totalMs, terms } of decision.predictions) {
    const allowed = !decision.refused.some((one) => one.device === device && one.reason !== 'overridden');
    if (allowed) best = Math.min(best, totalMs - terms.queueMs);
  }
  return best < Infinity ? best : chosenPrediction(decision).totalMs;
}

/** Standard normal distribution function; Abramowitz & Stegun 26.2.17, error below 1e-7. */
export function normalCdf(x: number): number {
  const t = 1 / (1 + 0.2316419 * Math.abs(x));
  const tail =
    0.3989422804014327 *
    Math.exp((-x * x) / 2) *
    t *
    (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return x >= 0 ? 1 - tail : tail;
}
