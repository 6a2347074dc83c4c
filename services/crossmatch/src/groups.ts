/**
 * Friends-of-friends groups of the rows of one table: rows that a chain of pairs connects. A union-find whose roots are
 * the smallest rows, so that a root is its group's id.
 */
export class Groups {
  readonly #parent: Int32Array;

  constructor(rowCount: number) {
    this.#parent = new Int32Array(rowCount);
    for (let row = 0; row < rowCount; row++) this.#parent[row] = row;
  }

  /** Connects the rows of pairs [from, to). */
  connect(left: Int32Array, right: Int32Array, leftFirstRow: number, from: number, to: number): void {
    const parent = this.#parent;
    for (let p = from; p < to; p++) {
      const a = this.#root(left[p] + leftFirstRow);
      const b = this.#root(right[p]);
      if (a < b) parent[b] = a;
      else if (b < a) parent[a] = b;
    }
  }

  /** Group id (smallest row) and size of each row; `skip` marks rows that belong to no group (id -1, size 0). */
  finish(skip: (row: number) => boolean): { id: Int32Array; size: Int32Array; groupCount: number } {
    const n = this.#parent.length;
    const id = new Int32Array(n);
    const count = new Int32Array(n);
    let groupCount = 0;
    for (let row = 0; row < n; row++) {
      id[row] = skip(row) ? -1 : this.#root(row);
      if (id[row] === -1) continue;
      if (id[row] === row) groupCount++;
      count[id[row]]++;
    }
    const size = new Int32Array(n);
    for (let row = 0; row < n; row++) size[row] = id[row] === -1 ? 0 : count[id[row]];
    return { id, size, groupCount };
  }

  #root(row: number): number {
    const parent = this.#parent;
    let at = row;
    while (parent[at] !== at) {
      // Path halving keeps chains short without recursion.
      parent[at] = parent[parent[at]];
      at = parent[at];
    }
    return at;
  }
}
