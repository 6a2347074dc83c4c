import type { Decision } from './decision.js';

/** Runs one of N calls on a second device too, and compares. */
export interface ShadowOptions<T> {
  /** One of this many calls, >= 1. */
  readonly oneOf: number;
  /** A sentence on how the results differ; undefined where they agree within the operation's tolerance. */
  readonly compare: (chosen: T, other: T) => string | undefined;
}

export interface ShadowRecord {
  readonly decisionId: number;
  readonly operation: string;
  readonly chosen: string;
  readonly other: string;
  readonly chosenMs: number;
  /** null where the other failed. */
  readonly otherMs: number | null;
  /** How the results differ, or why the other failed; null where they agree. */
  readonly difference: string | null;
}

/** Sums over all shadow runs of an operation. */
export interface ShadowRow {
  readonly operation: string;
  readonly runs: number;
  readonly differences: number;
  /** Runs in which the other device was faster. */
  readonly otherFaster: number;
}

const CAPACITY = 256;

/** The last shadow runs and the sums over all. */
export class ShadowLog {
  readonly #records: ShadowRecord[] = [];
  readonly #rows = new Map<string, { runs: number; differences: number; otherFaster: number }>();

  add(record: ShadowRecord): void {
    this.#records.push(record);
    if (this.#records.length > CAPACITY) this.#records.shift();
    let row = this.#rows.get(record.operation);
    if (row === undefined) this.#rows.set(record.operation, (row = { runs: 0, differences: 0, otherFaster: 0 }));
    row.runs++;
    if (record.difference !== null) row.differences++;
    if (record.otherMs !== null && record.otherMs < record.chosenMs) row.otherFaster++;
  }

  /** Newest first. */
  records(): ShadowRecord[] {
    return [...this.#records].reverse();
  }

  report(): ShadowRow[] {
    return [...this.#rows].map(([operation, row]) => ({ operation, ...row }));
  }
}

/** The best device beside the chosen one that the decision considered. */
export function shadowDevice(decision: Decision): string | undefined {
  const refused = new Set(decision.refused.flatMap(({ device, reason }) => (reason === 'overridden' ? [] : [device])));
  return decision.predictions
    .filter(({ device }) => device !== decision.chosen && !refused.has(device))
    .sort((a, b) => a.totalMs - b.totalMs)[0]?.device;
}
