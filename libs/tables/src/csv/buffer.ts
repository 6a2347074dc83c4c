import { isUtf8 } from 'node:buffer';
import { fail } from '@armilla/base';

/** A record longer than this is no table: a file without line ends, or a quote that never closes. */
export const RECORD_LIMIT_BYTES = 16 * 2 ** 20;

/**
 * The bytes not yet consumed, in one piece, with room for a line end behind them. A record cut by the border of two chunks is
 * offered again when more has come; a long one only when the bytes have doubled, so that the work stays linear.
 */
export class RecordBuffer {
  bytes = new Uint8Array(1 << 16);
  from = 0;
  to = 0;
  #wanted = 0;

  constructor(private readonly where: string) {}

  /** Adds a chunk; true when the bytes should be looked at. */
  append(chunk: Uint8Array): boolean {
    const carried = this.to - this.from;
    const needed = carried + chunk.length + 1;
    if (needed > this.bytes.length) {
      const grown = new Uint8Array(Math.max(needed, 2 * carried));
      grown.set(this.bytes.subarray(this.from, this.to));
      this.bytes = grown;
    } else this.bytes.copyWithin(0, this.from, this.to);
    this.bytes.set(chunk, carried);
    this.from = 0;
    this.to = carried + chunk.length;
    return this.to >= this.#wanted;
  }

  /** Everything before `from` is done with; what is left is an incomplete record that starts in line `line`. */
  keepFrom(from: number, line: number): void {
    this.from = from;
    const left = this.to - from;
    if (left > RECORD_LIMIT_BYTES) {
      const detail = `a record of more than ${RECORD_LIMIT_BYTES} bytes; is a quote not closed, or is this no CSV file?`;
      throw fail('CSV_INVALID', { where: this.where, line, detail });
    }
    this.#wanted = 2 * left;
  }
}

/** Throws CSV_INVALID with the line where bytes [from, to) are not UTF-8. */
export function checkUtf8(bytes: Uint8Array, from: number, to: number, where: string, firstLine: number): void {
  if (isUtf8(bytes.subarray(from, to))) return;
  let line = firstLine;
  for (let start = from; start < to; line++) {
    let end = bytes.indexOf(10, start) + 1;
    if (end === 0 || end > to) end = to;
    if (!isUtf8(bytes.subarray(start, end))) break;
    start = end;
  }
  throw fail('CSV_INVALID', {
    where,
    line,
    detail: 'the text is not UTF-8; convert the file first (iconv -f latin1 -t utf-8)',
  });
}
