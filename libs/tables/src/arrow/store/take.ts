import { fail } from '@armilla/base';
import { Data, type DataType, Type, type Union, UnionMode } from 'apache-arrow';
import { takeBits } from './bits.js';
import { takeFixed } from './takeFixed.js';

type Column = Data<DataType>;

/** Told of the bytes that are about to be allocated; may throw. */
export type Spend = (bytes: number) => void;

const free: Spend = () => undefined;
const EMPTY = new Uint8Array(0);

/**
 * The values of `rows` in that order, as a new column in ordinary memory; a row of -1 becomes null. Rows that follow one
 * another without gap give a view of `data` instead.
 * @param rows each in [-1, data.length)
 * @throws ARROW_LIMIT when text or lists of the result exceed 2 GiB or 2^31 values; take fewer rows at a time.
 */
export function takeData(data: Column, rows: Int32Array, spend: Spend = free): Column {
  const { missing, contiguous } = survey(rows);
  if (contiguous) return rows.length === data.length && rows[0] === 0 ? data : data.slice(rows[0] ?? 0, rows.length);
  return take(data, rows, missing, spend);
}

/** Like `takeData` for several columns with the same rows. */
export function takeColumns(columns: readonly Column[], rows: Int32Array, spend: Spend = free): Column[] {
  const { missing, contiguous } = survey(rows);
  if (contiguous) return columns.map((data) => data.slice(rows[0] ?? 0, rows.length));
  return columns.map((data) => take(data, rows, missing, spend));
}

function survey(rows: Int32Array): { missing: boolean; contiguous: boolean } {
  let sign = 0;
  let steps = 0;
  const first = rows.length > 0 ? rows[0] : 0;
  for (let i = 0; i < rows.length; i++) {
    sign |= rows[i];
    steps |= rows[i] - first - i;
  }
  return { missing: sign < 0, contiguous: sign >= 0 && steps === 0 };
}

function take(data: Column, rows: Int32Array, missing: boolean, spend: Spend): Column {
  const { type } = data;
  const rowCount = rows.length;
  if (type.typeId === Type.Null) return new Data(type, 0, rowCount, rowCount);
  if (type.typeId === Type.Union) return takeUnion(data as Data<Union>, rows, spend);
  spend(rowCount >>> 3);
  const { bitmap, nullCount } = takeValidity(data, rows, missing);
  const nulls = bitmap ?? EMPTY;
  const none = undefined as never;
  switch (type.typeId) {
    case Type.Bool:
      spend(rowCount >>> 3);
      return new Data(type, 0, rowCount, nullCount, [none, takeBits(data.values, data.offset, rows), nulls]);
    case Type.Utf8:
    case Type.Binary: {
      const { offsets, values } = takeBytes(data, rows, spend);
      return new Data(type, 0, rowCount, nullCount, [offsets, values, nulls]);
    }
    case Type.List:
    case Type.Map: {
      const { offsets, childRows } = listRows(data, rows, spend);
      return new Data(
        type,
        0,
        rowCount,
        nullCount,
        [offsets, none, nulls],
        [takeData(data.children[0], childRows, spend)],
      );
    }
    case Type.FixedSizeList: {
      const childRows = fixedListRows(data.stride, rows, spend);
      return new Data(
        type,
        0,
        rowCount,
        nullCount,
        [none, none, nulls],
        [takeData(data.children[0], childRows, spend)],
      );
    }
    case Type.Struct: {
      const children = data.children.map((child) => take(child, rows, missing, spend));
      return new Data(type, 0, rowCount, nullCount, [none, none, nulls], children);
    }
    case Type.LargeUtf8:
    case Type.LargeBinary:
    case Type.LargeList:
    case Type.Utf8View:
    case Type.BinaryView:
      throw fail('ARROW_TYPE_UNSUPPORTED', { where: 'take', column: '?', type: String(type) });
    default: {
      const values = takeFixed(data.values, data.stride, rows, missing, spend);
      return new Data(type, 0, rowCount, nullCount, [none, values as never, nulls], [], data.dictionary);
    }
  }
}

function takeValidity(
  data: Column,
  rows: Int32Array,
  missing: boolean,
): { bitmap: Uint8Array | undefined; nullCount: number } {
  const hasNulls = data.nullCount > 0;
  if (!hasNulls && !missing) return { bitmap: undefined, nullCount: 0 };
  const bitmap = new Uint8Array((rows.length + 7) >>> 3);
  const source = data.nullBitmap;
  const { offset } = data;
  let valid = 0;
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i];
    if (row < 0) continue;
    const bit = hasNulls ? (source[(offset + row) >>> 3] >>> ((offset + row) & 7)) & 1 : 1;
    bitmap[i >>> 3] |= bit << (i & 7);
    valid += bit;
  }
  return { bitmap: valid === rows.length ? undefined : bitmap, nullCount: rows.length - valid };
}

