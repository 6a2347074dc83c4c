/** Positions of the rows of a table, degrees. */
export interface Positions {
  /** Right ascension, any turn. [n] */
  readonly ra: Float64Array;
  /** Declination. [n] */
  readonly dec: Float64Array;
  /** 1 where the row has no position. [n] */
  readonly nulls?: Uint8Array;
}

/** What became of a row: 0 is usable, the rest are reasons in the order of base's ROW_REASONS. */
export const RowStatus = {
  OK: 0,
  POSITION_NULL: 1,
  POSITION_NAN: 2,
  POSITION_INFINITE: 3,
  DECLINATION_OUT_OF_RANGE: 4,
} as const;

export function rowStatus(ra: number, dec: number, isNull: boolean): number {
  if (isNull) return RowStatus.POSITION_NULL;
  if (Number.isNaN(ra) || Number.isNaN(dec)) return RowStatus.POSITION_NAN;
  if (!Number.isFinite(ra) || !Number.isFinite(dec)) return RowStatus.POSITION_INFINITE;
  return dec > 90 || dec < -90 ? RowStatus.DECLINATION_OUT_OF_RANGE : RowStatus.OK;
}

/** What to find of each left row; everything here changes the answer. */
export interface PairQuery {
  /** (0, 648000], inclusive. */
  readonly radiusArcsec: number;
  /** [0, radiusArcsec], inclusive. */
  readonly minRadiusArcsec: number;
  readonly find: 'nearest' | 'k-nearest' | 'all';
  /** Only for k-nearest. */
  readonly k: number;
  /**
   * Self-match: row i of the chunk is row selfFirstRow + i of the index. 'all' gives each pair once (right > left), the
   * others skip the row itself.
   */
  readonly selfFirstRow?: number;
  readonly neighbourCount?: boolean;
  readonly secondSeparation?: boolean;
  /** 'left': by left row, then (key, right row). 'any': as cells finish. */
  readonly order: 'left' | 'any';
  /** More pairs than this are refused (MAX_PAIRS_EXCEEDED). */
  readonly maxPairs?: number;
}

/** The pairs of one chunk of left rows. */
export interface ChunkPairs {
  readonly pairCount: number;
  /** Row within the chunk. [pairCount] */
  readonly left: Int32Array;
  /** Row of the index. [pairCount] */
  readonly right: Int32Array;
  /** [pairCount] */
  readonly separationArcsec: Float64Array;
  /** separationKey of each pair, for find = 'all'. [pairCount] */
  readonly key: Float64Array | undefined;
  /** Rank from 1, for k-nearest. [pairCount] */
  readonly rank: Int32Array | undefined;
  /** Right rows between the radii. [chunk rows] */
  readonly neighbourCount: Int32Array | undefined;
  /** Separation of the second nearest right row; NaN where there is none. [chunk rows] */
  readonly secondSeparationArcsec: Float64Array | undefined;
  /** RowStatus of the left rows. [chunk rows] */
  readonly status: Uint8Array;
  /** Candidate pairs whose key was computed. */
  readonly candidateCount: number;
  readonly cellCount: number;
}
