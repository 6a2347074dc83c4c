/** The groups of the rows of a table. */
export interface RowGroups {
  /** [rows] the smallest row of the group of each; -1 of rows that belong to none. */
  readonly id: Int32Array;
  /** [rows] how many rows the group has whose smallest row this is; 0 of other rows. */
  readonly size: Int32Array;
  readonly groupCount: number;
}

/** Rows that are not alone in their group. */
export function groupedRowCount({ size }: RowGroups): number {
  let count = 0;
  for (const rows of size) if (rows > 1) count += rows;
  return count;
}

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
    for (let p = from; p < to; p++) this.connectRows(left[p] + leftFirstRow, right[p]);
  }

  /** Connects two rows; false where they were connected already. */
  connectRows(one: number, other: number): boolean {
    const a = this.#root(one);
    const b = this.#root(other);
    if (a < b) this.#parent[b] = a;
    else if (b < a) this.#parent[a] = b;
    return a !== b;
  }

  /** Which rows belong together; `skip` marks rows that belong to no group, and that nothing is connected with. The rows are not to be connected any more. */
  finish(skip: (row: number) => boolean): RowGroups {
    const id = this.#parent;
    const size = new Int32Array(id.length);
    let groupCount = 0;
    // A root is smaller than all rows of its group: it is known before them.
    for (let row = 0; row < id.length; row++) {
      const root = id[id[row]];
      if (root === row && skip(row)) {
        id[row] = -1;
        continue;
      }
      id[row] = root;
      if (root === row) groupCount++;
      size[root]++;
    }
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
