import { readFileSync } from 'node:fs';
import { ParquetFault } from '../format/fault.js';

interface KernelExports {
  snappyDecodedLength(source: number, sourceLength: number): bigint;
  snappyDecode(source: number, sourceLength: number, target: number, targetLength: number): number;
  snappyEncode(source: number, length: number, target: number, table: number): number;
  decodeIndices(
    source: number,
    sourceLength: number,
    bitWidth: number,
    size: number,
    target: number,
    count: number,
  ): number;
  gather4(dictionary: number, indices: number, target: number, count: number): void;
  gather8(dictionary: number, indices: number, target: number, count: number): void;
  lz4Decode(source: number, sourceLength: number, target: number, targetLength: number): number;
  boundsF64(source: number, count: number, target: number): void;
  boundsF32(source: number, count: number, target: number): void;
  boundsI32(source: number, count: number, target: number, flip: number): void;
  boundsI64(source: number, count: number, target: number, flip: bigint): void;
}

/** Types of numbers whose bounds are found here. */
export type NumberKind = 'f64' | 'f32' | 'i32' | 'u32' | 'i64' | 'u64';

const WASM_PAGE = 65536;
const START = 1024;
/** Room behind each block for the vector moves of the kernel, and the alignment of blocks. */
const SLACK = 64;
const TABLE_BYTES = 32768;
/** Memory that an unusually large page made grow is given back when it exceeds this. */
const KEEP_BYTES = 32 << 20;

/**
 * The inner loops of pages in WebAssembly with the memory they work on: a dictionary that stays for the pages of a
 * column, behind it what a call needs. One per thread, made at first use.
 */
export class BlockKernel {
  static #shared: BlockKernel | undefined;
  readonly #memory: WebAssembly.Memory;
  readonly #exports: KernelExports;
  #bytes: Uint8Array;
  /** Where calls may begin to use the memory: behind the dictionary. */
  #base = START;
  /** The memory's buffer and, after it grew, the ones before: all show the same bytes. */
  readonly #buffers = new Set<ArrayBufferLike>();

