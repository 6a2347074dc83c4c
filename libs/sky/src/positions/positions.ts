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
export function positionStatuses({ ra, dec, nulls }: Positions): Uint8Array {
  const status = new Uint8Array(ra.length);
  takeStatuses(ra, dec, status);
  if (nulls) for (let i = 0; i < nulls.length; i++) if (nulls[i] !== 0) status[i] = RowStatus.POSITION_NULL;
  return status;
}

/** Nothing but the loop, so that it stays compiled from call to call. */
function takeStatuses(ra: Float64Array, dec: Float64Array, status: Uint8Array): void {
  for (let i = 0; i < ra.length; i++) {
    const raDeg = ra[i];
    const decDeg = dec[i];
    // Of a finite number the difference to itself is 0.
    if (!(raDeg - raDeg === 0 && decDeg <= 90 && decDeg >= -90)) status[i] = positionStatus(raDeg, decDeg);
  }
}

/** Calls `visit` for every row that takes no part, ascending. */
export function eachRejected(status: Uint8Array, visit: (row: number) => void): void {
  // Four rows at a look: hardly any is rejected.
  const words =
    status.byteOffset % 4 === 0
      ? new Int32Array(status.buffer, status.byteOffset, status.length >>> 2)
      : new Int32Array(0);
  for (let w = nextWord(words, 0); w < words.length; w = nextWord(words, w + 1))
    for (let row = 4 * w; row < 4 * w + 4; row++) if (status[row] !== RowStatus.ok) visit(row);
  for (let row = 4 * words.length; row < status.length; row++) if (status[row] !== RowStatus.ok) visit(row);
}

/** The first word from `from` on that is not 0; the length of `words` where there is none. */
function nextWord(words: Int32Array, from: number): number {
  let w = from;
  while (w < words.length && words[w] === 0) w++;
  return w;
}
