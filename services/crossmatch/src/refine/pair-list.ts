import type { BiasColumn, ComputedColumn, ResultLayout } from '../result/layout.js';
import type { PairJudge } from './pair-judge.js';

/** Computed columns of pairs that only a judge knows. */
export const JUDGED_COLUMNS = [
  'normalised_distance',
  'delta_ra_cosdec_arcsec',
  'delta_dec_arcsec',
  'dist_bayesfactor',
] as const satisfies readonly ComputedColumn[];
export type ListedColumn = (typeof JUDGED_COLUMNS)[number];
/** Those, and what follows from all pairs of a left row together. */
export type JudgedColumn = ListedColumn | 'dist_post' | 'p_single' | 'p_any' | 'p_i' | 'match_flag' | BiasColumn;

const OF_ALL_CANDIDATES = ['dist_post', 'p_single', 'p_any', 'p_i', 'match_flag'];

/** The columns of the result that have to be kept of pairs when they have been judged. */
export function judgedColumns({ columns }: Pick<ResultLayout, 'columns'>): JudgedColumn[] {
  const names: readonly string[] = [...JUDGED_COLUMNS, ...OF_ALL_CANDIDATES];
  return columns.flatMap(({ from, name }) =>
    from === 'computed' && (names.includes(name) || name.startsWith('bias_')) ? [name as JudgedColumn] : [],
  );
}

/** Pairs that hold, as they are found; columns that grow. */
export class PairList {
  count = 0;
  left = new Int32Array(1024);
  right = new Int32Array(1024);
  key = new Float64Array(1024);
  separationArcsec = new Float64Array(1024);
  readonly judged = new Map<ListedColumn, Float64Array>();

  constructor(columns: readonly ListedColumn[]) {
    for (const name of columns) this.judged.set(name, new Float64Array(1024));
  }

  add(i: number, j: number, judge: PairJudge): void {
    const at = this.count++;
    if (at === this.left.length) this.#grow();
    this.left[at] = i;
    this.right[at] = j;
    this.key[at] = judge.key;
    this.separationArcsec[at] = judge.separationArcsec;
    for (const [name, values] of this.judged) values[at] = valueOf(name, judge);
  }

  /** Positions of the pairs by (left row, key, right row). */
  sorted(rowCount: number): Int32Array {
    const { left, right, key, count } = this;
    const ends = new Int32Array(rowCount + 1);
    for (let p = 0; p < count; p++) ends[left[p] + 1]++;
    for (let row = 0; row < rowCount; row++) ends[row + 1] += ends[row];
    const next = ends.slice(0, rowCount);
    const order = new Int32Array(count);
    for (let p = 0; p < count; p++) order[next[left[p]]++] = p;
    for (let row = 0; row < rowCount; row++) {
      const [from, to] = [ends[row], ends[row + 1]];
      if (to - from > 16) {
        order.subarray(from, to).sort((a, b) => key[a] - key[b] || right[a] - right[b]);
        continue;
      }
      // A row has few pairs, mostly in order already.
      for (let at = from + 1; at < to; at++) {
        const p = order[at];
        let to = at;
        for (; to > from; to--) {
          const before = order[to - 1];
          if (key[before] < key[p] || (key[before] === key[p] && right[before] < right[p])) break;
          order[to] = before;
        }
        order[to] = p;
      }
    }
    return order;
  }

  #grow(): void {
    const size = this.left.length * 2;
    const wider = <T extends Int32Array | Float64Array>(values: T): T => {
      const out = new (values.constructor as new (length: number) => T)(size);
      out.set(values);
      return out;
    };
    this.left = wider(this.left);
    this.right = wider(this.right);
    this.key = wider(this.key);
    this.separationArcsec = wider(this.separationArcsec);
    for (const [name, values] of this.judged) this.judged.set(name, wider(values));
  }
}

function valueOf(name: ListedColumn, judge: PairJudge): number {
  switch (name) {
    case 'normalised_distance':
      return judge.normalisedDistance;
    case 'dist_bayesfactor':
      return judge.logBayesFactor;
    case 'delta_dec_arcsec':
      return judge.deltaDecArcsec;
    case 'delta_ra_cosdec_arcsec':
      return judge.deltaRaCosDecArcsec;
  }
}
