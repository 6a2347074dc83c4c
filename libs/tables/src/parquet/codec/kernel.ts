import { readFileSync } from 'node:fs';
import { ParquetFault } from '../format/fault.js';

interface KernelExports {
  snappyDecodedLength(source: number, sourceLength: number): bigint;
  snappyDecode(source: number, sourceLength: number, target: number, targetLength: number): number;
  snappyEncode(source: number, length: number, target: number, table: number): number;
  lz4Decode(source: number, sourceLength: number, target: number, targetLength: number): number;
}

const WASM_PAGE = 65536;
const START = 1024;
/** Room behind each block for the vector moves of the kernel, and the alignment of blocks. */
const SLACK = 64;
const TABLE_BYTES = 32768;
/** Memory that an unusually large page made grow is given back when it exceeds this. */
const KEEP_BYTES = 32 << 20;

/** The block codecs in WebAssembly with the memory they work on; one per thread, made at first use. */
export class BlockKernel {
  static #shared: BlockKernel | undefined;
  readonly #memory: WebAssembly.Memory;
  readonly #exports: KernelExports;
  #bytes: Uint8Array;

  static get(): BlockKernel {
    const kernel = BlockKernel.#shared;
    if (kernel && kernel.#bytes.length <= KEEP_BYTES) return kernel;
    return (BlockKernel.#shared = new BlockKernel());
  }

  private constructor() {
    const url = new URL('../../../build/parquet/codec/kernel.wasm', import.meta.url);
    module ??= new WebAssembly.Module(readFileSync(url));
    this.#memory = new WebAssembly.Memory({ initial: 64, maximum: 32768, shared: true });
    this.#exports = new WebAssembly.Instance(module, { env: { memory: this.#memory } }).exports as unknown as KernelExports;
    this.#bytes = new Uint8Array(this.#memory.buffer);
  }

  /** The decoded block: a view that is valid until the next call. */
  decode(codec: 'snappy' | 'lz4', block: Uint8Array, length: number): Uint8Array {
    const target = align(START + block.length + SLACK);
    this.#ensure(target + length + SLACK);
    this.#bytes.set(block, START);
    if (codec === 'snappy') {
      const declared = Number(this.#exports.snappyDecodedLength(START, block.length));
      if (declared !== length) throw new ParquetFault(`a Snappy block holds ${declared} bytes, its page says ${length}`);
      if (length > 0 && !this.#exports.snappyDecode(START, block.length, target, length)) throw new ParquetFault('a Snappy block is broken');
    } else if (!this.#exports.lz4Decode(START, block.length, target, length)) {
      throw new ParquetFault('an LZ4 block is broken');
    }
    return this.#bytes.subarray(target, target + length);
  }

  /** The Snappy block of `bytes`: a view that is valid until the next call. */
  encode(bytes: Uint8Array): Uint8Array {
    const table = align(START + bytes.length + SLACK);
    const target = table + TABLE_BYTES;
    this.#ensure(target + bytes.length + Math.ceil(bytes.length / 6) + 32 + SLACK);
    this.#bytes.set(bytes, START);
    const length = this.#exports.snappyEncode(START, bytes.length, target, table);
    return this.#bytes.subarray(target, target + length);
  }

  #ensure(byteLength: number): void {
    if (byteLength <= this.#bytes.length) return;
    this.#memory.grow(Math.ceil((byteLength - this.#bytes.length) / WASM_PAGE));
    this.#bytes = new Uint8Array(this.#memory.buffer);
  }
}

let module: WebAssembly.Module | undefined;

function align(offset: number): number {
  return (offset + SLACK - 1) & -SLACK;
}
