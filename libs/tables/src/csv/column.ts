import { type DataType, makeData, type Data, Bool, Float32, Float64, Int32, Int64, Utf8 } from 'apache-arrow';
import { parseDecimal } from './decimal.js';
import { parseInt64 } from './integer.js';
import type { Kind } from './kind.js';
import { WORD, wordOf } from './word.js';

const INT32_LIMIT = 2 ** 31;
const decoder = new TextDecoder();

/** The values of one column of the batch in the making. The parser writes plain cells itself; this takes the awkward ones. */
export class ColumnBuilder {
  /** [capacity] of float64 columns. */
  floats = new Float64Array(0);
  /** [2 * capacity] words of int64 columns, low word first. */
  words = new Int32Array(0);
  /** [capacity + 1] ends of the texts of utf8 columns. */
  offsets = new Int32Array(0);
  text = new Uint8Array(0);
  #ints = new Int32Array(0);
  #singles = new Float32Array(0);
  #bits = new Uint8Array(0);
  #validity: Uint8Array | undefined;
  #nullCount = 0;
  #misfitRow = -1;
  misfitCount = 0;

  constructor(
    readonly kind: Kind,
    private readonly capacity: number,
    /** Of int64 columns: `007` is a misfit, not 7. */
    private readonly refusesZeros = false,
  ) {
    this.#allocate();
  }