  static get(): BlockKernel {
    return (BlockKernel.#shared ??= new BlockKernel());
  }

  /** Forgets the dictionary when a column is done, and memory that an unusually large page made it take. */
  static release(): void {
    const kernel = BlockKernel.#shared;
    if (!kernel) return;
    if (kernel.#bytes.length > KEEP_BYTES) BlockKernel.#shared = undefined;
    else kernel.#base = START;
  }

  private constructor() {
    const url = new URL('../../../build/parquet/codec/kernel.wasm', import.meta.url);
    module ??= new WebAssembly.Module(readFileSync(url));
    this.#memory = new WebAssembly.Memory({ initial: 64, maximum: 32768, shared: true });
    this.#exports = new WebAssembly.Instance(module, { env: { memory: this.#memory } })
      .exports as unknown as KernelExports;
    this.#bytes = new Uint8Array(this.#memory.buffer);
    this.#buffers.add(this.#memory.buffer);
  }

  /** The decoded block: a view that is valid until the next call that is not given it. */
  decode(codec: 'snappy' | 'lz4', block: Uint8Array, length: number): Uint8Array {
    const source = this.#base;
    const target = align(source + block.length + SLACK);
    this.#ensure(target + length + SLACK);
    this.#bytes.set(block, source);
    if (codec === 'snappy') {
      const declared = Number(this.#exports.snappyDecodedLength(source, block.length));
      if (declared !== length)
        throw new ParquetFault(`a Snappy block holds ${declared} bytes, its page says ${length}`);
      if (length > 0 && !this.#exports.snappyDecode(source, block.length, target, length))
        throw new ParquetFault('a Snappy block is broken');
    } else if (!this.#exports.lz4Decode(source, block.length, target, length)) {
      throw new ParquetFault('an LZ4 block is broken');
    }
    return this.#bytes.subarray(target, target + length);
  }

  /** The Snappy block of `bytes`: a view that is valid until the next call. */
  encode(bytes: Uint8Array): Uint8Array {
    const isHere = this.#buffers.has(bytes.buffer);
    const source = isHere ? bytes.byteOffset : this.#base;
    const table = isHere ? this.#base : align(source + bytes.length + SLACK);
    const target = table + TABLE_BYTES;
    this.#ensure(target + bytes.length + Math.ceil(bytes.length / 6) + 32 + SLACK);
    if (!isHere) this.#bytes.set(bytes, source);
    const length = this.#exports.snappyEncode(source, bytes.length, target, table);
    return this.#bytes.subarray(target, target + length);
  }

  /** Room for the values of a page, to fill and to give to the other calls, which then need no copy; until `release`. */
  page(byteLength: number): Uint8Array {
    const base = align(START + byteLength + SLACK);
    this.#ensure(base);
    this.#base = base;
    return this.#bytes.subarray(START, START + byteLength);
  }

  /** Smallest and largest of the `count` >= 1 values at the begin of `page`; undefined when all are NaN. */
  bounds(
    kind: NumberKind,
    page: Uint8Array,
    count: number,
  ): { min: number | bigint; max: number | bigint } | undefined {
    const source = page.byteOffset;
    const target = this.#base;
    this.#ensure(target + SLACK);
    const { buffer } = this.#memory;
    switch (kind) {
      case 'f64': {
        this.#exports.boundsF64(source, count, target);
        const [min, max] = new Float64Array(buffer, target, 2);
        return min <= max ? { min, max } : undefined;
      }
      case 'f32': {
        this.#exports.boundsF32(source, count, target);
        const [min, max] = new Float32Array(buffer, target, 2);
        return min <= max ? { min, max } : undefined;
      }
      case 'i32':
      case 'u32': {
        this.#exports.boundsI32(source, count, target, kind === 'i32' ? 0 : 1 << 31);
        const [min, max] = kind === 'i32' ? new Int32Array(buffer, target, 2) : new Uint32Array(buffer, target, 2);
        return { min, max };
      }
      default: {
        this.#exports.boundsI64(source, count, target, kind === 'i64' ? 0n : 1n << 63n);
        const signed = kind === 'i64';
        const [min, max] = signed ? new BigInt64Array(buffer, target, 2) : new BigUint64Array(buffer, target, 2);
        return { min, max };
      }
    }
  }

  /** Keeps the values of a dictionary for `gather`, until `release`. */
  setDictionary(values: Uint8Array): void {
    const base = align(START + values.length + SLACK);
    this.#ensure(base);
    this.#bytes.set(values, START);
    this.#base = base;
  }

  /** The `count` dictionary indices of a page (bit width, then the hybrid), each below `size`: a view until the next call. */
  indices(page: Uint8Array, count: number, size: number): Int32Array {
    return new Int32Array(this.#memory.buffer, this.#decodeIndices(page, count, size, 0), count);
  }

  /** The values of 4 or 8 bytes that a page of indices stands for: a view until the next call. */
  gather(page: Uint8Array, count: number, size: number, stride: 4 | 8): Uint8Array {
    const indices = this.#decodeIndices(page, count, size, count * stride + SLACK);
    const target = align(indices + count * 4 + SLACK);
    if (stride === 4) this.#exports.gather4(START, indices, target, count);
    else this.#exports.gather8(START, indices, target, count);
    return this.#bytes.subarray(target, target + count * stride);
  }

  /** Offset of the decoded indices; `behind` bytes of room are made behind them. */
  #decodeIndices(page: Uint8Array, count: number, size: number, behind: number): number {
    if (count === 0) return this.#base;
    if (page.length === 0) throw new ParquetFault('a page of dictionary indices is empty');
    const bitWidth = page[0];
    if (bitWidth > 32) throw new ParquetFault(`dictionary indices of ${bitWidth} bits`);
    // A page that was decoded here stays where it is.
    const isHere = this.#buffers.has(page.buffer);
    const source = isHere ? page.byteOffset : this.#base;
    const target = align(source + page.length + SLACK);
    this.#ensure(target + count * 4 + 2 * SLACK + behind);
    if (!isHere) this.#bytes.set(page, source);
    if (bitWidth === 0) {
      this.#bytes.fill(0, target, target + count * 4);
      if (size === 0) throw new ParquetFault('a page refers to an empty dictionary');
      return target;
    }
    const state = this.#exports.decodeIndices(source + 1, page.length - 1, bitWidth, size, target, count);
    if (state === 1) throw new ParquetFault(`a page of ${count} dictionary indices ends early`);
    if (state === 2) throw new ParquetFault(`a page refers beyond the ${size} entries of its dictionary`);
    return target;
  }

  #ensure(byteLength: number): void {
    if (byteLength <= this.#bytes.length) return;
    this.#memory.grow(Math.ceil((byteLength - this.#bytes.length) / WASM_PAGE));
    this.#bytes = new Uint8Array(this.#memory.buffer);
    this.#buffers.add(this.#memory.buffer);
  }
}

let module: WebAssembly.Module | undefined;

function align(offset: number): number {
  return (offset + SLACK - 1) & -SLACK;
}
