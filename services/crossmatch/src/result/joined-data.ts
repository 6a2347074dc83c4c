import { ColumnStore, recordBatch } from '@armilla/tables';
import { type Data, DataType, Field, makeData, Schema } from 'apache-arrow';
import type { MemoryLoan } from '../shared-memory.js';

/** Whether a column is of values of 4 or 8 bytes without nulls, which only have to be moved. */
export function isWords(column: Data): boolean {
  const { type, nullCount, values, stride } = column;
  if (nullCount > 0 || DataType.isDictionary(type) || stride !== 1 || column.children.length > 0) return false;
  if (!(DataType.isInt(type) || DataType.isFloat(type) || DataType.isTimestamp(type) || DataType.isDate(type)))
    return false;
  const { BYTES_PER_ELEMENT: width } = values as { BYTES_PER_ELEMENT?: number };
  return width === 4 || width === 8;
}

/** Pieces of a column one after the other in shared memory: numbers in that of the loan, others in their own. */
export function joinedData(pieces: readonly Data<DataType>[], loan: MemoryLoan): Data<DataType> {
  const [{ type }] = pieces;
  const rowCount = pieces.reduce((sum, { length }) => sum + length, 0);
  if (!pieces.every(isWords)) {
    const schema = new Schema([new Field('0', type, true)]);
    const store = new ColumnStore(schema, { rowCount });
    for (const piece of pieces) store.append(recordBatch(schema, [piece], piece.length));
    return store.seal().columns[0];
  }
  const values = pieces[0].values as Float64Array;
  const bytes = loan.bytes(rowCount * values.BYTES_PER_ELEMENT);
  const Kind = values.constructor as new (buffer: ArrayBufferLike, offset: number, length: number) => Float64Array;
  const whole = new Kind(bytes.buffer, 0, rowCount);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece.values as Float64Array, at);
    at += piece.length;
  }
  return makeData({ type, length: rowCount, nullCount: 0, data: whole } as never);
}
