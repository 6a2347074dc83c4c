import { Physical } from '../format/metadata.js';
import type { ColumnPiece, ColumnSpec } from './column.js';

/** Rows [from, to) of a piece as they are stored: nulls left out, converted; a view where nothing had to change. */
export function storedValues(spec: ColumnSpec, piece: ColumnPiece, from: number, to: number): Uint8Array {
  if (piece.nullCount === piece.length) return new Uint8Array(0);
  if (spec.physical === Physical.boolean) return storedBits(piece, from, to);
  if (spec.physical === Physical.byteArray) return storedStrings(piece, from, to);
  const width = spec.byteWidth;
  const dense = piece.validity ? withoutNulls(piece, from, to, width) : piece.values.subarray(from * width, to * width);
  return spec.conversion === 'none' ? dense : converted(spec, dense);
}

export function isValid(piece: ColumnPiece, row: number): boolean {
  const bit = piece.bitOffset + row;
  return piece.validity === undefined || ((piece.validity[bit >> 3] >> (bit & 7)) & 1) === 1;
}

function withoutNulls(piece: ColumnPiece, from: number, to: number, width: number): Uint8Array {
  const out = new Uint8Array((to - from) * width);
  const { values, bitOffset } = piece;
  const validity = piece.validity as Uint8Array;
  let length = 0;
  for (let row = from; row < to; row++) {
    const bit = bitOffset + row;
    if (((validity[bit >> 3] >> (bit & 7)) & 1) === 0) continue;
    for (let p = row * width, end = p + width; p < end; p++) out[length++] = values[p];
  }
  return out.subarray(0, length);
}

function storedBits(piece: ColumnPiece, from: number, to: number): Uint8Array {
  const out = new Uint8Array((to - from + 7) >> 3);
  let count = 0;
  for (let row = from; row < to; row++) {
    if (!isValid(piece, row)) continue;
    const bit = piece.bitOffset + row;
    if ((piece.values[bit >> 3] >> (bit & 7)) & 1) out[count >> 3] |= 1 << (count & 7);
    count++;
  }
  return out.subarray(0, (count + 7) >> 3);
}

/** Each string behind its length (32 bits). */
function storedStrings(piece: ColumnPiece, from: number, to: number): Uint8Array {
  const offsets = piece.offsets as Int32Array;
  const { values } = piece;
  const out = new Uint8Array(offsets[to] - offsets[from] + 4 * (to - from));
  let at = 0;
  for (let row = from; row < to; row++) {
    if (piece.validity && !isValid(piece, row)) continue;
    const start = offsets[row];
    const size = offsets[row + 1] - start;
    out[at] = size;
    out[at + 1] = size >>> 8;
    out[at + 2] = size >>> 16;
    out[at + 3] = size >>> 24;
    at += 4;
    if (size > 48) out.set(values.subarray(start, start + size), at);
    else for (let i = 0; i < size; i++) out[at + i] = values[start + i];
    at += size;
  }
  return out.subarray(0, at);
}

function converted(spec: ColumnSpec, bytes: Uint8Array): Uint8Array {
  const count = bytes.length / spec.byteWidth;
  const { buffer, byteOffset } = bytes;
  switch (spec.conversion) {
    case 'int8':
      return bytesOf(new Int32Array(new Int8Array(buffer, byteOffset, count)));
    case 'uint8':
      return bytesOf(new Int32Array(bytes));
    case 'int16':
      return bytesOf(new Int32Array(new Int16Array(buffer, byteOffset, count)));
    case 'uint16':
      return bytesOf(new Int32Array(new Uint16Array(buffer, byteOffset, count)));
    case 'seconds32':
      return bytesOf(new Int32Array(buffer, byteOffset, count).map((seconds) => seconds * 1000));
    case 'seconds64':
      return bytesOf(new BigInt64Array(buffer, byteOffset, count).map((seconds) => seconds * 1000n));
    case 'milliseconds': {
      const from = new BigInt64Array(buffer, byteOffset, count);
      return bytesOf(Int32Array.from(from, (milliseconds) => Math.floor(Number(milliseconds) / 86_400_000)));
    }
    case 'bigEndian':
      return reversed(bytes, spec.byteWidth);
    default:
      return bytes;
  }
}

function bytesOf(view: ArrayBufferView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

function reversed(bytes: Uint8Array, width: number): Uint8Array {
  const out = new Uint8Array(bytes.length);
  for (let p = 0; p < bytes.length; p += width) for (let k = 0; k < width; k++) out[p + k] = bytes[p + width - 1 - k];
  return out;
}
