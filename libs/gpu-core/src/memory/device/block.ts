import type { DeviceBuffer } from './buffer-source.js';

/** One device buffer that is cut into blocks, or given whole (`dedicated`). */
export interface Slab {
  readonly buffer: DeviceBuffer;
  readonly dedicated: boolean;
  /** Block at offset 0; the others follow by `after`. */
  first: Block;
  /** Blocks that are leased: without one its buffer can be destroyed, at the fence at the latest. */
  usedCount: number;
  /** Rejects when the device has not given the buffer after all; undefined once that is settled. */
  confirmation: Promise<void> | undefined;
}

export type BlockState = 'free' | 'pending' | 'used';

/** A range of a slab. Neighbours by address, neighbours in a bin, neighbours in the queue for the fence. */
export interface Block {
  readonly slab: Slab;
  offset: number;
  byteLength: number;
  state: BlockState;
  /** The last use ends with this submit. */
  epoch: number;
  before: Block | undefined;
  after: Block | undefined;
  binPrevious: Block | undefined;
  binNext: Block | undefined;
  queuePrevious: Block | undefined;
  queueNext: Block | undefined;
}

export function newSlab(buffer: DeviceBuffer, dedicated: boolean): Slab {
  const slab = { buffer, dedicated, usedCount: 0, confirmation: undefined } as unknown as Slab;
  slab.first = newBlock(slab, 0, buffer.byteLength);
  return slab;
}

/** Cuts `block` to `byteLength`; the rest is a new block behind it, in the same state. */
export function splitBlock(block: Block, byteLength: number): Block {
  const rest = newBlock(block.slab, block.offset + byteLength, block.byteLength - byteLength);
  rest.state = block.state;
  rest.epoch = block.epoch;
  rest.before = block;
  rest.after = block.after;
  if (block.after) block.after.before = rest;
  block.after = rest;
  block.byteLength = byteLength;
  return rest;
}

/** Takes the block behind into this one. */
export function absorbAfter(block: Block): void {
  const gone = block.after!;
  block.byteLength += gone.byteLength;
  block.after = gone.after;
  if (gone.after) gone.after.before = block;
}

function newBlock(slab: Slab, offset: number, byteLength: number): Block {
  return {
    slab,
    offset,
    byteLength,
    state: 'free',
    epoch: 0,
    before: undefined,
    after: undefined,
    binPrevious: undefined,
    binNext: undefined,
    queuePrevious: undefined,
    queueNext: undefined,
  };
}
