import type { Heap, Lease } from '@armilla/gpu-core';
import { SPARE_BYTES } from './layout.js';
import type { ChunkPairs } from './query.js';

type Columns = Pick<ChunkPairs, 'pairCount' | 'left' | 'right' | 'separationArcsec' | 'key' | 'rank'>;

/** The columns by pair of one match, side by side in the heap. */
export class PairColumns implements Disposable {
  readonly separation: number;
  readonly key: number;
  readonly left: number;
  readonly right: number;
  readonly rank: number;
  readonly #lease: Lease;

  /** `with_`: the columns that not every match has. */
  constructor(
    private readonly heap: Heap,
    readonly pairCount: number,
    private readonly with_: { readonly key?: boolean; readonly rank?: boolean },
  ) {
    const rowBytes = 16 + (with_.key ? 8 : 0) + (with_.rank ? 4 : 0);
    this.#lease = heap.lease(pairCount * rowBytes + SPARE_BYTES, 'sky.match.columns');
    this.separation = this.#lease.offset;
    this.key = this.separation + pairCount * 8;
    this.left = this.key + (with_.key ? pairCount * 8 : 0);
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
      rank: with_.rank ? new Int32Array(buffer, this.rank, pairCount) : undefined,
    };
  }

  [Symbol.dispose](): void {
    this.#lease[Symbol.dispose]();
  }
}
