import { fail } from '@armilla/base';
import { RowStatus } from '../positions/positions.js';
import { separationKeyFloor, separationKeyLimit, separationOfKeyArcsec } from '../separation/separation.js';
import { type ChunkPairs, checkQuery, type PairQuery } from './query.js';

const FIRST_CAPACITY = 1024;

/**
 * Chooses the pairs of left rows among the right rows that are offered: `begin` with a left row, `offer` right rows in any
 * order, `end`; left rows in any order, each once at most.
 */
export class PairChoice {
  /** Keys of pairs lie in [floor, limit]. */
  readonly limit: number;
  readonly floor: number;
  /** Only the best is asked for: no list is kept. */
  readonly #single: boolean;
  readonly #count: Int32Array | undefined;
  readonly #second: Float64Array | undefined;
  readonly #starts: Int32Array; // [rows] first pair of a left row, where it has one
  readonly #sizes: Int32Array; // [rows] pairs of a left row
  #rights = new Int32Array(FIRST_CAPACITY);
  #keys = new Float64Array(FIRST_CAPACITY);
  #pairCount = 0;
  #leftRow = 0;
  #self = -1;
  #foundKeys = new Float64Array(16);
  #foundRows = new Int32Array(16);
  #foundCount = 0;

  /** `status`: [rows] RowStatus of the left rows. Throws RADIUS_OUT_OF_RANGE, OPTION_INVALID. */
  constructor(
    readonly status: Uint8Array,
    private readonly query: PairQuery,
  ) {
    checkQuery(query);
    this.limit = separationKeyLimit(query.radiusArcsec);
    this.floor = separationKeyFloor(query.minRadiusArcsec);
    this.#single = query.find === 'nearest' && !query.neighbourCount && !query.secondSeparation;
    this.#count = query.neighbourCount ? new Int32Array(status.length) : undefined;
    this.#second = query.secondSeparation ? new Float64Array(status.length).fill(NaN) : undefined;
    this.#starts = new Int32Array(status.length);
    this.#sizes = new Int32Array(status.length);
  }

  begin(leftRow: number): void {
    this.#leftRow = leftRow;
    this.#self = this.query.selfFirstRow === undefined ? -1 : this.query.selfFirstRow + leftRow;
    this.#foundCount = 0;
  }

  /** `key`: the separation key of the left row and right row `row`. */
  offer(key: number, row: number): void {
    if (!(key <= this.limit && key >= this.floor) || row === this.#self) return;
    const at = this.#foundCount;
    if (this.#single && at === 1) {
      if (key > this.#foundKeys[0] || (key === this.#foundKeys[0] && row > this.#foundRows[0])) return;
      this.#foundKeys[0] = key;
      this.#foundRows[0] = row;
      return;
    }
    if (at === this.#foundKeys.length) {
      this.#foundKeys = grown(this.#foundKeys, 2 * at);
      this.#foundRows = grown(this.#foundRows, 2 * at);
    }
    this.#foundKeys[at] = key;
    this.#foundRows[at] = row;
    this.#foundCount = at + 1;
  }

  /** Throws MAX_PAIRS_EXCEEDED. */
  end(): void {
    const { find, k, maxPairs } = this.query;
    const found = this.#foundCount;
    const row = this.#leftRow;
    if (this.#count !== undefined) this.#count[row] = found;
    if (found === 0) return;
    if (found > 1) this.#sort();
    if (this.#second !== undefined && found > 1) this.#second[row] = separationOfKeyArcsec(this.#foundKeys[1]);
    const most = find === 'all' ? found : Math.min(found, find === 'nearest' ? 1 : k);
    if (this.#pairCount + most > this.#keys.length) {
      const capacity = Math.max(2 * this.#keys.length, this.#pairCount + most);
      this.#keys = grown(this.#keys, capacity);
      this.#rights = grown(this.#rights, capacity);
    }
    this.#starts[row] = this.#pairCount;
    for (let i = 0; i < most; i++) {
      // A pair of a table with itself is taken from its smaller row.
      if (find === 'all' && this.#foundRows[i] < this.#self) continue;
      this.#keys[this.#pairCount] = this.#foundKeys[i];
      this.#rights[this.#pairCount++] = this.#foundRows[i];
    }
    this.#sizes[row] = this.#pairCount - this.#starts[row];
    if (maxPairs !== undefined && this.#pairCount > maxPairs) {
      throw fail('MAX_PAIRS_EXCEEDED', { estimated: this.#pairCount, limit: maxPairs });
    }
  }

  result(counts: Pick<ChunkPairs, 'candidateCount' | 'cellCount'>): ChunkPairs {
    const { find } = this.query;
    const pairCount = this.#pairCount;
    const left = new Int32Array(pairCount);
    const right = new Int32Array(pairCount);
    const key = new Float64Array(pairCount);
    const separationArcsec = new Float64Array(pairCount);
    const rank = find === 'k-nearest' ? new Int32Array(pairCount) : undefined;
    let usableCount = 0;
    for (let row = 0, to = 0; row < this.#sizes.length; row++) {
      if (this.status[row] === RowStatus.ok) usableCount++;
      for (let i = 0, from = this.#starts[row]; i < this.#sizes[row]; i++, from++, to++) {
        left[to] = row;
        right[to] = this.#rights[from];
        key[to] = this.#keys[from];
        separationArcsec[to] = separationOfKeyArcsec(key[to]);
        if (rank !== undefined) rank[to] = i + 1;
      }
    }
    return {
      pairCount,
      left,
      right,
      separationArcsec,
      key: find === 'all' ? key : undefined,
      rank,
      neighbourCount: this.#count,
      secondSeparationArcsec: this.#second,
      status: this.status,
      usableCount,
      ...counts,
    };
  }

  /** By key, then row. */
  #sort(): void {
    const keys = this.#foundKeys;
    const rows = this.#foundRows;
    const count = this.#foundCount;
    if (count > 32) {
      const order = Uint32Array.from({ length: count }, (_, i) => i);
      const [oldKeys, oldRows] = [keys.slice(0, count), rows.slice(0, count)];
      order.sort((a, b) => (oldKeys[a] < oldKeys[b] ? -1 : oldKeys[a] > oldKeys[b] ? 1 : oldRows[a] - oldRows[b]));
      for (let i = 0; i < count; i++) [keys[i], rows[i]] = [oldKeys[order[i]], oldRows[order[i]]];
      return;
    }
    for (let i = 1; i < count; i++) {
      const key = keys[i];
      const row = rows[i];
      let at = i;
      for (; at > 0 && (keys[at - 1] > key || (keys[at - 1] === key && rows[at - 1] > row)); at--) {
        keys[at] = keys[at - 1];
        rows[at] = rows[at - 1];
      }
      keys[at] = key;
      rows[at] = row;
    }
  }
}

function grown<T extends Int32Array | Float64Array>(values: T, length: number): T {
  const more = new (values.constructor as new (length: number) => T)(length);
  more.set(values);
  return more;
}
