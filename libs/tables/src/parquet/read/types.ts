import {
  Binary,
  Bool,
  DataType,
  DateDay,
  Decimal,
  Field,
  FixedSizeBinary,
  Float16,
  Float32,
  Float64,
  Int16,
  Int32,
  Int64,
  Int8,
  List,
  Null,
  Struct,
  TimeMicrosecond,
  TimeMillisecond,
  TimeNanosecond,
  TimestampMicrosecond,
  TimestampMillisecond,
  TimestampNanosecond,
  Uint16,
  Uint32,
  Uint64,
  Uint8,
  Utf8,
} from 'apache-arrow';
import { ParquetFault, unsupported } from '../format/fault.js';
import type { Layout, Leaf } from '../format/leaf.js';
import { type LogicalType, Physical, Repetition } from '../format/metadata.js';
import { type SchemaNode, typeName } from '../format/tree.js';

export interface LeafType {
  readonly type: DataType;
  readonly layout: Layout;
}

/** A column at the top of the schema: how to decode it, or why that is not done. */
export interface TopColumn {
  readonly field: Field;
  readonly leaf: Leaf | undefined;
  readonly leafIndex: number;
  /** "is nested (list)": why it cannot be read, where there is no leaf. */
  readonly obstacle: string;
}

export function topColumn(node: SchemaNode, metadata?: Map<string, string>): TopColumn {
  const { element, path, name, maxDefinition, maxRepetition, leafIndex } = node;
  const nullable = element.repetition !== Repetition.required;
  const unreadable = (type: DataType, obstacle: string): TopColumn => ({
    field: new Field(name, type, nullable, metadata),
    leaf: undefined,
    leafIndex,
    obstacle,
  });
  if (leafIndex < 0 || maxRepetition > 0) return unreadable(nestedType(node), `is nested (${nestedKind(node)})`);
  try {
    const { type, layout } = leafType(node);
    const leaf: Leaf = {
      name,
      path,
      physical: element.physical as number,
      typeLength: element.typeLength,
      maxDefinition,
      maxRepetition,
      layout,
    };
    return { field: new Field(name, type, nullable, metadata), leaf, leafIndex, obstacle: '' };
  } catch (error) {
    if (!(error instanceof ParquetFault)) throw error;
    return unreadable(new Binary(), error.detail);
  }
}

function nestedKind({ element, maxRepetition }: SchemaNode): string {
  const kind = element.logical?.kind;
  return kind === 'list' || kind === 'map' ? kind : maxRepetition > 0 ? 'list' : 'struct';
}

/** The Arrow type of a nested column, so that the schema can name it. */
function nestedType(node: SchemaNode): DataType {
  const { element, children, leafIndex } = node;
  const fieldOf = (child: SchemaNode): Field =>
    new Field(child.name, nestedType(child), child.element.repetition !== Repetition.required);
  const [only] = children;
  const isList =
    element.logical?.kind === 'list' && children.length === 1 && only.element.repetition === Repetition.repeated;
  // A list of three levels has its element inside the repeated group.
  const inner = isList && only.children.length === 1 ? new List(fieldOf(only.children[0])) : undefined;
  const own = inner ?? (leafIndex >= 0 ? topLeafType(node) : new Struct(children.map(fieldOf)));
  return element.repetition === Repetition.repeated ? new List(new Field('element', own, false)) : own;
}

function topLeafType(node: SchemaNode): DataType {
  try {
    return leafType(node).type;
  } catch (error) {
    if (error instanceof ParquetFault) return new Binary();
    throw error;
  }
}

function leafType(node: SchemaNode): LeafType {
  const { physical, logical, typeLength } = node.element;
  const fixed = (type: DataType, byteWidth: number): LeafType => ({
    type,
    layout: { kind: 'fixed', byteWidth, convert: 'none' },
  });
  const narrow = (type: DataType, byteWidth: number): LeafType => ({
    type,
    layout: { kind: 'fixed', byteWidth, convert: 'narrow' },
  });
  switch (physical) {
    case Physical.boolean:
      return { type: new Bool(), layout: { kind: 'bits' } };
    case Physical.int96:
      return { type: new TimestampNanosecond(), layout: { kind: 'fixed', byteWidth: 8, convert: 'int96' } };
    case Physical.float:
      return fixed(new Float32(), 4);
    case Physical.double:
      return fixed(new Float64(), 8);
    case Physical.byteArray: {
      if (logical?.kind === 'decimal') throw unsupported('holds decimals of varying length (BYTE_ARRAY)');
      const utf8 = logical?.kind === 'string' || logical?.kind === 'enum' || logical?.kind === 'json';
      return { type: utf8 ? new Utf8() : new Binary(), layout: { kind: 'variable', utf8 } };
    }
    case Physical.fixed:
      if (logical?.kind === 'decimal') return decimal(logical, typeLength);
      if (logical?.kind === 'float16' && typeLength === 2) return fixed(new Float16(), 2);
      return fixed(new FixedSizeBinary(typeLength), typeLength);
    default:
  }
  const wide = physical === Physical.int64;
  switch (logical?.kind) {
    case undefined:
      return wide ? fixed(new Int64(), 8) : fixed(new Int32(), 4);
    case 'integer': {
      const { bitWidth, signed } = logical;
      if (wide && bitWidth === 64) return fixed(signed ? new Int64() : new Uint64(), 8);
      if (!wide && bitWidth === 32) return fixed(signed ? new Int32() : new Uint32(), 4);
      if (!wide && bitWidth === 16) return narrow(signed ? new Int16() : new Uint16(), 2);
      if (!wide && bitWidth === 8) return narrow(signed ? new Int8() : new Uint8(), 1);
      break;
    }
    case 'decimal':
      return decimal(logical, wide ? 8 : 4);
    case 'date':
      if (!wide) return fixed(new DateDay(), 4);
      break;
    case 'time':
      if (!wide && logical.unit === 'ms') return fixed(new TimeMillisecond(), 4);
      if (wide && logical.unit === 'us') return fixed(new TimeMicrosecond(), 8);
      if (wide && logical.unit === 'ns') return fixed(new TimeNanosecond(), 8);
      break;
    case 'timestamp':
      if (wide) return fixed(timestamp(logical.unit, logical.utc), 8);
      break;
    case 'null':
      return { type: new Null(), layout: { kind: 'fixed', byteWidth: wide ? 8 : 4, convert: 'none' } };
    default:
  }
  throw new ParquetFault(`has types that do not go together (${typeName(node)})`);
}

function timestamp(unit: 'ms' | 'us' | 'ns', utc: boolean): DataType {
  const zone = utc ? 'UTC' : undefined;
  switch (unit) {
    case 'ms':
      return new TimestampMillisecond(zone);
    case 'us':
      return new TimestampMicrosecond(zone);
    case 'ns':
      return new TimestampNanosecond(zone);
  }
}

function decimal(logical: LogicalType & { kind: 'decimal' }, stride: number): LeafType {
  const { precision, scale } = logical;
  if (!(precision > 0 && precision <= 76 && scale >= 0 && scale <= precision && stride <= 32)) {
    throw unsupported(`is decimal(${precision}, ${scale}) in ${stride} bytes`);
  }
  const bitWidth = precision > 38 || stride > 16 ? 256 : 128;
  return {
    type: new Decimal(scale, precision, bitWidth),
    layout: { kind: 'fixed', byteWidth: bitWidth / 8, convert: 'decimal' },
  };
}
