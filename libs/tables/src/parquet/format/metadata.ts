import { CompactReader } from './compact.js';
import { ParquetFault, unsupported } from './fault.js';

// Names and numbers of parquet.thrift (Apache Parquet format 2.11).

export const Physical = {
  boolean: 0,
  int32: 1,
  int64: 2,
  int96: 3,
  float: 4,
  double: 5,
  byteArray: 6,
  fixed: 7,
} as const;
export const PHYSICAL_NAMES = [
  'BOOLEAN',
  'INT32',
  'INT64',
  'INT96',
  'FLOAT',
  'DOUBLE',
  'BYTE_ARRAY',
  'FIXED_LEN_BYTE_ARRAY',
];

export const Codec = {
  uncompressed: 0,
  snappy: 1,
  gzip: 2,
  lzo: 3,
  brotli: 4,
  lz4Hadoop: 5,
  zstd: 6,
  lz4Raw: 7,
} as const;
export const CODEC_NAMES = ['UNCOMPRESSED', 'SNAPPY', 'GZIP', 'LZO', 'BROTLI', 'LZ4', 'ZSTD', 'LZ4_RAW'];

export const Encoding = {
  plain: 0,
  plainDictionary: 2,
  rle: 3,
  bitPacked: 4,
  deltaBinaryPacked: 5,
  deltaLengthByteArray: 6,
  deltaByteArray: 7,
  rleDictionary: 8,
  byteStreamSplit: 9,
} as const;

export const PageKind = { data: 0, index: 1, dictionary: 2, dataV2: 3 } as const;
export const Repetition = { required: 0, optional: 1, repeated: 2 } as const;
export type TimeUnitName = 'ms' | 'us' | 'ns';

export type LogicalType =
  | {
      readonly kind:
        'string' | 'map' | 'list' | 'enum' | 'date' | 'null' | 'json' | 'bson' | 'uuid' | 'float16' | 'interval';
    }
  | { readonly kind: 'decimal'; readonly scale: number; readonly precision: number }
  | { readonly kind: 'time' | 'timestamp'; readonly utc: boolean; readonly unit: TimeUnitName }
  | { readonly kind: 'integer'; readonly bitWidth: number; readonly signed: boolean }
  | { readonly kind: 'other'; readonly id: number };

export interface SchemaElement {
  readonly name: string;
  readonly physical: number | undefined;
  readonly typeLength: number;
  readonly repetition: number;
  readonly childCount: number;
  readonly logical: LogicalType | undefined;
}

/** Where and how one column of one row group lies in the file. */
export interface ColumnChunk {
  readonly path: readonly string[];
  /** Number of its row group in the file, from 0. */
  readonly rowGroup: number;
  /** The file that it lies in, where that is another one than the file of the metadata. */
  readonly filePath?: string;
  readonly physical: number;
  readonly codec: number;
  /** Values with nulls. */
  readonly valueCount: number;
  /** First byte (dictionary page if there is one) and length in the file. */
  readonly offset: number;
  readonly byteLength: number;
  readonly uncompressedByteLength: number;
  /** Smallest and largest value of a column of floating point numbers, where the file says so. */
  readonly bounds?: ValueBounds;
  /** The same of a column of 64-bit integers. */
  readonly integerBounds?: IntegerBounds;
}

export interface IntegerBounds {
  readonly least: bigint;
  readonly most: bigint;
}

export interface ValueBounds {
  readonly least: number;
  readonly most: number;
}

export interface RowGroup {
  readonly rowCount: number;
  readonly columns: readonly ColumnChunk[];
}

export interface FileMetadata {
  readonly schema: readonly SchemaElement[];
  readonly rowCount: number;
  readonly rowGroups: readonly RowGroup[];
  readonly keyValues: ReadonlyMap<string, string>;
  readonly createdBy: string | undefined;
}

/** Decodes the footer; nothing is believed yet about offsets (see `checkLayout`). */
export function readMetadata(bytes: Uint8Array): FileMetadata {
  const reader = new CompactReader(bytes);
  const schema: SchemaElement[] = [];
  const rowGroups: RowGroup[] = [];
  const keyValues = new Map<string, string>();
  let rowCount = -1;
  let createdBy: string | undefined;
  reader.struct((id) => {
    if (id === 2) reader.list(() => (schema.push(readSchemaElement(reader)), true));
    else if (id === 3) rowCount = reader.size('the number of rows');
    else if (id === 4) reader.list(() => (rowGroups.push(readRowGroup(reader, rowGroups.length)), true));
    else if (id === 5) reader.list(() => (readKeyValue(reader, keyValues), true));
    else if (id === 6) createdBy = reader.text();
    else if (id === 8) throw unsupported('the file is encrypted; decrypt it first');
    else return false;
    return true;
  });
  if (schema.length === 0) throw new ParquetFault('the metadata has no schema');
  if (rowCount < 0) throw new ParquetFault('the metadata has no row count');
  return { schema, rowCount, rowGroups, keyValues, createdBy };
}

