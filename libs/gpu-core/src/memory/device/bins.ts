import type { Block } from './block.js';
import { binOf, CLASS_COUNT } from './size-class.js';

/** Blocks sorted by size class; finds one that is large enough in constant time. */
export class Bins {
  readonly #heads = new Array<Block | undefined>(CLASS_COUNT).fill(undefined);
  readonly #words = new Uint32Array(CLASS_COUNT >> 5);

  add(block: Block): void {
    const bin = binOf(block.byteLength);
    const head = this.#heads[bin];
    block.binPrevious = undefined;
    block.binNext = head;
    if (head) head.binPrevious = block;
    this.#heads[bin] = block;
    this.#words[bin >> 5] |= 1 << (bin & 31);
  }

  remove(block: Block): void {
    if (block.binNext) block.binNext.binPrevious = block.binPrevious;
    if (block.binPrevious) block.binPrevious.binNext = block.binNext;
    else {
      const bin = binOf(block.byteLength);
      this.#heads[bin] = block.binNext;
      if (!block.binNext) this.#words[bin >> 5] &= ~(1 << (bin & 31));
    }
    block.binNext = block.binPrevious = undefined;
  }

  /** Some block of the first class from `index` on that has one: the smallest that surely fits. */
  find(index: number): Block | undefined {
    let word = index >> 5;
    let bits = this.#words[word] & (-1 << (index & 31));
    while (bits === 0) {
      if (++word >= this.#words.length) return undefined;
      bits = this.#words[word];
    }
    return this.#heads[(word << 5) + 31 - Math.clz32(bits & -bits)];
  }

  /** Size of the largest block, bytes; 0 where there is none. */
  largestBytes(): number {
    let largest = 0;
    for (let bin = CLASS_COUNT - 1; bin >= 0; bin--) {
      for (let block = this.#heads[bin]; block; block = block.binNext) largest = Math.max(largest, block.byteLength);
      if (largest > 0) break;
    }
    return largest;
  }
}
