import type { Positions } from '../positions/positions.js';

/** A part of the sky, in ICRS; borders belong to it. */
export interface Area {
  /** How it is written, as `parseArea` reads it. */
  readonly text: string;
  /** Whether a position in degrees lies in it; false for what is no position. */
  contains(raDeg: number, decDeg: number): boolean;
  /**
   * Tells which positions can be within `radiusArcsec` of the area: true for each of them, and for few others. For
   * readers that can leave rows out which no pair of the area can have.
   */
  near(radiusArcsec: number): (raDeg: number, decDeg: number) => boolean;
}

/** Sets `out` to 1 at those of rows [from, to) whose position is null or not in the area; returns how many. */
export function markOutside(
  area: Area,
  { ra, dec, nulls }: Positions,
  out: Uint8Array, // [rows]
  from: number,
  to: number,
): number {
  let count = 0;
  for (let i = from; i < to; i++) {
    if ((nulls === undefined || nulls[i] === 0) && area.contains(ra[i], dec[i])) continue;
    out[i] = 1;
    count++;
  }
  return count;
}

/** Whether degrees are a position: finite, and a declination in [-90, 90]. */
export function isPosition(raDeg: number, decDeg: number): boolean {
  return decDeg >= -90 && decDeg <= 90 && raDeg - raDeg === 0;
}
