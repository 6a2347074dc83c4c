import type { Decision } from './decision.js';
import type { SecondStart } from './hedge.js';

/** A decision and what came of it. */
export interface DecisionRecord {
  readonly decision: Decision;
  /** Measured ms on the device; null while it runs, or when it failed. */
  readonly actualMs: number | null;
}

/** The last decisions, oldest first; older ones are overwritten. */
export class RecentDecisions {
  readonly #ring: { decision: Decision; actualMs: number | null }[] = [];

  constructor(readonly capacity: number) {}

  add(decision: Decision): void {
    if (this.capacity > 0) this.#ring[(decision.id - 1) % this.capacity] = { decision, actualMs: null };
  }

  finish(decision: Decision, actualMs: number, second?: SecondStart): void {
    const record = this.#ring[(decision.id - 1) % this.capacity];
    if (record?.decision !== decision) return;
    record.actualMs = actualMs;
    if (second !== undefined) record.decision = { ...decision, second };
  }

  /** Newest first, at most `limit`. */
  list(limit = this.capacity): DecisionRecord[] {
    return [...this.#ring].sort((a, b) => b.decision.id - a.decision.id).slice(0, limit);
  }
}
