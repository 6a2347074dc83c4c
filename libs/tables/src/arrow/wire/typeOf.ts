import { fail } from '@armilla/base';
import {
  Binary,
  Bool,
  type DataType,
  Date_,
  DateUnit,
  Decimal,
  Duration,
  Field,
  FixedSizeBinary,
  FixedSizeList,
  Float,
  Int,
  Int16,
  Int32,
  Int64,
  Int8,
  Interval,
  IntervalUnit,
  List,
  Map_,
  Null,
  Precision,
  Struct,
  Time,
  Timestamp,
  TimeUnit,
  Uint16,
  Uint32,
  Uint64,
  Uint8,
  Union,
  UnionMode,
  Utf8,
} from 'apache-arrow';
import type { FlatTable } from './flatTable.js';
import type { Layout, WireField } from './layout.js';

/** Names of the `Type` union of Schema.fbs, by tag. */
const TYPE_NAMES = [
  'none',
  'null',
  'int',
  'float',
  'binary',
  'utf8',
  'bool',
  'decimal',
  'date',
  'time',
  'timestamp',
  'interval',
  'list',
  'struct',
  'union',
  'fixed_size_binary',
  'fixed_size_list',
  'map',
  'duration',
  'large_binary',
  'large_utf8',
  'large_list',
  'run_end_encoded',
  'binary_view',
  'utf8_view',
  'list_view',
  'large_list_view',
];

/** Bytes or values that one row of a fixed-size type may have: a row of nulls takes as much as any other. */
const WIDTH_LIMIT = 2 ** 20;

export interface TypeOfField {
  readonly layout: Layout;
  readonly type: DataType;
}

const fixed = (byteWidth: number, type: DataType): TypeOfField => ({
  layout: { kind: 'fixed', byteWidth, sourceByteWidth: byteWidth },
  type,
});

/**
 * Layout and handed-on type for tag `tag` of the `Type` union with its parameters in `table`.
 * @throws ARROW_TYPE_UNSUPPORTED with column and type; ARROW_INVALID for parameters that make no sense.
 */
