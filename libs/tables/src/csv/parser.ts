import { RecordBatch, type Schema, Struct, makeData } from 'apache-arrow';
import { fail } from '@armilla/base';
import { checkUtf8, RecordBuffer } from './buffer.js';
import { ColumnBuilder, isNullText } from './column.js';
import { POWERS_OF_TEN, scaled } from './decimal.js';
import { parseInt64 } from './integer.js';
import type { Kind } from './kind.js';

const LF = 10;
const CR = 13;
const SPACE = 32;
const QUOTE = 34;
const HASH = 35;
const ZERO = 48;
const SKIP = 0;
const FLOAT = 1;
const INT = 2;
const TEXT = 3;
const OTHER = 4;

export interface ParserLayout {
  readonly where: string;
  readonly delimiter: number;
  /** Kind of every column of the file; undefined where it is not read. */
  readonly kinds: readonly (Kind | undefined)[];
  /** [columns] whether the kind was found by looking at values; where it was given, leading zeros are no misfit. */
  readonly sniffed: readonly boolean[];
  /** File column of every column of `schema`. */
  readonly order: readonly number[];
  readonly schema: Schema;
  readonly firstLine: number;
  /** Lines that start with "#" are left out. */
  readonly commented: boolean;
  readonly batchRowCount: number;
}

/** Turns the bytes behind a CSV header into record batches. Bytes are copied in; batches own their buffers. */
export class CsvParser {
  readonly #layout: ParserLayout;
  readonly #buffer: RecordBuffer;
  readonly #builders: (ColumnBuilder | undefined)[];
  readonly #codes: Uint8Array;
  readonly #stops = new Uint8Array(256);
  readonly #scratch: number[] = [];
  #row = 0;
  #line: number;
  #afterCr = false;
  /** Line ends in the quoted cell that was read last. */
  #cellLines = 0;

