import { types } from 'node:util';
import { Data, type DataType, Dictionary, Vector } from 'apache-arrow';

type View = Exclude<ArrayBufferView, DataView>;

/** A column without classes: can be posted to another thread. Buffers are (offsets, values, validity, type ids). */
export interface PackedColumn {
  readonly length: number;
  readonly offset: number;
  readonly nullCount: number;
  readonly buffers: readonly (View | undefined)[];
  readonly children: readonly PackedColumn[];
  /** Pieces of the dictionary, unless the other side has it. */
  readonly dictionary?: readonly PackedColumn[];
}

export interface PackOptions {
  /** Whether dictionaries go along; without them `unpackColumn` needs a column that has them. */
  readonly dictionaries: boolean;
}

export function packColumn(data: Data<DataType>, options: PackOptions): PackedColumn {
  const dictionary = data.dictionary as Vector | undefined;
  return {
    length: data.length,
    offset: data.offset,
    nullCount: data.nullCount,
    buffers: [data.valueOffsets as View, data.values as View, data.nullBitmap, data.typeIds as unknown as View].map(
      own,
    ),
    children: data.children.map((child) => packColumn(child, options)),
    ...(dictionary && options.dictionaries
      ? { dictionary: dictionary.data.map((piece) => packColumn(piece, options)) }
      : {}),
  };
}

/** A view on a part of ordinary memory, copied: to post it would copy the whole of that memory. */
function own(view: View | undefined): View | undefined {
  if (!view || types.isSharedArrayBuffer(view.buffer) || view.byteLength === view.buffer.byteLength) return view;
  return Uint8Array.prototype.slice.call(view) as View;
}

/**
 * The column again. `type` is what it was packed from.
 * @param like a column of the same type, whose dictionaries are used where none came along
 */
export function unpackColumn(type: DataType, packed: PackedColumn, like?: Data<DataType>): Data<DataType> {
  if (type instanceof Dictionary) {
    const dictionary = packed.dictionary
      ? new Vector(packed.dictionary.map((piece) => unpackColumn(type.dictionary, piece)))
      : (like?.dictionary as Vector);
    return new Data(
      type,
      packed.offset,
      packed.length,
      packed.nullCount,
      [...packed.buffers] as never,
      [],
      dictionary,
    ) as Data<DataType>;
  }
  const children = packed.children.map((child, i) => unpackColumn(type.children[i].type, child, like?.children[i]));
  return new Data(type, packed.offset, packed.length, packed.nullCount, [...packed.buffers] as never, children);
}

/** The ordinary buffers of `columns`, for the transfer list of `postMessage`; shared ones need none. */
export function transferList(columns: readonly PackedColumn[]): ArrayBuffer[] {
  const found = new Set<ArrayBuffer>();
  const visit = (column: PackedColumn): void => {
    for (const view of column.buffers) {
      // Only a buffer that the view fills can be given away.
      if (view && types.isArrayBuffer(view.buffer) && view.byteLength === view.buffer.byteLength && view.byteLength > 0)
        found.add(view.buffer);
    }
    column.children.forEach(visit);
    column.dictionary?.forEach(visit);
  };
  columns.forEach(visit);
  return [...found];
}
