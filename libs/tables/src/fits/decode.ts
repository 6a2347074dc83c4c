import { isUtf8 } from 'node:buffer';
import { type Data, DataType, type FixedSizeList, makeData } from 'apache-arrow';
import type { FitsColumn } from './column.js';

const [TRUE, FALSE, BLANK] = [84, 70, 32];

/** One column of `rowCount` rows of `rowBytes` bytes. NaN, TNULL, and a text that begins with NUL are nulls, as the standard has it. */
export function decodeColumn(rows: Uint8Array, rowBytes: number, rowCount: number, column: FitsColumn): Data {
  if (column.form === 'A') return decodeText(rows, rowBytes, rowCount, column);
  const values = decodeValues(rows, rowBytes, rowCount, column);
  if (!DataType.isFixedSizeList(column.field.type)) return values;
  return makeData({ type: column.field.type as FixedSizeList, length: rowCount, nullCount: 0, child: values });
}

function decodeValues(rows: Uint8Array, rowBytes: number, rowCount: number, column: FitsColumn): Data {
  const { form, repeat, type, offset, nullValue } = column;
  const view = new DataView(rows.buffer, rows.byteOffset, rows.byteLength);
  const length = rowCount * repeat;
  const validity = new Uint8Array((length + 7) >> 3);
  let nullCount = 0;
  /** Gives `read` each place in turn; what it gives false for is a null. */
  const each = (width: number, read: (at: number, index: number) => boolean): void => {
    for (let row = 0, index = 0; row < rowCount; row++) {
      for (let item = 0, at = row * rowBytes + offset; item < repeat; item++, at += width, index++) {
        if (read(at, index)) validity[index >> 3] |= 1 << (index & 7);
        else nullCount++;
      }
    }
  };
  const made = (data: ArrayLike<number> | BigUint64Array | BigInt64Array): Data =>
    makeData({ type, length, nullCount, nullBitmap: nullCount > 0 ? validity : undefined, data } as never);

  if (form === 'L') {
    const bits = new Uint8Array((length + 7) >> 3);
    each(1, (at, index) => {
      const byte = view.getUint8(at);
      if (byte === TRUE) bits[index >> 3] |= 1 << (index & 7);
      return byte === TRUE || byte === FALSE;
    });
    return made(bits);
  }
  if (form === 'K') {
    const zero = DataType.isInt(type) && !type.isSigned ? 1n << 63n : 0n;
    if (column.scaling) {
      const { scale, zero: shift } = column.scaling;
      const out = new Float64Array(length);
      each(8, (at, index) => {
        const raw = view.getBigInt64(at);
        out[index] = Number(raw) * scale + shift;
        return raw !== nullValue;
      });
      return made(out);
    }
    const out = zero === 0n ? new BigInt64Array(length) : new BigUint64Array(length);
    each(8, (at, index) => {
      const raw = view.getBigInt64(at);
      out[index] = raw + zero;
      return raw !== nullValue;
    });
    return made(out);
  }
  const { width, read } = rawReader(form, view);
  const nothing = nullValue === undefined ? NaN : Number(nullValue);
  const scaling = column.scaling ?? (halfRange(type) === 0 ? undefined : { scale: 1, zero: halfRange(type) });
  const out = new (type.ArrayType as Float64ArrayConstructor)(length);
  each(width, (at, index) => {
    const raw = read(at);
    out[index] = scaling ? raw * scaling.scale + scaling.zero : raw;
    // NaN is never equal to itself.
    return raw !== nothing && raw === raw;
  });
  return made(out);
}

/** What is added to raw values of the other sign. */
function halfRange(type: DataType): number {
  if (!DataType.isInt(type)) return 0;
  if (type.bitWidth === 8) return type.isSigned ? -128 : 0;
  return type.isSigned ? 0 : 2 ** (type.bitWidth - 1);
}

function rawReader(form: string, view: DataView): { width: number; read: (at: number) => number } {
  switch (form) {
    case 'B':
      return { width: 1, read: (at) => view.getUint8(at) };
    case 'I':
      return { width: 2, read: (at) => view.getInt16(at) };
    case 'J':
      return { width: 4, read: (at) => view.getInt32(at) };
    case 'E':
      return { width: 4, read: (at) => view.getFloat32(at) };
    default:
      return { width: 8, read: (at) => view.getFloat64(at) };
  }
}

/** Texts end at the first NUL, or before the blanks at their end. Bytes that are no UTF-8 are read as Latin-1. */
function decodeText(rows: Uint8Array, rowBytes: number, rowCount: number, { offset, repeat, type }: FitsColumn): Data {
  const offsets = new Int32Array(rowCount + 1);
  const validity = new Uint8Array((rowCount + 7) >> 3);
  // Latin-1 takes up to twice the bytes in UTF-8.
  const values = new Uint8Array(2 * rowCount * repeat);
  let to = 0;
  let nullCount = 0;
  for (let row = 0; row < rowCount; row++) {
    const from = row * rowBytes + offset;
    let end = from;
    let high = 0;
    for (; end < from + repeat && rows[end] !== 0; end++) high |= rows[end];
    if (end === from) nullCount++;
    else validity[row >> 3] |= 1 << (row & 7);
    while (end > from && rows[end - 1] === BLANK) end--;
    const text = rows.subarray(from, end);
    const bytes = high < 128 || isUtf8(text) ? text : Buffer.from(Buffer.from(text).toString('latin1'));
    values.set(bytes, to);
    to += bytes.length;
    offsets[row + 1] = to;
  }
  return makeData({
    type,
    length: rowCount,
    nullCount,
    nullBitmap: nullCount > 0 ? validity : undefined,
    valueOffsets: offsets,
    data: values.slice(0, to),
  } as never);
}