function readKeyValue(reader: CompactReader, into: Map<string, string>): void {
  let key = '';
  let value = '';
  reader.struct((id) => {
    if (id === 1) key = reader.text();
    else if (id === 2) value = reader.text();
    else return false;
    return true;
  });
  into.set(key, value);
}

function readSchemaElement(reader: CompactReader): SchemaElement {
  let physical: number | undefined;
  let typeLength = 0;
  let repetition: number = Repetition.required;
  let name = '';
  let childCount = 0;
  let converted: number | undefined;
  let scale = 0;
  let precision = 0;
  let logical: LogicalType | undefined;
  reader.struct((id) => {
    if (id === 1) physical = reader.integer();
    else if (id === 2) typeLength = reader.size('a type length');
    else if (id === 3) repetition = reader.integer();
    else if (id === 4) name = reader.text();
    else if (id === 5) childCount = reader.size('a number of children');
    else if (id === 6) converted = reader.integer();
    else if (id === 7) scale = reader.integer();
    else if (id === 8) precision = reader.integer();
    else if (id === 10) logical = readLogicalType(reader);
    else return false;
    return true;
  });
  logical ??= convertedType(converted, scale, precision);
  return { name, physical, typeLength, repetition, childCount, logical };
}

function readLogicalType(reader: CompactReader): LogicalType | undefined {
  let result: LogicalType | undefined;
  reader.struct((id, wire) => {
    const simple = SIMPLE_LOGICAL[id];
    if (simple !== undefined) result = { kind: simple };
    else if (id === 5) return ((result = readDecimal(reader)), true);
    else if (id === 7) return ((result = readTime(reader, 'time')), true);
    else if (id === 8) return ((result = readTime(reader, 'timestamp')), true);
    else if (id === 10) return ((result = readInteger(reader)), true);
    else result = { kind: 'other', id };
    reader.skip(wire);
    return true;
  });
  return result;
}

const SIMPLE_LOGICAL: Readonly<
  Record<number, 'string' | 'map' | 'list' | 'enum' | 'date' | 'null' | 'json' | 'bson' | 'uuid' | 'float16'>
> = {
  1: 'string',
  2: 'map',
  3: 'list',
  4: 'enum',
  6: 'date',
  11: 'null',
  12: 'json',
  13: 'bson',
  14: 'uuid',
  15: 'float16',
};

function readDecimal(reader: CompactReader): LogicalType {
  let scale = 0;
  let precision = 0;
  reader.struct((id) => {
    if (id === 1) scale = reader.integer();
    else if (id === 2) precision = reader.integer();
    else return false;
    return true;
  });
  return { kind: 'decimal', scale, precision };
}

function readTime(reader: CompactReader, kind: 'time' | 'timestamp'): LogicalType {
  let utc = false;
  let unit: TimeUnitName = 'us';
  reader.struct((id, wire) => {
    if (id === 1) utc = wire === 1;
    else if (id === 2) reader.struct((unitId) => ((unit = unitId === 1 ? 'ms' : unitId === 2 ? 'us' : 'ns'), false));
    else return false;
    return true;
  });
  return { kind, utc, unit };
}

function readInteger(reader: CompactReader): LogicalType {
  let bitWidth = 32;
  let signed = true;
  reader.struct((id, wire) => {
    if (id === 1) bitWidth = reader.byte();
    else if (id === 2) signed = wire === 1;
    else return false;
    return true;
  });
  return { kind: 'integer', bitWidth, signed };
}

/** The older ConvertedType as a logical type. */
function convertedType(id: number | undefined, scale: number, precision: number): LogicalType | undefined {
  switch (id) {
    case 0:
      return { kind: 'string' };
    case 1:
    case 2:
      return { kind: 'map' };
    case 3:
      return { kind: 'list' };
    case 4:
      return { kind: 'enum' };
    case 5:
      return { kind: 'decimal', scale, precision };
    case 6:
      return { kind: 'date' };
    case 7:
      return { kind: 'time', utc: true, unit: 'ms' };
    case 8:
      return { kind: 'time', utc: true, unit: 'us' };
    case 9:
      return { kind: 'timestamp', utc: true, unit: 'ms' };
    case 10:
      return { kind: 'timestamp', utc: true, unit: 'us' };
    case 11:
    case 12:
    case 13:
    case 14:
      return { kind: 'integer', bitWidth: 8 << (id - 11), signed: false };
    case 15:
    case 16:
    case 17:
    case 18:
      return { kind: 'integer', bitWidth: 8 << (id - 15), signed: true };
    case 19:
      return { kind: 'json' };
    case 20:
      return { kind: 'bson' };
    case 21:
      return { kind: 'interval' };
    default:
      return undefined;
  }
}

