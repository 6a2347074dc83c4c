import type { Heap, Lease } from '@armilla/gpu-core';
import { SPARE_BYTES } from './layout.js';
import type { ChunkPairs } from './query.js';

type Columns = Pick<
  ChunkPairs,
  'pairCount' | 'left' | 'right' | 'separationArcsec' | 'key' | 'rank' | 'leftNumber' | 'rightNumber'
>;

/** Columns that not every match has. */
export interface MoreColumns {
  readonly key?: boolean;
  readonly rank?: boolean;
  readonly numbers?: boolean;
}

/** The columns by pair of one match, side by side in the heap. */
export class PairColumns implements Disposable {
  readonly separation: number;
  readonly key: number;
  readonly leftNumber: number;
  readonly rightNumber: number;
  readonly left: number;
  readonly right: number;
  readonly rank: number;
  readonly #lease: Lease;

  constructor(
    private readonly heap: Heap,
    readonly pairCount: number,
    private readonly with_: MoreColumns,
  ) {
    const rowBytes = 16 + (with_.key ? 8 : 0) + (with_.rank ? 4 : 0) + (with_.numbers ? 16 : 0);
    this.#lease = heap.lease(pairCount * rowBytes + SPARE_BYTES, 'sky.match.columns');
    this.separation = this.#lease.offset;
    this.key = this.separation + pairCount * 8;
    this.leftNumber = this.key + (with_.key ? pairCount * 8 : 0);
    this.rightNumber = this.leftNumber + (with_.numbers ? pairCount * 8 : 0);
    this.left = this.rightNumber + (with_.numbers ? pairCount * 8 : 0);
    this.right = this.left + pairCount * 4;
    this.rank = this.right + pairCount * 4;
  }

  /** The columns where they lie; void once this is disposed. */
  views(): Columns {
    const { buffer } = this.heap;
    const { pairCount, with_ } = this;
    return {
      pairCount,
      left: new Int32Array(buffer, this.left, pairCount),
      right: new Int32Array(buffer, this.right, pairCount),
      separationArcsec: new Float64Array(buffer, this.separation, pairCount),
      // Where ranks are given they tell the order.
      key: with_.key && !with_.rank ? new Float64Array(buffer, this.key, pairCount) : undefined,
      leftNumber: with_.numbers ? new BigInt64Array(buffer, this.leftNumber, pairCount) : undefined,
      rightNumber: with_.numbers ? new BigInt64Array(buffer, this.rightNumber, pairCount) : undefined,
      rank: with_.rank ? new Int32Array(buffer, this.rank, pairCount) : undefined,
    };
  }

  [Symbol.dispose](): void {
    this.#lease[Symbol.dispose]();
  }
}
