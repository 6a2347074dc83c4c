import { type VotableColumn, ELEMENT_BYTES } from './field.js';
import { votableInvalid } from './fault.js';
import type { ColumnBuilder } from './column-builder.js';
import type { RowSink } from './row-sink.js';
import type { TokenSource } from './tokens.js';

/** One value may not be longer. */
const MAX_VALUE_BYTES = 2 ** 24;
const latin1 = new TextDecoder('latin1');
const utf8 = new TextDecoder('utf-8', { fatal: true });
const utf16 = new TextDecoder('utf-16be');

/** The rows of BINARY and BINARY2 in the base64 text of a STREAM (VOTable 1.4, sections 6.3 and 6.4). */
export class BinaryRows {
  #bytes: Buffer = Buffer.alloc(0);
  #at = 0;
  /** Characters that make no whole group of four yet. */
  #rest = '';
  #ended = false;

  constructor(
    private readonly source: TokenSource,
    /** BINARY2 has a mask of nulls in front of each row. */
    private readonly masked: boolean,
    private readonly where: string,
  ) {}

  /** Gives back at each full batch, and at the end. False when there are no more rows. */
  async read(rows: RowSink): Promise<boolean> {
    for (;;) {
      while (this.#row(rows)) if (rows.isFull) return true;
      if (this.#ended) {
        if (this.#at < this.#bytes.length) throw votableInvalid(this.where, `it ends in row ${rows.rowNumber}`);
        return false;
      }
      const token = await this.source.take();
      if (!token) throw votableInvalid(this.where, `it ends in row ${rows.rowNumber}`);
      if (token.kind === 'text') this.#push(token.text, rows);
      else if (token.kind === 'end' && token.name === 'STREAM') {
        this.#ended = true;
        if (this.#rest !== '') throw votableInvalid(this.where, 'its base64 text is cut');
      }
    }
  }

  #push(text: string, rows: RowSink): void {
    const all = this.#rest + text.replace(/\s+/g, '');
    if (!/^[A-Za-z0-9+/]*={0,2}$/.test(all))
      throw votableInvalid(this.where, `row ${rows.rowNumber} or one behind it is no base64 text`);
    const whole = all.length - (all.length % 4);
    this.#rest = all.slice(whole);
    this.#bytes = Buffer.concat([this.#bytes.subarray(this.#at), Buffer.from(all.slice(0, whole), 'base64')]);
    this.#at = 0;
  }

  /** Reads one row, if all of it is there. */
  #row(rows: RowSink): boolean {
    const { columns } = rows;
    const maskBytes = this.masked ? Math.ceil(columns.length / 8) : 0;
    const end = this.#endOfRow(columns, maskBytes, rows);
    if (end === undefined || end === this.#at) return false;
    const mask = this.#at;
    let at = this.#at + maskBytes;
    for (const [i, column] of columns.entries()) {
      const isNull = this.masked && (this.#bytes[mask + (i >> 3)] & (0x80 >> (i & 7))) !== 0;
      const [from, count] = this.#value(column, at);
      const length = bytesOf(column, count);
      const builder = rows.builders[i];
      if (builder) pushValue(this.#bytes.subarray(from, from + length), column, isNull, builder);
      at = from + length;
    }
    this.#at = end;
    rows.endRow(columns.length);
    return true;
  }

  #endOfRow(columns: readonly VotableColumn[], maskBytes: number, rows: RowSink): number | undefined {
    let at = this.#at + maskBytes;
    for (const column of columns) {
      if (column.repeat === undefined && at + 4 > this.#bytes.length) return undefined;
      const [from, count] = this.#value(column, at);
      const length = bytesOf(column, count);
      if (length > MAX_VALUE_BYTES)
        throw votableInvalid(
          this.where,
          `row ${rows.rowNumber}, column '${column.field.name}': a value of ${length} bytes`,
        );
      at = from + length;
    }
    return at <= this.#bytes.length ? at : undefined;
  }

  /** Where the elements of a value begin, and how many there are. */
  #value({ repeat }: VotableColumn, at: number): [from: number, count: number] {
    return repeat === undefined ? [at + 4, this.#bytes.readUInt32BE(at)] : [at, repeat];
  }
}

function bytesOf({ datatype }: VotableColumn, count: number): number {
  return datatype === 'bit' ? Math.ceil(count / 8) : count * ELEMENT_BYTES[datatype];
}

function pushValue(bytes: Buffer, column: VotableColumn, isNull: boolean, builder: ColumnBuilder): void {
  const { datatype, repeat = 1, nullText } = column;
  if (datatype === 'char' || datatype === 'unicodeChar') {
    const text = isNull ? '' : textOf(bytes, column);
    builder.push(text === '' ? null : text);
    return;
  }
  if (isNull) {
    builder.pushNulls(repeat);
    return;
  }
  const read = ELEMENTS[datatype];
  const width = bytesOf(column, 1);
  for (let item = 0; item < repeat; item++) {
    const value = read(bytes, item * width);
    // NaN is never equal to itself.
    builder.push(value === null || value !== value || String(value) === nullText ? null : value);
  }
}

const ELEMENTS: Readonly<Record<string, (bytes: Buffer, at: number) => number | bigint | boolean | null>> = {
  // The one bit is the highest, but in the lower half as astropy writes it.
  bit: (bytes, at) => bytes[at] !== 0,
  boolean: (bytes, at) =>
    'Tt1'.includes(String.fromCharCode(bytes[at]))
      ? true
      : 'Ff0'.includes(String.fromCharCode(bytes[at]))
        ? false
        : null,
  unsignedByte: (bytes, at) => bytes[at],
  short: (bytes, at) => bytes.readInt16BE(at),
  int: (bytes, at) => bytes.readInt32BE(at),
  long: (bytes, at) => bytes.readBigInt64BE(at),
  float: (bytes, at) => bytes.readFloatBE(at),
  double: (bytes, at) => bytes.readDoubleBE(at),
};

/** Up to the first NUL, and without the blanks that fill a fixed length. */
function textOf(bytes: Buffer, { datatype, repeat }: VotableColumn): string {
  const text = datatype === 'unicodeChar' ? utf16.decode(bytes) : charsOf(bytes);
  const end = text.indexOf('\0');
  const whole = end < 0 ? text : text.slice(0, end);
  return repeat === undefined ? whole : whole.trimEnd();
}

function charsOf(bytes: Buffer): string {
  try {
    return utf8.decode(bytes);
  } catch {
    return latin1.decode(bytes);
  }
}
