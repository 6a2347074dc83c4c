import type { DataType, Int } from 'apache-arrow';

/** How a column's values lie in the buffers of a message: what has to be checked, and what it becomes. */
export type Layout =
  | { readonly kind: 'null' }
  | { readonly kind: 'bool' }
  /** `byteWidth` bytes a value. `sourceByteWidth` is smaller where a decimal has to be widened first. */
  | { readonly kind: 'fixed'; readonly byteWidth: number; readonly sourceByteWidth: number }
  | { readonly kind: 'bytes'; readonly utf8: boolean; readonly large: boolean }
  | { readonly kind: 'view'; readonly utf8: boolean }
  | { readonly kind: 'list'; readonly large: boolean }
  | { readonly kind: 'listView'; readonly large: boolean }
  | { readonly kind: 'fixedSizeList'; readonly listSize: number }
  | { readonly kind: 'struct' }
  | { readonly kind: 'union'; readonly dense: boolean; readonly typeIds: readonly number[] }
  | { readonly kind: 'runEnd' }
  | { readonly kind: 'dictionary'; readonly wireId: bigint; readonly index: Int; readonly values: WireField };

/** A field of the schema as it stands in the stream, with the type it is handed on as. */
export interface WireField {
  readonly name: string;
  /** Names from the column down, joined by dots: for messages. */
  readonly path: string;
  readonly nullable: boolean;
  readonly metadata: Map<string, string>;
  readonly layout: Layout;
  /**
   * What the decoded column is: 64-bit offsets, views and runs become their plain forms (large_utf8 and utf8_view
   * become utf8), decimals have 128 or 256 bits, dictionary indices at most 32.
   */
  readonly type: DataType;
  readonly children: readonly WireField[];
}

/** The dictionary-encoded fields below `fields`, dictionaries inside dictionaries included, inner ones first. */
export function dictionaryFields(fields: readonly WireField[]): WireField[] {
  const found: WireField[] = [];
  const visit = (field: WireField): void => {
    field.children.forEach(visit);
    if (field.layout.kind !== 'dictionary') return;
    visit(field.layout.values);
    found.push(field);
  };
  fields.forEach(visit);
  return found;
}

/** Equal for two fields exactly when their values lie in the same way and mean the same type. */
export function layoutKey(field: WireField): string {
  const { layout, children } = field;
  const own =
    layout.kind === 'dictionary'
      ? `${layout.wireId}:${layout.index}:${layoutKey(layout.values)}`
      : JSON.stringify(layout);
  return `${own}${field.type}[${children.map(layoutKey).join()}]`;
}
