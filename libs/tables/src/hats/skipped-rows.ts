/** Rows of a table that are left out because nothing can be near them, and the numbers of those that are read. */
export class SkippedRows {
  // [runs] first row of each run of rows that are read: as they are read, and in the whole table
  readonly #firstRead: number[] = [];
  readonly #firstWhole: number[] = [];
  readonly rowCount: number;

  /** Parts of a table in order: how many rows each has, and whether they are read. */
  constructor(parts: readonly { readonly rowCount: number; readonly isRead: boolean }[]) {
    let [read, whole, skipped] = [0, 0, 0];
    let wasRead = false;
    for (const { rowCount, isRead } of parts) {
      if (isRead && !wasRead) {
        this.#firstRead.push(read);
        this.#firstWhole.push(whole);
      }
      if (isRead) read += rowCount;
      else skipped += rowCount;
      whole += rowCount;
      wasRead = isRead;
    }
    this.rowCount = skipped;
  }

  /** Number in the whole table of a row that is the `row`-th of those that are read, from 0. */
  numberOf(row: number): number {
    let from = 0;
    let to = this.#firstRead.length;
    while (to - from > 1) {
      const middle = (from + to) >>> 1;
      if (this.#firstRead[middle] <= row) from = middle;
      else to = middle;
    }
    return row - this.#firstRead[from] + this.#firstWhole[from];
  }
}
