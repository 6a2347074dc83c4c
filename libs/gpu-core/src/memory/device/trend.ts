export interface Trend {
  /** Median of the slopes between all pairs of points (Theil 1950, Sen 1968). */
  readonly slope: number;
  /** The slope is above this with the confidence asked for. */
  readonly lowerBound: number;
  /** Kendall's tau: 1 where each value is above the one before, 0 without a trend. */
  readonly tau: number;
}

/**
 * Slope of a series and how sure it is. `z` is the quantile of the normal distribution for the confidence (3.29: one in
 * two thousand, one-sided); the bound is Sen's (1968, eq. 2.6 with the variance of Kendall's S). Undefined for fewer
 * than three points.
 */
export function trendOf(times: ArrayLike<number>, values: ArrayLike<number>, z: number): Trend | undefined {
  const n = times.length;
  if (n < 3) return undefined;
  const slopes = new Float64Array((n * (n - 1)) / 2);
  let rising = 0;
  for (let i = 0, at = 0; i < n; i++) {
    for (let j = i + 1; j < n; j++, at++) {
      slopes[at] = (values[j] - values[i]) / (times[j] - times[i]);
      rising += Math.sign(slopes[at]);
    }
  }
  slopes.sort();
  const count = slopes.length;
  const slope = count % 2 === 1 ? slopes[count >> 1] : (slopes[count / 2 - 1] + slopes[count / 2]) / 2;
  const deviation = Math.sqrt((n * (n - 1) * (2 * n + 5)) / 18);
  const rank = Math.floor((count - z * deviation) / 2);
  return { slope, lowerBound: rank >= 0 ? slopes[rank] : -Infinity, tau: rising / count };
}
