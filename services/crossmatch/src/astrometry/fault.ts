import type { RowReason } from '@armilla/base';

/** Why a row takes no part although it may have a position. */
export interface Fault {
  readonly reason: RowReason;
  readonly column: string;
  /** What was seen, as text. */
  readonly value: string;
}

/** The faults of some rows, by row; there are few. */
export class Faults {
  readonly #byRow = new Map<number, Fault>();

  get size(): number {
    return this.#byRow.size;
  }

  /** The first fault of a row is kept. */
  add(row: number, fault: Fault): void {
    if (!this.#byRow.has(row)) this.#byRow.set(row, fault);
  }

  /** Adds all faults of `others`, whose row 0 is `firstRow` here. */
  addAll(others: Faults | undefined, firstRow: number): void {
    if (others) for (const [row, fault] of others.#byRow) this.add(firstRow + row, fault);
  }

  rows(): IterableIterator<number> {
    return this.#byRow.keys();
  }

  of(row: number): Fault | undefined {
    return this.#byRow.get(row);
  }
}
