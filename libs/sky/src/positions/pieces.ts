import type { Positions } from './positions.js';

/** Rows of all pieces together. */
export function rowCountOf(pieces: readonly Positions[]): number {
  return pieces.reduce((sum, { ra }) => sum + ra.length, 0);
}

/** One after the other; a single piece is not copied. */
export function concatPositions(pieces: readonly Positions[]): Positions {
  if (pieces.length === 1) return pieces[0];
  const rowCount = rowCountOf(pieces);
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

/** Positions of `rows`, which ascend, counted through all pieces; nulls are not told apart. */
export function samplePositions(pieces: readonly Positions[], rows: Int32Array): Positions {
  const out = { ra: new Float64Array(rows.length), dec: new Float64Array(rows.length) };
  let i = 0;
  let firstRow = 0;
  for (const { ra, dec } of pieces) {
    const end = firstRow + ra.length;
    for (; i < rows.length && rows[i] < end; i++) {
      out.ra[i] = ra[rows[i] - firstRow];
      out.dec[i] = dec[rows[i] - firstRow];
    }
    firstRow = end;
  }
  return out;
}
