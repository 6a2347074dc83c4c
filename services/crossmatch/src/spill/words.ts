import { type Data, DataType, makeData } from 'apache-arrow';
import { scratchBuffer } from './scratch-words.js';

/** Values of 4 or 8 bytes that are only moved. */
export type Words = Int32Array | BigInt64Array;

/** Value i of `column` at place[i], if that is not negative, and those of `copies` at theirs; in memory that the next call for column `at` uses again. */
export function placeWords(
  column: Data,
  at: number,
  count: number,
  place: Int32Array,
  copies: { readonly row: Int32Array; readonly place: Int32Array },
): Data {
  const values = column.values as ArrayBufferView & { readonly BYTES_PER_ELEMENT: number };
  const width = values.BYTES_PER_ELEMENT;
  const out = scratchBuffer(`words.${at}`, count * width);
  const from = wordsOf(values.buffer, values.byteOffset, width, column.length);
  const to = wordsOf(out, 0, width, count);
  moveWords(from, place, to);
  for (let c = 0; c < copies.row.length; c++) to[copies.place[c]] = from[copies.row[c]] as never;
  const Kind = values.constructor as new (buffer: ArrayBuffer, offset: number, length: number) => Float64Array;
  return makeData({ type: column.type, length: count, nullCount: 0, data: new Kind(out, 0, count) } as never);
}

/** Values `rows` of `column`, in memory that the next call for column `at` uses again. */
export function wordsAt(column: Data, at: number, rows: Int32Array): Data {
  const values = column.values as ArrayBufferView & { readonly BYTES_PER_ELEMENT: number };
  const width = values.BYTES_PER_ELEMENT;
  const out = scratchBuffer(`words.at.${at}`, rows.length * width);
  const from = wordsOf(values.buffer, values.byteOffset, width, column.length);
  const to = wordsOf(out, 0, width, rows.length);
  if (from instanceof Int32Array) fetch4(from, rows, to as Int32Array);
  else fetch8(from, rows, to as BigInt64Array);
  const Kind = values.constructor as new (buffer: ArrayBuffer, offset: number, length: number) => Float64Array;
  return makeData({
    type: column.type,
    length: rows.length,
    nullCount: 0,
    data: new Kind(out, 0, rows.length),
  } as never);
}

/** Bytes of a value of `type` where values are only moved, 4 or 8; 0 of other types. */
export function wordWidth(type: DataType): number {
  const isMoved = DataType.isInt(type) || DataType.isFloat(type) || DataType.isTimestamp(type) || DataType.isDate(type);
  const { BYTES_PER_ELEMENT: width } = (
    type as DataType & { readonly ArrayType: { readonly BYTES_PER_ELEMENT: number } }
  ).ArrayType;
  return isMoved && (width === 4 || width === 8) ? width : 0;
}

/** `bytes` as `count` values of `type`, which has a word width. */
export function wordsData(type: DataType, { buffer, byteOffset }: Uint8Array, count: number): Data<DataType> {
  const Kind = type.ArrayType as new (buffer: ArrayBufferLike, offset: number, length: number) => Float64Array;
  return makeData({ type, length: count, nullCount: 0, data: new Kind(buffer, byteOffset, count) } as never);
}

/** to[place[i]] = from[i] for i in [begin, end) where the place is not negative. */
export function moveWords(from: Words, place: Int32Array, to: Words, begin = 0, end = place.length): void {
  // One loop for each width, so that each is compiled for its own.
  if (from instanceof Int32Array) move4(from, place, to as Int32Array, begin, end);
  else move8(from, place, to as BigInt64Array, begin, end);
}

function move4(from: Int32Array, place: Int32Array, to: Int32Array, begin: number, end: number): void {
  for (let i = begin; i < end; i++) if (place[i] >= 0) to[place[i]] = from[i];
}

function move8(from: BigInt64Array, place: Int32Array, to: BigInt64Array, begin: number, end: number): void {
  for (let i = begin; i < end; i++) if (place[i] >= 0) to[place[i]] = from[i];
}

/** to[i] = from[rows[i]] */
export function fetch4(from: Int32Array, rows: Int32Array, to: Int32Array): void {
  for (let i = 0; i < rows.length; i++) to[i] = from[rows[i]];
}

function fetch8(from: BigInt64Array, rows: Int32Array, to: BigInt64Array): void {
  for (let i = 0; i < rows.length; i++) to[i] = from[rows[i]];
}

export function wordsOf(buffer: ArrayBufferLike, byteOffset: number, width: number, length: number): Words {
  return width === 4 ? new Int32Array(buffer, byteOffset, length) : new BigInt64Array(buffer, byteOffset, length);
}
