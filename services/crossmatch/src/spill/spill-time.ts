/** Steps of a join by way of the disk, in their order. */
export type SpillStep = 'right' | 'left' | 'match' | 'merge';

/** What the time of a join depends on. */
export interface SpillWork {
  /** Rows in the scratch folder, copies included. */
  readonly rightRowCount: number;
  readonly leftRowCount: number;
  readonly pairCount: number;
  /** Bytes of each of them in the scratch folder. */
  readonly rightBytes: number;
  readonly leftBytes: number;
  readonly pairBytes: number;
  /** Columns of the result. */
  readonly columnCount: number;
  readonly rates: SpillRates;
}

/** How fast this machine is at the moment. */
export interface SpillRates {
  /** Of a right row that is read and sorted into its bucket. */
  readonly secondsPerRow: number;
  /** Of what is written to the scratch folder: memory that the system has to make free first costs several times what other takes. */
  readonly secondsPerByte: number;
}

export type StepSeconds = Readonly<Record<SpillStep, number>>;

/** Costs beside that of a right row on its way to its bucket; bench "disk 50M": the machine is in the measured one. */
const LEFT_ROW = 0.7;
const MATCHED_ROW = 1.65;
const ORDERED_PAIR = 1.05;
const RESULT_VALUE = 0.42;

/** Expected seconds of each step. Pure. */
export function stepSeconds(work: SpillWork): StepSeconds {
  const { rightRowCount, leftRowCount, pairCount, columnCount } = work;
  const { secondsPerRow, secondsPerByte } = work.rates;
  return {
    right: (secondsPerRow + secondsPerByte * work.rightBytes) * rightRowCount,
    left: (secondsPerRow * LEFT_ROW + secondsPerByte * work.leftBytes) * leftRowCount,
    match: secondsPerRow * MATCHED_ROW * (leftRowCount + rightRowCount) + secondsPerByte * work.pairBytes * pairCount,
    merge: secondsPerRow * (ORDERED_PAIR + RESULT_VALUE * columnCount) * pairCount,
  };
}

export function totalSeconds({ right, left, match, merge }: StepSeconds): number {
  return right + left + match + merge;
}
