import type { Positions } from '@armilla/sky';
import { tangentOffset, unitVector, type Vector3 } from './tangent.js';

/** Pairs of rows and where the right one lies from the left one. All arrays [pairCount]. */
export interface PairOffsets {
  readonly left: Int32Array;
  readonly right: Int32Array;
  readonly eastArcsec: Float64Array;
  readonly northArcsec: Float64Array;
}

/** Where right rows lie from their left rows, typically. */
export interface SystematicOffset {
  readonly pairCount: number;
  /** Medians, right minus left, and their standard errors. */
  readonly raCosdecArcsec: number;
  readonly raCosdecStandardErrorArcsec: number;
  readonly decArcsec: number;
  readonly decStandardErrorArcsec: number;
  /** One-sigma ellipse of the offsets: semi-axes, and the position angle of the major one from north through east. */
  readonly majorArcsec: number;
  readonly minorArcsec: number;
  readonly angleDeg: number;
}

/** Turning the left table by it brings it onto the right one: three small angles about the axes of ICRS. */
export interface Rotation {
  readonly xArcsec: number;
  readonly yArcsec: number;
  readonly zArcsec: number;
  readonly xStandardErrorArcsec: number;
  readonly yStandardErrorArcsec: number;
  readonly zStandardErrorArcsec: number;
  /** Scatter per axis that is left after it. */
  readonly residualArcsec: number;
}

export interface Alignment {
  readonly offset: SystematicOffset;
  /** Undefined where the pairs do not tell one. */
  readonly rotation: Rotation | undefined;
}

const LEAST_PAIR_COUNT = 10;
/** Pairs that the window is found with. */
const WINDOW_PAIR_COUNT = 20_000;
/** Median of a Rayleigh distribution in sigma. */
const MEDIAN_RADIUS = Math.sqrt(2 * Math.log(2));
const ARCSEC_PER_RADIAN = (180 * 3600) / Math.PI;

/** Of the nearest pairs those whose left row is also the nearest of their right row. */
export function mutualOffsets(
  pairs: { readonly left: Int32Array; readonly right: Int32Array; readonly separationArcsec: Float64Array },
  left: Positions,
  right: Positions,
): PairOffsets {
  const nearest = new Map<number, number>();
  for (let p = 0; p < pairs.left.length; p++) {
    const other = nearest.get(pairs.right[p]);
    if (other === undefined || pairs.separationArcsec[p] < pairs.separationArcsec[other])
      nearest.set(pairs.right[p], p);
  }
  const chosen = Int32Array.from(nearest.values()).sort();
  const out = {
    left: chosen.map((p) => pairs.left[p]),
    right: chosen.map((p) => pairs.right[p]),
    eastArcsec: new Float64Array(chosen.length),
    northArcsec: new Float64Array(chosen.length),
  };
  for (let p = 0; p < chosen.length; p++) {
    const [i, j] = [out.left[p], out.right[p]];
    [out.eastArcsec[p], out.northArcsec[p]] = tangentOffset(left.ra[i], left.dec[i], right.ra[j], right.dec[j]);
  }
  return out;
}

/** Measures both on the pairs that belong to the densest place of the offsets, which chance pairs do not make. */
export function measureAlignment(
  offsets: PairOffsets,
  left: Positions,
  right: Positions,
  mostArcsec: number,
): Alignment | undefined {
  const chosen = densest(offsets, mostArcsec);
  if (chosen.length < LEAST_PAIR_COUNT) return undefined;
  const east = Float64Array.from(chosen, (p) => offsets.eastArcsec[p]);
  const north = Float64Array.from(chosen, (p) => offsets.northArcsec[p]);
  const [midEast, midNorth] = [median(east), median(north)];
  const n = chosen.length;
  let [ee, nn, en] = [0, 0, 0];
  for (let p = 0; p < n; p++) {
    ee += (east[p] - midEast) ** 2 / n;
    nn += (north[p] - midNorth) ** 2 / n;
    en += ((east[p] - midEast) * (north[p] - midNorth)) / n;
  }
  const [mean, half] = [(ee + nn) / 2, Math.hypot((ee - nn) / 2, en)];
  // Standard error of a median of normal values: sqrt(pi / 2) times that of the mean.
  const factor = Math.sqrt(Math.PI / 2 / n);
  const offset: SystematicOffset = {
    pairCount: n,
    raCosdecArcsec: midEast,
    raCosdecStandardErrorArcsec: factor * Math.sqrt(ee),
    decArcsec: midNorth,
    decStandardErrorArcsec: factor * Math.sqrt(nn),
    majorArcsec: Math.sqrt(mean + half),
    minorArcsec: Math.sqrt(Math.max(0, mean - half)),
    angleDeg: ((0.5 * Math.atan2(2 * en, nn - ee) * 180) / Math.PI + 180) % 180,
  };
  return { offset, rotation: fitRotation(chosen, offsets, left, right) };
}

