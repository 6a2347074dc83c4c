import { fail } from '@armilla/base';
import { normaliseRa, type Positions, positionStatuses, RowStatus } from '@armilla/sky';
import { sliceAstrometry } from '../astrometry/astrometry.js';
import type { AstrometryColumns } from '../astrometry/astrometry-columns.js';
import { CONDITION_SLICE_COUNT, inSlices } from '../ahead.js';
import type { PairCounts, PairSource } from '../pairs.js';
import { withinMemory } from '../within-memory.js';
import { type JudgedPairs, type LeftPart, type PairBlock, slicePositions } from '../parts.js';
import type { CandidateFinder } from './candidates.js';
import { missingMotions, type MovingSide, movingSide, PairEpochs } from './epochs.js';
import { type JudgedSide, PairJudge, type PairRule } from './pair-judge.js';
import type { PairProbabilities } from '../probability/pair-probabilities.js';
import { type ListedColumn, PairList } from './pair-list.js';
import { reducePairs, type Reduction } from './reduce.js';

export interface RefinedSearch {
  readonly candidates: CandidateFinder;
  readonly right: JudgedSide;
  /** The right side as it moves; undefined where positions are compared as they are. */
  readonly movingRight: MovingSide | undefined;
  readonly leftColumns: AstrometryColumns;
  readonly rule: Omit<PairRule, 'selfFirstRow' | 'test'>;
  /** The condition on row i of a part and row j of the right table. */
  readonly pairTest: ((part: LeftPart) => PairTest) | undefined;
  readonly self: boolean;
  readonly reduction: Reduction;
  /** Columns that the result takes from the judge. */
  readonly judged: readonly ListedColumn[];
  /** How probable the pairs are, where that is asked for. */
  readonly probabilities: PairProbabilities | undefined;
  readonly workerCount?: number;
  readonly signal?: AbortSignal;
  readonly fairKey?: object;
  /** Rows of a block at most. */
  readonly blockRowCount: number;
  /** Candidates that a block may have, about. */
  readonly blockPairCount: number;
  readonly maxPairs: number;
}

type PairTest = (i: number, j: number) => boolean;

/** Candidates that the first rows are looked at with, before it is known how many a row has. */
const FIRST_BLOCK_ROW_COUNT = 2 ** 14;

/** Finds pairs that a radius alone does not decide: all candidates of a block are searched for, judged and reduced. */
export class RefinedFinder implements PairSource, AsyncDisposable {
  readonly counts: PairCounts = { pairCount: 0, candidateCount: 0, cellCount: 0 };
  readonly missingMotions = { left: 0, right: 0 };
  #candidatesPerRow: number | undefined;
  /** The condition on the rows of the part in hand. */
  #test: PairTest | undefined;

  constructor(private readonly search: RefinedSearch) {
    const { motions } = search.movingRight ?? {};
    if (motions) this.missingMotions.right = missingMotions(positionStatuses(search.right.positions), motions);
  }

  release(): void {
    // The pairs lie in memory of their own.
  }

  releaseAll(): void {
    // As above.
  }

  expect(pairsPerRow: number): void {
    this.#candidatesPerRow = pairsPerRow;
  }

  async *find(part: LeftPart): AsyncGenerator<PairBlock, void, undefined> {
    this.#test = this.search.pairTest?.(part);
    let from = 0;
    do {
      const wanted = Math.min(part.rowCount, from + this.#blockRowCount(part));
      const { to, found: pairs } = await withinMemory(from, wanted, (end) => this.#pairsOf(part, from, end));
      this.counts.pairCount += pairs.pairCount;
      const { maxPairs, reduction } = this.search;
      if (reduction.find === 'all' && this.counts.pairCount > maxPairs)
        throw fail('MAX_PAIRS_EXCEEDED', { estimated: `more than ${maxPairs}`, limit: maxPairs });
      yield { part, from, to, pairs, sorted: true, paired: true };
      from = to;
    } while (from < part.rowCount);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.search.candidates[Symbol.asyncDispose]();
  }

  async #pairsOf(part: LeftPart, from: number, to: number): Promise<JudgedPairs> {
    const { candidates, right, movingRight, leftColumns, rule, self, reduction, signal } = this.search;
    const test = this.#test;
    const own = slicePositions(part.positions, from, to);
    const astrometry = sliceAstrometry(part.astrometry, from, to);
    const positions = withinTurn(own);
    const moving = movingSide(positions, astrometry, leftColumns);
    const judge = new PairJudge({ positions, astrometry }, right, movingRight && new PairEpochs(moving, movingRight), {
      ...rule,
      selfFirstRow: self ? part.firstRow + from : undefined,
      test: test && ((i, j) => test(i + from, j)),
    });
    const list = new PairList(this.search.judged);
    const status = positionStatuses(own);
    let usableCount = 0;
    for (const one of status) if (one === RowStatus.ok) usableCount++;
    let [candidateCount, cellCount] = [0, 0];
    for (const { index, positions: some, radiusArcsec } of candidates.searches(moving, rule.radiusArcsec)) {
      const found = await index.match(
        some,
        { radiusArcsec, minRadiusArcsec: 0, find: 'all', k: 1, order: 'any' },
        { workerCount: this.search.workerCount, signal, fairKey: this.search.fairKey },
      );
      candidateCount += found.pairCount;
      cellCount += found.cellCount;
      const work = (start: number, end: number): void => {
        for (let p = start; p < end; p++)
          if (judge.holds(found.left[p], found.right[p])) list.add(found.left[p], found.right[p], judge);
      };
      await inSlices(found.pairCount, signal, work, test && CONDITION_SLICE_COUNT);
    }
    if (movingRight && moving.motions) this.missingMotions.left += missingMotions(status, moving.motions);
    this.counts.candidateCount += candidateCount;
    this.counts.cellCount += cellCount;
    const seen = candidateCount / Math.max(1, to - from);
    this.#candidatesPerRow = Math.max(seen, (this.#candidatesPerRow ?? seen) / 2);
    const pairs = reducePairs(list, to - from, reduction, { status, usableCount, candidateCount, cellCount });
    return this.search.probabilities?.complete(pairs) ?? pairs;
  }

  #blockRowCount(part: LeftPart): number {
    const { blockPairCount, blockRowCount } = this.search;
    const first = this.#candidatesPerRow === undefined ? FIRST_BLOCK_ROW_COUNT : Infinity;
    const fitting = Math.floor(blockPairCount / Math.max(this.#candidatesPerRow ?? 1, 1e-9));
    return Math.max(1, Math.min(part.rowCount, blockRowCount, fitting, first));
  }
}

/** The same positions with right ascensions in [0, 360). */
export function withinTurn({ ra, dec, nulls }: Positions): Positions {
  for (const value of ra) if (!(value >= 0 && value < 360)) return { ra: ra.map(normaliseRa), dec, nulls };
  return { ra, dec, nulls };
}
