import type { ChunkPairs } from '@armilla/sky';
import type { Groups } from './groups.js';
import type { JoinCursor, UnusedRightCursor } from './join.js';
import type { MatchSummary } from './summary.js';
import type { LeftSample } from './trust/left-sample.js';

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
  readonly groups: ReturnType<Groups['finish']> | undefined;
  /** Time that a left table took which had to be loaded as a whole. */
  readonly leftLoadSeconds: number;
  /** Left rows that stand for all, where the match is to be assessed. */
  readonly sample?: LeftSample;
  /** Complete after the last rows. */
  totals(): PairTotals;
  /** Gives back what the pairs of a block lie in; they are void then. */
  release(pairs: ChunkPairs): void;
  /** Result rows block by block; `leftNames` are the columns to keep of left parts. */
  rows(leftNames: readonly string[]): AsyncGenerator<PairRows, void, undefined>;
}
