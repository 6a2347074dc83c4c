import type { Random } from '@armilla/base';

const BRIGHT_LIMIT = 11;
const FAINT_LIMIT = 20.6;
/** Sources per magnitude grow as 10^(0.3 m). */
const COUNT_SLOPE = 0.3;
const GRID_STEPS = 20_000;
const QUANTILE_COUNT = 4096;

/** Magnitudes of the sources that a share(magnitude) in [0, 1] of all sources selects, by the inverse of their distribution. */
export class MagnitudeSampler {
  #quantiles: Float64Array | undefined; // magnitude at probability i / QUANTILE_COUNT

  constructor(private readonly share: (magnitude: number) => number) {}

  draw(random: Random): number {
    // Made at first use: whoever draws nothing should not wait for it.
    const quantiles = (this.#quantiles ??= quantilesOf(this.share));
    const at = random.uniform() * QUANTILE_COUNT;
    const i = Math.floor(at);
    return quantiles[i] + (at - i) * (quantiles[i + 1] - quantiles[i]);
  }
}

function quantilesOf(share: (magnitude: number) => number): Float64Array {
  const step = (FAINT_LIMIT - BRIGHT_LIMIT) / GRID_STEPS;
  const cumulative = new Float64Array(GRID_STEPS + 1);
  for (let i = 0; i < GRID_STEPS; i++) {
    const magnitude = BRIGHT_LIMIT + (i + 0.5) * step;
    cumulative[i + 1] = cumulative[i] + 10 ** (COUNT_SLOPE * (magnitude - FAINT_LIMIT)) * share(magnitude);
  }
  const quantiles = new Float64Array(QUANTILE_COUNT + 1);
  let i = 0;
  for (let q = 0; q <= QUANTILE_COUNT; q++) {
    const wanted = (q / QUANTILE_COUNT) * cumulative[GRID_STEPS];
    while (i < GRID_STEPS - 1 && cumulative[i + 1] < wanted) i++;
    quantiles[q] = BRIGHT_LIMIT + (i + (wanted - cumulative[i]) / (cumulative[i + 1] - cumulative[i])) * step;
  }
  return quantiles;
}