  constructor(layout: ParserLayout) {
    this.#layout = layout;
    this.#buffer = new RecordBuffer(layout.where);
    this.#line = layout.firstLine;
    this.#builders = layout.kinds.map((kind, column) =>
      kind === undefined ? undefined : new ColumnBuilder(kind, layout.batchRowCount, layout.sniffed[column]),
    );
    this.#codes = Uint8Array.from(layout.kinds, (kind) =>
      kind === undefined ? SKIP : kind === 'float64' ? FLOAT : kind === 'int64' ? INT : kind === 'utf8' ? TEXT : OTHER,
    );
    for (const stop of [layout.delimiter, LF, CR]) this.#stops[stop] = 1;
  }

  /** Values so far that did not fit, by file column. */
  misfitCount(column: number): number {
    return this.#builders[column]?.misfitCount ?? 0;
  }

  /** The batches that `chunk` completes. */
  *push(chunk: Uint8Array): IterableIterator<RecordBatch> {
    if (this.#buffer.append(chunk)) yield* this.#run(false);
  }

  /** The rest, after the last chunk. */
  *finish(): IterableIterator<RecordBatch> {
    yield* this.#run(true);
    if (this.#row > 0) yield this.#batch();
  }

  *#run(last: boolean): IterableIterator<RecordBatch> {
    const buffer = this.#buffer;
    let at = buffer.from;
    for (;;) {
      const firstLine = this.#line;
      const next = this.#parse(buffer.bytes, at, buffer.to, last);
      checkUtf8(buffer.bytes, at, next, this.#layout.where, firstLine);
      at = next;
      if (this.#row < this.#layout.batchRowCount) break;
      yield this.#batch();
    }
    buffer.keepFrom(at, this.#line);
  }

  #batch(): RecordBatch {
    const { schema, order } = this.#layout;
    const length = this.#row;
    const children = order.map((column) => (this.#builders[column] as ColumnBuilder).finish(length));
    this.#row = 0;
    return new RecordBatch(schema, makeData({ type: new Struct(schema.fields), length, nullCount: 0, children }));
  }

  /** Reads whole records from [from, to) until the batch is full or the bytes end; gives where the next one starts. */
  #parse(bytes: Uint8Array, from: number, to: number, last: boolean): number {
    const { delimiter, batchRowCount, commented } = this.#layout;
    const builders = this.#builders;
    const codes = this.#codes;
    const stops = this.#stops;
    const columnCount = codes.length;
    const lastColumn = columnCount - 1;
    // Cells are scanned without looking for the end: this stops the last one.
    bytes[to] = LF;
    let row = this.#row;
    let p = from;
    let start = from;
    let c = 0;
    records: while (p < to && row < batchRowCount) {
      start = p;
      c = bytes[p];
      if (c === HASH && commented) {
        const end = bytes.indexOf(LF, p);
        if (end >= to && !last) break;
        this.#line++;
        p = end + 1;
        continue;
      }
      if (c === LF || c === CR) {
        if (c === CR || !this.#afterCr) this.#line++;
        this.#afterCr = c === CR;
        p++;
        continue;
      }
      let lines = 1;
      for (let column = 0; column < columnCount; column++) {
        const cellStart = p;
        const code = codes[column];
        c = bytes[p];
        if (code === FLOAT || code === INT) {
          const negative = c === 45;
          if (negative || c === 43) c = bytes[++p];
          const digitsStart = p;
          let mantissa = 0;
          let digit = c - 48;
          while (digit >= 0 && digit <= 9) {
            mantissa = mantissa * 10 + digit;
            digit = bytes[++p] - 48;
          }
          let digitCount = p - digitsStart;
          if (code === INT) {
            const zeros = digitCount > 1 && bytes[digitsStart] === ZERO;
            if (digitCount > 0 && digitCount <= 15 && !zeros && stops[bytes[p]] === 1) {
              const value = negative ? -mantissa : mantissa;
              const high = Math.floor(value / 4294967296);
              const words = (builders[column] as ColumnBuilder).words;
              words[2 * row] = (value - high * 4294967296) | 0;
              words[2 * row + 1] = high | 0;
            } else if (
              zeros ||
              stops[bytes[p]] === 0 ||
              !parseInt64(bytes, cellStart, p, (builders[column] as ColumnBuilder).words, row)
            ) {
              p = this.#awkward(column, row, bytes, cellStart, to, last);
            }
          } else {
            let scale = 0;
            let low = 0;
            let lowCount = 0;
            if (digit === -2) {
              const fractionStart = ++p;
              digit = bytes[p] - 48;
              const exactEnd = p + 15 - digitCount;
              while (digit >= 0 && digit <= 9 && p < exactEnd) {
                mantissa = mantissa * 10 + digit;
                digit = bytes[++p] - 48;
              }
              const lowStart = p;
              while (digit >= 0 && digit <= 9) {
                low = low * 10 + digit;
                digit = bytes[++p] - 48;
              }
              lowCount = p - lowStart;
              scale = p - fractionStart;
              digitCount += scale;
            }
            let value = NaN;
            if (
              digitCount > 0 &&
              digitCount - lowCount <= 15 &&
              lowCount <= 4 &&
              scale <= 22 &&
              stops[bytes[p]] === 1
            ) {
              value = lowCount === 0 ? mantissa / POWERS_OF_TEN[scale] : scaled(mantissa, low, lowCount, -scale);
            }
            if (value === value) (builders[column] as ColumnBuilder).floats[row] = negative ? -value : value;
            else p = this.#awkward(column, row, bytes, cellStart, to, last);
          }
        } else if (code === TEXT && c !== QUOTE && c !== SPACE) {
          while (stops[bytes[p]] === 0) p++;
          const length = p - cellStart;
          const builder = builders[column] as ColumnBuilder;
          if (length <= 4 && isNullText(bytes, cellStart, p)) builder.setNull(row);
          else if (length > 64) builder.setText(row, bytes, cellStart, p);
          else {
            const used = builder.offsets[row];
            const text = builder.reserve(used, length);
            for (let i = cellStart, o = used; i < p; i++, o++) text[o] = bytes[i];
            builder.offsets[row + 1] = used + length;
          }
        } else if (code === SKIP && c !== QUOTE && c !== SPACE) {
          while (stops[bytes[p]] === 0) p++;
        } else p = this.#awkward(column, row, bytes, cellStart, to, last);

        if (p < 0 || (p >= to && !(last && column === lastColumn))) {
          if (last && p >= 0) throw this.#ragged(column + 1);
          for (let done = 0; done <= column; done++) builders[done]?.undo(row);
          this.#cellLines = 0;
          p = start;
          break records;
        }
        lines += this.#cellLines;
        this.#cellLines = 0;
        c = bytes[p];
        if (column < lastColumn ? c !== delimiter : c === delimiter)
          throw this.#ragged(this.#countCells(bytes, start, to));
        p++;
      }
      this.#line += lines;
      this.#afterCr = c === CR;
      row++;
    }
    this.#row = row;
    return p > to ? to : p;
  }

  /**
   * Reads the cell at `from` that is no plain value: quoted, blank, a word, too long. Gives where its delimiter or line end stands, -1
   * where the bytes end before it does.
   */
  #awkward(column: number, row: number, bytes: Uint8Array, from: number, to: number, last: boolean): number {
    let open = from;
    while (bytes[open] === SPACE) open++;
    const builder = this.#builders[column];
    if (bytes[open] !== QUOTE) {
      let end = open;
      while (this.#stops[bytes[end]] === 0) end++;
      builder?.set(row, bytes, from, end, false);
      return end;
    }
    const end = this.#quotedEnd(bytes, open + 1, to);
    if (end < 0) {
      if (last)
        throw fail('CSV_INVALID', {
          where: this.#layout.where,
          line: this.#line,
          detail: `the quote of field ${column + 1} is not closed`,
        });
      return -1;
    }
    let after = end + 1;
    while (bytes[after] === SPACE && after < to) after++;
    if (this.#stops[bytes[after]] === 0) {
      const detail = `text follows the closing quote of field ${column + 1}; a quote inside quotes is written twice`;
      throw fail('CSV_INVALID', { where: this.#layout.where, line: this.#line, detail });
    }
    if (builder !== undefined) {
      if (this.#scratch.length === 0) builder.set(row, bytes, open + 1, end, true);
      else {
        const bare = withoutMarks(bytes, open + 1, end, this.#scratch);
        builder.set(row, bare, 0, bare.length, true);
      }
    }
    return after;
  }

  /** Where the closing quote stands; the places of doubled quotes go to the scratch list, line ends are counted. */
  #quotedEnd(bytes: Uint8Array, from: number, to: number): number {
    this.#scratch.length = 0;
    let lines = 0;
    for (let p = from; p < to; p++) {
      const c = bytes[p];
      if (c === QUOTE) {
        if (bytes[p + 1] !== QUOTE || p + 1 >= to) {
          this.#cellLines = lines;
          return p;
        }
        this.#scratch.push(p++);
      } else if (c === LF || (c === CR && bytes[p + 1] !== LF)) lines++;
    }
    return -1;
  }

  #countCells(bytes: Uint8Array, from: number, to: number): number {
    let count = 1;
    for (let p = from; p < to && bytes[p] !== LF && bytes[p] !== CR; p++) {
      if (bytes[p] === QUOTE) {
        const end = this.#quotedEnd(bytes, p + 1, to);
        if (end < 0) break;
        p = end;
      } else if (bytes[p] === this.#layout.delimiter) count++;
    }
    return count;
  }

  #ragged(seenCount: number): Error {
    const wanted = this.#codes.length;
    const detail = `${seenCount} ${seenCount === 1 ? 'field' : 'fields'}, the header has ${wanted}`;
    return fail('CSV_INVALID', { where: this.#layout.where, line: this.#line, detail });
  }
}

/** Bytes [from, to) with the first of every doubled quote left out. */
function withoutMarks(bytes: Uint8Array, from: number, to: number, doubled: readonly number[]): Uint8Array {
  const out = new Uint8Array(to - from - doubled.length);
  let at = 0;
  let start = from;
  for (const quote of doubled) {
    out.set(bytes.subarray(start, quote), at);
    at += quote - start;
    start = quote + 1;
  }
  out.set(bytes.subarray(start, to), at);
  return out;
}
