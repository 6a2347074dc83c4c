import type { ChunkPairs, Positions } from '@armilla/sky';
import type { Payload } from './result/payload.js';

/** Left rows that lie together in memory: a chunk of a stream, or all of a table that is kept. */
export interface LeftPart {
  /** Row of the table that is row 0 of the part. */
  readonly firstRow: number;
  readonly rowCount: number;
  readonly positions: Positions; // [rowCount]
  /** The columns that the result takes from the left table; row 0 is row 0 of the part. */
  readonly payload: Payload;
}

/** The pairs of rows [from, to) of a part; `pairs.left` counts from `from`. */
export interface PairBlock {
  readonly part: LeftPart;
  readonly from: number;
  readonly to: number;
  readonly pairs: ChunkPairs;
  /** Whether the pairs ascend by left row. */
  readonly sorted: boolean;
}

/** Positions of rows [from, to), viewed. */
export function slicePositions({ ra, dec, nulls }: Positions, from: number, to: number): Positions {
  return { ra: ra.subarray(from, to), dec: dec.subarray(from, to), nulls: nulls?.subarray(from, to) };
}

/** One after the other; a single piece is not copied. */
export function concatPositions(pieces: readonly Positions[]): Positions {
  if (pieces.length === 1) return pieces[0];
  const rowCount = pieces.reduce((sum, piece) => sum + piece.ra.length, 0);
  const ra = new Float64Array(rowCount);
  const dec = new Float64Array(rowCount);
  const nulls = pieces.some((piece) => piece.nulls !== undefined) ? new Uint8Array(rowCount) : undefined;
  let at = 0;
  for (const piece of pieces) {
    ra.set(piece.ra, at);
    dec.set(piece.dec, at);
    if (piece.nulls) nulls?.set(piece.nulls, at);
    at += piece.ra.length;
  }
  return { ra, dec, nulls };
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
