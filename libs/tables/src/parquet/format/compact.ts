import { ParquetFault } from './fault.js';

/** Wire types of the Thrift compact protocol (thrift-compact-protocol.md). */
export const Wire = {
  stop: 0,
  true: 1,
  false: 2,
  byte: 3,
  i16: 4,
  i32: 5,
  i64: 6,
  double: 7,
  binary: 8,
  list: 9,
  set: 10,
  map: 11,
  struct: 12,
  uuid: 13,
} as const;

const MAX_DEPTH = 32;
const utf8 = new TextDecoder('utf-8');

/** Reads Thrift compact structs from foreign bytes: every length is held against the bytes that are left. */
export class CompactReader {
  #depth = 0;

  constructor(
    readonly bytes: Uint8Array,
    public at = 0,
  ) {}

  byte(): number {
    if (this.at >= this.bytes.length) throw new ParquetFault(`metadata ends early at byte ${this.at}`);
    return this.bytes[this.at++];
  }

  /** Unsigned, at most 2^53. */
  varint(): number {
    let result = 0;
    let scale = 1;
    for (let count = 0; count < 10; count++) {
      const byte = this.byte();
      result += (byte & 0x7f) * scale;
      if (byte < 0x80) return result;
      scale *= 128;
    }
    throw new ParquetFault(`a number in the metadata is longer than 10 bytes (byte ${this.at})`);
  }

  /** Signed, whole; beyond 2^53 it loses digits, which no count or offset of a real file needs. */
  integer(): number {
    const raw = this.varint();
    return raw % 2 === 0 ? raw / 2 : -(raw + 1) / 2;
  }

  /** A length or offset: an integer in [0, 2^53). */
  size(what: string): number {
    const value = this.integer();
    if (!(value >= 0 && value <= Number.MAX_SAFE_INTEGER)) throw new ParquetFault(`${what} is ${value}`);
    return value;
  }

  binary(): Uint8Array {
    const length = this.varint();
    if (length > this.bytes.length - this.at) {
      throw new ParquetFault(
        `metadata claims ${length} bytes of text at byte ${this.at}, ${this.bytes.length - this.at} are left`,
      );
    }
    return this.bytes.subarray(this.at, (this.at += length));
  }

  text(): string {
    return utf8.decode(this.binary());
  }

  /** Calls `field(id, wire)` for each field; it returns false for what it does not read, which is skipped. */
  struct(field: (id: number, wire: number) => boolean): void {
    if (++this.#depth > MAX_DEPTH) throw new ParquetFault(`metadata is nested deeper than ${MAX_DEPTH}`);
    let id = 0;
    for (;;) {
      const head = this.byte();
      const wire = head & 15;
      if (wire === Wire.stop) break;
      const delta = head >> 4;
      id = delta === 0 ? this.integer() : id + delta;
      if (!field(id, wire)) this.skip(wire);
    }
    this.#depth--;
  }

  /** Calls `item(wire)` for each element of a list; it returns false for what it does not read. */
  list(item: (wire: number, index: number) => boolean): void {
    if (++this.#depth > MAX_DEPTH) throw new ParquetFault(`metadata is nested deeper than ${MAX_DEPTH}`);
    const head = this.byte();
    const wire = head & 15;
    const count = head >> 4 === 15 ? this.varint() : head >> 4;
    if (count > this.bytes.length - this.at) {
      throw new ParquetFault(
        `metadata claims a list of ${count} at byte ${this.at}, ${this.bytes.length - this.at} bytes are left`,
      );
    }
    for (let index = 0; index < count; index++) if (!item(wire, index)) this.skip(wire, true);
    this.#depth--;
  }

  /** `inList`: booleans are a byte of their own there, in structs they are the wire type. */
  skip(wire: number, inList = false): void {
    switch (wire) {
      case Wire.true:
      case Wire.false:
        if (inList) this.byte();
        return;
      case Wire.byte:
        this.byte();
        return;
      case Wire.i16:
      case Wire.i32:
      case Wire.i64:
        this.varint();
        return;
      case Wire.double:
        this.#pass(8);
        return;
      case Wire.uuid:
        this.#pass(16);
        return;
      case Wire.binary:
        this.binary();
        return;
      case Wire.list:
      case Wire.set:
        this.list(() => false);
        return;
      case Wire.map:
        this.#skipMap();
        return;
      case Wire.struct:
        this.struct(() => false);
        return;
      default:
        throw new ParquetFault(`metadata has an unknown type ${wire} at byte ${this.at}`);
    }
  }

  #skipMap(): void {
    const count = this.varint();
    if (count === 0) return;
    if (count > this.bytes.length - this.at)
      throw new ParquetFault(`metadata claims a map of ${count} at byte ${this.at}`);
    if (++this.#depth > MAX_DEPTH) throw new ParquetFault(`metadata is nested deeper than ${MAX_DEPTH}`);
    const kinds = this.byte();
    for (let index = 0; index < count; index++) {
      this.skip(kinds >> 4, true);
      this.skip(kinds & 15, true);
    }
    this.#depth--;
  }

  #pass(length: number): void {
    this.at += length;
    if (this.at > this.bytes.length) throw new ParquetFault(`metadata ends early at byte ${this.bytes.length}`);
  }
}
