import { isAsStored } from '../../nway/loaded-tables.js';
import type { Progress } from '../../summary.js';
import type { StoredTableInfo } from '../../stored-tables.js';
import type { TablesAsk } from './request.js';

/** Planned before anything of a table is known. */
const LEAST_BYTES = 2 ** 22;
/** What a row is marked and grouped by. */
const MARK_BYTES = 16;
/** Index and positions of a row. */
const INDEXED_BYTES = 28 + 16;
/** Bytes per row that are planned for the columns of a table that is announced. */
const GUESSED_ROW_BYTES = 64;

/** What is known of the size of a match of several tables while it runs. */
export class TablesWatch {
  #progress: Progress | undefined;
  #told: Progress | undefined;
  /** Rows of the tables that are matched as they are stored. */
  #sharedRowCount = 0;
  /** Rows, and bytes of columns, of those that are read once more though they are in memory. */
  #againRowCount = 0;
  #againBytes = 0;
  /** Rows of the tables that the client sends, as far as it says so. */
  #announcedRowCount = 0;

  /** `stored`: by table; undefined for those that the client sends. */
  constructor(ask: TablesAsk, stored: readonly (StoredTableInfo | undefined)[]) {
    const { sides, strict } = ask.resolved;
    for (const [k, { rowCount = 0 }] of ask.inputs.entries()) {
      const table = stored[k]?.table;
      if (!table) this.#announcedRowCount += rowCount;
      else if (isAsStored(table, sides[k], strict)) this.#sharedRowCount += table.rowCount;
      else {
        this.#againRowCount += table.rowCount;
        this.#againBytes += table.payload.bytes;
      }
    }
  }

  see(progress: Progress): void {
    this.#progress = progress;
  }

  /** The progress, unless it was told already. */
  news(): Progress | undefined {
    if (this.#told === this.#progress) return undefined;
    this.#told = this.#progress;
    return this.#told;
  }

  /** For the rows that are expected, or that came if those are more. */
  plannedBytes(receivedBytes: number): number {
    const { leftRowCount = 0, rightRowCount = 0 } = this.#progress ?? {};
    const ownRowCount = Math.max(
      this.#announcedRowCount + this.#againRowCount,
      leftRowCount + rightRowCount - this.#sharedRowCount,
    );
    return (
      LEAST_BYTES +
      ownRowCount * (INDEXED_BYTES + MARK_BYTES) +
      this.#sharedRowCount * MARK_BYTES +
      Math.max(receivedBytes, this.#announcedRowCount * GUESSED_ROW_BYTES) +
      this.#againBytes
    );
  }
}
