/** Result rows of several tables before their columns are gathered. */
export interface RowBlock {
  readonly count: number;
  /** By table; -1 where a row has none of it. */
  readonly rows: readonly Int32Array[]; // [count] each
  /** By table: rows that are matched besides those that stand in `rows`. */
  readonly besides?: readonly (readonly number[])[];
  /** What only the mode knows, by column. NaN is null. */
  readonly computed: ReadonlyMap<string, Float64Array>; // [count] each
}

/** Rows of all tables that grow one by one. */
export class RowLists {
  count = 0;
  #rows: Int32Array[];

  constructor(tableCount: number) {
    this.#rows = Array.from({ length: tableCount }, () => new Int32Array(1024));
  }

  add(first: number, others: Int32Array): void {
    if (this.count === this.#rows[0].length)
      this.#rows = this.#rows.map((values) => {
        const wider = new Int32Array(values.length * 2);
        wider.set(values);
        return wider;
      });
    this.#rows[0][this.count] = first;
    for (let k = 0; k < others.length; k++) this.#rows[k + 1][this.count] = others[k];
    this.count++;
  }

  /** The rows so far, by table. */
  taken(): Int32Array[] {
    return this.#rows.map((values) => values.slice(0, this.count));
  }
}
