import { chooseAny, logPrior, type MagnitudeHistogram, positionStatuses, posterior, RowStatus } from '@armilla/sky';
import { fail } from '@armilla/base';
import { markNulls, numbersOf } from '@armilla/tables';
import type { Field, RecordBatch, Schema, Vector } from 'apache-arrow';
import type { CatalogTable } from '../catalog-table.js';
import { availableColumns, isNumber } from '../columns.js';
import type { JudgedPairs } from '../parts.js';
import type { JudgedColumn } from '../refine/pair-list.js';
import type { BiasColumn, ComputedColumn } from '../result/layout.js';
import type { MagnitudePrior, ResolvedProbabilities } from './options.js';

/** The right rows that can be candidates. */
export interface WeighedRows {
  /** Rows of the whole table that can be in a pair. */
  usableRowCount(): number;
  /** [rows] a magnitude of each; NaN where it is null. */
  magnitudes(column: string): Float64Array;
}

/** Weights of the right rows by one magnitude. */
interface Bias {
  readonly name: BiasColumn;
  readonly weight: Float64Array; // [right rows]
}

/**
 * Of pairs by left row, with their Bayes factors, the probabilities in the sense of Budavari & Szalay 2008 with the columns
 * of NWAY (Salvato et al. 2018, appendix B). All candidates of a left row have to be in one block.
 */
export class PairProbabilities {
  readonly #logPrior: number;
  readonly #biases: readonly Bias[];

  /** `wants` says which columns the result takes. */
  constructor(
    private readonly options: ResolvedProbabilities,
    right: WeighedRows,
    private readonly wants: (name: ComputedColumn) => boolean,
  ) {
    const { rightAreaSquareDegrees: areaSquareDegrees, completeness, priors } = options;
    this.#logPrior = logPrior([{ rowCount: right.usableRowCount(), areaSquareDegrees, completeness }]);
    this.#biases = priors.map((prior) => ({
      name: `bias_${prior.column}`,
      weight: magnitudeWeights(prior, right.magnitudes(prior.column)),
    }));
  }

  /** The same pairs with the columns of probabilities. */
  complete(pairs: JudgedPairs): JudgedPairs {
    const { left, right, pairCount } = pairs;
    const factors = pairs.judged?.get('dist_bayesfactor');
    if (!factors) throw new TypeError('probabilities need the Bayes factors of the pairs');
    const column = (): Float64Array => new Float64Array(pairCount);
    const [post, single, any, one, flag, logWeights] = [column(), column(), column(), column(), column(), column()];
    const biases = this.#biases.map(({ name, weight }) => ({ name, values: column(), weight }));
    for (let p = 0; p < pairCount; p++) {
      let total = factors[p];
      for (const { values, weight } of biases) {
        values[p] = weight[right[p]];
        total += Math.log10(values[p]);
      }
      post[p] = posterior(factors[p], this.#logPrior);
      single[p] = posterior(total, this.#logPrior);
      logWeights[p] = total + this.#logPrior;
    }
    for (let from = 0, to = 0; from < pairCount; from = to) {
      for (to = from + 1; to < pairCount && left[to] === left[from];) to++;
      const { any: anyOfThem, logSum } = chooseAny(logWeights, from, to);
      let best = 0;
      for (let p = from; p < to; p++) {
        any[p] = anyOfThem;
        // Where none is possible it cannot be said which one it is.
        one[p] = 10 ** (logWeights[p] - logSum);
        if (one[p] > best) best = one[p];
      }
      for (let p = from; p < to; p++)
        flag[p] = one[p] === best && best > 0 ? 1 : one[p] > this.options.acceptableRatio * best ? 2 : 0;
    }
    const columns: [JudgedColumn, Float64Array][] = [
      ...(pairs.judged ?? []),
      ['dist_post', post],
      ...biases.map(({ name, values }): [JudgedColumn, Float64Array] => [name, values]),
      ['p_single', single],
      ['p_any', any],
      ['p_i', one],
      ['match_flag', flag],
    ];
    return { ...pairs, judged: new Map(columns.filter(([name]) => this.wants(name))) };
  }
}

/** What a column of pairs says of a left row without a candidate: that it has no counterpart, for sure. */
export function aloneValue(name: JudgedColumn): number {
  switch (name) {
    case 'dist_bayesfactor':
    case 'p_any':
    case 'p_i':
      return 0;
    case 'dist_post':
    case 'p_single':
    case 'match_flag':
      return 1;
    default:
      return name.startsWith('bias_') ? 1 : NaN;
  }
}

/** Rows that can be in a pair: those that make the density of the table. */
export function usableRowCount({ positions, astrometry }: CatalogTable): number {
  if (!positions) throw new TypeError('probabilities need the right positions');
  const status = positionStatuses(positions);
  const east = astrometry?.covariances?.east;
  let count = 0;
  for (let row = 0; row < status.length; row++)
    if (status[row] === RowStatus.ok && !Number.isNaN(east?.[row] ?? 0)) count++;
  return count;
}

/** Weights of rows by their magnitudes. */
export function magnitudeWeights({ histogram }: MagnitudePrior, magnitudes: Float64Array): Float64Array {
  return magnitudes.map((value) => (histogram as MagnitudeHistogram).weight(value));
}

/** A magnitude of the rows of a table; NaN where it is null. Throws what `magnitudeField` throws. */
export function magnitudesOf({ schema, payload, rowCount, where }: CatalogTable, column: string): Float64Array {
  magnitudeField(schema, column, where);
  return numbersOrNaN(payload.batch(rowCount), column);
}

/** The column of a magnitude. Throws COLUMN_NOT_FOUND or COLUMN_TYPE. */
export function magnitudeField(schema: Schema, column: string, where: string): Field {
  const field = schema.fields.find(({ name }) => name === column);
  if (!field) throw fail('COLUMN_NOT_FOUND', { where, column, available: availableColumns(schema) });
  if (!isNumber(field)) throw fail('COLUMN_TYPE', { where, column, type: String(field.type), expected: 'a number' });
  return field;
}

/** A column of numbers; NaN where it is null. */
export function numbersOrNaN(batch: RecordBatch, column: string): Float64Array {
  const rowCount = batch.numRows;
  const vector = batch.getChild(column) as Vector;
  const values = Float64Array.from(numbersOf(vector, rowCount));
  if (vector.nullCount > 0) {
    const nulls = new Uint8Array(rowCount);
    markNulls(vector, nulls);
    for (let row = 0; row < rowCount; row++) if (nulls[row] === 1) values[row] = NaN;
  }
  return values;
}
