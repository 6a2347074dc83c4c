import type { ColumnPiece } from '../write/column.js';

/**
 * Definition levels of rows [from, to) as a data page of version 1 has them: a length of 32 bits, then one run (RLE
 * where all rows are alike, else bit-packed).
 */
export function encodeLevels(piece: ColumnPiece, from: number, to: number): Uint8Array {
  const count = to - from;
  if (piece.nullCount === 0 || piece.nullCount === piece.length)
    return framed(count << 1, Uint8Array.of(piece.nullCount === 0 ? 1 : 0));
  const groups = (count + 7) >> 3;
  const bits = new Uint8Array(groups);
  const validity = piece.validity as Uint8Array;
  const first = piece.bitOffset + from;
  const shift = first & 7;
  for (let i = 0, p = first >> 3; i < groups; i++, p++)
    bits[i] = (validity[p] >> shift) | (shift === 0 ? 0 : validity[p + 1] << (8 - shift));
  if ((count & 7) !== 0) bits[groups - 1] &= (1 << (count & 7)) - 1;
  return framed((groups << 1) | 1, bits);
}

function framed(head: number, body: Uint8Array): Uint8Array {
  const lead = [];
  for (let rest = head >>> 0; ; rest >>>= 7) {
    if (rest < 128) {
      lead.push(rest);
      break;
    }
    lead.push((rest & 127) | 128);
  }
  const length = lead.length + body.length;
  const out = new Uint8Array(4 + length);
  new DataView(out.buffer).setUint32(0, length, true);
  out.set(lead, 4);
  out.set(body, 4 + lead.length);
  return out;
}
