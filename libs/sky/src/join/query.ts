import { fail } from '@armilla/base';
import { MAX_RADIUS_ARCSEC } from '../separation/separation.js';

/** What to find; see docs/operations/sky.join.md. */
export interface PairQuery {
  /** (0, 648000]; pairs at exactly this separation belong. */
  readonly radiusArcsec: number;
  /** [0, radius]; pairs at exactly this separation belong. */
  readonly minRadiusArcsec: number;
  readonly find: 'nearest' | 'k-nearest' | 'all';
  /** For k-nearest, at least 1. */
  readonly k: number;
  /**
   * Self-match: row i of the chunk is row selfFirstRow + i of the index. 'all' gives pairs with right > left only;
   * 'nearest' and 'k-nearest' skip the row itself.
   */
  readonly selfFirstRow?: number;
  readonly neighbourCount?: boolean;
  readonly secondSeparation?: boolean;
  /** For nearest, in place: also row numbers as int64, left ones counted from `leftFirst`. */
  readonly rowNumbers?: { readonly leftFirst: number };
  /** 'any' allows another order of the pairs; each order is a valid 'any'. */
  readonly order: 'left' | 'any';
  /** More pairs of one chunk than this fail with MAX_PAIRS_EXCEEDED. */
  readonly maxPairs?: number;
}

/** The pairs of one chunk, by left row, then (separation key, right row). */
export interface ChunkPairs {
  readonly pairCount: number;
  readonly left: Int32Array; // [pairCount] row within the chunk
  readonly right: Int32Array; // [pairCount] row of the index
  readonly separationArcsec: Float64Array; // [pairCount]
  readonly key: Float64Array | undefined; // [pairCount] when find = 'all'
  readonly rank: Int32Array | undefined; // [pairCount] for k-nearest, from 1
  readonly leftNumber?: BigInt64Array; // [pairCount] when rowNumbers is set, where the backend has them
  readonly rightNumber?: BigInt64Array; // [pairCount]
  readonly neighbourCount: Int32Array | undefined; // [rows] right rows with minRadius <= separation <= radius
  readonly secondSeparationArcsec: Float64Array | undefined; // [rows] NaN where there is no second
  readonly status: Uint8Array; // [rows] RowStatus of the left rows
  /** Left rows that take part: all whose status is ok. */
  readonly usableCount: number;
  /** Right rows looked at. */
  readonly candidateCount: number;
  /** Cells (parallel steps of the join) done. */
  readonly cellCount: number;
  /** There when the columns by pair lie in the memory of the index (`inPlace`): gives it back; they are void then. */
  readonly release?: () => void;
}

export function checkQuery(query: PairQuery): void {
  const { radiusArcsec, minRadiusArcsec, find, k } = query;
  if (!(radiusArcsec > 0 && radiusArcsec <= MAX_RADIUS_ARCSEC)) {
    throw fail('RADIUS_OUT_OF_RANGE', { field: 'radius_arcsec', got: radiusArcsec });
  }
  if (!(minRadiusArcsec >= 0 && minRadiusArcsec <= radiusArcsec)) {
    throw fail('OPTION_INVALID', {
      field: 'min_radius_arcsec',
      expected: `in [0, radius_arcsec = ${radiusArcsec}]`,
      got: minRadiusArcsec,
    });
  }
  if (find === 'k-nearest' && !(Number.isInteger(k) && k >= 1 && k <= 2 ** 31 - 1)) {
    throw fail('OPTION_INVALID', { field: 'k', expected: 'an integer of at least 1', got: k });
  }
}

/** Right rows of one position, ascending, of which more can be in no pair and in no count of a left row. */
export function mostOfOnePlace({ find, k, neighbourCount, secondSeparation }: PairQuery): number {
  if (find === 'all' || neighbourCount) return Infinity;
  // One of them may be the left row itself.
  return Math.max(find === 'nearest' ? 1 : k, secondSeparation ? 2 : 1) + 1;
}
