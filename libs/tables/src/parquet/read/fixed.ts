import { BlockKernel } from '../codec/kernel.js';
import { decodeDelta32, decodeDelta64 } from '../encoding/delta.js';
import { decodeHybrid } from '../encoding/hybrid.js';
import { ParquetFault, unsupported } from '../format/fault.js';
import { type Leaf, strideOf } from '../format/leaf.js';
import { Encoding, Physical, PHYSICAL_NAMES } from '../format/metadata.js';
import { VariableColumn } from './variable.js';

/** Values of a fixed stride, filled page by page; `bytes` may be memory of the caller. */
export class FixedColumn {
  readonly stride: number;
  #dictionary: FixedColumn | undefined;

  constructor(
    readonly leaf: Leaf,
    /** [capacity * stride], 8-byte aligned when the stride is 4 or 8. */
    readonly bytes: Uint8Array,
  ) {
    this.stride = strideOf(leaf);
  }

  setDictionary(page: Uint8Array, count: number): void {
    const stride = this.stride;
    if (count * stride > page.length) throw new ParquetFault(`a dictionary of ${count} values in ${page.length} bytes`);
    const dictionary = new FixedColumn(this.leaf, new Uint8Array(count * stride));
    dictionary.readPage(page, Encoding.plain, 0, count);
    BlockKernel.get().setDictionary(dictionary.bytes);
    this.#dictionary = dictionary;
  }

  /** Decodes `count` values without nulls to rows [row, row + count). */
  readPage(page: Uint8Array, encoding: number, row: number, count: number): void {
    const { stride, bytes } = this;
    switch (encoding) {
      case Encoding.plain:
        if (this.leaf.physical === Physical.boolean) return this.#readBits(page, row, count);
        if (count * stride > page.length)
          throw new ParquetFault(`${count} values of ${stride} bytes in a page of ${page.length}`);
        bytes.set(page.subarray(0, count * stride), row * stride);
        return;
      case Encoding.plainDictionary:
      case Encoding.rleDictionary:
        return this.#readDictionary(page, row, count);
      case Encoding.rle:
        if (this.leaf.physical === Physical.boolean) return this.#readRleBits(page, row, count);
        break;
      case Encoding.deltaBinaryPacked:
        if (this.leaf.physical === Physical.int32)
          return expectCount(decodeDelta32(page, 0, this.#int32(), row, count).count, count);
        if (this.leaf.physical === Physical.int64)
          return expectCount(decodeDelta64(page, 0, this.#int64(), row, count).count, count);
        break;
      case Encoding.deltaByteArray:
        if (this.leaf.physical === Physical.fixed) return this.#readDeltaStrings(page, row, count);
        break;
      case Encoding.byteStreamSplit:
        return this.#readSplit(page, row, count);
      default:
    }
    throw unsupported(`values of ${PHYSICAL_NAMES[this.leaf.physical]} are in encoding ${encoding}, which is not read`);
  }

  /** Moves the `count` dense values at `row` apart to the rows that are valid, zero elsewhere; valid[row .. row + rows). */
  spread(valid: Uint8Array, row: number, rowCount: number, count: number): void {
    const { stride, bytes } = this;
    if (stride === 8 || stride === 4) {
      const step = stride >> 2;
      const words = this.#int32();
      let from = (row + count) * step;
      for (let i = row + rowCount - 1; i >= row; i--) {
        const to = i * step;
        if (valid[i] !== 0) {
          from -= step;
          words[to] = words[from];
          if (step === 2) words[to + 1] = words[from + 1];
        } else {
          words[to] = 0;
          if (step === 2) words[to + 1] = 0;
        }
      }
      return;
    }
    let from = (row + count) * stride;
    for (let i = row + rowCount - 1; i >= row; i--) {
      if (valid[i] !== 0) {
        from -= stride;
        bytes.copyWithin(i * stride, from, from + stride);
      } else {
        bytes.fill(0, i * stride, (i + 1) * stride);
      }
    }
  }

  #int32(): Int32Array {
    return new Int32Array(this.bytes.buffer, this.bytes.byteOffset, this.bytes.length >> 2);
  }

  #int64(): BigInt64Array {
    return new BigInt64Array(this.bytes.buffer, this.bytes.byteOffset, this.bytes.length >> 3);
  }

  #readBits(page: Uint8Array, row: number, count: number): void {
    if (Math.ceil(count / 8) > page.length)
      throw new ParquetFault(`${count} booleans in a page of ${page.length} bytes`);
    const { bytes } = this;
    for (let i = 0; i < count; i++) bytes[row + i] = (page[i >>> 3] >>> (i & 7)) & 1;
  }

  #readRleBits(page: Uint8Array, row: number, count: number): void {
    if (page.length < 4) throw new ParquetFault(`a page of ${page.length} bytes has no room for its length`);
    const length = (page[0] | (page[1] << 8) | (page[2] << 16) | (page[3] << 24)) >>> 0;
    if (length > page.length - 4)
      throw new ParquetFault(`a page of ${page.length} bytes claims ${length} bytes of values`);
    const out = new Int32Array(count);
    decodeHybrid(page, 4, 4 + length, 1, out, count);
    for (let i = 0; i < count; i++) this.bytes[row + i] = out[i] & 1;
  }

  #readDictionary(page: Uint8Array, row: number, count: number): void {
    const dictionary = this.#dictionary;
    if (!dictionary) throw new ParquetFault('a page refers to a dictionary that is not there');
    const { stride, bytes } = this;
    const size = stride === 0 ? 0 : dictionary.bytes.length / stride;
    if (stride === 8 || stride === 4) {
      bytes.set(BlockKernel.get().gather(page, count, size, stride), row * stride);
      return;
    }
    const indices = BlockKernel.get().indices(page, count, size);
    const from = dictionary.bytes;
    for (let i = 0, p = row * stride; i < count; i++) {
      for (let q = indices[i] * stride, end = q + stride; q < end; q++) bytes[p++] = from[q];
    }
  }

  #readDeltaStrings(page: Uint8Array, row: number, count: number): void {
    const { stride, bytes } = this;
    const strings = new VariableColumn(count, count * stride);
    strings.readPage(page, Encoding.deltaByteArray, count, count, undefined);
    for (let i = 0; i < count; i++) {
      const size = strings.offsets[i + 1] - strings.offsets[i];
      if (size !== stride) throw new ParquetFault(`a value of ${size} bytes in a column of ${stride}`);
    }
    bytes.set(strings.bytes.subarray(0, count * stride), row * stride);
  }

  /** BYTE_STREAM_SPLIT: first all first bytes, then all second bytes, and so on. */
  #readSplit(page: Uint8Array, row: number, count: number): void {
    const { stride, bytes } = this;
    if (count * stride > page.length)
      throw new ParquetFault(`${count} values of ${stride} bytes in a page of ${page.length}`);
    for (let k = 0; k < stride; k++) {
      for (let i = 0, p = row * stride + k, q = k * count; i < count; i++, p += stride) bytes[p] = page[q + i];
    }
  }
}

function expectCount(got: number, wanted: number): void {
  if (got !== wanted) throw new ParquetFault(`a page holds ${got} values, ${wanted} belong there`);
}
