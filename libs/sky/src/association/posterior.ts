/** Solid angle of the sphere: 4 pi steradians. */
export const WHOLE_SKY_SQUARE_DEGREES = (4 * Math.PI * 180 ** 2) / Math.PI ** 2;

/** A catalog that a source may have a counterpart in. */
export interface SearchedCatalog {
  readonly rowCount: number;
  /** What it covers: (0, 41253]. */
  readonly areaSquareDegrees: number;
  /** Share of the sources that have their counterpart in it: (0, 1]. */
  readonly completeness: number;
}

/**
 * log10 of the prior probability that one row of each catalog is the counterpart of a source (Salvato et al. 2018, appendix
 * B): the product of their completenesses over their rows on the whole sky. One row more than there are stands for no
 * counterpart. 0 for no catalog.
 */
export function logPrior(catalogs: readonly SearchedCatalog[]): number {
  return catalogs.reduce(
    (sum, { rowCount, areaSquareDegrees, completeness }) =>
      sum + Math.log10((completeness * areaSquareDegrees) / WHOLE_SKY_SQUARE_DEGREES / (rowCount + 1)),
    0,
  );
}

/** Posterior probability of an association against chance (Budavari & Szalay 2008, eq. 8); both arguments are log10. */
export function posterior(logBayesFactor: number, logPriorOfIt: number): number {
  if (logPriorOfIt >= 0) return 1;
  const odds = (logBayesFactor + logPriorOfIt) * Math.LN10 - Math.log1p(-(10 ** logPriorOfIt));
  return 1 / (1 + Math.exp(-odds));
}

/** What the candidates of one source come to. */
export interface Choice {
  /** Probability that one of them is its counterpart. */
  readonly any: number;
  /** log10 of the sum of the weights; -Infinity for none. */
  readonly logSum: number;
}

/**
 * Probability that one of the candidates [from, to) is the counterpart. `logWeights` are log10 of Bayes factor times prior
 * (times what else speaks for each), `logNone` that of no counterpart.
 */
export function chooseAny(logWeights: ArrayLike<number>, from: number, to: number, logNone = 0): Choice {
  let most = -Infinity;
  for (let i = from; i < to; i++) if (logWeights[i] > most) most = logWeights[i];
  if (most === -Infinity) return { any: 0, logSum: -Infinity };
  let sum = 0;
  for (let i = from; i < to; i++) sum += 10 ** (logWeights[i] - most);
  const logSum = most + Math.log10(sum);
  return { any: 1 / (1 + 10 ** (logNone - logSum)), logSum };
}
