import { fail, type Problem } from '@armilla/base';

const TEXT = new TextDecoder();

/** A vector inside a flatbuffer: absolute position of its first element, and how many there are. */
export interface FlatVector {
  readonly at: number;
  readonly length: number;
}

/**
 * Bytes of one flatbuffer from outside. Nothing in it is believed: every read is checked against the bounds, and what
 * strings and vectors are read in total is limited, since a few bytes can be referred to any number of times.
 */
export class FlatBytes {
  readonly view: DataView;
  #budget: number;

  constructor(
    readonly bytes: Uint8Array,
    readonly where: string,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#budget = 4 * bytes.byteLength + 2 ** 20;
  }

  /** The table that the first word points to. */
  root(): FlatTable {
    this.need(0, 4, 'root');
    return new FlatTable(this, this.view.getUint32(0, true), 'root');
  }

  need(at: number, length: number, what: string): void {
    if (at < 0 || length < 0 || at + length > this.bytes.byteLength) {
      throw this.bad(`${what} lies at bytes ${at} to ${at + length} of a header of ${this.bytes.byteLength}`);
    }
  }

  spend(bytes: number, what: string): void {
    this.#budget -= bytes;
    if (this.#budget < 0) throw this.bad(`${what} refers to the same bytes of the header again and again`);
  }

  bad(detail: string): Problem {
    return fail('ARROW_INVALID', { where: this.where, detail });
  }
}

/** One table of a flatbuffer; fields are named by their number in the schema (Message.fbs, Schema.fbs, File.fbs). */
export class FlatTable {
  readonly #vtable: number;
  readonly #fieldCount: number;
  readonly #tableBytes: number;

  constructor(
    readonly flat: FlatBytes,
    readonly at: number,
    readonly what: string,
  ) {
    flat.need(at, 4, what);
    const vtable = at - flat.view.getInt32(at, true);
    flat.need(vtable, 4, `vtable of ${what}`);
    const vtableBytes = flat.view.getUint16(vtable, true);
    const tableBytes = flat.view.getUint16(vtable + 2, true);
    if (vtableBytes < 4 || vtableBytes % 2 !== 0) throw flat.bad(`vtable of ${what} has ${vtableBytes} bytes`);
    if (tableBytes < 4) throw flat.bad(`${what} has ${tableBytes} bytes`);
    flat.need(vtable, vtableBytes, `vtable of ${what}`);
    flat.need(at, tableBytes, what);
    this.#vtable = vtable;
    this.#fieldCount = (vtableBytes - 4) / 2;
    this.#tableBytes = tableBytes;
  }

  has(field: number): boolean {
    return this.#position(field, 1) !== 0;
  }

  uint8(field: number, absent = 0): number {
    const at = this.#position(field, 1);
    return at === 0 ? absent : this.flat.view.getUint8(at);
  }

  int16(field: number, absent = 0): number {
    const at = this.#position(field, 2);
    return at === 0 ? absent : this.flat.view.getInt16(at, true);
  }

  int32(field: number, absent = 0): number {
    const at = this.#position(field, 4);
    return at === 0 ? absent : this.flat.view.getInt32(at, true);
  }

  bigInt64(field: number): bigint {
    const at = this.#position(field, 8);
    return at === 0 ? 0n : this.flat.view.getBigInt64(at, true);
  }

  /** A count or size: refused when negative or beyond 2^53. */
  size(field: number, name: string): number {
    const at = this.#position(field, 8);
    return at === 0 ? 0 : this.sizeAt(at, name);
  }

  /** The int64 at an absolute position that was checked before, as `size`. */
  sizeAt(at: number, name: string): number {
    const low = this.flat.view.getUint32(at, true);
    const high = this.flat.view.getInt32(at + 4, true);
    const value = high * 2 ** 32 + low;
    if (high < 0 || value > Number.MAX_SAFE_INTEGER)
      throw this.flat.bad(`${name} is ${this.flat.view.getBigInt64(at, true)}`);
    return value;
  }

  table(field: number, what: string): FlatTable | undefined {
    const at = this.#position(field, 4);
    return at === 0 ? undefined : new FlatTable(this.flat, at + this.flat.view.getUint32(at, true), what);
  }

  vector(field: number, elementBytes: number, what: string): FlatVector {
    const pointer = this.#position(field, 4);
    if (pointer === 0) return { at: 0, length: 0 };
    const { flat } = this;
    const at = pointer + flat.view.getUint32(pointer, true);
    flat.need(at, 4, what);
    const length = flat.view.getUint32(at, true);
    flat.need(at + 4, length * elementBytes, what);
    flat.spend(length * elementBytes, what);
    return { at: at + 4, length };
  }

  /** Element `index` of a vector of tables. */
  element(vector: FlatVector, index: number, what: string): FlatTable {
    const at = vector.at + 4 * index;
    return new FlatTable(this.flat, at + this.flat.view.getUint32(at, true), what);
  }

  string(field: number, what: string): string {
    const { at, length } = this.vector(field, 1, what);
    return TEXT.decode(this.flat.bytes.slice(at, at + length));
  }

  /** Custom metadata: a vector of `KeyValue` tables. */
  keyValues(field: number, what: string): Map<string, string> {
    const entries = this.vector(field, 4, what);
    const map = new Map<string, string>();
    for (let i = 0; i < entries.length; i++) {
      const entry = this.element(entries, i, what);
      map.set(entry.string(0, what), entry.string(1, what));
    }
    return map;
  }

  /** Absolute position of a field of `bytes` bytes; 0 when it is absent. */
  #position(field: number, bytes: number): number {
    if (field >= this.#fieldCount) return 0;
    const offset = this.flat.view.getUint16(this.#vtable + 4 + 2 * field, true);
    if (offset === 0) return 0;
    if (offset < 4 || offset + bytes > this.#tableBytes)
      throw this.flat.bad(`field ${field} of ${this.what} lies outside its table`);
    return this.at + offset;
  }
}
