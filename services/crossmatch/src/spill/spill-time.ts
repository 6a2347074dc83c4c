/** Steps of a join by way of the disk, in their order. */
export type SpillStep = 'right' | 'left' | 'match' | 'merge';

/** What the time of a join depends on. */
export interface SpillWork {
  /** Rows in the scratch folder, copies included. */
  readonly rightRowCount: number;
  readonly leftRowCount: number;
  readonly pairCount: number;
  /** Columns of the result. */
  readonly columnCount: number;
  /** What a right row takes, measured on this machine: it is read, sorted into its bucket and written. */
  readonly secondsPerRow: number;
}

export type StepSeconds = Readonly<Record<SpillStep, number>>;

/** Costs beside that of a right row on its way to its bucket; bench "disk 50M": the machine is in the measured one. */
const LEFT_ROW = 0.7;
const MATCHED_ROW = 1.15;
const ORDERED_PAIR = 0.7;
const RESULT_VALUE = 0.27;

/** Expected seconds of each step. Pure. */
export function stepSeconds(work: SpillWork): StepSeconds {
  const { rightRowCount, leftRowCount, pairCount, columnCount, secondsPerRow } = work;
  return {
    right: secondsPerRow * rightRowCount,
    left: secondsPerRow * LEFT_ROW * leftRowCount,
    match: secondsPerRow * MATCHED_ROW * (leftRowCount + rightRowCount),
    merge: secondsPerRow * (ORDERED_PAIR + RESULT_VALUE * columnCount) * pairCount,
  };
}

export function totalSeconds({ right, left, match, merge }: StepSeconds): number {
  return right + left + match + merge;
}
