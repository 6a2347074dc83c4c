import type { Progress } from './summary.js';

/** Asking the system for the memory in use costs a fifth of a millisecond. */
const MEMORY_SAMPLE_MS = 100;
/** Shared by all matches of the process: a sample costs as much as a small match does here. */
const residentMemory = { bytes: 0, sampledMs: -Infinity };

/** Tells how far a match is, and watches the memory of the process meanwhile. */
export class ProgressReporter {
  #peakMemoryBytes = 0;
  #sampledMs = 0;

  constructor(private readonly onProgress: ((progress: Progress) => void) | undefined) {}

  /** The most memory that was seen at a report. */
  get peakMemoryBytes(): number {
    return this.#peakMemoryBytes;
  }

  /** `rows`: rows so far; `leftTotal`: rows that the left table has, where known; `fraction`: where rows do not tell it. */
  report(
    stage: Progress['stage'],
    rows: Omit<Progress, 'stage' | 'fraction'>,
    leftTotal: number | undefined,
    fraction = fractionOf(rows, leftTotal),
  ): void {
    this.#sample(stage === 'done');
    this.onProgress?.({ stage, ...rows, fraction: stage === 'done' ? 1 : fraction });
  }

  #sample(last: boolean): void {
    const nowMs = performance.now();
    if (nowMs - this.#sampledMs < (last && this.#peakMemoryBytes === 0 ? 0 : MEMORY_SAMPLE_MS)) return;
    this.#sampledMs = nowMs;
    if (nowMs - residentMemory.sampledMs >= MEMORY_SAMPLE_MS) {
      residentMemory.bytes = process.memoryUsage.rss();
      residentMemory.sampledMs = nowMs;
    }
    this.#peakMemoryBytes = Math.max(this.#peakMemoryBytes, residentMemory.bytes);
  }
}

function fractionOf(
  { leftRowCount, rightRowCount }: Omit<Progress, 'stage' | 'fraction'>,
  leftTotal: number | undefined,
): number | undefined {
  return leftTotal ? Math.min(1, (rightRowCount + leftRowCount) / (rightRowCount + leftTotal)) : undefined;
}
