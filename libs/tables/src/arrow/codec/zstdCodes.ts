import { buildFse, type FseTable } from './fse.js';

/** [symbol] base value and extra bits of literal and match lengths (RFC 8878, tables 16 and 17). */
export const LITERAL_BITS = Uint8Array.from([
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
]);
export const MATCH_BITS = Uint8Array.from([
  ...Array<number>(32).fill(0),
  1,
  1,
  1,
  1,
  2,
  2,
  3,
  3,
  4,
  4,
  5,
  7,
  8,
  9,
  10,
  11,
  12,
  13,
  14,
  15,
  16,
]);
export const LITERAL_BASES = basesOf(LITERAL_BITS, 0);
export const MATCH_BASES = basesOf(MATCH_BITS, 3);

function basesOf(bits: Uint8Array, first: number): Int32Array {
  let base = first;
  return Int32Array.from(bits, (count) => {
    const own = base;
    base += 2 ** count;
    return own;
  });
}

/** What the codes of one kind may be, and their distribution where a block gives none. */
export interface CodeKind {
  readonly symbolLimit: number;
  readonly logLimit: number;
  readonly predefined: FseTable;
}

export const LITERAL_LENGTHS: CodeKind = {
  symbolLimit: 35,
  logLimit: 9,
  predefined: buildFse(
    [4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1, -1, -1, -1, -1],
    6,
  ),
};
export const OFFSETS: CodeKind = {
  symbolLimit: 31,
  logLimit: 8,
  predefined: buildFse([1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1], 5),
};
export const MATCH_LENGTHS: CodeKind = {
  symbolLimit: 52,
  logLimit: 9,
  predefined: buildFse([1, 4, 3, 2, 2, 2, 2, 2, 2, ...Array<number>(37).fill(1), -1, -1, -1, -1, -1, -1, -1], 6),
};
