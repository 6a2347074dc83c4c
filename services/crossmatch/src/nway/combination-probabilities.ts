import { bayesFactor, chooseAny, logPrior, type MeasuredPlace, posterior } from '@armilla/sky';
import type { CatalogTable } from '../catalog-table.js';
import { magnitudesOf, magnitudeWeights, usableRowCount } from '../probability/pair-probabilities.js';
import type { Covariances } from '../astrometry/astrometry.js';
import type { TablePrior } from './options.js';
import { type MeasuredRows, placeOf } from './place.js';

/** Weights of the rows of a table by one magnitude. */
interface Bias {
  readonly table: number;
  readonly name: string;
  readonly weight: Float64Array;
}

/** Names of the columns of NWAY, in its order; `magnitudes` are those that weigh, by table. */
export function combinationColumns(priors: readonly TablePrior[]): string[] {
  const biases = priors.flatMap(({ magnitudes }, k) => magnitudes.map(({ column }) => biasName(column, k)));
  const corrected = priors.length > 2 ? ['dist_bayesfactor_corrected'] : [];
  return ['dist_bayesfactor', ...corrected, 'dist_post', ...biases, 'p_single', 'p_any', 'p_i', 'match_flag'];
}

const biasName = (column: string, table: number): string => `bias_${column}_${table + 1}`;

/**
 * The columns of NWAY for all combinations of a row of the first table (Salvato et al. 2018, appendix B). A combination that
 * lacks two tables or more is also explained by what it lacks being one source of its own: the best such explanation among the
 * other combinations multiplies its Bayes factor.
 */
export class CombinationProbabilities {
  readonly #tables: readonly MeasuredRows[];
  readonly #biases: readonly Bias[];
  /** log10 of the prior of each table, and of the density of its rows over the sky. */
  readonly #logPriors: readonly number[];
  /** log10 of (rows + 1) over the sky, and of rows over it. */
  readonly #logDensityPlus: readonly number[];
  readonly #logDensity: readonly number[];

  constructor(
    tables: readonly CatalogTable[],
    priors: readonly TablePrior[],
    private readonly acceptableRatio: number,
  ) {
    this.#tables = tables.map(({ positions, astrometry }) => {
      if (!positions || !astrometry?.covariances) throw new TypeError('probabilities need positions and their errors');
      return { positions, covariances: astrometry.covariances as Covariances };
    });
    this.#biases = priors.flatMap(({ magnitudes }, table) =>
      magnitudes.map((prior) => ({
        table,
        name: biasName(prior.column, table),
        weight: magnitudeWeights(prior, magnitudesOf(tables[table], prior.column)),
      })),
    );
    const counts = tables.map(usableRowCount);
    this.#logPriors = priors.map(({ areaSquareDegrees, completeness }, k) =>
      k === 0 ? 0 : logPrior([{ rowCount: counts[k], areaSquareDegrees, completeness }]),
    );
    this.#logDensityPlus = priors.map(({ areaSquareDegrees }, k) =>
      k === 0 ? 0 : -logPrior([{ rowCount: counts[k], areaSquareDegrees, completeness: 1 }]),
    );
    this.#logDensity = counts.map((count, k) => this.#logDensityPlus[k] + Math.log10(count / (count + 1)));
  }

  /** Fills rows [from, to) of `columns`: all combinations of one row of the first table, the one without any other first. */
  fill(rows: readonly Int32Array[], from: number, to: number, columns: ReadonlyMap<string, Float64Array>): void {
    const column = (name: string): Float64Array | undefined => columns.get(name);
    const of = (name: string): Float64Array => column(name) as Float64Array;
    const factor = of('dist_bayesfactor');
    const places = this.#placesOf(rows, from, to);
    for (let at = from; at < to; at++)
      factor[at] = bayesFactor(places[at - from].filter((place) => place !== undefined));
    const corrected = column('dist_bayesfactor_corrected') ?? factor;
    if (corrected !== factor) this.#correct(places, factor, corrected, from);
    const weights = new Float64Array(to - from);
    for (let at = from; at < to; at++) {
      let prior = 0;
      for (let k = 1; k < rows.length; k++) if (rows[k][at] >= 0) prior += this.#logPriors[k];
      let total = corrected[at];
      for (const { table, name, weight } of this.#biases) {
        const value = rows[table][at] >= 0 ? weight[rows[table][at]] : 1;
        of(name)[at] = value;
        total += Math.log10(value);
      }
      of('dist_post')[at] = posterior(corrected[at], prior);
      of('p_single')[at] = posterior(total, prior);
      weights[at - from] = total + prior;
    }
    this.#choose(weights, from, to, of('p_any'), of('p_i'), of('match_flag'));
  }

  /** `weights[0]` is that of no counterpart in any table. */
  #choose(
    weights: Float64Array,
    from: number,
    to: number,
    any: Float64Array,
    one: Float64Array,
    flag: Float64Array,
  ): void {
    const choice = chooseAny(weights, 1, weights.length, weights[0]);
    let best = 0;
    any.fill(choice.any, from, to);
    one[from] = 0;
    for (let at = from + 1; at < to; at++) {
      one[at] = 10 ** (weights[at - from] - choice.logSum);
      if (one[at] > best) best = one[at];
    }
    for (let at = from; at < to; at++) flag[at] = one[at] === best ? 1 : one[at] > this.acceptableRatio * best ? 2 : 0;
  }

  /** By combination and table; undefined where there is none. */
  #placesOf(rows: readonly Int32Array[], from: number, to: number): (MeasuredPlace | undefined)[][] {
    const first = this.#tables[0];
    const known = rows.map(() => new Map<number, MeasuredPlace>());
    return Array.from({ length: to - from }, (_, i) =>
      rows.map((values, k) => {
        const row = values[from + i];
        if (row < 0) return undefined;
        let place = known[k].get(row);
        if (!place) known[k].set(row, (place = placeOf(first, rows[0][from + i], this.#tables[k], row)));
        return place;
      }),
    );
  }

  #correct(
    places: readonly (readonly (MeasuredPlace | undefined)[])[],
    factor: Float64Array,
    corrected: Float64Array,
    from: number,
  ): void {
    /** The best explanation by tables that are missing, by the set of those as bits. */
    const known = new Map<number, number>();
    for (const [i, own] of places.entries()) {
      corrected[from + i] = factor[from + i];
      let missing = 0;
      let count = 0;
      for (let k = 1; k < own.length; k++) if (!own[k]) [missing, count] = [missing | (1 << k), count + 1];
      if (count < 2) continue;
      let best = known.get(missing);
      if (best === undefined) known.set(missing, (best = this.#bestOf(places, missing)));
      corrected[from + i] += best;
    }
  }

  /** log10 of the largest weight of what combinations have in the tables `missing`, at least 0. */
  #bestOf(places: readonly (readonly (MeasuredPlace | undefined)[])[], missing: number): number {
    let best = 0;
    for (const own of places) {
      const tables = own.flatMap((place, k) => (place && (missing & (1 << k)) !== 0 ? [k] : []));
      if (tables.length < 2) continue;
      const prior = tables.reduce((sum, k) => sum - this.#logDensityPlus[k], this.#logDensity[tables[0]]);
      const weight = bayesFactor(tables.map((k) => own[k] as MeasuredPlace)) + prior;
      if (weight > best) best = weight;
    }
    return best;
  }
}
