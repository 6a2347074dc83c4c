import { fail } from '@armilla/base';
import { checkUtf8, RecordBuffer } from './buffer.js';
import { SEEN } from './kind.js';
import { seenIn } from './word.js';

const LF = 10;
const CR = 13;
const QUOTE = 34;
const HASH = 35;

// States of one cell. WORD is all that needs a closer look at its end.
const START = 0;
const SIGN = 1;
const ZERO = 2;
const INTEGER = 3;
const ZEROS = 4;
const POINT = 5;
const FRACTION = 6;
const EXPONENT = 7;
const EXPONENT_SIGN = 8;
const EXPONENT_DIGITS = 9;
const WORD = 10;
const QUOTED = 11;
const CLOSED = 12;
const STATE_COUNT = 13;
/** Added to the state in which a cell ended. */
const END = 16;
/** A line end inside quotes: as QUOTED, but the line counts. */
const QUOTED_LINE = 14;
const BROKEN = 15;

const LOOK = 255;
const OF_STATE = Uint8Array.from({ length: STATE_COUNT }, (_, state) => {
  switch (state) {
    case START:
      return 0;
    case ZERO:
    case INTEGER:
      return SEEN.integer;
    case ZEROS:
      return SEEN.text;
    case FRACTION:
    case EXPONENT_DIGITS:
      return SEEN.float;
    default:
      return LOOK;
  }
});

function transitions(delimiter: number): Uint8Array {
  const table = new Uint8Array(16 * 256).fill(WORD);
  const on = (state: number, from: string, to: string, next: number): void => {
    for (let c = from.charCodeAt(0); c <= to.charCodeAt(0); c++) table[state * 256 + c] = next;
  };
  on(START, ' ', ' ', START);
  on(START, '+', '+', SIGN);
  on(START, '-', '-', SIGN);
  for (const state of [START, SIGN]) {
    on(state, '0', '0', ZERO);
    on(state, '1', '9', INTEGER);
    on(state, '.', '.', POINT);
  }
  on(ZERO, '0', '9', ZEROS);
  on(ZEROS, '0', '9', ZEROS);
  on(INTEGER, '0', '9', INTEGER);
  for (const state of [ZERO, INTEGER, ZEROS]) on(state, '.', '.', FRACTION);
  on(POINT, '0', '9', FRACTION);
  on(FRACTION, '0', '9', FRACTION);
  for (const state of [ZERO, INTEGER, ZEROS, FRACTION]) for (const e of ['e', 'E']) on(state, e, e, EXPONENT);
  for (const sign of ['+', '-']) on(EXPONENT, sign, sign, EXPONENT_SIGN);
  for (const state of [EXPONENT, EXPONENT_SIGN, EXPONENT_DIGITS]) on(state, '0', '9', EXPONENT_DIGITS);
  for (let state = 0; state < STATE_COUNT; state++) {
    for (const stop of [delimiter, LF, CR]) table[state * 256 + stop] = END + state;
  }
  on(START, '"', '"', QUOTED);
  for (const state of [QUOTED, QUOTED_LINE]) {
    table.fill(QUOTED, state * 256, state * 256 + 256);
    table[state * 256 + LF] = QUOTED_LINE;
    table[state * 256 + QUOTE] = CLOSED;
  }
  for (let c = 0; c < 256; c++) if (table[CLOSED * 256 + c] === WORD) table[CLOSED * 256 + c] = BROKEN;
  table[CLOSED * 256 + QUOTE] = QUOTED;
  table[CLOSED * 256 + 32] = CLOSED;
  return table;
}

/**
 * Looks at every cell behind a CSV header and remembers, by column, what kinds of values there are. One table look-up per
 * byte; errors of form (ragged, unclosed quote, not UTF-8) are found here, before a row is used.
 */
export class TypeSniffer {
  /** [columns] bits of SEEN. */
  readonly seen: Uint8Array;
  recordCount = 0;
  readonly #firstTexts = new Map<number, { line: number; text: string }>();
  readonly #table: Uint8Array;
  readonly #buffer: RecordBuffer;
  #line: number;
  #afterCr = false;

  constructor(
    private readonly where: string,
    private readonly delimiter: number,
    columnCount: number,
    firstLine: number,
    private readonly commented = false,
  ) {
    this.seen = new Uint8Array(columnCount);
    this.#table = transitions(delimiter);
    this.#buffer = new RecordBuffer(where);
    this.#line = firstLine;
  }

  /** The first value of a column that is neither null nor number nor boolean, where it also has some that are: "line 3 has 'abc'". */
  evidence(column: number): string | undefined {
    const first = this.#firstTexts.get(column);
    if (first === undefined || (this.seen[column] & ~SEEN.text) === 0) return undefined;
    return `line ${first.line} has '${first.text}'`;
  }

  push(chunk: Uint8Array): void {
    if (this.#buffer.append(chunk)) this.#look(false);
  }

  finish(): void {
    this.#look(true);
  }

  #look(last: boolean): void {
    const { bytes, from, to } = this.#buffer;
    const firstLine = this.#line;
    const next = this.#scan(bytes, from, last ? to + 1 : to, last);
    checkUtf8(bytes, from, Math.min(next, to), this.where, firstLine);
    this.#buffer.keepFrom(Math.min(next, to), this.#line);
  }

