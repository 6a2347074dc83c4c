import { DataType, type Field, type RecordBatch, type Vector } from 'apache-arrow';
import { markNulls, numbersOf } from '../arrow/numbers.js';
import { isBlankColumn } from '../csv/blank.js';
import { FALSE, TRUE, type Typed, UNKNOWN } from './typed.js';

/** A column of table `table` (0 or 1) as an expression; undefined of types that conditions do not know. */
export function columnTyped(field: Field, table: 0 | 1): Typed | undefined {
  const { name, type } = field;
  const vectorOf = (tables: readonly RecordBatch[]): Vector => tables[table].getChild(name) as Vector;
  const isFirst = table === 0;
  if (DataType.isNull(type) || isBlankColumn(field)) return { type: 'null' };
  if (DataType.isBool(type))
    return {
      type: 'boolean',
      over: (tables) => {
        const vector = vectorOf(tables);
        return (i, j) => {
          const value: unknown = vector.get(isFirst ? i : j);
          return value === null ? UNKNOWN : value === true ? TRUE : FALSE;
        };
      },
    };
  if (DataType.isInt(type) && type.bitWidth === 64)
    return {
      type: 'integer',
      integerOver: (tables) => {
        const vector = vectorOf(tables);
        return (i, j) => (vector.get(isFirst ? i : j) as bigint | null) ?? undefined;
      },
    };
  if (DataType.isInt(type) || DataType.isFloat(type) || DataType.isDecimal(type)) {
    const over = (tables: readonly RecordBatch[]) => {
      const vector = vectorOf(tables);
      const rowCount = tables[table].numRows;
      const values = numbersOf(vector, rowCount);
      if (vector.nullCount === 0) return isFirst ? (i: number) => values[i] : (_: number, j: number) => values[j];
      const nulls = new Uint8Array(rowCount);
      markNulls(vector, nulls);
      return (i: number, j: number) => {
        const row = isFirst ? i : j;
        return nulls[row] === 1 ? NaN : values[row];
      };
    };
    if (!DataType.isInt(type)) return { type: 'number', over };
    return {
      type: 'number',
      over,
      integerOver: (tables) => {
        const number = over(tables);
        return (i, j) => {
          const value = number(i, j);
          return Number.isNaN(value) ? undefined : BigInt(value);
        };
      },
    };
  }
  const values: DataType = DataType.isDictionary(type) ? type.dictionary : type;
  if (!DataType.isUtf8(values) && !DataType.isLargeUtf8(values)) return undefined;
  return {
    type: 'text',
    over: (tables) => {
      const vector = vectorOf(tables);
      // Values of a dictionary are made into texts once.
      const texts = DataType.isDictionary(type) ? vector.memoize() : vector;
      return (i, j) => (texts.get(isFirst ? i : j) as string | null) ?? undefined;
    },
  };
}
