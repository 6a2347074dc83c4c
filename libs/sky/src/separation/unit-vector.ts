import { cosDeg, sinAbsDeg } from './trigonometry.js';

/**
 * Unit vector of a position, to out[at] .. out[at + 2]; ra in [0, 360), dec in [-90, 90] degrees. Within 2^-49 of the true
 * one: sine and cosine err by at most 3 * 2^-53, since the reductions to [0, 90] degrees are exact (Sterbenz).
 */
export function unitVector(raDeg: number, decDeg: number, out: Float64Array, at: number): void {
  const west = raDeg > 180 ? raDeg - 360 : raDeg;
  const turn = Math.abs(west);
  const rest = 180 - turn;
  const cosRa = turn <= 90 ? cosDeg(turn) : -cosDeg(rest);
  const sinRa = sinAbsDeg(turn <= 90 ? turn : rest);
  const cosDec = cosDeg(decDeg);
  const sinDec = sinAbsDeg(decDeg);
  out[at] = cosDec * cosRa;
  out[at + 1] = west < 0 ? -cosDec * sinRa : cosDec * sinRa;
  out[at + 2] = decDeg < 0 ? -sinDec : sinDec;
}
