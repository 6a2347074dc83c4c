import { ADDED } from './bounds.js';
import type { Runs } from './runs.js';

const FAN = 4;
/** What distances of f64 vectors and sums of radii may err by, with what a key may differ from the vectors. */
const MARGIN = 2 * ADDED;

/** Finds runs near a ball: balls within balls, four neighbours along the curve in each. */
export class RunTree {
  /** What `find` has found, the first `count`: runs, and the distance of their centres from that of the ball. */
  readonly found: number[] = [];
  readonly apart: number[] = [];
  readonly #levels: { readonly centres: Float64Array; readonly radii: Float64Array }[];
  readonly #sizes: Int32Array; // [runs] rows of each
  readonly #stack: number[] = [];

  constructor({ ends, centres, radii }: Pick<Runs, 'ends' | 'centres' | 'radii'>) {
    this.#sizes = ends.map((end, run) => end - (run > 0 ? ends[run - 1] : 0));
    this.#levels = [{ centres, radii }];
    for (let level = this.#levels[0]; level.radii.length > 1; this.#levels.push(level)) level = above(level);
  }

  /**
   * Finds the runs of which rows may lie within the chord `reach` of a point of the ball. With `wanted` > 0, those that may
   * hold one of the `wanted` nearest rows of a point of the ball are enough. Gives their number.
   */
  find(x: number, y: number, z: number, radius: number, reach: number, wanted: number): number {
    const { found, apart } = this;
    const top = this.#levels.length - 1;
    if (this.#sizes.length === 0) return 0;
    let most = reach + radius + MARGIN;
    if (wanted > 0) most = Math.min(most, this.#nearEnough(x, y, z, radius, wanted));
    let count = 0;
    const stack = this.#stack;
    let depth = 0;
    stack[depth++] = top;
    stack[depth++] = 0;
    while (depth > 0) {
      const node = stack[--depth];
      const level = stack[--depth];
      const { radii } = this.#levels[level];
      const distance = this.#distance(level, node, x, y, z);
      if (distance - radii[node] > most) continue;
      if (level > 0) {
        const end = Math.min(FAN * (node + 1), this.#levels[level - 1].radii.length);
        for (let child = end - 1; child >= FAN * node; child--) {
          stack[depth++] = level - 1;
          stack[depth++] = child;
        }
        continue;
      }
      found[count] = node;
      apart[count++] = distance;
      if (wanted > 0 && this.#sizes[node] >= wanted) {
        most = Math.min(most, distance + radii[node] + 2 * radius + MARGIN);
      }
    }
    if (wanted === 0) return count;
    // What was found before nearer runs may lie too far.
    const { radii } = this.#levels[0];
    let kept = 0;
    for (let i = 0; i < count; i++) {
      if (apart[i] - radii[found[i]] > most) continue;
      found[kept] = found[i];
      apart[kept++] = apart[i];
    }
    return kept;
  }

  /** `most` by the run that one comes to by always taking the nearest part. */
  #nearEnough(x: number, y: number, z: number, radius: number, wanted: number): number {
    let node = 0;
    for (let level = this.#levels.length - 2; level >= 0; level--) {
      const end = Math.min(FAN * (node + 1), this.#levels[level].radii.length);
      let best = FAN * node;
      let least = Infinity;
      for (let child = FAN * node; child < end; child++) {
        const distance = this.#distance(level, child, x, y, z);
        if (distance < least) [least, best] = [distance, child];
      }
      node = best;
    }
    if (this.#sizes[node] < wanted) return Infinity;
    return this.#distance(0, node, x, y, z) + this.#levels[0].radii[node] + 2 * radius + MARGIN;
  }

  #distance(level: number, node: number, x: number, y: number, z: number): number {
    const { centres } = this.#levels[level];
    const dx = centres[3 * node] - x;
    const dy = centres[3 * node + 1] - y;
    const dz = centres[3 * node + 2] - z;
    return Math.sqrt(dx * dx + dy * dy + dz * dz);
  }
}

/** A ball about each four balls. */
function above(below: { readonly centres: Float64Array; readonly radii: Float64Array }): typeof below {
  const count = Math.ceil(below.radii.length / FAN);
  const centres = new Float64Array(3 * count);
  const radii = new Float64Array(count);
  for (let node = 0; node < count; node++) {
    const from = FAN * node;
    const to = Math.min(FAN * (node + 1), below.radii.length);
    for (let child = from; child < to; child++)
      for (let axis = 0; axis < 3; axis++) centres[3 * node + axis] += below.centres[3 * child + axis] / (to - from);
    for (let child = from; child < to; child++) {
      let square = 0;
      for (let axis = 0; axis < 3; axis++) {
        const difference = below.centres[3 * child + axis] - centres[3 * node + axis];
        square += difference * difference;
      }
      radii[node] = Math.max(radii[node], (Math.sqrt(square) + below.radii[child]) * (1 + 2 ** -48));
    }
  }
  return { centres, radii };
}
