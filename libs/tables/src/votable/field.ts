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
  Uint8,
  Utf8,
} from 'apache-arrow';
import { declaredMetadata } from '../declared/declared-column.js';

/** A FIELD of a VOTable as it stands in the document (VOTable 1.4, section 3). */
export interface VotableField {
  readonly name: string;
  readonly datatype: string;
  readonly arraysize: string;
  readonly unit: string | undefined;
  readonly ucd: string | undefined;
  description: string;
  /** Of VALUES: the number that means no value. */
  nullText: string | undefined;
}

/** How a column is read. */
export interface VotableColumn {
  readonly field: Field;
  readonly datatype: string;
  /** Elements of a value; undefined where each value says how many. */
  readonly repeat: number | undefined;
  /** Of one element. */
  readonly type: DataType;
  readonly nullText: string | undefined;
  /** Why it cannot be read; empty when it can. */
  readonly obstacle: string;
}

/** Bytes of an element in BINARY and BINARY2; eight bits take one, which counts as one element here. */
export const ELEMENT_BYTES: Readonly<Record<string, number>> = {
  boolean: 1,
  unsignedByte: 1,
  short: 2,
  int: 4,
  long: 8,
  char: 1,
  unicodeChar: 2,
  float: 4,
  double: 8,
  floatComplex: 8,
  doubleComplex: 16,
};

const TYPES: Readonly<Record<string, DataType>> = {
  bit: new Bool(),
  boolean: new Bool(),
  unsignedByte: new Uint8(),
  short: new Int16(),
  int: new Int32(),
  long: new Int64(),
  float: new Float32(),
  double: new Float64(),
  char: new Utf8(),
  unicodeChar: new Utf8(),
};

/** How a field is read; undefined for a datatype that VOTable does not have. */
export function votableColumn(given: VotableField): VotableColumn | undefined {
  const { datatype, arraysize, nullText } = given;
  const isText = datatype === 'char' || datatype === 'unicodeChar';
  if (datatype !== 'bit' && !Object.hasOwn(ELEMENT_BYTES, datatype)) return undefined;
  const axes = arraysize === '' ? [] : arraysize.split('x');
  if (!axes.every((axis, i) => /^[1-9]\d{0,8}$/.test(axis) || (i === axes.length - 1 && /^\d{0,9}\*$/.test(axis))))
    return undefined;
  const repeat = axes.at(-1)?.endsWith('*') ? undefined : axes.reduce((product, axis) => product * Number(axis), 1);
  let obstacle = '';
  if (datatype === 'bit' && repeat !== 1) obstacle = 'holds bits';
  else if (datatype.endsWith('Complex')) obstacle = 'holds complex numbers';
  else if (isText && axes.length > 1) obstacle = 'holds arrays of texts';
  else if (!isText && repeat === undefined) obstacle = 'holds arrays of varying length';
  const type = TYPES[datatype] ?? new Utf8();
  const isList = !isText && obstacle === '' && axes.length > 0 && repeat !== 1;
  const all = isList ? new FixedSizeList(repeat as number, new Field('item', type, true)) : type;
  const metadata = declaredMetadata({ ...given, description: given.description.trim().replace(/\s+/g, ' ') });
  return { field: new Field(given.name, all, true, metadata), datatype, repeat, type, nullText, obstacle };
}
