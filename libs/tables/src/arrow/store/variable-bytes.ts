import { type Data, type DataType, type Dictionary, Type, type Vector } from 'apache-arrow';

type Column = Data<DataType>;

/**
 * Bytes that text, binary values and lists of `rows` take once they are gathered, dictionaries as their values; 0 for
 * columns of fixed width. Values within lists count with their average.
 * @param rows each in [-1, data.length); -1 takes nothing
 */
export function variableBytes(data: Column, rows: Int32Array): number {
  switch (data.type.typeId) {
    case Type.Utf8:
    case Type.Binary:
      return spanned(data.valueOffsets as Int32Array, rows);
    case Type.List:
    case Type.Map:
      return spanned(data.valueOffsets as Int32Array, rows) * bytesPerValue(data.children[0]);
    case Type.FixedSizeList:
      return rows.length * data.stride * bytesPerValue(data.children[0]);
    case Type.Struct:
      return data.children.reduce((sum, child) => sum + variableBytes(child, rows), 0);
    case Type.Dictionary:
      return dictionaryBytes(data as Data<Dictionary>, rows);
    default:
      return 0;
  }
}

/** Whether `variableBytes` can be more than 0. */
export function hasVariableWidth({ typeId, children }: DataType): boolean {
  if (typeId === Type.Struct) return children.some(({ type }) => hasVariableWidth(type as DataType));
  return [Type.Utf8, Type.Binary, Type.List, Type.Map, Type.FixedSizeList, Type.Dictionary].includes(typeId);
}

function spanned(offsets: Int32Array, rows: Int32Array): number {
  let sum = 0;
  for (let i = 0; i < rows.length; i++) if (rows[i] >= 0) sum += (offsets[rows[i] + 1] - offsets[rows[i]]) >>> 0;
  return sum;
}

function bytesPerValue(data: Column): number {
  return data.byteLength / Math.max(1, data.length);
}

function dictionaryBytes(data: Data<Dictionary>, rows: Int32Array): number {
  const [values, ...more] = (data.dictionary as Vector).data as Column[];
  if (values === undefined) return 0;
  const average = (): number => bytesPerValue(values) * rows.length;
  if (more.length > 0)
    return [values, ...more].reduce((most, piece) => Math.max(most, bytesPerValue(piece)), 0) * rows.length;
  if (!hasVariableWidth(values.type)) return 0;
  const codes = data.values as unknown as ArrayLike<number | bigint>;
  const at = new Int32Array(rows.length);
  for (let i = 0; i < rows.length; i++) {
    const code = rows[i] < 0 ? -1 : Number(codes[rows[i]]);
    // The code of a null means nothing.
    at[i] = code >= 0 && code < values.length ? code : -1;
  }
  return values.type.typeId === Type.Dictionary ? average() : variableBytes(values, at);
}
