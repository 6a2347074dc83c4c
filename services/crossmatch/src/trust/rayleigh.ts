import type { MatchCurve } from './curve.js';

/** How the separations of counterparts compare with those of Gaussian errors that are the same for all rows. */
export interface RayleighFit {
  /** Error of a separation along each axis. */
  readonly sigmaArcsec: number;
  readonly sigmaStandardErrorArcsec: number;
  /** Largest difference of the cumulative distributions (Kolmogorov-Smirnov), 0 to 1. */
  readonly distance: number;
  /** A distance that one of twenty samples of this size exceeds by luck. */
  readonly distanceLimit: number;
  /** Share of counterparts beyond 3.03 sigma, where the law has 1 %; undefined where that is beyond the curve. */
  readonly tailShare: number | undefined;
}

/** Radius in sigma that 99 % of a Rayleigh distribution lie within. */
const NINETY_NINE = Math.sqrt(-2 * Math.log(0.01));
const LEAST_COUNT = 30;

/**
 * Sigma from the median of the separations of counterparts, chance pairs taken off, so that a few outliers do not matter:
 * the sigma whose law, cut at the end of the curve, has the same median. Undefined where there are too few, or where they
 * are spread so evenly that no sigma fits.
 */
export function fitRayleigh({ radiusArcsec, right }: MatchCurve, rowCount: number): RayleighFit | undefined {
  const last = right.length - 1;
  const all = right[last];
  const count = all * rowCount;
  if (!(count >= LEAST_COUNT)) return undefined;
  const most = radiusArcsec[last];
  const middle = right.findIndex((share) => share >= all / 2);
  if (middle < 1) return undefined;
  const into = (all / 2 - right[middle - 1]) / (right[middle] - right[middle - 1]);
  const median = radiusArcsec[middle - 1] + into * (radiusArcsec[middle] - radiusArcsec[middle - 1]);
  // Spread evenly over the area, half of them lie within 0.707 of the radius.
  if (median > 0.68 * most) return undefined;
  const sigmaArcsec = sigmaOfMedian(median, most);
  const law = (radius: number): number => rayleigh(radius / sigmaArcsec) / rayleigh(most / sigmaArcsec);
  let distance = 0;
  for (let i = 0; i <= last; i++) distance = Math.max(distance, Math.abs(right[i] / all - law(radiusArcsec[i])));
  const tail = radiusArcsec.findIndex((radius) => radius >= NINETY_NINE * sigmaArcsec);
  return {
    sigmaArcsec,
    // Of the median of n values with density f: 1 / (2 f sqrt(n)).
    sigmaStandardErrorArcsec: sigmaArcsec / (2 * Math.log(2) * Math.sqrt(count)),
    distance,
    distanceLimit: 1.36 / Math.sqrt(count),
    tailShare: tail < 0 ? undefined : Math.max(0, 1 - right[tail] / all),
  };
}

/** Share of a Rayleigh distribution within `radius` sigma. */
export function rayleigh(radius: number): number {
  return -Math.expm1(-0.5 * radius * radius);
}

function sigmaOfMedian(median: number, most: number): number {
  let [low, high] = [median / 4, 100 * most];
  for (let i = 0; i < 100; i++) {
    const sigma = Math.sqrt(low * high);
    // The larger sigma, the smaller the share within the median.
    if (rayleigh(median / sigma) / rayleigh(most / sigma) > 0.5) low = sigma;
    else high = sigma;
  }
  return Math.sqrt(low * high);
}
