import type { Random } from '@armilla/base';
import { scatter } from './scatter.js';

/** Two sets of positions in degrees; 60 % of the left rows have a counterpart, 0.3 arcsec away per axis. */
export interface SimulatedPair {
  readonly left: { readonly ra: Float64Array; readonly dec: Float64Array }; // [n]
  readonly right: { readonly ra: Float64Array; readonly dec: Float64Array }; // [n]
  /** [n] right row of each left row's counterpart, -1 where it has none. */
  readonly counterpart: Int32Array;
}

type Place = (random: Random, out: Float64Array) => void;

const COUNTERPART_SHARE = 0.6;
const ERROR_DEG = 0.3 / 3600;
const DEG_PER_RAD = 180 / Math.PI;
const CLUSTER_COUNT = 50;
const CLUSTER_SHARE = 0.08;
/** With 1.6 % of a tenth of a million rows each, the clusters of a million rows peak at 6e5 per square degree. */
const CLUSTER_SIGMA_DEG = 0.02;
const LATITUDE_SCALE_DEG = 10;

/** Galactic to ICRS: the columns are the directions of (l, b) = (0, 0), (90, 0) and the pole (ESA 1997, SP-1200, vol. 1, section 1.5.3). */
const GALACTIC_TO_ICRS = [
  [-0.0548755604, 0.4941094279, -0.867666149],
  [-0.8734370902, -0.44482963, -0.1980763734],
  [-0.4838350155, 0.7469822445, 0.4559837762],
] as const;

/** `n` rows a side, spread evenly over the whole sky. */
export function uniformSky(random: Random, n: number): SimulatedPair {
  return pairOf(random, n, (source, out) => {
    out[0] = 360 * source.uniform();
    out[1] = DEG_PER_RAD * Math.asin(2 * source.uniform() - 1);
  });
}

/** `n` rows a side over the whole sky, crowded towards the galactic plane, 8 % of them in 50 compact clusters. */
export function clusteredPlane(random: Random, n: number): SimulatedPair {
  const clusters = Array.from({ length: CLUSTER_COUNT }, () => {
    const centre = new Float64Array(2);
    placeInPlane(random, centre);
    return centre;
  });
  return pairOf(random, n, (source, out) => {
    if (source.uniform() >= CLUSTER_SHARE) {
      placeInPlane(source, out);
      return;
    }
    const centre = clusters[source.below(CLUSTER_COUNT)];
    shift(source, centre[0], centre[1], CLUSTER_SIGMA_DEG, out);
  });
}

function placeInPlane(random: Random, out: Float64Array): void {
  const l = 2 * Math.PI * random.uniform();
  let bDeg = 0;
  do bDeg = -LATITUDE_SCALE_DEG * Math.log(1 - random.uniform());
  while (bDeg > 90);
  const b = (random.uniform() < 0.5 ? -bDeg : bDeg) / DEG_PER_RAD;
  const x = Math.cos(b) * Math.cos(l);
  const y = Math.cos(b) * Math.sin(l);
  const z = Math.sin(b);
  const [r0, r1, r2] = GALACTIC_TO_ICRS;
  const east = Math.atan2(r1[0] * x + r1[1] * y + r1[2] * z, r0[0] * x + r0[1] * y + r0[2] * z) * DEG_PER_RAD;
  out[0] = east < 0 ? east + 360 : east;
  out[1] = Math.asin(Math.max(-1, Math.min(1, r2[0] * x + r2[1] * y + r2[2] * z))) * DEG_PER_RAD;
}

/** A position `sigmaDeg` per axis around (ra, dec): the error grows along parallels as they shrink. */
function shift(random: Random, ra: number, dec: number, sigmaDeg: number, out: Float64Array): void {
  const cos = Math.max(1e-6, Math.cos(dec / DEG_PER_RAD));
  const east = (ra + (sigmaDeg * random.normal()) / cos) % 360;
  out[0] = east < 0 ? east + 360 : east;
  out[1] = Math.max(-90, Math.min(90, dec + sigmaDeg * random.normal()));
}

function pairOf(random: Random, n: number, place: Place): SimulatedPair {
  const left = { ra: new Float64Array(n), dec: new Float64Array(n) };
  const right = { ra: new Float64Array(n), dec: new Float64Array(n) };
  const counterpart = new Int32Array(n).fill(-1);
  const out = new Float64Array(2);
  const rowOf = scatter(random, n);
  const bothCount = Math.round(COUNTERPART_SHARE * n);
  for (let i = 0; i < n; i++) {
    place(random, out);
    const row = rowOf(i);
    left.ra[i] = out[0];
    left.dec[i] = out[1];
    if (row < bothCount) {
      counterpart[i] = row;
      shift(random, left.ra[i], left.dec[i], ERROR_DEG, out);
    } else {
      place(random, out);
    }
    right.ra[row] = out[0];
    right.dec[row] = out[1];
  }
  return { left, right, counterpart };
}
