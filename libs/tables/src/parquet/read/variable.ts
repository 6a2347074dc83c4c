import { BlockKernel } from '../codec/kernel.js';
import { decodeDelta32 } from '../encoding/delta.js';
import { ParquetFault, unsupported } from '../format/fault.js';
import { Encoding } from '../format/metadata.js';
import { allocate } from './memory.js';

/** Offsets into the bytes of a column are 32-bit in Arrow. */
const MAX_BYTES = 2 ** 31 - 1;

/** Byte strings one after the other with their offsets, filled page by page. */
export class VariableColumn {
  /** [rows + 1] */
  readonly offsets: Int32Array;
  bytes: Uint8Array;
  #length = 0;
  #rows = 0;
  #dictionary: VariableColumn | undefined;

  constructor(
    rowCapacity: number,
    byteCapacity: number,
    private readonly shared = false,
  ) {
    this.offsets = new Int32Array(allocate((rowCapacity + 1) * 4, shared).buffer);
    this.bytes = allocate(Math.min(byteCapacity, MAX_BYTES), shared);
  }

  get byteLength(): number {
    return this.#length;
  }

  setDictionary(page: Uint8Array, count: number): void {
    if (count > page.length / 4) throw new ParquetFault(`a dictionary of ${count} values in ${page.length} bytes`);
    const dictionary = new VariableColumn(count, page.length);
    dictionary.readPage(page, Encoding.plain, count, count, undefined);
    this.#dictionary = dictionary;
  }

  /**
   * Appends `rowCount` rows of which `count` are values, the others null (valid[i] = 0 for the i-th row of the column;
   * undefined: all are values).
   */
  readPage(page: Uint8Array, encoding: number, rowCount: number, count: number, valid: Uint8Array | undefined): void {
    switch (encoding) {
      case Encoding.plain:
        return this.#readPlain(page, rowCount, valid);
      case Encoding.plainDictionary:
      case Encoding.rleDictionary:
        return this.#readDictionary(page, rowCount, count, valid);
      case Encoding.deltaLengthByteArray:
        return this.#readDeltaLengths(page, rowCount, count, valid);
      case Encoding.deltaByteArray:
        return this.#readDeltaStrings(page, rowCount, count, valid);
      default:
        throw unsupported(`byte strings are in encoding ${encoding}, which is not read`);
    }
  }

