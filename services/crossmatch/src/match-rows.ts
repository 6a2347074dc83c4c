import type { ChunkPairs } from '@armilla/sky';
import type { RowGroups } from './groups.js';
import type { JoinCursor, UnusedRightCursor } from './join.js';
import type { RightRows } from './parts.js';
import type { MatchSummary } from './summary.js';
import type { Assessment } from './trust/assess.js';
import type { Recentering } from './trust/recenter.js';

/** Result rows of one block, and the pairs that are void after them. */
export interface PairRows {
  readonly cursor: JoinCursor | UnusedRightCursor;
  readonly pairs?: ChunkPairs;
}

/** What the pairs of a match add up to. */
export type PairTotals = Pick<
  MatchSummary,
  'left' | 'right' | 'pairCount' | 'candidateCount' | 'cellCount' | 'groupCount' | 'spill'
>;

/** Rows so far. */
export interface PairProgress {
  readonly leftRowCount: number;
  readonly rightRowCount: number;
  /** Share of the whole, where the rows alone do not tell. */
  readonly fraction?: number;
}

/** Where the pairs of a match come from: from tables in memory, or from scratch files. */
export interface MatchRows extends AsyncDisposable {
  readonly progress: PairProgress;
  /** Group of each row; undefined before the first rows of a match for groups, and in every other match. */
  readonly groups: RowGroups | undefined;
  /** Time that tables took which had to be loaded as a whole for this match. */
  readonly indexSeconds: number;
  /** The right rows of selections that bring none of their own. */
  readonly rightRows: Pick<RightRows, 'payload' | 'positions'>;
  /** How the left positions were turned before they were matched; undefined where they were not. */
  readonly recentering: Recentering | undefined;
  /** Complete after the last rows. */
  totals(): PairTotals;
  /** Whether to trust the match; undefined where that was not asked for. After the last rows. */
  assess(): Promise<Assessment | undefined>;
  /** Removes what the match keeps on the disk until its result is safe. */
  forget(): Promise<void>;
  /** Gives back what the pairs of a block lie in; they are void then. */
  release(pairs: ChunkPairs): void;
  /** Result rows block by block; `leftNames` are the columns to keep of left parts. */
  rows(leftNames: readonly string[]): AsyncGenerator<PairRows, void, undefined>;
}
