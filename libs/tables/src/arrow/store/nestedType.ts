import { type DataType, FixedSizeList, type Field, List, Map_, Struct, Type, Union } from 'apache-arrow';

/** The nested type with other fields inside; `type` itself when they are the same ones. */
export function withChildren(type: DataType, children: Field[]): DataType {
  if (children.every((field, i) => field === type.children[i])) return type;
  switch (type.typeId) {
    case Type.List:
      return new List(children[0]);
    case Type.FixedSizeList:
      return new FixedSizeList((type as FixedSizeList).listSize, children[0]);
    case Type.Map:
      return new Map_(children[0] as Field<Struct>, (type as Map_).keysSorted);
    case Type.Struct:
      return new Struct(children);
    case Type.Union:
      return new Union((type as Union).mode, (type as Union).typeIds, children);
    default:
      throw new TypeError(`${type} has no children`);
  }
}

/** The field with another type; the field itself when it is the same one. */
export function withType(field: Field, type: DataType): Field {
  return type === field.type ? field : field.clone({ type });
}

export function containsDictionary(type: DataType): boolean {
  return (
    type.typeId === Type.Dictionary ||
    (type.children ?? []).some((field: Field) => containsDictionary(field.type as DataType))
  );
}