/** Offsets as unsigned words: a store may hold up to 4 GiB of text in one column. */
function unsigned(offsets: Int32Array): Uint32Array {
  return new Uint32Array(offsets.buffer, offsets.byteOffset, offsets.length);
}

function takeBytes(data: Column, rows: Int32Array, spend: Spend): { offsets: Int32Array; values: Uint8Array } {
  const from = unsigned(data.valueOffsets as Int32Array);
  const source = data.values as Uint8Array;
  const rowCount = rows.length;
  spend(8 * rowCount);
  const offsets = new Int32Array(rowCount + 1);
  // Kept, since a second look at the offsets of far apart rows costs as much as the first.
  const starts = new Uint32Array(rowCount);
  let total = 0;
  for (let i = 0; i < rowCount; i++) {
    const row = rows[i];
    if (row >= 0) {
      const start = from[row];
      starts[i] = start;
      total += from[row + 1] - start;
    }
    offsets[i + 1] = total;
  }
  if (total > 0x7fffffff)
    throw fail('ARROW_LIMIT', {
      where: 'take',
      detail: `${total} bytes of text in one batch, over 2 GiB; use smaller batches`,
    });
  spend(total);
  const values = new Uint8Array(total);
  for (let i = 0; i < rowCount; i++) {
    let to = offsets[i];
    const end = offsets[i + 1];
    let at = starts[i];
    // A call of set costs as much as some 32 bytes one by one.
    if (end - to > 32) values.set(source.subarray(at, at + end - to), to);
    else while (to < end) values[to++] = source[at++];
  }
  return { offsets, values };
}

function listRows(data: Column, rows: Int32Array, spend: Spend): { offsets: Int32Array; childRows: Int32Array } {
  const from = unsigned(data.valueOffsets as Int32Array);
  spend(4 * rows.length);
  const offsets = new Int32Array(rows.length + 1);
  let total = 0;
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i];
    if (row >= 0) total += from[row + 1] - from[row];
    offsets[i + 1] = total;
  }
  if (total > 0x7fffffff)
    throw fail('ARROW_LIMIT', {
      where: 'take',
      detail: `${total} list values in one batch, over 2^31; use smaller batches`,
    });
  spend(4 * total);
  const childRows = new Int32Array(total);
  let to = 0;
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i];
    if (row < 0) continue;
    const end = from[row + 1];
    for (let at = from[row]; at < end; at++) childRows[to++] = at;
  }
  return { offsets, childRows };
}

function fixedListRows(listSize: number, rows: Int32Array, spend: Spend): Int32Array {
  const total = rows.length * listSize;
  if (total > 0x7fffffff)
    throw fail('ARROW_LIMIT', {
      where: 'take',
      detail: `${total} list values in one batch, over 2^31; use smaller batches`,
    });
  spend(4 * rows.length * listSize);
  const childRows = new Int32Array(rows.length * listSize);
  for (let i = 0, to = 0; i < rows.length; i++) {
    const first = rows[i] * listSize;
    for (let j = 0; j < listSize; j++) childRows[to++] = rows[i] < 0 ? -1 : first + j;
  }
  return childRows;
}

/** Unions have no nulls of their own: a row of -1 becomes a null of the first child. */
export function takeUnion(data: Data<Union>, rows: Int32Array, spend: Spend = free): Column {
  const { type, children } = data;
  spend(5 * rows.length);
  const typeIds = new Int8Array(rows.length);
  for (let i = 0; i < rows.length; i++) typeIds[i] = rows[i] < 0 ? type.typeIds[0] : data.typeIds[rows[i]];
  const none = undefined as never;
  if (type.mode === UnionMode.Sparse) {
    const columns = children.map((child) => takeData(child, rows, spend));
    return new Data(type, 0, rows.length, 0, [none, none, none, typeIds], columns);
  }
  const offsets = new Int32Array(rows.length);
  const columns = children.map((child, index) => {
    const id = type.typeIds[index];
    const childRows = new Int32Array(typeIds.reduce((count, own) => count + (own === id ? 1 : 0), 0));
    let to = 0;
    for (let i = 0; i < rows.length; i++) {
      if (typeIds[i] !== id) continue;
      offsets[i] = to;
      childRows[to++] = rows[i] < 0 ? -1 : (data.valueOffsets as Int32Array)[rows[i]];
    }
    return takeData(child, childRows, spend);
  });
  return new Data(type, 0, rows.length, 0, [offsets as never, none, none, typeIds], columns);
}
