import { setImmediate as turn } from 'node:timers/promises';
import { unitVector } from '../../separation/unit-vector.js';

/** Rows between two turns of the event loop: some milliseconds. */
const TURN_ROWS = 16_384;
/** Distances of f64 vectors are rounded up by more than they err. */
const UPWARDS = 1 + 2 ** -48;

/** Runs of rows along the curve, as balls about the unit vectors of their rows, and the rows as f32 offsets from the centres. */
export interface Runs {
  readonly ends: Int32Array; // [runs] first row after each
  readonly centres: Float64Array; // [runs, 3]
  readonly radii: Float64Array; // [runs]
  readonly offsets: Float32Array; // [rows, stride]: x, y, z, then what is left for others
}

/** Lays out rows in the order of the curve; ra in [0, 360), dec in [-90, 90] degrees. */
export async function layRuns(
  { ra, dec }: { readonly ra: Float64Array; readonly dec: Float64Array },
  ends: Int32Array,
  stride: number,
  signal?: AbortSignal,
): Promise<Runs> {
  const centres = new Float64Array(3 * ends.length);
  const radii = new Float64Array(ends.length);
  const offsets = new Float32Array(stride * ra.length);
  let vectors = new Float64Array(3 * 256);
  for (let run = 0, from = 0, sinceTurn = 0; run < ends.length; from = ends[run++]) {
    const count = ends[run] - from;
    if (vectors.length < 3 * count) vectors = new Float64Array(6 * count);
    for (let i = 0; i < count; i++) unitVector(ra[from + i], dec[from + i], vectors, 3 * i);
    const x = middle(vectors, count, 0);
    const y = middle(vectors, count, 1);
    const z = middle(vectors, count, 2);
    let farthest = 0;
    for (let i = 0; i < count; i++) {
      const dx = vectors[3 * i] - x;
      const dy = vectors[3 * i + 1] - y;
      const dz = vectors[3 * i + 2] - z;
      const square = dx * dx + dy * dy + dz * dz;
      if (square > farthest) farthest = square;
      const at = (from + i) * stride;
      offsets[at] = dx;
      offsets[at + 1] = dy;
      offsets[at + 2] = dz;
    }
    centres[3 * run] = x;
    centres[3 * run + 1] = y;
    centres[3 * run + 2] = z;
    radii[run] = Math.sqrt(farthest) * UPWARDS;
    if ((sinceTurn += count) >= TURN_ROWS) {
      sinceTurn = 0;
      await turn();
      signal?.throwIfAborted();
    }
  }
  return { ends, centres, radii, offsets };
}

/** The middle of the range of one coordinate. */
function middle(vectors: Float64Array, count: number, axis: number): number {
  let low = Infinity;
  let high = -Infinity;
  for (let i = 0; i < count; i++) {
    const value = vectors[3 * i + axis];
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return (low + high) / 2;
}
