import {
  Bool,
  type DataType,
  Field,
  FixedSizeList,
  Float32,
  Float64,
  Int16,
  Int32,
  Int64,
  Int8,
  Uint16,
  Uint32,
  Uint64,
  Uint8,
  Utf8,
} from 'apache-arrow';
import { declaredMetadata } from '../declared/declared-column.js';
import { fitsInvalid } from './fault.js';
import type { FitsHeader } from './header.js';

/** TFORM letters and their bytes (FITS standard 4.0, table 18). */
const WIDTHS: Readonly<Record<string, number>> = {
  L: 1,
  X: 1,
  B: 1,
  I: 2,
  J: 4,
  K: 8,
  A: 1,
  E: 4,
  D: 8,
  C: 8,
  M: 16,
  P: 8,
  Q: 16,
};
const NOT_READ: Readonly<Record<string, string>> = {
  X: 'holds bits',
  C: 'holds complex numbers',
  M: 'holds complex numbers',
  P: 'holds arrays of varying length',
  Q: 'holds arrays of varying length',
};

/** A column of a binary table. */
export interface FitsColumn {
  readonly field: Field;
  /** Where its bytes begin in a row. */
  readonly offset: number;
  /** Letter of TFORM. */
  readonly form: string;
  /** Elements of a row; characters of a text. */
  readonly repeat: number;
  /** Of one element. */
  readonly type: DataType;
  /** Whole numbers that mean no value. */
  readonly nullValue: bigint | undefined;
  /** The value is raw * scale + zero; undefined where the type says it already. */
  readonly scaling: { readonly scale: number; readonly zero: number } | undefined;
  /** Why it cannot be read; empty when it can. */
  readonly obstacle: string;
}

/** The columns of a binary table, as its header describes them. */
export function fitsColumns(header: FitsHeader, rowBytes: number, where: string): FitsColumn[] {
  const count = header.count('TFIELDS');
  if (count > 999) throw fitsInvalid(where, `TFIELDS is ${count}, must be at most 999`);
  let offset = 0;
  const columns = Array.from({ length: count }, (_, index) => {
    const column = readColumn(header, index + 1, offset, where);
    offset += column.bytes;
    return column;
  });
  if (offset !== rowBytes) throw fitsInvalid(where, `its columns take ${offset} bytes a row, NAXIS1 says ${rowBytes}`);
  return columns;
}

function readColumn(
  header: FitsHeader,
  number: number,
  offset: number,
  where: string,
): FitsColumn & { readonly bytes: number } {
  const tform = header.text(`TFORM${number}`) ?? '';
  const [, count, form, rest] = /^(\d{0,9})([LXBIJKAEDCMPQ])(.*)$/.exec(tform) ?? [];
  if (form === undefined) throw fitsInvalid(where, `TFORM${number} is '${tform}', which is no format of a column`);
  const repeat = count === '' ? 1 : Number(count);
  const [scale, zero] = [header.number(`TSCAL${number}`, 1), header.number(`TZERO${number}`, 0)];
  const { type, scaling } = elementType(form, scale, zero);
  const nested = form === 'A' ? rest !== '' || header.text(`TDIM${number}`) !== undefined : repeat === 0;
  const obstacle = NOT_READ[form] ?? (nested ? (form === 'A' ? 'holds arrays of texts' : 'holds no values') : '');
  const isList = form !== 'A' && repeat !== 1 && obstacle === '';
  const name = header.text(`TTYPE${number}`) ?? '';
  const metadata = declaredMetadata({
    unit: header.text(`TUNIT${number}`),
    // Of TOPCAT and STILTS.
    ucd: header.text(`TUCD${number}`),
    description: header.text(`TCOMM${number}`),
  });
  const all = isList ? new FixedSizeList(repeat, new Field('item', type, true)) : type;
  return {
    field: new Field(name === '' ? `col${number}` : name, all, true, metadata),
    offset,
    form,
    repeat,
    type,
    nullValue: nullValue(header.text(`TNULL${number}`), form, number, where),
    scaling,
    obstacle,
    bytes: form === 'X' ? Math.ceil(repeat / 8) : repeat * WIDTHS[form],
  };
}

function elementType(form: string, scale: number, zero: number): Pick<FitsColumn, 'type' | 'scaling'> {
  if (form === 'L') return { type: new Bool(), scaling: undefined };
  if (form === 'A' || !'BIJKED'.includes(form)) return { type: new Utf8(), scaling: undefined };
  const plain: Readonly<Record<string, DataType>> = {
    B: new Uint8(),
    I: new Int16(),
    J: new Int32(),
    K: new Int64(),
    E: new Float32(),
    D: new Float64(),
  };
  if (scale === 1 && zero === 0) return { type: plain[form], scaling: undefined };
  // The other sign is written with an offset of half the range (section 5.2.5 of the standard).
  const other: Readonly<Record<string, readonly [number, DataType]>> = {
    B: [-128, new Int8()],
    I: [2 ** 15, new Uint16()],
    J: [2 ** 31, new Uint32()],
    K: [2 ** 63, new Uint64()],
  };
  if (scale === 1 && other[form]?.[0] === zero) return { type: other[form][1], scaling: undefined };
  return { type: new Float64(), scaling: { scale, zero } };
}

function nullValue(text: string | undefined, form: string, number: number, where: string): bigint | undefined {
  if (text === undefined || !'BIJK'.includes(form)) return undefined;
  if (/^[+-]?\d{1,20}$/.test(text)) return BigInt(text);
  throw fitsInvalid(where, `TNULL${number} is '${text}', must be a whole number`);
}
