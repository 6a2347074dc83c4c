import { Random } from '@armilla/base';
import type { FieldDensity } from './density.js';
import { Star } from './star.js';

export interface MatchPrediction {
  /** Share of the common sources whose rows the match brings together. */
  readonly completeness: number;
  /** Share of the matched rows that are matched with their own counterpart. */
  readonly purity: number;
  /** Standard errors of the two: they are averages over drawn stars. */
  readonly completenessError: number;
  readonly purityError: number;
}

const PREDICTION_SEED = 71;
const STAR_COUNT = 400_000;
const RICE_STEPS = 64;
const ARCSEC2_PER_DEG2 = 3600 ** 2;

/**
 * Completeness and purity that the error model expects, without looking at the catalogs. A counterpart with error
 * sigma per axis lies within r with Rayleigh's probability; unrelated right sources of local density rho are a
 * Poisson process, so the counterpart is the nearest with probability
 *   integral_0^R d/sigma^2 exp(-d^2 (1/(2 sigma^2) + pi rho)) dd,
 * and a row without counterpart is matched with probability 1 - exp(-pi rho R^2). A blend shifts the counterpart, so
 * Rice's distribution takes Rayleigh's place there. Averaged over stars drawn from the same model with another seed.
 */
export function predictMatch(
  density: FieldDensity,
  rowCount: number,
  counterpartShare: number,
  badShare: number,
  radiusArcsec: number,
): MatchPrediction {
  const random = new Random(PREDICTION_SEED);
  const star = new Star();
  const rhoOf = (): number => (density.at(star.x, star.y) * rowCount * (1 - badShare)) / ARCSEC2_PER_DEG2;
  const lonely = (rho: number): number => Math.exp(-Math.PI * rho * radiusArcsec ** 2);

  const bothCount = Math.round(counterpartShare * STAR_COUNT);
  const sums = new ShareSums();
  let leftOnlyCount = STAR_COUNT - bothCount;
  for (let i = 0; i < bothCount; i++) {
    star.draw(random, density, 'both');
    const rho = rhoOf();
    const sigma = Math.hypot(star.leftErrorArcsec, star.rightErrorArcsec);
    const separation = star.blended ? Math.hypot(star.companionX, star.companionY) : 0;
    const nearest = star.blended
      ? rice(separation * star.companionLight, sigma, rho, radiusArcsec)
      : -Math.expm1(-(radiusArcsec ** 2) * (0.5 / sigma ** 2 + Math.PI * rho)) / (1 + 2 * Math.PI * rho * sigma ** 2);
    const within = star.blended
      ? rice(separation * star.companionLight, sigma, 0, radiusArcsec)
      : -Math.expm1(-0.5 * (radiusArcsec / sigma) ** 2);
    const found = (1 - badShare) * (1 - (1 - within) * lonely(rho)) + badShare * (1 - lonely(rho));
    sums.add(nearest, (1 - badShare) * nearest, found);
    if (star.blended && leftOnlyCount > 0) {
      const companionError = Star.leftErrorArcsec(star.companionMagnitude());
      const companionSigma = Math.hypot(companionError, star.rightErrorArcsec);
      const reached = rice(separation * (1 - star.companionLight), companionSigma, 0, radiusArcsec);
      sums.addLonely(1 - (1 - (1 - badShare) * reached) * lonely(rho));
      leftOnlyCount--;
    }
  }
  for (; leftOnlyCount > 0; leftOnlyCount--) {
    star.draw(random, density, 'left');
    sums.addLonely(1 - lonely(rhoOf()));
  }
  return sums.shares();
}

/** Adds up, over left rows, the probabilities to be matched rightly and to be matched at all. */
class ShareSums {
  #count = 0;
  #correct = 0;
  #correctSquares = 0;
  #good = 0;
  #matched = 0;
  #goodSquares = 0;
  #products = 0;
  #matchedSquares = 0;

  /** A row whose counterpart is usable with probability `good` / `correct`, found with probability `correct` if so. */
  add(correct: number, good: number, matched: number): void {
    this.#count++;
    this.#correct += correct;
    this.#correctSquares += correct * correct;
    this.#good += good;
    this.#goodSquares += good * good;
    this.#products += good * matched;
    this.addLonely(matched);
  }

  /** A row without counterpart. */
  addLonely(matched: number): void {
    this.#matched += matched;
    this.#matchedSquares += matched * matched;
  }

  shares(): MatchPrediction {
    const completeness = this.#correct / this.#count;
    const purity = this.#good / this.#matched;
    // Of a ratio of sums: the spread of good - purity * matched.
    const spread = this.#goodSquares - 2 * purity * this.#products + purity * purity * this.#matchedSquares;
    return {
      completeness,
      purity,
      completenessError: Math.sqrt(Math.max(0, this.#correctSquares / this.#count - completeness ** 2) / this.#count),
      purityError: Math.sqrt(Math.max(0, spread)) / this.#matched,
    };
  }
}

/** Probability that a source offset by `offset` with error `sigma` per axis lies within `radius`, nothing of density `rho` being nearer. */
function rice(offset: number, sigma: number, rho: number, radius: number): number {
  const reach = Math.min(radius, offset + 8 * sigma);
  const step = reach / RICE_STEPS;
  let sum = 0;
  for (let i = 0; i < RICE_STEPS; i++) {
    const d = (i + 0.5) * step;
    const z = (d * offset) / sigma ** 2;
    sum += (d / sigma ** 2) * Math.exp(-0.5 * ((d - offset) / sigma) ** 2 - Math.PI * rho * d * d) * scaledBesselI0(z);
  }
  return sum * step;
}

/** exp(-z) I0(z) for z >= 0 (Abramowitz & Stegun 9.8.1 and 9.8.2; error below 2e-7). */
function scaledBesselI0(z: number): number {
  if (z < 3.75) {
    const t = (z / 3.75) ** 2;
    const series =
      1 + t * (3.5156229 + t * (3.0899424 + t * (1.2067492 + t * (0.2659732 + t * (0.0360768 + t * 0.0045813)))));
    return series * Math.exp(-z);
  }
  const t = 3.75 / z;
  const series =
    0.39894228 +
    t *
      (0.01328592 +
        t *
          (0.00225319 +
            t *
              (-0.00157565 +
                t * (0.00916281 + t * (-0.02057706 + t * (0.02635537 + t * (-0.01647633 + t * 0.00392377)))))));
  return series / Math.sqrt(z);
}