export function typeOf(tag: number, table: FlatTable, children: readonly WireField[], path: string): TypeOfField {
  const { flat } = table;
  const name = TYPE_NAMES[tag] ?? `number ${tag}`;
  const unsupported = (type: string) => fail('ARROW_TYPE_UNSUPPORTED', { where: flat.where, column: path, type });
  const invalid = (detail: string) => flat.bad(`column '${path}' of type ${name} ${detail}`);
  const tooWide = (got: string) =>
    fail('ARROW_LIMIT', { where: flat.where, detail: `${got} per row in column '${path}', over ${WIDTH_LIMIT}` });
  const childFields = (count: number): Field[] => {
    if (children.length !== count) throw invalid(`has ${children.length} children, needs ${count}`);
    return children.map(fieldOf);
  };
  const only = (): Field => childFields(1)[0];

  switch (name) {
    case 'null':
      return { layout: { kind: 'null' }, type: new Null() };
    case 'bool':
      return { layout: { kind: 'bool' }, type: new Bool() };
    case 'int': {
      const bitWidth = table.int32(0);
      const type = intType(bitWidth, table.uint8(1) !== 0);
      if (!type) throw unsupported(`int with ${bitWidth} bits`);
      return fixed(bitWidth / 8, type);
    }
    case 'float': {
      const precision = table.int16(0);
      if (precision < 0 || precision > 2) throw unsupported(`float of precision ${precision}`);
      return fixed(2 << precision, new Float(precision as Precision));
    }
    case 'decimal': {
      const precision = table.int32(0);
      const scale = table.int32(1);
      const bitWidth = table.int32(2, 128);
      const digits = { 32: 9, 64: 18, 128: 38, 256: 76 }[bitWidth];
      if (digits === undefined) throw unsupported(`decimal with ${bitWidth} bits`);
      if (precision < 1 || precision > digits) throw invalid(`has precision ${precision}, must be 1 to ${digits}`);
      const width = Math.max(bitWidth, 128);
      return {
        layout: { kind: 'fixed', byteWidth: width / 8, sourceByteWidth: bitWidth / 8 },
        type: new Decimal(scale, precision, width),
      };
    }
    case 'date': {
      const unit = table.int16(0, DateUnit.MILLISECOND);
      if (unit !== DateUnit.DAY && unit !== DateUnit.MILLISECOND) throw unsupported(`date of unit ${unit}`);
      return fixed(unit === DateUnit.DAY ? 4 : 8, new Date_(unit));
    }
    case 'time': {
      const unit = table.int16(0, TimeUnit.MILLISECOND);
      const bitWidth = table.int32(1, 32);
      const expected = unit === TimeUnit.SECOND || unit === TimeUnit.MILLISECOND ? 32 : 64;
      if (unit < 0 || unit > 3 || bitWidth !== expected)
        throw unsupported(`time of unit ${unit} with ${bitWidth} bits`);
      return fixed(bitWidth / 8, new Time(unit as TimeUnit, expected));
    }
    case 'timestamp': {
      const unit = table.int16(0);
      if (unit < 0 || unit > 3) throw unsupported(`timestamp of unit ${unit}`);
      return fixed(8, new Timestamp(unit as TimeUnit, table.has(1) ? table.string(1, 'time zone') : null));
    }
    case 'duration': {
      const unit = table.int16(0, TimeUnit.MILLISECOND);
      if (unit < 0 || unit > 3) throw unsupported(`duration of unit ${unit}`);
      return fixed(8, new Duration(unit as TimeUnit));
    }
    case 'interval': {
      const unit = table.int16(0);
      if (unit < 0 || unit > 2) throw unsupported(`interval of unit ${unit}`);
      return fixed([4, 8, 16][unit], new Interval(unit as IntervalUnit));
    }
    case 'fixed_size_binary': {
      const byteWidth = table.int32(0);
      if (byteWidth < 0) throw invalid(`has a width of ${byteWidth} bytes`);
      if (byteWidth > WIDTH_LIMIT) throw tooWide(`${byteWidth} bytes`);
      return fixed(byteWidth, new FixedSizeBinary(byteWidth));
    }
    case 'utf8':
    case 'large_utf8':
      return { layout: { kind: 'bytes', utf8: true, large: name === 'large_utf8' }, type: new Utf8() };
    case 'binary':
    case 'large_binary':
      return { layout: { kind: 'bytes', utf8: false, large: name === 'large_binary' }, type: new Binary() };
    case 'utf8_view':
      return { layout: { kind: 'view', utf8: true }, type: new Utf8() };
    case 'binary_view':
      return { layout: { kind: 'view', utf8: false }, type: new Binary() };
    case 'list':
    case 'large_list':
      return { layout: { kind: 'list', large: name === 'large_list' }, type: new List(only()) };
    case 'list_view':
    case 'large_list_view':
      return { layout: { kind: 'listView', large: name === 'large_list_view' }, type: new List(only()) };
    case 'fixed_size_list': {
      const listSize = table.int32(0);
      if (listSize < 0) throw invalid(`has a size of ${listSize}`);
      if (listSize > WIDTH_LIMIT) throw tooWide(`${listSize} values`);
      return { layout: { kind: 'fixedSizeList', listSize }, type: new FixedSizeList(listSize, only()) };
    }
    case 'map': {
      const entries = only();
      if (children[0].layout.kind !== 'struct' || children[0].children.length !== 2)
        throw invalid('needs entries of key and value');
      return { layout: { kind: 'list', large: false }, type: new Map_(entries as Field<Struct>, table.uint8(0) !== 0) };
    }
    case 'struct':
      return { layout: { kind: 'struct' }, type: new Struct(children.map(fieldOf)) };
    case 'union': {
      const mode = table.int16(0);
      if (mode !== UnionMode.Sparse && mode !== UnionMode.Dense) throw unsupported(`union of mode ${mode}`);
      const ids = table.vector(1, 4, 'union type ids');
      const typeIds = children.map((_, i) => i);
      if (table.has(1)) {
        if (ids.length !== children.length) throw invalid(`has ${ids.length} type ids for ${children.length} children`);
        for (let i = 0; i < ids.length; i++) typeIds[i] = flat.view.getInt32(ids.at + 4 * i, true);
      }
      if (typeIds.some((id) => id < 0 || id > 127) || new Set(typeIds).size !== typeIds.length)
        throw invalid(`has type ids ${typeIds.join(', ')}`);
      return {
        layout: { kind: 'union', dense: mode === UnionMode.Dense, typeIds },
        type: new Union(mode, typeIds, children.map(fieldOf)),
      };
    }
    case 'run_end_encoded': {
      childFields(2);
      const [ends, values] = children;
      const width =
        ends.layout.kind === 'fixed' && ends.type instanceof Int && ends.type.isSigned ? ends.layout.byteWidth : 0;
      if (width < 2) throw invalid('needs run ends of 16, 32 or 64 signed bits');
      return { layout: { kind: 'runEnd' }, type: values.type };
    }
    default:
      throw unsupported(name);
  }
}

export function fieldOf(field: WireField): Field {
  return new Field(field.name, field.type, field.nullable, field.metadata);
}

export function intType(bitWidth: number, signed: boolean): Int | undefined {
  switch (bitWidth) {
    case 8:
      return signed ? new Int8() : new Uint8();
    case 16:
      return signed ? new Int16() : new Uint16();
    case 32:
      return signed ? new Int32() : new Uint32();
    case 64:
      return signed ? new Int64() : new Uint64();
    default:
      return undefined;
  }
}
