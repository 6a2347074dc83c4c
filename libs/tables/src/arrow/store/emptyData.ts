import { Data, type DataType, type Dictionary, Type, Vector } from 'apache-arrow';

/** A column of `type` without rows, its children as well. */
export function emptyData(type: DataType): Data<DataType> {
  const none = undefined as never;
  const bytes = new Uint8Array(0);
  const children = type.typeId === Type.Dictionary ? [] : (type.children ?? []).map((field) => emptyData(field.type));
  switch (type.typeId) {
    case Type.Null:
      return new Data(type, 0, 0, 0);
    case Type.Utf8:
    case Type.Binary:
      return new Data(type, 0, 0, 0, [new Int32Array(1), bytes, bytes]);
    case Type.List:
    case Type.Map:
      return new Data(type, 0, 0, 0, [new Int32Array(1), none, bytes], children);
    case Type.FixedSizeList:
    case Type.Struct:
      return new Data(type, 0, 0, 0, [none, none, bytes], children);
    case Type.Union:
      return new Data(type, 0, 0, 0, [new Int32Array(0), none, none, new Int8Array(0)], children);
    case Type.Dictionary: {
      const { indices, dictionary } = type as Dictionary;
      return new Data(type, 0, 0, 0, [none, new indices.ArrayType(0), bytes], [], new Vector([emptyData(dictionary)]));
    }
    default:
      return new Data(type, 0, 0, 0, [none, new type.ArrayType(0), bytes]);
  }
}