function readRowGroup(reader: CompactReader, rowGroup: number): RowGroup {
  const columns: ColumnChunk[] = [];
  let rowCount = -1;
  reader.struct((id) => {
    if (id === 1) reader.list(() => (columns.push(readColumnChunk(reader, rowGroup)), true));
    else if (id === 3) rowCount = reader.size('the number of rows of a row group');
    else return false;
    return true;
  });
  if (rowCount < 0) throw new ParquetFault('a row group has no row count');
  return { rowCount, columns };
}

function readColumnChunk(reader: CompactReader, rowGroup: number): ColumnChunk {
  let chunk: ColumnChunk | undefined;
  let filePath: string | undefined;
  reader.struct((id) => {
    if (id === 1) filePath = reader.text();
    else if (id === 3) chunk = readColumnMetadata(reader, rowGroup);
    else if (id === 8 || id === 9) throw unsupported('a column is encrypted; decrypt it first');
    else return false;
    return true;
  });
  if (!chunk) throw new ParquetFault('a column chunk has no metadata');
  return filePath === undefined ? chunk : { ...chunk, filePath };
}

function readColumnMetadata(reader: CompactReader, rowGroup: number): ColumnChunk {
  const path: string[] = [];
  let physical = -1;
  let codec = -1;
  let valueCount = -1;
  let byteLength = -1;
  let uncompressedByteLength = 0;
  let dataOffset = -1;
  let dictionaryOffset = 0;
  let statistics: { min?: Uint8Array; max?: Uint8Array } = {};
  reader.struct((id) => {
    if (id === 1) physical = reader.integer();
    else if (id === 3) reader.list(() => (path.push(reader.text()), true));
    else if (id === 4) codec = reader.integer();
    else if (id === 5) valueCount = reader.size('the number of values of a column');
    else if (id === 6) uncompressedByteLength = reader.size('the uncompressed length of a column');
    else if (id === 7) byteLength = reader.size('the length of a column');
    else if (id === 9) dataOffset = reader.size('the offset of a column');
    else if (id === 11) dictionaryOffset = reader.size('the offset of a dictionary');
    else if (id === 12) statistics = readStatistics(reader);
    else return false;
    return true;
  });
  if (physical < 0 || codec < 0 || valueCount < 0 || byteLength < 0 || dataOffset < 0) {
    throw new ParquetFault(`the metadata of column '${path.join('.')}' is incomplete`);
  }
  // Some writers put 0 or a later place for "no dictionary".
  const offset = dictionaryOffset > 0 && dictionaryOffset < dataOffset ? dictionaryOffset : dataOffset;
  const bounds = floatBounds(physical, statistics);
  const integerBounds = physical === Physical.int64 ? int64Bounds(statistics) : undefined;
  return {
    path,
    rowGroup,
    physical,
    codec,
    valueCount,
    offset,
    byteLength,
    uncompressedByteLength,
    ...(bounds && { bounds }),
    ...(integerBounds && { integerBounds }),
  };
}

/** The bounds whose order is defined; those of older writers (fields 1 and 2) are passed over. */
function readStatistics(reader: CompactReader): { min?: Uint8Array; max?: Uint8Array } {
  const found: { min?: Uint8Array; max?: Uint8Array } = {};
  reader.struct((id) => {
    if (id === 5) found.max = reader.binary();
    else if (id === 6) found.min = reader.binary();
    else return false;
    return true;
  });
  return found;
}

/** NaN is no bound, and bounds in the wrong order are none (Apache Parquet format 2.11, ColumnOrder). */
function floatBounds(physical: number, { min, max }: { min?: Uint8Array; max?: Uint8Array }): ValueBounds | undefined {
  const width = physical === Physical.double ? 8 : physical === Physical.float ? 4 : 0;
  if (width === 0 || min?.length !== width || max?.length !== width) return undefined;
  const [least, most] = [min, max].map((bytes) => {
    const view = new DataView(bytes.buffer, bytes.byteOffset, width);
    return width === 8 ? view.getFloat64(0, true) : view.getFloat32(0, true);
  });
  return least <= most ? { least, most } : undefined;
}

function int64Bounds({ min, max }: { min?: Uint8Array; max?: Uint8Array }): IntegerBounds | undefined {
  if (min?.length !== 8 || max?.length !== 8) return undefined;
  const [least, most] = [min, max].map(({ buffer, byteOffset }) =>
    new DataView(buffer, byteOffset).getBigInt64(0, true),
  );
  return { least, most };
}
