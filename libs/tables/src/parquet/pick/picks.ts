import { types } from 'node:util';
import { type Data, DataType, type Field, Type } from 'apache-arrow';
import type { Leaf } from '../format/leaf.js';
import type { ColumnChunk } from '../format/metadata.js';
import { type ColumnPiece, columnSpec } from '../write/column.js';

/** A column of an open Parquet file of this machine, row group by row group. */
export interface StoredColumn {
  readonly fd: number;
  /** File and column, in problems. */
  readonly where: string;
  readonly leaf: Leaf;
  readonly chunks: readonly { readonly chunk: ColumnChunk; readonly firstRow: number }[];
}

/** Where the values of one column of a row group come from. */
export type PickedColumn =
  /** `rows` of a column in shared memory, which stays as it is until the release; -1 is a null. Arrays that columns have in common are sorted once. */
  | { readonly from: 'memory'; readonly column: ColumnPiece; readonly rows: Int32Array }
  /** `rows` of a column of a file, ascending. */
  | { readonly from: 'file'; readonly column: StoredColumn; readonly rows: Int32Array }
  /** All of a column in shared memory, which stays as it is until the release. */
  | { readonly from: 'piece'; readonly column: ColumnPiece }
  /** Values that are there, one piece after the other. */
  | { readonly from: 'values'; readonly pieces: readonly Data[] };

/** A row group whose columns are gathered where they are encoded, without being a record batch before. Row arrays lie in shared memory. */
export interface PickedRows {
  readonly rowCount: number;
  /** In the order of the schema. */
  readonly columns: readonly PickedColumn[];
  /** Called once, when nothing of this is read any more, written or not. */
  release(): void;
}

const GROUP_ROWS = 2 ** 20;
const GROUP_BYTES = 2 ** 28;
const TEXT_BYTES = 24;

/**
 * Rows that a group should have: many, since the picked rows of a large table are fetched as a stream only where they
 * lie close to one another.
 */
export function pickedRowCount(fields: readonly Field[]): number {
  const rowBytes = fields.reduce((sum, field) => sum + (columnSpec(field, 'output').byteWidth || TEXT_BYTES), 0);
  return Math.max(8192, Math.min(GROUP_ROWS, Math.floor(GROUP_BYTES / Math.max(1, rowBytes)) & -8));
}

/** A column in shared memory as a piece to pick from; undefined for types and memory that are not picked from. */
export function pickableColumn(data: Data): ColumnPiece | undefined {
  const { type, length, nullCount } = data;
  const text = type.typeId === Type.Utf8 || type.typeId === Type.Binary;
  const fixed = [
    Type.Bool,
    Type.Int,
    Type.Float,
    Type.Date,
    Type.Time,
    Type.Timestamp,
    Type.Duration,
    Type.Decimal,
    Type.FixedSizeBinary,
  ];
  if (DataType.isDictionary(type) || !(text || fixed.includes(type.typeId))) return undefined;
  const values = bytesOf(data.values as ArrayBufferView);
  const offsets = text ? (data.valueOffsets as Int32Array) : undefined;
  const validity = nullCount > 0 ? data.nullBitmap : undefined;
  const views = [values, offsets, validity].filter((view) => view !== undefined && view.byteLength > 0) as Uint8Array[];
  if (views.some(({ buffer }) => !types.isSharedArrayBuffer(buffer))) return undefined;
  // Offsets are read as signed words.
  if (values.length > 2 ** 31 - 1 && text) return undefined;
  return { length, nullCount, validity, bitOffset: data.offset, values, offsets };
}

function bytesOf(view: ArrayBufferView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}
