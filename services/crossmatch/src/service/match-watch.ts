import type { Runtime } from '@armilla/gpu-core';
import type { ExecutionOptions, ResolvedOptions } from '../options.js';
import { planMatch } from '../plan.js';
import type { Progress } from '../summary.js';

/** What a call asks to be matched. */
export interface MatchAsk {
  readonly options: ResolvedOptions;
  readonly execution: ExecutionOptions;
  /** Rows to expect, where the client says so. */
  readonly leftRowCount: number | undefined;
  readonly rightRowCount: number | undefined;
  /** The stored table that is the right side, or the only one; undefined: it comes with the call. */
  readonly rightTable: string | undefined;
  /** The stored table that is the left side; undefined: it comes with the call. */
  readonly leftTable: string | undefined;
  /** Measure whether the match can be trusted. */
  readonly assess: boolean;
}

/** Bytes per row that are planned for payload columns before the schema is known. */
const GUESSED_ROW_BYTES = 64;
/** What assessing holds: its sample with the neighbours of it, and all of that once more for who asks for it. */
const ASSESSED_BYTES = 2 ** 26;

/** What is known of a match's size while it runs. */
export class MatchWatch {
  #progress: Progress | undefined;
  #told: Progress | undefined;

  constructor(
    private readonly ask: MatchAsk,
    private readonly runtime: Runtime,
  ) {}

  see(progress: Progress): void {
    this.#progress = progress;
  }

  /** The progress, unless it was told already. */
  news(): Progress | undefined {
    if (this.#told === this.#progress) return undefined;
    this.#told = this.#progress;
    return this.#told;
  }

  /** For the rows that are expected, or that came if those are more. */
  plannedBytes(): number {
    const { options, execution, leftRowCount, rightRowCount, rightTable, assess } = this.ask;
    const { plannedBytes } = planMatch(options, execution, {
      leftRowCount: Math.max(leftRowCount ?? 0, this.#progress?.leftRowCount ?? 0),
      rightRowCount: Math.max(rightRowCount ?? 0, this.#progress?.rightRowCount ?? 0),
      leftRowBytes: GUESSED_ROW_BYTES,
      rightRowBytes: GUESSED_ROW_BYTES,
      workerCount: this.runtime.workerCount,
      memoryLimitBytes: this.runtime.memoryLimitBytes,
      rightIsResident: rightTable !== undefined,
    });
    return plannedBytes + (assess ? ASSESSED_BYTES : 0);
  }
}