  #readPlain(page: Uint8Array, rowCount: number, valid: Uint8Array | undefined): void {
    this.#reserve(page.length);
    const { offsets, bytes } = this;
    const first = this.#rows;
    let length = this.#length;
    let at = 0;
    for (let row = first; row < first + rowCount; row++) {
      if (valid === undefined || valid[row] !== 0) {
        if (at + 4 > page.length) throw new ParquetFault('a page of byte strings ends early');
        const size = page[at] | (page[at + 1] << 8) | (page[at + 2] << 16) | (page[at + 3] << 24);
        at += 4;
        if (size < 0 || size > page.length - at)
          throw new ParquetFault(`a byte string claims ${size >>> 0} bytes, ${page.length - at} are left`);
        copy(page, at, bytes, length, size);
        at += size;
        length += size;
      }
      offsets[row + 1] = length;
    }
    this.#rows = first + rowCount;
    this.#length = length;
  }

  #readDictionary(page: Uint8Array, rowCount: number, count: number, valid: Uint8Array | undefined): void {
    const dictionary = this.#dictionary;
    if (!dictionary) throw new ParquetFault('a page refers to a dictionary that is not there');
    const indices = BlockKernel.get().indices(page, count, dictionary.#rows);
    const starts = dictionary.offsets;
    const from = dictionary.bytes;
    let total = 0;
    for (let i = 0; i < count; i++) total += starts[indices[i] + 1] - starts[indices[i]];
    this.#reserve(total);
    const { offsets, bytes } = this;
    const first = this.#rows;
    let length = this.#length;
    for (let row = first, i = 0; row < first + rowCount; row++) {
      if (valid === undefined || valid[row] !== 0) {
        const index = indices[i++];
        const size = starts[index + 1] - starts[index];
        copy(from, starts[index], bytes, length, size);
        length += size;
      }
      offsets[row + 1] = length;
    }
    this.#rows = first + rowCount;
    this.#length = length;
  }

  #readDeltaLengths(page: Uint8Array, rowCount: number, count: number, valid: Uint8Array | undefined): void {
    const sizes = new Int32Array(count);
    const { count: got, at } = decodeDelta32(page, 0, sizes, 0, count);
    if (got !== count) throw new ParquetFault(`a page holds ${got} values, ${count} belong there`);
    const total = sumOfSizes(sizes);
    if (total > page.length - at)
      throw new ParquetFault(`byte strings claim ${total} bytes, ${page.length - at} are left`);
    this.#reserve(total);
    this.bytes.set(page.subarray(at, at + total), this.#length);
    this.#appendSizes(sizes, rowCount, valid);
  }

  #readDeltaStrings(page: Uint8Array, rowCount: number, count: number, valid: Uint8Array | undefined): void {
    const prefixes = new Int32Array(count);
    const suffixes = new Int32Array(count);
    const lead = decodeDelta32(page, 0, prefixes, 0, count);
    const tail = decodeDelta32(page, lead.at, suffixes, 0, count);
    if (lead.count !== count || tail.count !== count)
      throw new ParquetFault(`a page holds ${lead.count} values, ${count} belong there`);
    if (sumOfSizes(suffixes) > page.length - tail.at) throw new ParquetFault('a page of byte strings ends early');
    this.#reserve(sumOfSizes(prefixes) + sumOfSizes(suffixes));
    const bytes = this.bytes;
    let at = tail.at;
    let to = this.#length;
    let before = 0;
    for (let i = 0; i < count; i++) {
      const prefix = prefixes[i];
      if (prefix > before) throw new ParquetFault(`a byte string repeats ${prefix} bytes of one that has ${before}`);
      bytes.copyWithin(to, to - before, to - before + prefix);
      copy(page, at, bytes, to + prefix, suffixes[i]);
      at += suffixes[i];
      before = prefix + suffixes[i];
      to += before;
      suffixes[i] = before;
    }
    this.#appendSizes(suffixes, rowCount, valid);
  }

  /** Offsets of rows whose bytes stand at the end already. */
  #appendSizes(sizes: Int32Array, rowCount: number, valid: Uint8Array | undefined): void {
    const { offsets } = this;
    const first = this.#rows;
    let length = this.#length;
    for (let row = first, i = 0; row < first + rowCount; row++) {
      if (valid === undefined || valid[row] !== 0) length += sizes[i++];
      offsets[row + 1] = length;
    }
    this.#rows = first + rowCount;
    this.#length = length;
  }

  #reserve(more: number): void {
    const needed = this.#length + more;
    if (needed <= this.bytes.length) return;
    if (needed > MAX_BYTES)
      throw unsupported('the byte strings of one row group exceed 2 GiB; write smaller row groups');
    const grown = allocate(Math.min(MAX_BYTES, Math.max(needed, Math.floor(this.bytes.length * 1.5))), this.shared);
    grown.set(this.bytes.subarray(0, this.#length));
    this.bytes = grown;
  }
}

function copy(from: Uint8Array, at: number, to: Uint8Array, target: number, size: number): void {
  if (size > 48) {
    to.set(from.subarray(at, at + size), target);
    return;
  }
  for (let i = 0; i < size; i++) to[target + i] = from[at + i];
}

function sumOfSizes(sizes: Int32Array): number {
  let total = 0;
  for (let i = 0; i < sizes.length; i++) {
    if (sizes[i] < 0) throw new ParquetFault(`a byte string of ${sizes[i]} bytes`);
    total += sizes[i];
  }
  return total;
}
