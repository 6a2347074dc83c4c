import { fail } from '@armilla/base';

/** Weight of a bin that no row of the field is in. */
const WEIGHT_OF_EMPTY = 100;
/** Bins of an own histogram have equal shares of the secure counterparts. */
const EDGE_COUNT = 15;
/** The value that tables without nulls have for a magnitude that is not known. */
const UNKNOWN_MAGNITUDE = -99;

/**
 * How much more often counterparts have a magnitude than rows of the field: the ratio of two normalised histograms of the
 * same bins (Salvato et al. 2018, section 3.3).
 */
export class MagnitudeHistogram {
  readonly #weights: Float64Array;

  private constructor(
    /** Ascending, one more than there are bins. */
    readonly edges: Float64Array,
    readonly selected: Float64Array,
    readonly others: Float64Array,
  ) {
    this.#weights = selected.map((share, i) => (others[i] === 0 ? WEIGHT_OF_EMPTY : share / others[i]));
  }

  /**
   * Lines (or parts between semicolons) of four numbers: from, to, share of the counterparts, share of the field. Bins
   * ascend and touch; text behind # is a comment. Throws HISTOGRAM_INVALID with `where`.
   */
  static parse(text: string, where: string): MagnitudeHistogram {
    const refuse = (detail: string): never => {
      throw fail('HISTOGRAM_INVALID', { where, detail });
    };
    const lines = text
      .split(/[\n;]/)
      .map((line) => line.replace(/#.*/, '').trim())
      .filter((line) => line !== '');
    if (lines.length === 0) refuse('it has no bins');
    const bins = lines.map((line, i) => {
      const numbers = line.split(/[\s,]+/).map(Number);
      if (numbers.length !== 4 || !numbers.every(Number.isFinite))
        return refuse(`bin ${i + 1} must be four numbers (from, to, selected, others), got '${line.slice(0, 80)}'`);
      const [from, to, selected, others] = numbers;
      if (!(from < to)) refuse(`bin ${i + 1} goes from ${from} to ${to}: it must ascend`);
      if (!(selected >= 0 && others >= 0)) refuse(`bin ${i + 1} has a negative share (${selected}, ${others})`);
      return { from, to, selected, others };
    });
    for (let i = 1; i < bins.length; i++)
      if (bins[i].from !== bins[i - 1].to)
        refuse(`bin ${i + 1} begins at ${bins[i].from}, where the one before it ends at ${bins[i - 1].to}`);
    return new MagnitudeHistogram(
      Float64Array.from([bins[0].from, ...bins.map(({ to }) => to)]),
      Float64Array.from(bins, ({ selected }) => selected),
      Float64Array.from(bins, ({ others }) => others),
    );
  }

  /**
   * Of counterparts with their weights, and of the field. Edges are 15 quantiles of the weighted counterparts, and one magnitude
   * beyond the faintest and the brightest of the field where that goes further.
   */
  static of(selected: Float64Array, weights: Float64Array, others: Float64Array): MagnitudeHistogram {
    const order = Array.from(selected.keys()).sort((a, b) => selected[a] - selected[b]);
    const sorted = Float64Array.from(order, (i) => selected[i]);
    const shares = cumulative(Float64Array.from(order, (i) => weights[i]));
    const quantiles = Array.from({ length: EDGE_COUNT }, (_, i) => interpolated(i / (EDGE_COUNT - 1), shares, sorted));
    const edges = [...new Set(quantiles)];
    let [least, most] = [Infinity, -Infinity];
    for (const value of others) [least, most] = [Math.min(least, value), Math.max(most, value)];
    if (edges[edges.length - 1] < most) edges.push(most + 1);
    if (edges[0] > least) edges.unshift(least - 1);
    const borders = Float64Array.from(edges);
    return new MagnitudeHistogram(
      borders,
      density(selected, weights, borders),
      density(others, new Float64Array(others.length).fill(1), borders),
    );
  }

  /** 1 where the magnitude is not known or lies beyond all bins. */
  weight(magnitude: number): number {
    const { edges } = this;
    const last = edges.length - 1;
    if (!isKnownMagnitude(magnitude) || magnitude < edges[0] || magnitude > edges[last]) return 1;
    return this.#weights[Math.min(binOf(magnitude, edges), last - 1)];
  }

  /** As `parse` reads it. */
  toString(): string {
    return Array.from(
      this.selected,
      (share, i) => `${this.edges[i]} ${this.edges[i + 1]} ${share} ${this.others[i]}`,
    ).join('\n');
  }
}

export function isKnownMagnitude(value: number): boolean {
  return Number.isFinite(value) && value !== UNKNOWN_MAGNITUDE;
}

/** Sums up to each value over the sum of all, from 0 to 1. */
function cumulative(values: Float64Array): Float64Array {
  const sums = new Float64Array(values.length);
  let sum = 0;
  for (let i = 0; i < values.length; i++) sums[i] = sum += values[i];
  const shares = sums.map((value) => value / sum);
  shares[0] = 0;
  shares[shares.length - 1] = 1;
  return shares;
}

function interpolated(at: number, x: Float64Array, y: Float64Array): number {
  let above = 1;
  while (above < x.length - 1 && x[above] < at) above++;
  const below = above - 1;
  const slope = (y[above] - y[below]) / (x[above] - x[below]);
  return slope * (at - x[below]) + y[below];
}

/** The last edge that is not above `value`. */
function binOf(value: number, edges: Float64Array): number {
  let [low, high] = [0, edges.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (edges[middle] <= value) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** Weighted shares per unit of magnitude. */
function density(values: Float64Array, weights: Float64Array, edges: Float64Array): Float64Array {
  const out = new Float64Array(edges.length - 1);
  let sum = 0;
  for (let i = 0; i < values.length; i++) {
    if (values[i] < edges[0] || values[i] > edges[edges.length - 1]) continue;
    out[Math.min(binOf(values[i], edges), out.length - 1)] += weights[i];
    sum += weights[i];
  }
  return out.map((count, i) => (sum === 0 ? 0 : count / sum / (edges[i + 1] - edges[i])));
}
