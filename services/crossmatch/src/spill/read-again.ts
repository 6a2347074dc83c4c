import type { TableReader } from '@armilla/tables';
import { Schema } from 'apache-arrow';
import { neededColumns, type PositionColumns } from '../columns.js';
import { FilteredRows } from '../filter/filtered-rows.js';
import { type RowSet, UnusedRightCursor } from '../join.js';
import type { PairRows } from '../match-rows.js';
import type { LeftPart } from '../parts.js';
import { readRows } from '../positions.js';
import { Payload, subSchema } from '../result/payload.js';

const NONE = new Float64Array(0);

/** Left rows of which nothing but their number is needed. */
export function* bareParts(rowCount: number, partRowCount: number): Generator<LeftPart> {
  const payload = Payload.empty(new Schema([]));
  for (let firstRow = 0; firstRow < rowCount; firstRow += partRowCount) {
    const count = Math.min(partRowCount, rowCount - firstRow);
    yield {
      firstRow,
      rowCount: count,
      pieces: [],
      positions: { ra: NONE, dec: NONE },
      payload,
      astrometry: undefined,
      faults: undefined,
      filtered: undefined,
    };
  }
}

/** The right table again: its rows that no pair uses and no filter leaves out, batch by batch. */
export async function* unusedRight(
  right: TableReader,
  rightColumns: PositionColumns,
  names: readonly string[],
  used: RowSet,
  signal: AbortSignal,
): AsyncGenerator<PairRows, void, undefined> {
  const schema = subSchema(right.schema, names);
  const { filter } = rightColumns;
  const columns = [...new Set([...names, ...(filter ? neededColumns(rightColumns) : [rightColumns.ra])])];
  let firstRow = 0;
  for await (const batch of right.batches({ columns, signal })) {
    const payload = Payload.create(schema, { rowCount: batch.numRows });
    payload.append(batch);
    payload.seal();
    const first = firstRow;
    const rows = Int32Array.from({ length: batch.numRows }, (_, i) => first + i);
    firstRow += batch.numRows;
    const filtered = filter && new FilteredRows();
    if (filtered) {
      const { filtered: marks } = await readRows(batch, rightColumns, right.where, signal);
      filtered.append(batch.numRows, marks);
    }
    const rightRows = { rowCount: batch.numRows, payload, rows, positions: undefined };
    yield { cursor: new UnusedRightCursor(used, batch.numRows, first, rightRows, filtered) };
  }
}
