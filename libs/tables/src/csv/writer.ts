import type { Data, DataType, RecordBatch, Schema } from 'apache-arrow';
import { type CellWriter, cellWriter, isNull, mayBeNull } from './cells.js';

const LF = 10;
const CR = 13;
const QUOTE = 34;
const NULL_TEXT = new TextEncoder().encode('null');

/**
 * Turns record batches into CSV (RFC 4180 with LF line ends): nulls are blank, an empty text is "", text is quoted where it must be. Floats
 * show a point or an exponent and text that reads as null is quoted, so that reading gives the same table again.
 */
export class CsvWriter {
  readonly #delimiter: number;
  /** [256] bytes that ask for quotes. */
  readonly #special = new Uint8Array(256);
  #out = new Uint8Array(1 << 16);

  constructor(
    private readonly schema: Schema,
    options: { readonly delimiter?: string } = {},
  ) {
    this.#delimiter = (options.delimiter ?? ',').charCodeAt(0);
    for (const byte of [this.#delimiter, LF, CR, QUOTE]) this.#special[byte] = 1;
  }

  /** The header line. */
  header(): Uint8Array {
    const encoder = new TextEncoder();
    const only = this.schema.fields.length === 1;
    let at = 0;
    for (const [index, field] of this.schema.fields.entries()) {
      const name = encoder.encode(field.name);
      this.#reserve(at, 2 * name.length + 8);
      if (index > 0) this.#out[at++] = this.#delimiter;
      this.#out.set(name, at);
      at = this.#quoteIfNeeded(at, at + name.length, only);
    }
    this.#reserve(at, 1);
    this.#out[at++] = LF;
    return this.#out.slice(0, at);
  }

  /** The lines of rows [from, to) of a batch, in a buffer of their own. */
  encode(batch: RecordBatch, from = 0, to = batch.numRows): Uint8Array {
    const columns = batch.data.children as Data<DataType>[];
    const writers = columns.map((data) => cellWriter(data));
    const texts = writers.map((writer) => writer.nature === 'text' || writer.nature === 'json');
    const nullable = columns.map(mayBeNull);
    const columnCount = columns.length;
    let at = 0;
    for (let row = from; row < to; row++) {
      for (let column = 0; column < columnCount; column++) {
        const writer: CellWriter = writers[column];
        if (nullable[column] && isNull(columns[column], row)) {
          this.#reserve(at, 8);
          if (column > 0) this.#out[at++] = this.#delimiter;
          // A line with nothing on it would be no row at all.
          if (columnCount === 1) {
            this.#out.set(NULL_TEXT, at);
            at += NULL_TEXT.length;
          }
          continue;
        }
        const room = writer.room(row);
        this.#reserve(at, 2 * room + 8);
        if (column > 0) this.#out[at++] = this.#delimiter;
        const end = writer.write(row, this.#out, at);
        at = texts[column] ? this.#quoteIfNeeded(at, end, true) : end;
      }
      this.#reserve(at, 1);
      this.#out[at++] = LF;
    }
    return this.#out.slice(0, at);
  }

  #reserve(at: number, more: number): void {
    if (at + more <= this.#out.length) return;
    const grown = new Uint8Array(Math.max(at + more, 2 * this.#out.length));
    grown.set(this.#out.subarray(0, at));
    this.#out = grown;
  }

  /** Puts the text in [from, to) of the output into quotes where it needs them; gives its end. */
  #quoteIfNeeded(from: number, to: number, quoteEmpty: boolean): number {
    const out = this.#out;
    const special = this.#special;
    let quoteCount = 0;
    let needed =
      from === to
        ? quoteEmpty
        : out[from] <= 32 || out[to - 1] <= 32 || (from === 0 && out[from] === 35) || readsAsNull(out, from, to);
    for (let i = from; i < to; i++) {
      if (special[out[i]] === 0) continue;
      needed = true;
      if (out[i] === QUOTE) quoteCount++;
    }
    if (!needed) return to;
    let target = to + quoteCount + 2;
    out[--target] = QUOTE;
    for (let i = to - 1; i >= from; i--) {
      out[--target] = out[i];
      if (out[i] === QUOTE) out[--target] = QUOTE;
    }
    out[--target] = QUOTE;
    return to + quoteCount + 2;
  }
}

/** null, NULL, N/A and \N, which the reader takes for a null unless they are quoted. */
function readsAsNull(out: Uint8Array, from: number, to: number): boolean {
  const first = out[from];
  if (first !== 110 && first !== 78 && first !== 92) return false;
  const text = String.fromCharCode(...out.subarray(from, Math.min(to, from + 5)));
  return text === 'null' || text === 'NULL' || text === 'N/A' || text === '\\N';
}
