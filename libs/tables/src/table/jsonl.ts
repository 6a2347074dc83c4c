import type { Data, DataType, RecordBatch, Schema } from 'apache-arrow';
import { type CellWriter, cellWriter, isNull, mayBeNull } from '../csv/cells.js';

const LF = 10;
const COMMA = 44;
const QUOTE = 34;
const BACKSLASH = 92;
const OPEN = 123;
const CLOSE = 125;
const NULL_TEXT = new TextEncoder().encode('null');
/** Letter behind the backslash of the control characters that have one. */
const SHORT_ESCAPES: Readonly<Record<number, number>> = { 8: 98, 9: 116, 10: 110, 12: 102, 13: 114 };

/** Turns record batches into JSON lines: one object per row. NaN and the infinities, which JSON does not have, are null. */
export class JsonLinesWriter {
  /** `"name":` by column. */
  readonly #keys: Uint8Array[];
  #out = new Uint8Array(1 << 16);

  constructor(schema: Schema) {
    const encoder = new TextEncoder();
    this.#keys = schema.fields.map((field) => encoder.encode(`${JSON.stringify(field.name)}:`));
  }

  /** The lines of rows [from, to) of a batch, in a buffer of their own. */
  encode(batch: RecordBatch, from = 0, to = batch.numRows): Uint8Array {
    const columns = batch.data.children as Data<DataType>[];
    const writers = columns.map((data) => cellWriter(data));
    const nullable = columns.map(mayBeNull);
    let at = 0;
    for (let row = from; row < to; row++) {
      this.#reserve(at, 4);
      this.#out[at++] = OPEN;
      for (let column = 0; column < columns.length; column++) {
        const writer: CellWriter = writers[column];
        const key = this.#keys[column];
        const present = !nullable[column] || !isNull(columns[column], row);
        this.#reserve(at, key.length + 16 + (present ? 6 * writer.room(row) : 0));
        if (column > 0) this.#out[at++] = COMMA;
        this.#out.set(key, at);
        at += key.length;
        at = present ? this.#value(writer, row, at) : this.#null(at);
      }
      this.#reserve(at, 2);
      this.#out[at++] = CLOSE;
      this.#out[at++] = LF;
    }
    return this.#out.slice(0, at);
  }

  #value(writer: CellWriter, row: number, at: number): number {
    const out = this.#out;
    if (writer.nature === 'text') return this.#quoted(at, writer.write(row, out, at + 1));
    if (writer.nature === 'plain') {
      out[at] = QUOTE;
      const end = writer.write(row, out, at + 1);
      out[end] = QUOTE;
      return end + 1;
    }
    const end = writer.write(row, out, at);
    if (writer.nature === 'json') return end;
    // NaN, Infinity and -Infinity are the only numbers with an N or I in front.
    const first = out[at] === 45 ? out[at + 1] : out[at];
    return first === 78 || first === 73 ? this.#null(at) : end;
  }

  #null(at: number): number {
    this.#out.set(NULL_TEXT, at);
    return at + NULL_TEXT.length;
  }

  /** Quotes and escapes the text in [at + 1, end); gives the position behind the closing quote. */
  #quoted(at: number, end: number): number {
    const out = this.#out;
    let extra = 0;
    for (let i = at + 1; i < end; i++) {
      const byte = out[i];
      if (byte === QUOTE || byte === BACKSLASH || (byte < 32 && SHORT_ESCAPES[byte] !== undefined)) extra++;
      else if (byte < 32) extra += 5;
    }
    out[at] = QUOTE;
    let target = end + extra;
    out[target] = QUOTE;
    for (let i = end - 1; target > i + 1; i--) {
      const byte = out[i];
      if (byte === QUOTE || byte === BACKSLASH) {
        out[--target] = byte;
        out[--target] = BACKSLASH;
      } else if (byte < 32) {
        const short = SHORT_ESCAPES[byte];
        const escape = short === undefined ? `u00${byte.toString(16).padStart(2, '0')}` : String.fromCharCode(short);
        for (let k = escape.length - 1; k >= 0; k--) out[--target] = escape.charCodeAt(k);
        out[--target] = BACKSLASH;
      } else out[--target] = byte;
    }
    return end + extra + 1;
  }

  #reserve(at: number, more: number): void {
    if (at + more <= this.#out.length) return;
    const grown = new Uint8Array(Math.max(at + more, 2 * this.#out.length));
    grown.set(this.#out.subarray(0, at));
    this.#out = grown;
  }
}
