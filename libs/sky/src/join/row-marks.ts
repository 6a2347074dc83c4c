import type { Lease } from '@armilla/gpu-core';
import type { WasmIndex } from './wasm-index.js';

/** The rows of an index that its nearest matches use, marked by the workers while they write the pairs. */
export class RowMarks implements Disposable {
  readonly #lease: Lease;
  readonly #use: Disposable;
  readonly #wordCount: number;

  constructor(private readonly index: WasmIndex) {
    this.#wordCount = (index.rowCount + 31) >>> 5;
    // May fail for want of memory; a use that nobody ends would keep the index for ever.
    this.#lease = index.heap.lease(this.stride * index.runtime.workerCount, 'sky.match.marks');
    this.#use = index.use();
    new Int32Array(index.heap.buffer, this.#lease.offset, this.#lease.byteLength / 4).fill(0);
  }

  /** Address of the marks of worker 0: a bit a row. */
  get address(): number {
    return this.#lease.offset;
  }

  /** Bytes from the marks of one worker to those of the next: they do not share a cache line. */
  get stride(): number {
    return Math.max(64, Math.ceil((this.#wordCount * 4) / 64) * 64);
  }

  /** Marks rows of the index. */
  mark(rows: Int32Array): void {
    const words = new Int32Array(this.index.heap.buffer, this.address, this.#wordCount);
    for (const row of rows) words[row >>> 5] |= 1 << (row & 31);
  }

  /** [ceil(rows / 32)] The bits of all workers together, a view: row r is bit r % 32 of word floor(r / 32). */
  words(): Int32Array {
    const { heap, runtime } = this.index;
    const all = new Int32Array(heap.buffer, this.address, this.#wordCount);
    for (let worker = 1; worker < runtime.workerCount; worker++) {
      const more = new Int32Array(heap.buffer, this.address + worker * this.stride, this.#wordCount);
      for (let w = 0; w < all.length; w++) all[w] |= more[w];
    }
    return all;
  }

  [Symbol.dispose](): void {
    this.#lease[Symbol.dispose]();
    this.#use[Symbol.dispose]();
  }
}
