/** Terms of the cost: launch, work, bytes. */
const TERMS = 3;
/** Weight of an old sample after each new one (forgetting). */
const FORGETTING = 0.995;

/**
 * Least squares of three non-negative terms u against the target 1, `sum of forgetting^age (1 - z.u)^2 + sum of weight
 * (u - anchor)^2`: with z = features / time that is the relative error of the predicted time. Information form of
 * recursive least squares (Haykin 2002, Adaptive Filter Theory, ch. 9), solved exactly under u >= 0 (Lawson & Hanson 1974,
 * Solving Least Squares Problems, ch. 23) over the seven supports; above floors that are given it is the same problem. The anchor is not forgotten: a workload of one
 * size cannot unlearn the terms that it does not show.
 */
export class LeastSquares {
  readonly terms = new Float64Array(TERMS);
  /** Inverse of the regularised information, row-major: covariance of the terms in units of the residual variance. */
  readonly covariance = new Float64Array(TERMS * TERMS);
  readonly #information = new Float64Array(TERMS * TERMS);
  readonly #response = new Float64Array(TERMS);
  readonly #anchor = new Float64Array(TERMS);
  readonly #weights = new Float64Array(TERMS);
  readonly #floor = new Float64Array(TERMS);

  /** `weights` > 0: how many samples that show the term it takes to outweigh its anchor. */
  constructor(anchor: ArrayLike<number>, weights: ArrayLike<number>) {
    this.#anchor.set(anchor);
    this.#weights.set(weights);
    this.#solve();
  }

  /** No term is below this, >= 0; it holds from the next sample on. */
  setFloor(floor: ArrayLike<number>): void {
    this.#floor.set(floor);
  }

  /** Takes in one sample, features by measured time. */
  add(z0: number, z1: number, z2: number): void {
    const a = this.#information;
    const b = this.#response;
    for (let i = 0; i < a.length; i++) a[i] *= FORGETTING;
    a[0] += z0 * z0;
    a[4] += z1 * z1;
    a[8] += z2 * z2;
    a[1] = a[3] += z0 * z1;
    a[2] = a[6] += z0 * z2;
    a[5] = a[7] += z1 * z2;
    b[0] = b[0] * FORGETTING + z0;
    b[1] = b[1] * FORGETTING + z1;
    b[2] = b[2] * FORGETTING + z2;
    this.#solve();
  }

  /** Samples count no more; the terms of now hold until new ones come. */
  forget(weight: number): void {
    this.#anchor.set(this.terms);
    this.#weights.fill(weight);
    this.#information.fill(0);
    this.#response.fill(0);
    this.#solve();
  }

  #solve(): void {
    const m = Float64Array.from(this.#information);
    for (let i = 0; i < TERMS; i++) m[i * 4] += this.#weights[i];
    const r = this.#response.map((value, i) => value + this.#weights[i] * this.#anchor[i]);
    // Solved for what the terms are above their floor.
    for (let i = 0; i < TERMS; i++) for (let j = 0; j < TERMS; j++) r[i] -= m[i * TERMS + j] * this.#floor[j];
    for (const support of SUPPORTS) {
      if (solveSupport(m, r, support, this.terms)) break;
    }
    for (let i = 0; i < TERMS; i++) this.terms[i] += this.#floor[i];
    invert(m, this.covariance);
  }
}

/** Bit masks of the terms that may be positive, the largest first; the last one always satisfies the conditions. */
const SUPPORTS = [0b111, 0b011, 0b101, 0b110, 0b001, 0b010, 0b100, 0b000];

/** Solves on the support; true if the result is the non-negative minimum (Karush-Kuhn-Tucker). */
function solveSupport(m: Float64Array, r: Float64Array, support: number, u: Float64Array): boolean {
  const a = Float64Array.from(m);
  u.set(r);
  for (let i = 0; i < TERMS; i++) {
    if ((support >> i) & 1) continue;
    for (let j = 0; j < TERMS; j++) a[i * TERMS + j] = a[j * TERMS + i] = 0;
    a[i * 4] = 1;
    u[i] = 0;
  }
  // Symmetric and positive definite: no pivoting.
  for (let k = 0; k < TERMS; k++) {
    for (let i = k + 1; i < TERMS; i++) {
      const factor = a[i * TERMS + k] / a[k * 4];
      for (let j = k; j < TERMS; j++) a[i * TERMS + j] -= factor * a[k * TERMS + j];
      u[i] -= factor * u[k];
    }
  }
  for (let i = TERMS - 1; i >= 0; i--) {
    for (let j = i + 1; j < TERMS; j++) u[i] -= a[i * TERMS + j] * u[j];
    u[i] /= a[i * 4];
    if (!(u[i] >= 0)) return false;
  }
  for (let i = 0; i < TERMS; i++) {
    if ((support >> i) & 1) continue;
    let gradient = -r[i];
    for (let j = 0; j < TERMS; j++) gradient += m[i * TERMS + j] * u[j];
    if (gradient < -1e-12 * Math.abs(r[i])) return false;
  }
  return true;
}

/** Inverse of a symmetric 3 x 3 matrix by cofactors. */
function invert(m: Float64Array, out: Float64Array): void {
  const [a, b, c, , d, e, , , f] = m;
  const c0 = d * f - e * e;
  const c1 = c * e - b * f;
  const c2 = b * e - c * d;
  const scale = 1 / (a * c0 + b * c1 + c * c2);
  out.set([c0, c1, c2, c1, a * f - c * c, b * c - a * e, c2, b * c - a * e, a * d - b * b].map((v) => v * scale));
}
