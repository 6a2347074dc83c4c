import type { Runtime } from '@armilla/gpu-core';
import { hasMotion, type Positions, SkyIndex } from '@armilla/sky';
import { type MovingSide, moved, moves, movesWithin, yearRange } from './epochs.js';

/** An index of some rows of the right table, at one epoch. */
interface RightClass {
  readonly index: SkyIndex;
  /** Whether the index is not the table's own. */
  readonly owned: boolean;
  /** The most that a row of it moves until any of [first, last], in arcsec. */
  mostMove(first: number, last: number): number;
}

/** A search that finds all right rows which can be within the radius of the left rows that `positions` has. */
export interface CandidateSearch {
  readonly index: SkyIndex;
  readonly positions: Positions; // [rows], the rows of other searches marked as null
  readonly radiusArcsec: number;
}

/** Rows of up to so many mas a year are kept in one index, in another up to the next. */
const MOTION_CLASSES = [30, 300, 3000, Infinity];
/** Indexes that rows with motions are in at most. */
export const MOST_MOTION_CLASSES = MOTION_CLASSES.length;
/** What rows move in parts of the radius: rows up to one of these are searched for together. */
const MOVE_CLASSES = [0, 0.25, 1, 4, 16, 64, 256, Infinity];

/**
 * Where candidates are looked for: one index where all pairs are compared at one epoch; where they are not, rows are in
 * classes by how far they move, so that a few fast ones do not widen the search of all.
 */
export class CandidateFinder implements AsyncDisposable {
  /** Whether right rows without motion are compared with left rows at an epoch that is not the left one. */
  readonly #someRest: boolean;

  private constructor(
    private readonly right: MovingSide | undefined,
    private readonly classes: readonly RightClass[],
  ) {
    const { motions, positions } = right ?? {};
    this.#someRest = motions !== undefined && !positions?.ra.every((_, j) => hasMotion(motions, j));
  }

  /** For rows that stay: the index of the table as it is. */
  static resting(index: SkyIndex): CandidateFinder {
    return new CandidateFinder(undefined, [{ index, owned: false, mostMove: () => 0 }]);
  }

  /** `leftYear`: the epoch of all left rows, where they have one. */
  static async moving(
    runtime: Runtime,
    index: SkyIndex,
    right: MovingSide,
    leftYear: number | undefined,
    options: { cellRowCount?: number; signal?: AbortSignal },
  ): Promise<CandidateFinder> {
    const { motions } = right;
    // Without motion the table's own index will do: the left rows are moved.
    if (!motions) return new CandidateFinder(right, [{ index, owned: false, mostMove: () => 0 }]);
    const build = (positions: Positions): Promise<SkyIndex> => SkyIndex.build(runtime, [positions], options);
    if (leftYear !== undefined)
      return new CandidateFinder(right, [
        { index: await build(moved(right, leftYear)), owned: true, mostMove: () => 0 },
      ]);
    const classes: RightClass[] = [];
    for (const [c, most] of MOTION_CLASSES.entries()) {
      const least = c === 0 ? -Infinity : MOTION_CLASSES[c - 1];
      const speed = (j: number): number =>
        hasMotion(motions, j) ? Math.hypot(motions.pmRaCosdec[j], motions.pmDec[j]) : 0;
      const chosen = masked(right.positions, (j) => speed(j) > least && speed(j) <= most);
      if (!chosen) continue;
      const mostMove = (first: number, last: number): number => {
        const all = moves(right, first, last);
        return all.reduce((sum, move, j) => (chosen.nulls?.[j] === 1 ? sum : Math.max(sum, move)), 0);
      };
      classes.push({ index: await build(chosen), owned: true, mostMove });
    }
    return new CandidateFinder(right, classes);
  }

  /** The index, where there is one for all rows. */
  get onlyIndex(): SkyIndex | undefined {
    return this.classes.length === 1 ? this.classes[0].index : undefined;
  }

  /** The searches that find every pair of rows of `left` that can be within `radiusArcsec` when they are compared. */
  *searches(left: MovingSide, radiusArcsec: number): Generator<CandidateSearch, void, undefined> {
    const { right, classes } = this;
    if (!right) {
      yield { index: classes[0].index, positions: left.positions, radiusArcsec };
      return;
    }
    const [firstRight, lastRight] = yearRange(right);
    const [firstLeft, lastLeft] = yearRange(left);
    // Right rows without motion stay where they are, and left ones are moved to their epoch.
    const middle = (firstRight + lastRight) / 2;
    const then = right.motions ? left.positions : moved(left, middle);
    const apart = !right.motions
      ? movesWithin(left, firstRight, lastRight, (lastRight - firstRight) / 2)
      : this.#someRest
        ? moves(left, firstRight, lastRight)
        : new Float64Array(left.positions.ra.length);
    for (const { index, mostMove } of classes) {
      const own = mostMove(firstLeft, lastLeft);
      for (const [c, factor] of MOVE_CLASSES.entries()) {
        const least = c === 0 ? -Infinity : MOVE_CLASSES[c - 1] * radiusArcsec;
        const most = factor * radiusArcsec;
        let widest = 0;
        const positions = masked(then, (i) => {
          const belongs = apart[i] > least && apart[i] <= most;
          if (belongs && apart[i] > widest) widest = apart[i];
          return belongs;
        });
        if (positions) yield { index, positions, radiusArcsec: Math.min(648_000, radiusArcsec + widest + own) };
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { index, owned } of this.classes) if (owned) await index.dispose();
  }
}

/** The positions with all rows but the chosen ones as null; undefined where none is chosen, the same where all are. */
function masked(positions: Positions, isChosen: (row: number) => boolean): Positions | undefined {
  const rowCount = positions.ra.length;
  const nulls = new Uint8Array(rowCount);
  let chosen = 0;
  for (let row = 0; row < rowCount; row++) {
    if (isChosen(row)) {
      chosen++;
      nulls[row] = positions.nulls?.[row] ?? 0;
    } else nulls[row] = 1;
  }
  if (chosen === 0) return undefined;
  return chosen === rowCount ? positions : { ra: positions.ra, dec: positions.dec, nulls };
}
