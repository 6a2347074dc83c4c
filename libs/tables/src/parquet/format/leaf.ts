/** How the values of a column stand in memory, in the layout of Arrow. */
export type Layout =
  | { readonly kind: 'bits' }
  | { readonly kind: 'fixed'; readonly byteWidth: number; readonly convert: 'none' | 'narrow' | 'int96' | 'decimal' }
  | { readonly kind: 'variable'; readonly utf8: boolean };

/** What the decoder must know of a column; crosses threads. */
export interface Leaf {
  readonly name: string;
  readonly path: readonly string[];
  readonly physical: number;
  /** Bytes of a FIXED_LEN_BYTE_ARRAY value. */
  readonly typeLength: number;
  readonly maxDefinition: number;
  readonly maxRepetition: number;
  readonly layout: Layout;
}

/** One decoded column of one row group, in the layout of Arrow. */
export interface ColumnValues {
  readonly rowCount: number;
  readonly nullCount: number;
  /** [ceil(rowCount / 8)] bitmap, 1 = value; undefined when there is no null. */
  readonly validity: Uint8Array | undefined;
  /** Fixed: [rowCount * byteWidth]; bits: [ceil(rowCount / 8)]; variable: all bytes one after the other. */
  readonly values: Uint8Array;
  /** Variable only: [rowCount + 1]. */
  readonly offsets: Int32Array | undefined;
}

/** Bytes of one stored value by physical type; booleans are unpacked to one byte, variable ones have none. */
export function strideOf(leaf: Pick<Leaf, 'physical' | 'typeLength'>): number {
  switch (leaf.physical) {
    case 0:
      return 1;
    case 1:
    case 4:
      return 4;
    case 2:
    case 5:
      return 8;
    case 3:
      return 12;
    case 7:
      return leaf.typeLength;
    default:
      return 0;
  }
}
