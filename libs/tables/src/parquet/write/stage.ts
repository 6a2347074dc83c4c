import { type Data, DataType, Type } from 'apache-arrow';
import { fail } from '@armilla/base';
import { Physical } from '../format/metadata.js';
import { copyBits, setBits } from '../bits.js';
import type { ColumnPiece, ColumnSpec } from './column.js';

const FIRST_ROWS = 8192;
const MAX_BYTES = 2 ** 31 - 1;

/**
 * One column of the row group that is being gathered, in shared memory: batches of any size become one run of rows that
 * threads encode without another copy, and the batch may be changed as soon as it was taken.
 */
export class ColumnStage {
  #rows = 0;
  #capacity = 0;
  #nullCount = 0;
  #values: Uint8Array = new Uint8Array(0);
  #byteLength = 0;
  #offsets: Int32Array | undefined;
  #validity: Uint8Array | undefined;

  constructor(
    readonly spec: ColumnSpec,
    private readonly rowLimit: number,
  ) {}

  /** Bytes held. */
  get byteLength(): number {
    return this.#values.length + (this.#offsets?.byteLength ?? 0) + (this.#validity?.length ?? 0);
  }

  /** Appends rows [from, to) of a column of a batch. */
  append(data: Data, from: number, to: number): void {
    this.#reserveRows(this.#rows + to - from);
    if (DataType.isDictionary(data.type)) this.#appendDictionary(data, from, to);
    else this.#appendPlain(data, from, to);
    this.#rows += to - from;
  }

  /** The rows so far; views that are valid until `reset`. */
  piece(): ColumnPiece {
    const rows = this.#rows;
    const { byteWidth, physical } = this.spec;
    const text = physical === Physical.byteArray;
    const length = text ? this.#byteLength : physical === Physical.boolean ? (rows + 7) >> 3 : rows * byteWidth;
    return {
      length: rows,
      nullCount: this.#nullCount,
      validity: this.#nullCount > 0 && this.spec.logical?.kind !== 'null' ? this.#validity : undefined,
      bitOffset: 0,
      values: this.#values.subarray(0, length),
      offsets: text ? (this.#offsets ?? new Int32Array(1)).subarray(0, rows + 1) : undefined,
    };
  }

  /** Forgets the rows and keeps the memory. */
  reset(): void {
    if (this.spec.physical === Physical.boolean) this.#values.fill(0);
    this.#validity = undefined;
    this.#rows = 0;
    this.#nullCount = 0;
    this.#byteLength = 0;
  }

  #appendPlain(data: Data, from: number, to: number): void {
    const count = to - from;
    if (data.type.typeId === Type.Null) {
      this.#nullCount += count;
      return;
    }
    this.#appendValidity(data, from, count);
    const { physical, byteWidth } = this.spec;
    const source = bytesOf(data.values as ArrayBufferView);
    if (physical === Physical.boolean) copyBits(source, data.offset + from, this.#values, this.#rows, count);
    else if (physical !== Physical.byteArray)
      this.#values.set(source.subarray(from * byteWidth, to * byteWidth), this.#rows * byteWidth);
    else this.#appendStrings(source, data.valueOffsets as unknown as Int32Array | BigInt64Array, from, to);
  }

  #appendStrings(source: Uint8Array, starts: Int32Array | BigInt64Array, from: number, to: number): void {
    const first = Number(starts[from]);
    const last = Number(starts[to]);
    this.#reserveBytes(last - first);
    this.#values.set(source.subarray(first, last), this.#byteLength);
    const offsets = this.#offsets as Int32Array;
    const shift = this.#byteLength - first;
    const rows = this.#rows;
    if (starts instanceof Int32Array) for (let i = 1; i <= to - from; i++) offsets[rows + i] = starts[from + i] + shift;
    else for (let i = 1; i <= to - from; i++) offsets[rows + i] = Number(starts[from + i]) + shift;
    this.#byteLength += last - first;
  }

  #appendValidity(data: Data, from: number, count: number): void {
    if (data.nullCount === 0) {
      if (this.#validity) setBits(this.#validity, this.#rows, count);
      return;
    }
    const bits = new Uint8Array((count + 7) >> 3);
    copyBits(data.nullBitmap as Uint8Array, data.offset + from, bits, 0, count);
    this.#joinValidity(bits, count);
  }

