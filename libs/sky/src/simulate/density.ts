import type { Random } from '@armilla/base';

const CLUSTER_SHARE = 0.15;
const PLANE_FLOOR = 0.35;
const PLANE_SCALE_DEG = 3;
const PLANE_TILT_RAD = (35 * Math.PI) / 180;
const NORMALISATION_STEPS = 400;

/**
 * Where the sources of a simulated field stand: a tilted galactic plane whose density falls off exponentially, and
 * round Gaussian clusters. Coordinates x, y are degrees of an equal-area (sinusoidal) projection, each within
 * +-`sideDeg` / 2 (cluster members may lie a little outside), so a density per square degree of x, y is one of the sky.
 */
export class FieldDensity {
  /** The position that `draw` made, degrees. */
  x = 0;
  y = 0;
  readonly #halfDeg: number;
  readonly #clusterX: Float64Array; // [C] degrees
  readonly #clusterY: Float64Array; // [C] degrees
  readonly #clusterSigmaDeg: Float64Array; // [C]
  readonly #planeMean: number;
  readonly #sin = Math.sin(PLANE_TILT_RAD);
  readonly #cos = Math.cos(PLANE_TILT_RAD);

  constructor(
    random: Random,
    readonly sideDeg: number,
    clusterCount: number,
  ) {
    this.#halfDeg = sideDeg / 2;
    this.#clusterX = new Float64Array(clusterCount);
    this.#clusterY = new Float64Array(clusterCount);
    this.#clusterSigmaDeg = new Float64Array(clusterCount);
    const reach = 0.95 * this.#halfDeg;
    const scale = Math.min(1, sideDeg / 2);
    for (let c = 0; c < clusterCount; c++) {
      this.#clusterX[c] = random.between(-reach, reach);
      this.#clusterY[c] = random.between(-reach, reach);
      this.#clusterSigmaDeg[c] = scale * random.between(0.02, 0.12);
    }
    this.#planeMean = this.#meanOfPlane();
  }

  /** Draws a position into `x`, `y`. */
  draw(random: Random): void {
    const clusterCount = this.#clusterX.length;
    if (clusterCount > 0 && random.uniform() < CLUSTER_SHARE) {
      const c = random.below(clusterCount);
      this.x = this.#clusterX[c] + this.#clusterSigmaDeg[c] * random.normal();
      this.y = this.#clusterY[c] + this.#clusterSigmaDeg[c] * random.normal();
      return;
    }
    for (;;) {
      const x = random.between(-this.#halfDeg, this.#halfDeg);
      const y = random.between(-this.#halfDeg, this.#halfDeg);
      if (random.uniform() < this.#plane(x, y)) {
        this.x = x;
        this.y = y;
        return;
      }
    }
  }

  /** Share of all sources per square degree at (x, y). */
  at(x: number, y: number): number {
    const clusterCount = this.#clusterX.length;
    const inside = Math.abs(x) <= this.#halfDeg && Math.abs(y) <= this.#halfDeg;
    const planeShare = clusterCount > 0 ? 1 - CLUSTER_SHARE : 1;
    let density = inside ? (planeShare * this.#plane(x, y)) / (this.#planeMean * this.sideDeg ** 2) : 0;
    for (let c = 0; c < clusterCount; c++) {
      const sigma = this.#clusterSigmaDeg[c];
      const square = ((x - this.#clusterX[c]) ** 2 + (y - this.#clusterY[c]) ** 2) / (sigma * sigma);
      if (square < 60)
        density += ((CLUSTER_SHARE / clusterCount) * Math.exp(-square / 2)) / (2 * Math.PI * sigma * sigma);
    }
    return density;
  }

  #plane(x: number, y: number): number {
    return PLANE_FLOOR + (1 - PLANE_FLOOR) * Math.exp(-Math.abs(x * this.#sin + y * this.#cos) / PLANE_SCALE_DEG);
  }

  #meanOfPlane(): number {
    const step = this.sideDeg / NORMALISATION_STEPS;
    let sum = 0;
    for (let i = 0; i < NORMALISATION_STEPS; i++) {
      for (let j = 0; j < NORMALISATION_STEPS; j++) {
        sum += this.#plane((i + 0.5) * step - this.#halfDeg, (j + 0.5) * step - this.#halfDeg);
      }
    }
    return sum / NORMALISATION_STEPS ** 2;
  }
}