  #allocate(): void {
    const { capacity } = this;
    if (this.kind === 'float64') this.floats = new Float64Array(capacity);
    else if (this.kind === 'int64') this.words = new Int32Array(2 * capacity);
    else if (this.kind === 'int32') this.#ints = new Int32Array(capacity);
    else if (this.kind === 'float32') this.#singles = new Float32Array(capacity);
    else if (this.kind === 'bool') this.#bits = new Uint8Array((capacity + 7) >> 3);
    else {
      this.offsets = new Int32Array(capacity + 1);
      this.text = new Uint8Array(Math.max(256, Math.min(this.text.length, 1 << 26)));
    }
    this.#validity = undefined;
    this.#nullCount = 0;
    this.#misfitRow = -1;
  }

  setNull(row: number): void {
    this.#validity ??= new Uint8Array((this.capacity + 7) >> 3).fill(255);
    this.#validity[row >> 3] &= ~(1 << (row & 7));
    this.#nullCount++;
    if (this.kind === 'utf8') this.offsets[row + 1] = this.offsets[row];
    else if (this.kind === 'float64') this.floats[row] = NaN;
  }

  /** Forgets what was written to `row`, whose record turned out to be incomplete. */
  undo(row: number): void {
    const validity = this.#validity;
    if (validity !== undefined && (validity[row >> 3] & (1 << (row & 7))) === 0) {
      validity[row >> 3] |= 1 << (row & 7);
      this.#nullCount--;
    }
    if (this.#misfitRow === row) {
      this.misfitCount--;
      this.#misfitRow = -1;
    }
    if (this.kind === 'bool') this.#bits[row >> 3] &= ~(1 << (row & 7));
  }

  /** Makes room for `more` bytes of text behind `used`. */
  reserve(used: number, more: number): Uint8Array {
    if (used + more > this.text.length) {
      const grown = new Uint8Array(Math.max(used + more, 2 * this.text.length));
      grown.set(this.text.subarray(0, used));
      this.text = grown;
    }
    return this.text;
  }

  setText(row: number, bytes: Uint8Array, from: number, to: number): void {
    const used = this.offsets[row];
    this.reserve(used, to - from).set(bytes.subarray(from, to), used);
    this.offsets[row + 1] = used + to - from;
  }

  /** Stores cell bytes [from, to), already without quotes, as this column's kind; what does not fit is a counted null. */
  set(row: number, bytes: Uint8Array, from: number, to: number, quoted: boolean): void {
    if (this.kind === 'utf8') {
      if (!quoted && isNullText(bytes, from, to)) this.setNull(row);
      else this.setText(row, bytes, from, to);
      return;
    }
    while (from < to && bytes[from] <= 32) from++;
    while (to > from && bytes[to - 1] <= 32) to--;
    if (!this.#setValue(row, bytes, from, to, quoted)) {
      this.setNull(row);
      this.misfitCount++;
      this.#misfitRow = row;
    }
  }

  #setValue(row: number, bytes: Uint8Array, from: number, to: number, quoted: boolean): boolean {
    if (from === to) {
      this.setNull(row);
      return true;
    }
    if (this.kind === 'int64' && !(this.refusesZeros && startsWithZero(bytes, from, to))) {
      if (parseInt64(bytes, from, to, this.words, row)) return true;
    }
    if (this.kind !== 'int64' && this.kind !== 'bool') {
      const value = parseDecimal(bytes, from, to);
      if (!Number.isNaN(value)) return this.#setNumber(row, value);
    }
    const text = to - from > 20 ? '?' : decoder.decode(bytes.subarray(from, to));
    switch (wordOf(text, quoted)) {
      case WORD.null:
      case WORD.nullNumber:
        this.setNull(row);
        return true;
      case WORD.nan:
        return this.#setNumber(row, NaN);
      case WORD.infinity:
        return this.#setNumber(row, Infinity);
      case WORD.minusInfinity:
        return this.#setNumber(row, -Infinity);
      case WORD.true:
        return this.#setBool(row, true);
      case WORD.false:
        return this.#setBool(row, false);
      default:
        if (/^[tTyY1]$/.test(text)) return this.#setBool(row, true);
        return /^[fFnN0]$/.test(text) && this.#setBool(row, false);
    }
  }

  #setBool(row: number, value: boolean): boolean {
    if (this.kind !== 'bool') return false;
    if (value) this.#bits[row >> 3] |= 1 << (row & 7);
    return true;
  }

  #setNumber(row: number, value: number): boolean {
    if (this.kind === 'float64') this.floats[row] = value;
    else if (this.kind === 'float32') this.#singles[row] = value;
    else if (Number.isNaN(value) && this.kind !== 'bool') this.setNull(row);
    else if (this.kind === 'int32' && Number.isInteger(value) && value >= -INT32_LIMIT && value < INT32_LIMIT)
      this.#ints[row] = value;
    else return false;
    return true;
  }

  /** The first `rowCount` values as Arrow data; the builder starts anew in fresh buffers. */
  finish(rowCount: number): Data<DataType> {
    const nullBitmap = this.#nullCount > 0 ? this.#validity : undefined;
    const shared = { length: rowCount, nullCount: this.#nullCount, nullBitmap };
    let data: Data<DataType>;
    switch (this.kind) {
      case 'float64':
        data = makeData({ type: new Float64(), data: this.floats.subarray(0, rowCount), ...shared });
        break;
      case 'float32':
        data = makeData({ type: new Float32(), data: this.#singles.subarray(0, rowCount), ...shared });
        break;
      case 'int64':
        data = makeData({ type: new Int64(), data: new BigInt64Array(this.words.buffer, 0, rowCount), ...shared });
        break;
      case 'int32':
        data = makeData({ type: new Int32(), data: this.#ints.subarray(0, rowCount), ...shared });
        break;
      case 'bool':
        data = makeData({ type: new Bool(), data: this.#bits, ...shared });
        break;
      case 'utf8': {
        const byteCount = this.offsets[rowCount];
        data = makeData({
          type: new Utf8(),
          valueOffsets: this.offsets.subarray(0, rowCount + 1),
          data: this.text.subarray(0, byteCount),
          ...shared,
        });
        break;
      }
    }
    this.#allocate();
    return data;
  }
}

/** True where an integer has zeros before its first digit. */
function startsWithZero(bytes: Uint8Array, from: number, to: number): boolean {
  const at = bytes[from] === 45 || bytes[from] === 43 ? from + 1 : from;
  return bytes[at] === 48 && at + 1 < to;
}

/** True for an unquoted cell that is null in a text column: blank, null, NULL, N/A or \N. */
export function isNullText(bytes: Uint8Array, from: number, to: number): boolean {
  while (from < to && bytes[from] === 32) from++;
  while (to > from && bytes[to - 1] === 32) to--;
  if (from === to) return true;
  if (to - from > 4 || to - from < 2) return false;
  const first = bytes[from];
  if (first !== 110 && first !== 78 && first !== 92) return false;
  return wordOf(decoder.decode(bytes.subarray(from, to))) === WORD.null;
}
