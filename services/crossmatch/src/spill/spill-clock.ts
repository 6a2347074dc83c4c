import { performance } from 'node:perf_hooks';
import type { SpillStep, StepSeconds } from './spill-time.js';

const STEPS: readonly SpillStep[] = ['right', 'left', 'match', 'merge'];

/** How far a join has come in time: what is left is what was planned for it, times what became of the plan so far. */
export class SpillClock {
  /** Steps that were done here, not by an earlier process. */
  readonly #own = new Set<SpillStep>();
  readonly #begunMs: number;

  constructor(
    private readonly planned: StepSeconds,
    private readonly nowMs: () => number = () => performance.now(),
  ) {
    this.#begunMs = nowMs();
  }

  /** Share of the whole time that has gone by when `share` of `step` is done, in [0, 1]. */
  advance(step: SpillStep, share: number): number {
    this.#own.add(step);
    const at = STEPS.indexOf(step);
    let done = 0;
    let rest = 0;
    STEPS.forEach((name, i) => {
      const part = i === at ? Math.max(0, Math.min(1, share)) : i < at ? 1 : 0;
      if (this.#own.has(name)) done += part * this.planned[name];
      rest += (1 - part) * this.planned[name];
    });
    const took = (this.nowMs() - this.#begunMs) / 1000;
    if (rest === 0) return 1;
    // Before anything is done there is nothing to correct the plan by.
    const left = done > 0 ? (rest * took) / done : rest;
    return took / (took + left);
  }
}