  /** Scans [from, to) and gives where the first incomplete record starts. The very last record gets a line end of its own. */
  #scan(bytes: Uint8Array, from: number, to: number, last: boolean): number {
    if (last) bytes[to - 1] = LF;
    const { seen } = this;
    const table = this.#table;
    const columnCount = seen.length;
    let recordStart = from;
    let cellStart = from;
    let column = 0;
    let state = START;
    let lines = 0;
    let p = this.commented ? this.#behindComments(bytes, from, to) : from;
    if (this.#cutComment(bytes, p, to)) return p;
    recordStart = p;
    cellStart = p;
    for (; p < to; p++) {
      const c = bytes[p];
      state = table[(state << 8) | c];
      if (state < QUOTED_LINE) continue;
      if (state < END) {
        if (state === BROKEN) this.#broken(column);
        lines++;
        continue;
      }
      const ended = state - END;
      state = START;
      if (c !== this.delimiter && column === 0 && p === recordStart) {
        // An empty line, or the second half of CR LF.
        if (c === CR || !this.#afterCr) this.#line++;
        this.#afterCr = c === CR;
        if (this.commented) {
          p = this.#behindComments(bytes, p + 1, to) - 1;
          if (this.#cutComment(bytes, p + 1, to)) return p + 1;
        }
        recordStart = p + 1;
        cellStart = p + 1;
        continue;
      }
      if (column < columnCount) {
        let bit = OF_STATE[ended];
        if (bit === SEEN.integer && p - cellStart > 15) bit = longInteger(bytes, cellStart, p);
        if (bit === LOOK)
          bit = (seen[column] & SEEN.text) !== 0 ? 0 : closerLook(bytes, cellStart, p, ended === CLOSED);
        if (bit === SEEN.text && (seen[column] & SEEN.text) === 0) {
          this.#firstTexts.set(column, { line: this.#line + lines, text: shown(bytes, cellStart, p) });
        }
        seen[column] |= bit;
      }
      column++;
      cellStart = p + 1;
      if (c === this.delimiter) continue;
      if (column !== columnCount) this.#ragged(column);
      column = 0;
      this.recordCount++;
      this.#line += 1 + lines;
      lines = 0;
      this.#afterCr = c === CR;
      if (this.commented) {
        p = this.#behindComments(bytes, p + 1, to) - 1;
        if (this.#cutComment(bytes, p + 1, to)) return p + 1;
      }
      recordStart = p + 1;
      cellStart = p + 1;
    }
    if (last && recordStart < to) {
      throw fail('CSV_INVALID', {
        where: this.where,
        line: this.#line,
        detail: `the quote of field ${column + 1} is not closed`,
      });
    }
    return recordStart;
  }

  /** Where the first line from `from` on that is no comment starts; a comment that is not complete stays. */
  #behindComments(bytes: Uint8Array, from: number, to: number): number {
    let at = from;
    while (at < to && bytes[at] === HASH) {
      const end = bytes.indexOf(LF, at);
      if (end < 0 || end >= to) return at;
      this.#line++;
      at = end + 1;
    }
    return at;
  }

  #cutComment(bytes: Uint8Array, at: number, to: number): boolean {
    return this.commented && at < to && bytes[at] === HASH;
  }

  #ragged(seenCount: number): never {
    const wanted = this.seen.length;
    const detail = `${seenCount} ${seenCount === 1 ? 'field' : 'fields'}, the header has ${wanted}`;
    throw fail('CSV_INVALID', { where: this.where, line: this.#line, detail });
  }

  #broken(column: number): never {
    const detail = `text follows the closing quote of field ${column + 1}; a quote inside quotes is written twice`;
    throw fail('CSV_INVALID', { where: this.where, line: this.#line, detail });
  }
}

const decoder = new TextDecoder();

function shown(bytes: Uint8Array, from: number, to: number): string {
  const text = decoder.decode(bytes.subarray(from, Math.min(to, from + 40))).trim();
  return to - from > 40 ? `${text}...` : text;
}

/** The bit of an integer that is perhaps beyond 2^53 or int64; only those near a limit need an exact comparison. */
function longInteger(bytes: Uint8Array, from: number, to: number): number {
  let p = from;
  while (bytes[p] < 48) p++;
  const digitCount = to - p;
  if (digitCount < 16) return SEEN.integer;
  if (digitCount === 17 || digitCount === 18 || (digitCount === 19 && bytes[p] < 57)) return SEEN.largeInteger;
  return digitCount > 19 ? SEEN.hugeInteger : LOOK;
}

function closerLook(bytes: Uint8Array, from: number, to: number, quoted: boolean): number {
  if (quoted) {
    while (bytes[from] !== QUOTE) from++;
    while (bytes[to - 1] !== QUOTE) to--;
    from++;
    to--;
  }
  while (from < to && bytes[from] === 32) from++;
  while (to > from && bytes[to - 1] === 32) to--;
  if (to - from > 48) return SEEN.text;
  return seenIn(decoder.decode(bytes.subarray(from, to)), quoted);
}
