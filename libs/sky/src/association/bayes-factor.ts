/** Where a source lies in a tangent plane and how well that is known, along the same two axes. */
export interface MeasuredPlace {
  readonly x: number; // arcsec
  readonly y: number; // arcsec
  readonly covariance: Covariance;
}

/** Variances along two axes, positive, and their covariance; in arcsec^2. */
export interface Covariance {
  readonly xx: number;
  readonly yy: number;
  readonly xy: number;
}

const LOG10_E = Math.LOG10E;
/** log10 of 2 per square radian in 1 per square arcsec: each source beyond the first brings this factor. */
const LOG10_EACH = Math.log10(2) + 2 * Math.log10((3600 * 180) / Math.PI);

/**
 * log10 of the Bayes factor that two sources are one (Budavari & Szalay 2008, eq. 16, for any covariances): their offset d
 * has the covariance C, the sum of both, of which `determinant` is in arcsec^4 and above 0; `normalisedDistance` is
 * sqrt(d' C^-1 d).
 */
export function pairBayesFactor(normalisedDistance: number, determinant: number): number {
  return LOG10_EACH - 0.5 * Math.log10(determinant) - 0.5 * normalisedDistance * normalisedDistance * LOG10_E;
}

/**
 * log10 of the Bayes factor that all places are of one source, against each having its own: Budavari & Szalay 2008, eq. 18
 * for circles; for any covariances the integral behind it, (4 pi)^(n-1) times that of the product of all Gaussians over the
 * place of the source. 0 for one place; order does not matter.
 */
export function bayesFactor(places: readonly MeasuredPlace[]): number {
  // Exactly: what is added below leaves a rest of the last digit.
  if (places.length === 1) return 0;
  // Precisions, the inverses of the covariances, add up.
  let [pxx, pyy, pxy, sx, sy, logDeterminants] = [0, 0, 0, 0, 0, 0];
  for (const { x, y, covariance } of places) {
    const determinant = determinantOf(covariance);
    logDeterminants += Math.log10(determinant);
    const [xx, yy, xy] = [covariance.yy / determinant, covariance.xx / determinant, -covariance.xy / determinant];
    [pxx, pyy, pxy] = [pxx + xx, pyy + yy, pxy + xy];
    [sx, sy] = [sx + xx * x + xy * y, sy + xy * x + yy * y];
  }
  const determinant = pxx * pyy - pxy * pxy;
  const [meanX, meanY] = [(pyy * sx - pxy * sy) / determinant, (pxx * sy - pxy * sx) / determinant];
  let chi2 = 0;
  for (const { x, y, covariance } of places) {
    const [dx, dy] = [x - meanX, y - meanY];
    chi2 +=
      (covariance.yy * dx * dx - 2 * covariance.xy * dx * dy + covariance.xx * dy * dy) / determinantOf(covariance);
  }
  return (places.length - 1) * LOG10_EACH - 0.5 * (logDeterminants + Math.log10(determinant)) - 0.5 * chi2 * LOG10_E;
}

function determinantOf({ xx, yy, xy }: Covariance): number {
  return xx * yy - xy * xy;
}
