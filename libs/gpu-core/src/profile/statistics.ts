/** Quantile of ascending values, p in [0, 1], linear between neighbours (Hyndman & Fan 1996, type 7); NaN of none. */
export function quantile(ascending: ArrayLike<number>, p: number): number {
  if (ascending.length === 0) return NaN;
  const position = (ascending.length - 1) * p;
  const low = Math.floor(position);
  const high = Math.min(low + 1, ascending.length - 1);
  return ascending[low] + (position - low) * (ascending[high] - ascending[low]);
}

/** Standard deviation of `count` values from their squared differences (n - 1); 0 of one value. */
export function deviation(count: number, squares: number): number {
  return count > 1 ? Math.sqrt(Math.max(0, squares) / (count - 1)) : 0;
}

/**
 * Probability that two samples of one population differ in location at least as much (Mann & Whitney 1947): two-sided,
 * normal approximation with corrections for ties and continuity; from about 8 values on each side. 1 where either is empty.
 */
export function mannWhitneyP(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const values = [
    ...Array.from(a, (value) => ({ value, first: true })),
    ...Array.from(b, (value) => ({ value, first: false })),
  ].sort((x, y) => x.value - y.value);
  const count = values.length;
  let rankSum = 0;
  let ties = 0;
  for (let start = 0; start < count;) {
    let end = start + 1;
    while (end < count && values[end].value === values[start].value) end++;
    const rank = (start + end + 1) / 2;
    for (let i = start; i < end; i++) if (values[i].first) rankSum += rank;
    ties += (end - start) ** 3 - (end - start);
    start = end;
  }
  const mean = (a.length * b.length) / 2;
  const u = rankSum - (a.length * (a.length + 1)) / 2;
  const variance = ((a.length * b.length) / 12) * (count + 1 - ties / (count * (count - 1)));
  if (!(variance > 0)) return 1;
  return 2 * normalTail(Math.max(0, Math.abs(u - mean) - 0.5) / Math.sqrt(variance));
}

/** Interval of the ratio of medians, b to a, that holds it with probability `level`: percentile bootstrap (Efron 1979). */
export function bootstrapMedianRatio(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  options: { readonly resampleCount: number; readonly level: number; readonly random: () => number },
): [low: number, high: number] {
  const ratios = new Float64Array(options.resampleCount);
  const from = { a: Float64Array.from(a).sort(), b: Float64Array.from(b).sort() };
  const counts = { a: new Uint32Array(a.length), b: new Uint32Array(b.length) };
  for (let i = 0; i < ratios.length; i++) {
    ratios[i] = resampledMedian(from.b, counts.b, options.random) / resampledMedian(from.a, counts.a, options.random);
  }
  ratios.sort();
  return [quantile(ratios, (1 - options.level) / 2), quantile(ratios, (1 + options.level) / 2)];
}

export function median(values: ArrayLike<number>): number {
  return quantile(Float64Array.from(values).sort(), 0.5);
}

/** Median of as many draws from `ascending`: counting how often each value is drawn saves sorting them. */
function resampledMedian(ascending: Float64Array, counts: Uint32Array, random: () => number): number {
  const count = ascending.length;
  counts.fill(0);
  for (let i = 0; i < count; i++) counts[Math.floor(random() * count)]++;
  let at = 0;
  let seen = counts[0];
  while (seen <= (count - 1) >> 1) seen += counts[++at];
  const low = ascending[at];
  while (seen <= count >> 1) seen += counts[++at];
  return (low + ascending[at]) / 2;
}

/** Upper tail of the standard normal, z >= 0, to 7.5e-8 (Abramowitz & Stegun 1964, 26.2.17). */
function normalTail(z: number): number {
  const t = 1 / (1 + 0.2316419 * z);
  const series = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * series;
}
