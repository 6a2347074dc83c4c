import { CompactWriter } from '../format/compactWriter.js';
import { type LogicalType, Physical, Repetition } from '../format/metadata.js';
import type { EncodedColumn } from './chunk.js';
import type { ColumnSpec } from './column.js';

/** One column of a row group that was written. */
export interface WrittenColumn extends Omit<EncodedColumn, 'parts'> {
  /** First byte in the file. */
  readonly offset: number;
  /** The file, where it is another one than that of the metadata. */
  readonly filePath?: string;
}

export interface WrittenRowGroup {
  readonly rowCount: number;
  readonly columns: readonly WrittenColumn[];
}

const CREATED_BY = 'armilla version 0.1.0';

/** The metadata, its length and the magic: everything behind the last row group. */
export function encodeFooter(
  specs: readonly ColumnSpec[],
  groups: readonly WrittenRowGroup[],
  keyValues: ReadonlyMap<string, string>,
): Uint8Array {
  const writer = new CompactWriter();
  writer.item(() => {
    writer.i32(1, 2);
    writer.structs(2, [undefined, ...specs], (spec) => writeElement(writer, spec, specs.length));
    writer.i64(
      3,
      groups.reduce((sum, group) => sum + group.rowCount, 0),
    );
    writer.structs(4, groups, (group, ordinal) => writeRowGroup(writer, specs, group, ordinal));
    if (keyValues.size > 0) {
      writer.structs(5, [...keyValues], ([key, value]) => {
        writer.text(1, key);
        writer.text(2, value);
      });
    }
    writer.text(6, CREATED_BY);
    // Bounds are in the order that each type defines.
    writer.structs(7, specs, () => writer.struct(1, () => undefined));
  });
  const metadata = writer.bytes();
  const out = new Uint8Array(metadata.length + 8);
  out.set(metadata);
  new DataView(out.buffer).setUint32(metadata.length, metadata.length, true);
  out.set(MAGIC, metadata.length + 4);
  return out;
}

export const MAGIC = new TextEncoder().encode('PAR1');

function writeElement(writer: CompactWriter, spec: ColumnSpec | undefined, columnCount: number): void {
  if (!spec) {
    writer.text(4, 'schema');
    writer.i32(5, columnCount);
    return;
  }
  const { physical, typeLength, nullable, name, logical } = spec;
  writer.i32(1, physical);
  if (physical === Physical.fixed) writer.i32(2, typeLength);
  writer.i32(3, nullable ? Repetition.optional : Repetition.required);
  writer.text(4, name);
  const converted = logical && convertedType(logical);
  if (converted !== undefined) writer.i32(6, converted);
  if (logical?.kind === 'decimal') {
    writer.i32(7, logical.scale);
    writer.i32(8, logical.precision);
  }
  if (logical) writer.struct(10, () => writeLogical(writer, logical));
}

/** The ConvertedType that older readers know; undefined where there is none of the same meaning. */
function convertedType(logical: LogicalType): number | undefined {
  switch (logical.kind) {
    case 'string':
      return 0;
    case 'decimal':
      return 5;
    case 'date':
      return 6;
    case 'time':
      return logical.utc && logical.unit !== 'ns' ? (logical.unit === 'ms' ? 7 : 8) : undefined;
    case 'timestamp':
      return logical.utc && logical.unit !== 'ns' ? (logical.unit === 'ms' ? 9 : 10) : undefined;
    case 'integer':
      return (logical.signed ? 15 : 11) + Math.log2(logical.bitWidth) - 3;
    default:
      return undefined;
  }
}

const UNIT_FIELD = { ms: 1, us: 2, ns: 3 } as const;

function writeLogical(writer: CompactWriter, logical: LogicalType): void {
  const empty = (id: number): void => writer.struct(id, () => undefined);
  switch (logical.kind) {
    case 'string':
      return empty(1);
    case 'decimal':
      return writer.struct(5, () => {
        writer.i32(1, logical.scale);
        writer.i32(2, logical.precision);
      });
    case 'date':
      return empty(6);
    case 'time':
    case 'timestamp':
      return writer.struct(logical.kind === 'time' ? 7 : 8, () => {
        writer.bool(1, logical.utc);
        writer.struct(2, () => empty(UNIT_FIELD[logical.unit]));
      });
    case 'integer':
      return writer.struct(10, () => {
        writer.i8(1, logical.bitWidth);
        writer.bool(2, logical.signed);
      });
    case 'null':
      return empty(11);
    case 'float16':
      return empty(15);
    default:
  }
}

function writeRowGroup(
  writer: CompactWriter,
  specs: readonly ColumnSpec[],
  group: WrittenRowGroup,
  ordinal: number,
): void {
  const { columns } = group;
  writer.structs(1, columns, (column, index) => {
    if (column.filePath !== undefined) writer.text(1, column.filePath);
    writer.i64(2, 0);
    writer.struct(3, () => writeColumn(writer, specs[index], column));
  });
  writer.i64(
    2,
    columns.reduce((sum, column) => sum + column.uncompressedByteLength, 0),
  );
  writer.i64(3, group.rowCount);
  if (columns.length > 0) writer.i64(5, columns[0].offset);
  writer.i64(
    6,
    columns.reduce((sum, column) => sum + column.byteLength, 0),
  );
  if (ordinal < 32768) writer.i16(7, ordinal);
}

function writeColumn(writer: CompactWriter, spec: ColumnSpec, column: WrittenColumn): void {
  writer.i32(1, spec.physical);
  writer.i32s(2, column.encodings);
  writer.texts(3, [spec.name]);
  writer.i32(4, column.codec);
  writer.i64(5, column.valueCount);
  writer.i64(6, column.uncompressedByteLength);
  writer.i64(7, column.byteLength);
  writer.i64(9, column.offset);
  const { min, max } = column;
  writer.struct(12, () => {
    writer.i64(3, column.nullCount);
    if (max && min) {
      writer.binary(5, max);
      writer.binary(6, min);
    }
  });
}
