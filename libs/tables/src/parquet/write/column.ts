import {
  DataType,
  DateUnit,
  type Decimal,
  type Field,
  type FixedSizeBinary,
  Precision,
  type Timestamp,
  TimeUnit,
  Type,
} from 'apache-arrow';
import { fail } from '@armilla/base';
import { type LogicalType, Physical } from '../format/metadata.js';

/** What happens to Arrow values before they are stored. */
export type Conversion =
  'none' | 'int8' | 'uint8' | 'int16' | 'uint16' | 'seconds32' | 'seconds64' | 'milliseconds' | 'bigEndian';

/** How a column is written; crosses threads. */
export interface ColumnSpec {
  readonly name: string;
  readonly nullable: boolean;
  readonly physical: number;
  /** Bytes of a stored value of FIXED_LEN_BYTE_ARRAY. */
  readonly typeLength: number;
  readonly logical: LogicalType | undefined;
  readonly conversion: Conversion;
  /** Bytes of an Arrow value; 0 for bits and byte strings. */
  readonly byteWidth: number;
  /** Unsigned comparison in the statistics. */
  readonly unsigned: boolean;
}

/** A run of rows of one column, as its Arrow buffers; crosses threads. */
export interface ColumnPiece {
  readonly length: number;
  readonly nullCount: number;
  /** Bitmap whose bit `bitOffset` is the first row; undefined when there is no null. */
  readonly validity: Uint8Array | undefined;
  readonly bitOffset: number;
  /** Fixed: [length * byteWidth]; bits: bitmap at `bitOffset`; variable: all bytes. */
  readonly values: Uint8Array;
  /** Variable: [length + 1] into `values`. */
  readonly offsets: Int32Array | undefined;
}

interface Mapping {
  readonly physical: number;
  readonly byteWidth: number;
  readonly logical?: LogicalType;
  readonly conversion?: Conversion;
  readonly typeLength?: number;
  readonly unsigned?: boolean;
}

/** The Parquet side of an Arrow field; types that Parquet has no flat form for are refused by name. */
export function columnSpec(field: Field, where: string): ColumnSpec {
  const type: DataType = DataType.isDictionary(field.type) ? field.type.dictionary : field.type;
  const mapping = mappingOf(type);
  if (!mapping) {
    const detail = `column '${field.name}' has type ${String(field.type)}, which is not written to Parquet; cast it or leave it out`;
    throw fail('PARQUET_UNSUPPORTED', { where, detail });
  }
  const { physical, byteWidth, logical, conversion = 'none', typeLength = 0, unsigned = false } = mapping;
  const nullable = field.nullable || logical?.kind === 'null';
  return { name: field.name, nullable, physical, byteWidth, logical, conversion, typeLength, unsigned };
}

function mappingOf(type: DataType): Mapping | undefined {
  const { int32, int64, fixed } = Physical;
  switch (type.typeId as Type) {
    case Type.Null:
      return { physical: int32, byteWidth: 0, logical: { kind: 'null' } };
    case Type.Bool:
      return { physical: Physical.boolean, byteWidth: 0 };
    case Type.Int:
      return integerMapping(type as DataType & { bitWidth: number; isSigned: boolean });
    case Type.Float: {
      const { precision } = type as DataType & { precision: Precision };
      if (precision === Precision.HALF)
        return { physical: fixed, byteWidth: 2, typeLength: 2, logical: { kind: 'float16' } };
      return precision === Precision.SINGLE
        ? { physical: Physical.float, byteWidth: 4 }
        : { physical: Physical.double, byteWidth: 8 };
    }
    case Type.Utf8:
    case Type.LargeUtf8:
      return { physical: Physical.byteArray, byteWidth: 0, logical: { kind: 'string' } };
    case Type.Binary:
    case Type.LargeBinary:
      return { physical: Physical.byteArray, byteWidth: 0 };
    case Type.FixedSizeBinary: {
      const { byteWidth } = type as FixedSizeBinary;
      return { physical: fixed, byteWidth, typeLength: byteWidth };
    }
    case Type.Decimal: {
      const { precision, scale, bitWidth } = type as Decimal;
      const byteWidth = bitWidth / 8;
      return {
        physical: fixed,
        byteWidth,
        typeLength: byteWidth,
        logical: { kind: 'decimal', precision, scale },
        conversion: 'bigEndian',
      };
    }
    case Type.Date: {
      const days = (type as DataType & { unit: DateUnit }).unit === DateUnit.DAY;
      return {
        physical: int32,
        byteWidth: days ? 4 : 8,
        logical: { kind: 'date' },
        conversion: days ? 'none' : 'milliseconds',
      };
    }
    case Type.Time: {
      const { unit } = type as DataType & { unit: TimeUnit };
      const narrow = unit === TimeUnit.SECOND || unit === TimeUnit.MILLISECOND;
      const logical: LogicalType = { kind: 'time', utc: false, unit: unitName(unit) };
      return {
        physical: narrow ? int32 : int64,
        byteWidth: narrow ? 4 : 8,
        logical,
        conversion: unit === TimeUnit.SECOND ? 'seconds32' : 'none',
      };
    }
    case Type.Timestamp: {
      const { unit, timezone } = type as Timestamp;
      const logical: LogicalType = { kind: 'timestamp', utc: Boolean(timezone), unit: unitName(unit) };
      return { physical: int64, byteWidth: 8, logical, conversion: unit === TimeUnit.SECOND ? 'seconds64' : 'none' };
    }
    case Type.Duration:
      return { physical: int64, byteWidth: 8 };
    default:
      return undefined;
  }
}

function integerMapping({ bitWidth, isSigned }: { bitWidth: number; isSigned: boolean }): Mapping {
  const logical: LogicalType | undefined =
    isSigned && bitWidth >= 32 ? undefined : { kind: 'integer', bitWidth, signed: isSigned };
  const conversion: Conversion =
    bitWidth === 8 ? (isSigned ? 'int8' : 'uint8') : bitWidth === 16 ? (isSigned ? 'int16' : 'uint16') : 'none';
  return {
    physical: bitWidth === 64 ? Physical.int64 : Physical.int32,
    byteWidth: bitWidth / 8,
    logical,
    conversion,
    unsigned: !isSigned,
  };
}

function unitName(unit: TimeUnit): 'ms' | 'us' | 'ns' {
  return unit === TimeUnit.NANOSECOND ? 'ns' : unit === TimeUnit.MICROSECOND ? 'us' : 'ms';
}
