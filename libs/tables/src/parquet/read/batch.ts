import { type Data, type Field, makeData, RecordBatch, type Schema, Struct } from 'apache-arrow';
import type { ColumnValues, Leaf } from '../format/leaf.js';

/** Rows [from, to) of decoded columns as a record batch, without copies; `from` is a multiple of 8. */
export function batchOf(
  schema: Schema,
  leaves: readonly Leaf[],
  columns: readonly ColumnValues[],
  from: number,
  to: number,
): RecordBatch {
  const children = columns.map((column, i) => dataOf(schema.fields[i], leaves[i], column, from, to));
  return new RecordBatch(
    schema,
    makeData({ type: new Struct(schema.fields), length: to - from, nullCount: 0, children }),
  );
}

function dataOf(field: Field, leaf: Leaf, column: ColumnValues, from: number, to: number): Data {
  const length = to - from;
  const { type } = field;
  if (type.typeId === 1) return makeData({ type, length } as never); // Null has no buffers
  const whole = length === column.rowCount;
  const nullBitmap = column.validity && column.validity.subarray(from >> 3, (to + 7) >> 3);
  const nullCount = nullBitmap ? (whole ? column.nullCount : length - countBits(nullBitmap, length)) : 0;
  const base = { type, length, nullCount, nullBitmap };
  const { layout } = leaf;
  if (layout.kind === 'variable') {
    const offsets = column.offsets as Int32Array;
    return makeData({ ...base, valueOffsets: offsets.subarray(from, to + 1), data: column.values } as never);
  }
  if (layout.kind === 'bits')
    return makeData({ ...base, data: column.values.subarray(from >> 3, (to + 7) >> 3) } as never);
  const { byteWidth } = layout;
  return makeData({ ...base, data: typed(type, column.values.subarray(from * byteWidth, to * byteWidth)) } as never);
}

/** The bytes in the array type that the Arrow type wants. */
function typed(type: { ArrayType: unknown }, bytes: Uint8Array): ArrayBufferView {
  const Constructor = type.ArrayType as {
    new (buffer: ArrayBufferLike, offset: number, length: number): ArrayBufferView;
    BYTES_PER_ELEMENT: number;
  };
  return new Constructor(bytes.buffer, bytes.byteOffset, bytes.length / Constructor.BYTES_PER_ELEMENT);
}

function countBits(bitmap: Uint8Array, length: number): number {
  let count = 0;
  const whole = length >> 3;
  for (let i = 0; i < whole; i++) {
    let byte = bitmap[i];
    byte -= (byte >> 1) & 0x55;
    byte = (byte & 0x33) + ((byte >> 2) & 0x33);
    count += (byte + (byte >> 4)) & 15;
  }
  for (let i = whole * 8; i < length; i++) count += (bitmap[i >> 3] >> (i & 7)) & 1;
  return count;
}
