import { absorbAfter, type Block, newSlab, type Slab, splitBlock } from './block.js';
import { Bins } from './bins.js';
import type { DeviceBuffer } from './buffer-source.js';
import { classOf } from './size-class.js';

/** An idle large buffer serves a smaller request as long as no more than this share is wasted, as with size classes. */
export const LARGE_REUSE_RATIO = 1.25;

/**
 * The slabs of one set of usage flags. A block that is given back waits for its fence, then joins its free neighbours.
 * Counters are bytes of blocks.
 */
export class Arena {
  usedBytes = 0;
  pendingBytes = 0;
  reservedBytes = 0;
  /** Bytes of slabs with a block that is used. */
  pinnedBytes = 0;
  readonly slabs = new Set<Slab>();
  readonly #free = new Bins();
  readonly #pending = new Bins();
  #large: Block[] = [];
  #queueFirst: Block | undefined;
  #queueLast: Block | undefined;

  constructor(readonly usage: number) {}

  /** Free bytes in slabs that are cut; whole large buffers apart. */
  get freeBytesInSlabs(): number {
    let bytes = 0;
    for (const slab of this.slabs) {
      if (slab.dedicated) continue;
      for (let block: Block | undefined = slab.first; block; block = block.after) {
        if (block.state === 'free') bytes += block.byteLength;
      }
    }
    return bytes;
  }

  get largestFreeBytes(): number {
    return this.#free.largestBytes();
  }

  /** A block of exactly `byteLength` (the size of a class); `sameQueue` takes one whose last use may still run. */
  take(byteLength: number, sameQueue: boolean): Block | undefined {
    const index = classOf(byteLength);
    if (sameQueue) {
      const pending = this.#pending.find(index);
      if (pending) return this.#claim(pending, byteLength);
    }
    const free = this.#free.find(index);
    return free && this.#claim(free, byteLength);
  }

  /** A whole buffer of at least `byteLength`, the smallest that wastes little. */
  takeLarge(byteLength: number, sameQueue: boolean): Block | undefined {
    const at = this.#bestLarge(byteLength, sameQueue);
    if (at < 0) return undefined;
    const block = this.#large[at];
    this.#large[at] = this.#large[this.#large.length - 1];
    this.#large.pop();
    return this.#use(block);
  }

  #bestLarge(byteLength: number, sameQueue: boolean): number {
    let best = -1;
    for (let i = 0; i < this.#large.length; i++) {
      const block = this.#large[i];
      if (block.byteLength < byteLength || block.byteLength > byteLength * LARGE_REUSE_RATIO) continue;
      if (block.state === 'pending' && !sameQueue) continue;
      if (best < 0 || block.byteLength < this.#large[best].byteLength) best = i;
    }
    return best;
  }

  /** Takes in a fresh buffer and gives its first `byteLength` bytes; the whole of a dedicated one. */
  grow(buffer: DeviceBuffer, dedicated: boolean, byteLength: number): Block {
    const slab = newSlab(buffer, dedicated);
    this.slabs.add(slab);
    this.reservedBytes += buffer.byteLength;
    if (dedicated) return this.#use(slab.first);
    this.#free.add(slab.first);
    return this.#claim(slab.first, byteLength);
  }

  /** The block is free once `completedEpoch` reaches `epoch`, and what was given back before it is free as well. */
  giveBack(block: Block, epoch: number, completedEpoch: number): void {
    this.usedBytes -= block.byteLength;
    if (--block.slab.usedCount === 0) this.pinnedBytes -= block.slab.buffer.byteLength;
    block.epoch = epoch;
    if (block.slab.dedicated) this.#large.push(block);
    if (epoch <= completedEpoch) return this.#join(block);
    block.state = 'pending';
    this.pendingBytes += block.byteLength;
    if (!block.slab.dedicated) this.#pending.add(block);
    this.#enqueue(block, this.#queueLast);
  }

  /** Frees what waited for epochs up to `completedEpoch`. */
  settle(completedEpoch: number): void {
    for (let block = this.#queueFirst; block && block.epoch <= completedEpoch; block = this.#queueFirst) {
      this.#dequeue(block);
      if (!block.slab.dedicated) this.#pending.remove(block);
      this.#join(block);
    }
  }

  /** Slabs in which nothing is used and nothing waits. */
  idleSlabs(): Slab[] {
    const idle: Slab[] = [];
    for (const slab of this.slabs) if (slab.first.state === 'free' && !slab.first.after) idle.push(slab);
    return idle;
  }

  /** Lets go of a slab, whatever its blocks are; the caller destroys the buffer. */
  remove(slab: Slab): void {
    if (!this.slabs.delete(slab)) return;
    this.reservedBytes -= slab.buffer.byteLength;
    if (slab.usedCount > 0) this.pinnedBytes -= slab.buffer.byteLength;
    this.#large = this.#large.filter((block) => block.slab !== slab);
    for (let block: Block | undefined = slab.first; block; block = block.after) {
      if (block.state === 'used') this.usedBytes -= block.byteLength;
      else if (block.state === 'free') {
        if (!slab.dedicated) this.#free.remove(block);
      } else {
        this.#dequeue(block);
        if (!slab.dedicated) this.#pending.remove(block);
      }
    }
  }

  #claim(block: Block, byteLength: number): Block {
    const bins = block.state === 'pending' ? this.#pending : this.#free;
    bins.remove(block);
    if (block.byteLength > byteLength) {
      const rest = splitBlock(block, byteLength);
      bins.add(rest);
      if (rest.state === 'pending') this.#enqueue(rest, block);
    }
    return this.#use(block);
  }

  #use(block: Block): Block {
    if (block.state === 'pending') this.#dequeue(block);
    block.state = 'used';
    this.usedBytes += block.byteLength;
    if (block.slab.usedCount++ === 0) this.pinnedBytes += block.slab.buffer.byteLength;
    return block;
  }

  #join(block: Block): void {
    block.state = 'free';
    if (block.slab.dedicated) return;
    let whole = block;
    if (block.after?.state === 'free') {
      this.#free.remove(block.after);
      absorbAfter(block);
    }
    const before = block.before;
    if (before?.state === 'free') {
      this.#free.remove(before);
      absorbAfter(before);
      whole = before;
    }
    this.#free.add(whole);
  }

  #enqueue(block: Block, behind: Block | undefined): void {
    block.queuePrevious = behind;
    block.queueNext = behind ? behind.queueNext : this.#queueFirst;
    if (block.queueNext) block.queueNext.queuePrevious = block;
    else this.#queueLast = block;
    if (behind) behind.queueNext = block;
    else this.#queueFirst = block;
  }

  #dequeue(block: Block): void {
    this.pendingBytes -= block.byteLength;
    if (block.queuePrevious) block.queuePrevious.queueNext = block.queueNext;
    else this.#queueFirst = block.queueNext;
    if (block.queueNext) block.queueNext.queuePrevious = block.queuePrevious;
    else this.#queueLast = block.queuePrevious;
    block.queuePrevious = block.queueNext = undefined;
  }
}
