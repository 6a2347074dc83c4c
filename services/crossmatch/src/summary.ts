import type { RowReason } from '@armilla/base';
import type { PositionColumns } from './columns.js';
import type { Trust } from './trust/assess.js';
import type { Recentering } from './trust/recenter.js';

/** Rows of one table by what became of them: rowCount = matched + unmatched + rejected + filtered. */
export interface SideSummary {
  readonly rowCount: number;
  readonly matchedRowCount: number;
  readonly unmatchedRowCount: number;
  readonly rejectedRowCount: number;
  /** Rows that `where` or the area left out. */
  readonly filteredRowCount: number;
  readonly rejectedByReason: Readonly<Partial<Record<RowReason, number>>>;
  readonly columns: { readonly ra: string; readonly dec: string };
  readonly guessed: boolean;
  readonly misfitByColumn: Readonly<Record<string, number>>;
  /** Rows that take part without a known proper motion, where the match has motions of the table. */
  readonly missingMotionRowCount: number;
}

/** What a match did; the fields of armilla.crossmatch.v1.MatchSummary. */
export interface MatchSummary {
  readonly left: SideSummary;
  readonly right: SideSummary;
  /** Pairs found (for joins: result rows that have both sides). */
  readonly pairCount: number;
  readonly rowCount: number;
  /** Candidate pairs tested. */
  readonly candidateCount: number;
  readonly cellCount: number;
  readonly groupCount: number;
  readonly needsWholeLeft: boolean;
  readonly indexSeconds: number;
  readonly matchSeconds: number;
  readonly totalSeconds: number;
  /** Largest resident memory of the process that was seen while the match ran. */
  readonly peakMemoryBytes: number;
  readonly workerCount: number;
  /** What the user should know about the result; empty mostly. */
  readonly warnings: readonly string[];
  /** Whether to trust the match, where it was to be assessed. */
  readonly trust?: Trust;
  /** How the left positions were turned, where they were to be. */
  readonly recentering?: Recentering;
  /** Of a join that did not stay in memory. */
  readonly spill?: SpillSummary;
}

/** What a join kept in its scratch folder. */
export interface SpillSummary {
  readonly bucketCount: number;
  readonly spilledBytes: number;
  /** What the plan said before the first row. */
  readonly plannedScratchBytes: number;
  /** The same, of the whole join. */
  readonly plannedSeconds: number;
  /** Steps of an interrupted match that were not done again. */
  readonly resumedStepCount: number;
}

/** How far a match has come. Counts only grow. */
export interface Progress {
  /** A join that does not stay in memory has `partition` before its match and `merge` behind it. */
  readonly stage: 'index' | 'partition' | 'match' | 'merge' | 'done';
  readonly leftRowCount: number;
  readonly rightRowCount: number;
  readonly resultRowCount: number;
  /** Share of the whole in [0, 1], where both row counts are known. */
  readonly fraction: number | undefined;
}

export interface SideCounts {
  readonly rowCount: number;
  readonly matchedRowCount: number;
  readonly rejectedRowCount: number;
  readonly filteredRowCount: number;
  readonly rejectedByReason: Readonly<Partial<Record<RowReason, number>>>;
  readonly columns: PositionColumns;
  readonly misfits?: ReadonlyMap<string, number>;
  readonly missingMotionRowCount?: number;
}

export function summariseSide({
  rowCount,
  matchedRowCount,
  rejectedRowCount,
  filteredRowCount,
  rejectedByReason,
  columns,
  misfits,
  missingMotionRowCount,
}: SideCounts): SideSummary {
  return {
    rowCount,
    matchedRowCount,
    unmatchedRowCount: rowCount - matchedRowCount - rejectedRowCount - filteredRowCount,
    rejectedRowCount,
    filteredRowCount,
    rejectedByReason: { ...rejectedByReason },
    columns: { ra: columns.ra, dec: columns.dec },
    guessed: columns.guessed,
    misfitByColumn: Object.fromEntries(misfits ?? []),
    missingMotionRowCount: missingMotionRowCount ?? 0,
  };
}
