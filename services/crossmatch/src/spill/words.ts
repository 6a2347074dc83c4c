import { type Data, makeData } from 'apache-arrow';
import { scratchBuffer } from './scratch-words.js';

/** Values of 4 or 8 bytes that are only moved. */
type Words = Int32Array | BigInt64Array;

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

/** to[place[i]] = from[i] where the place is not negative. */
export function moveWords(from: Words, place: Int32Array, to: Words): void {
  // One loop for each width, so that each is compiled for its own.
  if (from instanceof Int32Array) move4(from, place, to as Int32Array);
  else move8(from, place, to as BigInt64Array);
}

function move4(from: Int32Array, place: Int32Array, to: Int32Array): void {
  for (let i = 0; i < place.length; i++) if (place[i] >= 0) to[place[i]] = from[i];
}

function move8(from: BigInt64Array, place: Int32Array, to: BigInt64Array): void {
  for (let i = 0; i < place.length; i++) if (place[i] >= 0) to[place[i]] = from[i];
}

export function wordsOf(buffer: ArrayBufferLike, byteOffset: number, width: number, length: number): Words {
  return width === 4 ? new Int32Array(buffer, byteOffset, length) : new BigInt64Array(buffer, byteOffset, length);
}