/** Pairs around the densest place of the offsets: a window follows their median while it shrinks to three sigma. */
function densest({ eastArcsec, northArcsec }: PairOffsets, mostArcsec: number): number[] {
  const all = Array.from(eastArcsec.keys());
  const step = Math.ceil(all.length / WINDOW_PAIR_COUNT);
  const some = all.filter((p) => p % step === 0);
  let chosen = some;
  let within = (_: number): boolean => true;
  let window = mostArcsec;
  for (let round = 0; round < 30 && chosen.length >= LEAST_PAIR_COUNT; round++) {
    const east = median(Float64Array.from(chosen, (p) => eastArcsec[p]));
    const north = median(Float64Array.from(chosen, (p) => northArcsec[p]));
    const distance = (p: number): number => Math.hypot(eastArcsec[p] - east, northArcsec[p] - north);
    const sigma = median(Float64Array.from(chosen, distance)) / MEDIAN_RADIUS;
    const next = Math.max(0.8 * window, 3 * sigma);
    within = (p) => distance(p) <= next;
    chosen = some.filter(within);
    if (next >= window * 0.999) break;
    window = next;
  }
  return all.filter(within);
}

/** Least squares of r - l = w x l over the unit vectors of the pairs: sum (1 - l l^T) w = sum l x r. */
function fitRotation(
  chosen: readonly number[],
  offsets: PairOffsets,
  left: Positions,
  right: Positions,
): Rotation | undefined {
  const normal = new Float64Array(6); // xx, xy, xz, yy, yz, zz
  const side = new Float64Array(3);
  const ends = chosen.map((p): [Vector3, Vector3] => [
    unitVector(left.ra[offsets.left[p]], left.dec[offsets.left[p]]),
    unitVector(right.ra[offsets.right[p]], right.dec[offsets.right[p]]),
  ]);
  for (const [l, r] of ends) {
    const d = [r[0] - l[0], r[1] - l[1], r[2] - l[2]];
    side[0] += l[1] * d[2] - l[2] * d[1];
    side[1] += l[2] * d[0] - l[0] * d[2];
    side[2] += l[0] * d[1] - l[1] * d[0];
    normal[0] += 1 - l[0] * l[0];
    normal[1] -= l[0] * l[1];
    normal[2] -= l[0] * l[2];
    normal[3] += 1 - l[1] * l[1];
    normal[4] -= l[1] * l[2];
    normal[5] += 1 - l[2] * l[2];
  }
  const inverse = inverseOf(normal);
  if (!inverse) return undefined;
  const [xx, xy, xz, yy, yz, zz] = inverse;
  const w = [
    xx * side[0] + xy * side[1] + xz * side[2],
    xy * side[0] + yy * side[1] + yz * side[2],
    xz * side[0] + yz * side[1] + zz * side[2],
  ];
  let squares = 0;
  for (const [l, r] of ends) {
    squares += (r[0] - l[0] - (w[1] * l[2] - w[2] * l[1])) ** 2;
    squares += (r[1] - l[1] - (w[2] * l[0] - w[0] * l[2])) ** 2;
    squares += (r[2] - l[2] - (w[0] * l[1] - w[1] * l[0])) ** 2;
  }
  const variance = squares / (2 * chosen.length - 3);
  const error = (of: number): number => Math.sqrt(variance * of) * ARCSEC_PER_RADIAN;
  return {
    xArcsec: w[0] * ARCSEC_PER_RADIAN,
    yArcsec: w[1] * ARCSEC_PER_RADIAN,
    zArcsec: w[2] * ARCSEC_PER_RADIAN,
    xStandardErrorArcsec: error(xx),
    yStandardErrorArcsec: error(yy),
    zStandardErrorArcsec: error(zz),
    residualArcsec: Math.sqrt(variance) * ARCSEC_PER_RADIAN,
  };
}

/** Inverse of a symmetric matrix (xx, xy, xz, yy, yz, zz); undefined where it has none to speak of. */
function inverseOf([xx, xy, xz, yy, yz, zz]: Float64Array): number[] | undefined {
  const [a, b, c] = [yy * zz - yz * yz, xz * yz - xy * zz, xy * yz - xz * yy];
  const determinant = xx * a + xy * b + xz * c;
  const size = (xx + yy + zz) / 3;
  // Pairs within an arcminute tell nothing of a turn about the line of sight.
  if (!(determinant > 1e-8 * size ** 3)) return undefined;
  const [d, e, f] = [xx * zz - xz * xz, xy * xz - xx * yz, xx * yy - xy * xy];
  return [a, b, c, d, e, f].map((minor) => minor / determinant);
}

function median(values: Float64Array): number {
  const sorted = values.slice().sort();
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}
