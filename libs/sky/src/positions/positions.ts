import type { RowReason } from '@armilla/base';

/** Positions of n rows in degrees. */
export interface Positions {
  readonly ra: Float64Array; // [n] any finite value; taken modulo 360
  readonly dec: Float64Array; // [n]
  /** [n] 1 where the right ascension or the declination is null; the value below is then ignored. */
  readonly nulls?: Uint8Array;
}

/** Why a row takes no part; 0 when it does. */
export const RowStatus = {
  ok: 0,
  POSITION_NULL: 1,
  POSITION_NAN: 2,
  POSITION_INFINITE: 3,
  DECLINATION_OUT_OF_RANGE: 4,
} as const satisfies Partial<Record<RowReason | 'ok', number>>;

export type RowStatus = (typeof RowStatus)[keyof typeof RowStatus];

/** Hears of a row that takes no part, with its position as it came. */
export type OnRejected = (row: number, raDeg: number, decDeg: number, status: RowStatus) => void;

/** The status of one position that is not null. */
export function positionStatus(raDeg: number, decDeg: number): RowStatus {
  if (raDeg !== raDeg || decDeg !== decDeg) return RowStatus.POSITION_NAN;
  if (Math.abs(raDeg) === Infinity || Math.abs(decDeg) === Infinity) return RowStatus.POSITION_INFINITE;
  return Math.abs(decDeg) > 90 ? RowStatus.DECLINATION_OUT_OF_RANGE : RowStatus.ok;
}

/** [n] statuses. */
export function positionStatuses(positions: Positions): Uint8Array {
  const { ra, dec, nulls } = positions;
  const status = new Uint8Array(ra.length);
  for (let i = 0; i < ra.length; i++) {
    status[i] = nulls !== undefined && nulls[i] !== 0 ? RowStatus.POSITION_NULL : positionStatus(ra[i], dec[i]);
  }
  return status;
}

/** Calls `visit` for every row that takes no part, ascending. */
export function eachRejected(status: Uint8Array, visit: (row: number) => void): void {
  // Four rows at a look: hardly any is rejected.
  const words =
    status.byteOffset % 4 === 0
      ? new Int32Array(status.buffer, status.byteOffset, status.length >>> 2)
      : new Int32Array(0);
  for (let w = 0; w < words.length; w++) {
    if (words[w] === 0) continue;
    for (let row = 4 * w; row < 4 * w + 4; row++) if (status[row] !== RowStatus.ok) visit(row);
  }
  for (let row = 4 * words.length; row < status.length; row++) if (status[row] !== RowStatus.ok) visit(row);
}
