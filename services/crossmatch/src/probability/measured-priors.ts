import { fail } from '@armilla/base';
import { isKnownMagnitude, MagnitudeHistogram } from '@armilla/sky';
import type { RecordBatch } from 'apache-arrow';
import type { CatalogTable } from '../catalog-table.js';
import type { MagnitudePrior, ResolvedProbabilities } from './options.js';
import { magnitudesOf } from './pair-probabilities.js';

/** Pairs above this dist_post may be counterparts, so that their rows do not stand for the field. */
const POSSIBLE_POSTERIOR = 0.01;
/** Secure counterparts that make a histogram. */
const LEAST_SECURE_COUNT = 100;
/** Columns that a histogram is measured on. */
export const MEASURED_COLUMNS = ['right_row', 'dist_post'] as const;

/**
 * The priors with the histograms that are still to be measured (Salvato et al. 2018, section 3.3): of secure counterparts,
 * weighted by their probability, and of the rows that are no counterpart for sure. `pairs` gives the columns
 * MEASURED_COLUMNS of all pairs in left order. Throws HISTOGRAM_INVALID where too few are secure.
 */
export async function measuredPriors(
  { priors, securePosterior }: Pick<ResolvedProbabilities, 'priors' | 'securePosterior'>,
  right: CatalogTable,
  pairs: AsyncIterable<RecordBatch>,
): Promise<MagnitudePrior[]> {
  const weights = new Float64Array(right.rowCount);
  const isPossible = new Uint8Array(right.rowCount);
  for await (const batch of pairs) {
    const rows = batch.getChildAt(0)?.toArray() as BigInt64Array;
    const post = batch.getChildAt(1)?.toArray() as Float64Array;
    for (let i = 0; i < rows.length; i++) {
      const row = Number(rows[i]);
      if (post[i] > POSSIBLE_POSTERIOR) isPossible[row] = 1;
      // A row that is secure for several left rows counts once, as for the first.
      if (post[i] > securePosterior && weights[row] === 0) weights[row] = post[i];
    }
  }
  return priors.map((prior) =>
    prior.histogram
      ? prior
      : { ...prior, histogram: histogramOf(prior.column, right, weights, isPossible, securePosterior) },
  );
}

function histogramOf(
  column: string,
  right: CatalogTable,
  weights: Float64Array,
  isPossible: Uint8Array,
  securePosterior: number,
): MagnitudeHistogram {
  const magnitudes = magnitudesOf(right, column);
  const known = Array.from(magnitudes.keys()).filter((row) => isKnownMagnitude(magnitudes[row]));
  const secure = known.filter((row) => weights[row] > 0);
  const field = known.filter((row) => isPossible[row] === 0);
  const refuse = (detail: string): never => {
    throw fail('HISTOGRAM_INVALID', { where: `magnitude_prior ${column}=auto`, detail });
  };
  if (secure.length < LEAST_SECURE_COUNT)
    refuse(
      `${secure.length} counterparts with a magnitude are above dist_post ${securePosterior}, ${LEAST_SECURE_COUNT} are needed; give a histogram, or a lower secure_posterior`,
    );
  if (field.length === 0) refuse('no row with a magnitude is left that is no possible counterpart; give a histogram');
  const values = (rows: readonly number[], of: Float64Array): Float64Array => Float64Array.from(rows, (row) => of[row]);
  return MagnitudeHistogram.of(values(secure, magnitudes), values(secure, weights), values(field, magnitudes));
}
