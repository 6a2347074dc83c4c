/** The rows of a table that its filter leaves out. */
export class FilteredRows {
  /** How many rows are left out. */
  count = 0;
  #marks = new Uint8Array(0);
  #rowCount = 0;

  /** Appends `rowCount` rows, of which those with a 1 in `marks` are left out; none without `marks`. */
  append(rowCount: number, marks: Uint8Array | undefined): void {
    const end = this.#rowCount + rowCount;
    if (marks) {
      if (end > this.#marks.length) {
        const wider = new Uint8Array(Math.max(end, 2 * this.#marks.length));
        wider.set(this.#marks);
        this.#marks = wider;
      }
      this.#marks.set(marks, this.#rowCount);
      for (let row = 0; row < rowCount; row++) this.count += marks[row];
    }
    this.#rowCount = end;
  }

  has(row: number): boolean {
    return this.#marks[row] === 1;
  }
}