  #joinValidity(bits: Uint8Array, count: number): void {
    let ones = 0;
    for (let i = 0; i < count; i++) ones += (bits[i >> 3] >> (i & 7)) & 1;
    if (!this.#validity && ones < count) {
      this.#validity = new Uint8Array(new SharedArrayBuffer((this.#capacity + 7) >> 3));
      setBits(this.#validity, 0, this.#rows);
    }
    if (this.#validity) copyBits(bits, 0, this.#validity, this.#rows, count);
    this.#nullCount += count - ones;
  }

  /** Dictionary encoded columns are written by value. */
  #appendDictionary(data: Data, from: number, to: number): void {
    const chunks = data.dictionary?.data ?? [];
    const entries = new ColumnStage(
      this.spec,
      chunks.reduce((sum, chunk) => sum + chunk.length, 0),
    );
    for (const chunk of chunks) entries.append(chunk, 0, chunk.length);
    const dictionary = entries.piece();
    const indices = data.values as unknown as ArrayLike<number | bigint>;
    const nulls = data.nullCount > 0 ? (data.nullBitmap as Uint8Array) : undefined;
    const bits = new Uint8Array((to - from + 7) >> 3);
    const { byteWidth, physical } = this.spec;
    for (let row = from; row < to; row++) {
      const out = this.#rows + row - from;
      const bit = data.offset + row;
      const isValue = !nulls || ((nulls[bit >> 3] >> (bit & 7)) & 1) === 1;
      const index = isValue ? Number(indices[row]) : -1;
      if (isValue && !(index >= 0 && index < dictionary.length))
        throw fail('INTERNAL', {
          detail: `column '${this.spec.name}' refers to dictionary entry ${index} of ${dictionary.length}`,
        });
      const valid = isValue && (!dictionary.validity || ((dictionary.validity[index >> 3] >> (index & 7)) & 1) === 1);
      if (valid) bits[(row - from) >> 3] |= 1 << ((row - from) & 7);
      if (physical === Physical.byteArray) {
        if (valid) this.#appendEntry(dictionary, index);
        (this.#offsets as Int32Array)[out + 1] = this.#byteLength;
      } else if (valid && physical === Physical.boolean) {
        copyBits(dictionary.values, index, this.#values, out, 1);
      } else if (valid) {
        this.#values.set(dictionary.values.subarray(index * byteWidth, (index + 1) * byteWidth), out * byteWidth);
      }
    }
    this.#joinValidity(bits, to - from);
  }

  #appendEntry(dictionary: ColumnPiece, index: number): void {
    const starts = dictionary.offsets as Int32Array;
    const start = starts[index];
    const end = starts[index + 1];
    this.#reserveBytes(end - start);
    for (let i = start, p = this.#byteLength; i < end; i++) this.#values[p++] = dictionary.values[i];
    this.#byteLength += end - start;
  }

  #reserveRows(rows: number): void {
    if (rows <= this.#capacity) return;
    this.#capacity = Math.max(rows, Math.min(this.rowLimit, Math.max(FIRST_ROWS, this.#capacity * 4)));
    const { byteWidth, physical } = this.spec;
    if (physical === Physical.byteArray) {
      const grown = new Int32Array(new SharedArrayBuffer((this.#capacity + 1) * 4));
      if (this.#offsets) grown.set(this.#offsets);
      this.#offsets = grown;
    } else {
      this.#values = grownTo(
        this.#values,
        physical === Physical.boolean ? (this.#capacity + 7) >> 3 : this.#capacity * byteWidth,
      );
    }
    if (this.#validity) this.#validity = grownTo(this.#validity, (this.#capacity + 7) >> 3);
  }

  #reserveBytes(more: number): void {
    const needed = this.#byteLength + more;
    if (needed <= this.#values.length) return;
    if (needed > MAX_BYTES)
      throw fail('PARQUET_UNSUPPORTED', {
        where: 'output',
        detail: `column '${this.spec.name}' has more than 2 GiB of text in one row group`,
      });
    this.#values = grownTo(this.#values, Math.min(MAX_BYTES, Math.max(needed, this.#values.length * 2, 1 << 16)));
  }
}

function grownTo(bytes: Uint8Array<ArrayBufferLike>, byteLength: number): Uint8Array<SharedArrayBuffer> {
  const grown = new Uint8Array(new SharedArrayBuffer(byteLength));
  grown.set(bytes);
  return grown;
}

function bytesOf(view: ArrayBufferView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}
