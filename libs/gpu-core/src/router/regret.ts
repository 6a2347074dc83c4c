import type { Decision } from './decision.js';

/** How far the calls of one operation were from the best that was predicted for them. */
export interface RegretRow {
  readonly operation: string;
  readonly calls: number;
  readonly actualMs: number;
  /** Sum of the least predicted time of each call, without waiting. */
  readonly bestPredictedMs: number;
  /** `actualMs / bestPredictedMs`; below 1 where calls were faster than predicted. */
  readonly ratio: number;
  /** Part of the difference that tries to learn cost, ms. */
  readonly explorationMs: number;
  /** Part of the difference that overrides cost, ms. */
  readonly overrideMs: number;
}

interface Sums {
  calls: number;
  actualMs: number;
  bestPredictedMs: number;
  explorationMs: number;
  overrideMs: number;
}

export class Regret {
  readonly #rows = new Map<string, Sums>();

  add(decision: Decision, actualMs: number, bestPredictedMs: number): void {
    let sums = this.#rows.get(decision.operation);
    if (sums === undefined) {
      sums = { calls: 0, actualMs: 0, bestPredictedMs: 0, explorationMs: 0, overrideMs: 0 };
      this.#rows.set(decision.operation, sums);
    }
    sums.calls++;
    sums.actualMs += actualMs;
    sums.bestPredictedMs += bestPredictedMs;
    const extraMs = actualMs - bestPredictedMs;
    if (decision.reason === 'exploration') sums.explorationMs += extraMs;
    else if (decision.reason.startsWith('override')) sums.overrideMs += extraMs;
  }

  /** By name of the operation. */
  report(): RegretRow[] {
    return [...this.#rows]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([operation, sums]) => ({ operation, ...sums, ratio: sums.actualMs / sums.bestPredictedMs }));
  }
}
