import { slicePieces } from './parts.js';

test('rows of pieces are found across their borders', () => {
  const at = (firstRow: number, rowCount: number) => {
    const ra = Float64Array.from({ length: rowCount }, (_, i) => firstRow + i);
    return { ra, dec: ra, nulls: firstRow === 3 ? new Uint8Array(rowCount).fill(1) : undefined };
  };
  const pieces = [at(0, 3), at(3, 0), at(3, 2), at(5, 4)];
  for (let from = 0; from <= 9; from++) {
    for (let to = from; to <= 9; to++) {
      const slices = slicePieces(pieces, from, to);
      expect(slices.flatMap(({ ra }) => [...ra])).toEqual(Array.from({ length: to - from }, (_, i) => from + i));
      for (const { ra, nulls } of slices) if (nulls) expect(nulls.length).toBe(ra.length);
    }
  }
  expect(slicePieces(pieces, 0, 3)[0]).toBe(pieces[0]);
});
