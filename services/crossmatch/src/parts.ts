import type { ChunkPairs, Positions } from '@armilla/sky';
import type { Astrometry } from './astrometry/astrometry.js';
import type { Faults } from './astrometry/fault.js';
import type { FilteredRows } from './filter/filtered-rows.js';
import type { JudgedColumn } from './refine/pair-list.js';
import type { Payload } from './result/payload.js';

/** Left rows that lie together in memory: a chunk of a stream, or all of a table that is kept. */
export interface LeftPart {
  /** Row of the table that is row 0 of the part. */
  readonly firstRow: number;
  readonly rowCount: number;
  /** The positions as they came, one piece after the other; [rowCount] rows in all. */
  readonly pieces: readonly Positions[];
  /** The positions in one piece; made when first asked for. */
  readonly positions: Positions; // [rowCount]
  /** What else is known of each row, where the options ask for it. */
  readonly astrometry: Astrometry | undefined;
  /** Why some rows take no part; undefined where they have been looked at already. */
  readonly faults: Faults | undefined;
  /** Rows that a filter leaves out: they are in no result. */
  readonly filtered: FilteredRows | undefined;
  /** The columns that the result takes from the left table; row 0 is row 0 of the part. */
  readonly payload: Payload;
}

/** Pairs, with the columns that only looking at each of them gives. */
export interface JudgedPairs extends ChunkPairs {
  readonly judged?: ReadonlyMap<JudgedColumn, Float64Array>; // [pairCount] each
}

/** Right rows that pairs point at: those of a table in memory, or those of some pairs, read back from scratch. */
export interface RightRows {
  readonly rowCount: number;
  readonly payload: Payload;
  readonly positions: Positions | undefined;
  /** Their row numbers in the table; undefined where they are the table, or nobody asks. */
  readonly rows: Int32Array | undefined;
}

/** The pairs of rows [from, to) of a part; `pairs.left` counts from `from`. */
export interface PairBlock {
  readonly part: LeftPart;
  readonly from: number;
  readonly to: number;
  readonly pairs: JudgedPairs;
  /** Whether the pairs ascend by left row. */
  readonly sorted: boolean;
  /** Whether each pair has a right row and a separation. */
  readonly paired: boolean;
  /** What `pairs.right` points at, where it is not the right table of the match. */
  readonly rightRows?: RightRows;
}

/** Positions of rows [from, to), viewed. */
export function slicePositions({ ra, dec, nulls }: Positions, from: number, to: number): Positions {
  return { ra: ra.subarray(from, to), dec: dec.subarray(from, to), nulls: nulls?.subarray(from, to) };
}

/** Rows [from, to) of positions in pieces, viewed. */
export function slicePieces(pieces: readonly Positions[], from: number, to: number): Positions[] {
  const slices: Positions[] = [];
  let firstRow = 0;
  for (const piece of pieces) {
    const rowCount = piece.ra.length;
    const [start, end] = [Math.max(0, from - firstRow), Math.min(rowCount, to - firstRow)];
    if (start < end) slices.push(start === 0 && end === rowCount ? piece : slicePositions(piece, start, end));
    firstRow += rowCount;
    if (firstRow >= to) break;
  }
  return slices;
}

/** Positions of `rows`, which all have one. */
export function takePositions({ ra, dec }: Positions, rows: Int32Array): Positions {
  const out = { ra: new Float64Array(rows.length), dec: new Float64Array(rows.length) };
  for (let i = 0; i < rows.length; i++) {
    out.ra[i] = ra[rows[i]];
    out.dec[i] = dec[rows[i]];
  }
  return out;
}

/** Left rows that the pairs of a block use; `oneEach`: no row has more than one. */
export function distinctLeftRows(pairs: PairBlock['pairs'], sorted: boolean, oneEach: boolean): number {
  const { left, pairCount } = pairs;
  if (oneEach) return pairCount;
  if (!sorted) return new Set(left).size;
  let count = 0;
  for (let p = 0; p < pairCount; p++) if (p === 0 || left[p] !== left[p - 1]) count++;
  return count;
}
