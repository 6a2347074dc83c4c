import { Wire } from './compact.js';

const utf8 = new TextEncoder();

/** Writes Thrift compact structs; fields must come in the order of their ids. */
export class CompactWriter {
  #bytes = new Uint8Array(256);
  #length = 0;
  #last = 0;
  readonly #outer: number[] = [];

  /** The bytes written so far; a view that later writes may change. */
  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  i32(id: number, value: number): void {
    this.#field(id, Wire.i32);
    this.#zigzag(value);
  }

  i16(id: number, value: number): void {
    this.#field(id, Wire.i16);
    this.#zigzag(value);
  }

  i64(id: number, value: number): void {
    this.#field(id, Wire.i64);
    this.#zigzag(value);
  }

  i8(id: number, value: number): void {
    this.#field(id, Wire.byte);
    this.#byte(value);
  }

  bool(id: number, value: boolean): void {
    this.#field(id, value ? Wire.true : Wire.false);
  }

  binary(id: number, value: Uint8Array): void {
    this.#field(id, Wire.binary);
    this.#raw(value);
  }

  text(id: number, value: string): void {
    this.binary(id, utf8.encode(value));
  }

  struct(id: number, fields: () => void): void {
    this.#field(id, Wire.struct);
    this.item(fields);
  }

  /** A struct without a field head: the outermost one, or an element of a list. */
  item(fields: () => void): void {
    this.#outer.push(this.#last);
    this.#last = 0;
    fields();
    this.#byte(Wire.stop);
    this.#last = this.#outer.pop() as number;
  }

  structs<T>(id: number, items: readonly T[], fields: (item: T, index: number) => void): void {
    this.#listHead(id, Wire.struct, items.length);
    items.forEach((item, index) => this.item(() => fields(item, index)));
  }

  i32s(id: number, items: readonly number[]): void {
    this.#listHead(id, Wire.i32, items.length);
    for (const item of items) this.#zigzag(item);
  }

  texts(id: number, items: readonly string[]): void {
    this.#listHead(id, Wire.binary, items.length);
    for (const item of items) this.#raw(utf8.encode(item));
  }

  #listHead(id: number, wire: number, count: number): void {
    this.#field(id, Wire.list);
    if (count < 15) this.#byte((count << 4) | wire);
    else {
      this.#byte(0xf0 | wire);
      this.#varint(count);
    }
  }

  #field(id: number, wire: number): void {
    const delta = id - this.#last;
    if (delta > 0 && delta < 16) this.#byte((delta << 4) | wire);
    else {
      this.#byte(wire);
      this.#zigzag(id);
    }
    this.#last = id;
  }

  #raw(bytes: Uint8Array): void {
    this.#varint(bytes.length);
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** Values within +-2^52. */
  #zigzag(value: number): void {
    this.#varint(value < 0 ? -2 * value - 1 : 2 * value);
  }

  #varint(value: number): void {
    while (value >= 128) {
      this.#byte((value % 128) | 0x80);
      value = Math.floor(value / 128);
    }
    this.#byte(value);
  }

  #byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + more));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}
