import { fail } from '@armilla/base';
import type { RecordBatch } from 'apache-arrow';
import { type MessageDecoder, recordBatch } from './decoder.js';

/** Selects columns by name, in the order of `columns`. @throws COLUMN_NOT_FOUND, COLUMN_DUPLICATE */
export function selectColumns(decoder: MessageDecoder, columns: readonly string[] | undefined, where: string): void {
  if (!columns) return;
  const names = decoder.schema?.fields.map((field) => field.name) ?? [];
  const indices = columns.map((column) => {
    const first = names.indexOf(column);
    if (first < 0) throw fail('COLUMN_NOT_FOUND', { where, column, available: names.join(', ') });
    const count = names.filter((name) => name === column).length;
    if (count > 1) throw fail('COLUMN_DUPLICATE', { where, column, count });
    return first;
  });
  decoder.select(indices);
}

/** The batch in pieces of at most `rowCount` rows, as views. */
export function* cutBatch(batch: RecordBatch, rowCount: number | undefined): Generator<RecordBatch> {
  if (rowCount === undefined || batch.numRows <= rowCount) {
    yield batch;
    return;
  }
  for (let from = 0; from < batch.numRows; from += rowCount) {
    const length = Math.min(rowCount, batch.numRows - from);
    const columns = batch.data.children.map((data) => data.slice(from, length));
    yield recordBatch(batch.schema, columns, length);
  }
}
