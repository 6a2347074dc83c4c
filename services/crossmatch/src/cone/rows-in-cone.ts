import type { PositionColumns } from '../columns.js';
import type { Payload } from '../result/payload.js';

/** Rows of a table that lie in a cone, nearest first; equal separations by row. */
export interface RowsInCone {
  readonly payload: Payload;
  readonly at: Int32Array; // [n] rows of the payload
  readonly tableRow: ArrayLike<number>; // [n] rows of the table
  readonly separationArcsec: Float64Array; // [n]
  readonly counts: ConeCounts;
  /** The columns of the table in use. */
  readonly columns: PositionColumns;
}

/** What became of the rows of the table. */
export interface ConeCounts {
  /** Rows in the cone that satisfy the condition. */
  readonly foundRowCount: number;
  /** Rows in the cone that do not. */
  readonly filteredRowCount: number;
  /** Found rows without a known proper motion, which stay where they are; 0 where nothing is moved. */
  readonly missingMotionRowCount: number;
  readonly tableRowCount: number;
  /** Rows that were not read, since their statistics say that they lie elsewhere. */
  readonly skippedRowCount: number;
  /** Rows without a usable position, among those read. */
  readonly rejectedRowCount: number;
}
