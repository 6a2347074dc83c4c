import type { Heap, Lease } from '@armilla/gpu-core';
import { setImmediate as turn } from 'node:timers/promises';
import { eachRejected, type OnRejected, type Positions, type RowStatus } from '../positions/positions.js';
import { ITEM } from './layout.js';

/** Bytes of one staged row: ra, dec, status, cell. */
export const STAGED_ROW_BYTES = 8 + 8 + 1 + 2;
/** Rows copied between two turns of the event loop: 2 MB, below a millisecond. */
const TURN_ROWS = 131_072;
/** Rejected rows told of between two turns of the event loop, about. */
const TELL_ROWS = 2 ** 14;
/** Rows of the first and of the largest segment when their number is not known; each doubles what is there. */
const FIRST_SEGMENT_ROWS = 2 ** 14;
const SEGMENT_ROWS = 2 ** 19;

interface Segment {
  readonly lease: Lease;
  readonly capacity: number;
  readonly firstRow: number;
  count: number;
}

/** Rows [firstRow, firstRow + count), within one segment. */
export interface StagedItem {
  readonly firstRow: number;
  readonly count: number;
}

/**
 * Rows on their way into an index or a match: copied once from ordinary memory into the heap. Their right ascensions,
 * states and cells are then worked out in place.
 */
export class Staging implements Disposable {
  readonly #segments: Segment[] = [];
  rowCount = 0;
  #sinceTurn = 0;

  /** `rowCount`: when known, all rows lie in one segment. */
  constructor(
    private readonly heap: Heap,
    private readonly expectedRowCount: number | undefined,
    private readonly label: string,
  ) {}

  /** Copies positions; `onCopied` hears of the rows so far before each turn of the event loop. */
  async push(positions: Positions, signal?: AbortSignal, onCopied?: (rowCount: number) => void): Promise<void> {
    const { ra, dec, nulls } = positions;
    for (let from = 0; from < ra.length;) {
      const segment = this.#room();
      const count = Math.min(ra.length - from, segment.capacity - segment.count, TURN_ROWS - this.#sinceTurn);
      const { buffer } = this.heap;
      const at = addresses(segment, segment.count);
      new Float64Array(buffer, at.ra, count).set(ra.subarray(from, from + count));
      new Float64Array(buffer, at.dec, count).set(dec.subarray(from, from + count));
      const status = new Uint8Array(buffer, at.status, count);
      if (nulls === undefined) status.fill(0);
      else status.set(nulls.subarray(from, from + count));
      segment.count += count;
      this.rowCount += count;
      from += count;
      this.#sinceTurn += count;
      onCopied?.(this.rowCount);
      if (this.#sinceTurn >= TURN_ROWS) {
        this.#sinceTurn = 0;
        await turn();
        signal?.throwIfAborted();
      }
    }
  }

  /** Items of at most `itemRowCount` rows for the staged rows, or for `comingRowCount` (the expected number) that still come. */
  items(itemRowCount: number, comingRowCount = this.rowCount): StagedItem[] {
    const items: StagedItem[] = [];
    if (comingRowCount > this.rowCount) this.#room();
    for (const segment of this.#segments) {
      const count = Math.max(segment.count, Math.min(segment.capacity, comingRowCount - segment.firstRow));
      for (let from = 0; from < count; from += itemRowCount) {
        items.push({ firstRow: segment.firstRow + from, count: Math.min(itemRowCount, count - from) });
      }
    }
    return items;
  }

  /** Writes the item table of the kernel. */
  writeItems(items: readonly StagedItem[], address: number): void {
    const table = new Uint32Array(this.heap.buffer, address, (items.length * ITEM.bytes) / 4);
    items.forEach(({ firstRow, count }, i) => {
      const segment = this.#segmentOf(firstRow);
      const at = addresses(segment, firstRow - segment.firstRow);
      table.set([at.ra, at.dec, at.status, at.cell, firstRow, count], (i * ITEM.bytes) / 4);
    });
  }

  /** The states of all rows, in ordinary memory; `usableCount` of them take part. */
  statuses(usableCount: number): Uint8Array {
    const status = new Uint8Array(this.rowCount);
    // Zeros that nobody writes take no memory either.
    if (usableCount === this.rowCount) return status;
    for (const segment of this.#segments) {
      status.set(new Uint8Array(this.heap.buffer, addresses(segment, 0).status, segment.count), segment.firstRow);
    }
    return status;
  }

  /** Tells of the rows that `statuses` rejects; their positions are left as they came. */
  async tellRejected(statuses: Uint8Array, onRejected: OnRejected, signal?: AbortSignal): Promise<void> {
    for (const segment of this.#segments) {
      let sinceTurn = 0;
      for (let from = 0; from < segment.count; from += TELL_ROWS) {
        const count = Math.min(TELL_ROWS, segment.count - from);
        const firstRow = segment.firstRow + from;
        const at = addresses(segment, from);
        const ra = new Float64Array(this.heap.buffer, at.ra, count);
        const dec = new Float64Array(this.heap.buffer, at.dec, count);
        eachRejected(statuses.subarray(firstRow, firstRow + count), (i) => {
          sinceTurn++;
          onRejected(firstRow + i, ra[i], dec[i], statuses[firstRow + i] as RowStatus);
        });
        if (sinceTurn < TELL_ROWS) continue;
        sinceTurn = 0;
        await turn();
        signal?.throwIfAborted();
      }
    }
  }

  /** Address of [rowCount, 2] f64 of the positions, which the caller may write over once they are scattered. */
  get positions(): number {
    if (this.#segments.length !== 1) throw new TypeError('the staged rows lie in several segments');
    return this.#segments[0].lease.offset;
  }

  /** Every `stride`-th position as it came. */
  sample(stride: number): Positions {
    const size = Math.ceil(this.rowCount / stride);
    const ra = new Float64Array(size);
    const dec = new Float64Array(size);
    const nulls = new Uint8Array(size);
    let to = 0;
    for (const segment of this.#segments) {
      const at = addresses(segment, 0);
      const ras = new Float64Array(this.heap.buffer, at.ra, segment.count);
      const decs = new Float64Array(this.heap.buffer, at.dec, segment.count);
      const states = new Uint8Array(this.heap.buffer, at.status, segment.count);
      for (let i = (stride - (segment.firstRow % stride)) % stride; i < segment.count; i += stride) {
        ra[to] = ras[i];
        dec[to] = decs[i];
        nulls[to++] = states[i];
      }
    }
    return { ra, dec, nulls };
  }

  [Symbol.dispose](): void {
    for (const { lease } of this.#segments.splice(0)) lease[Symbol.dispose]();
  }

  /** The segment that the next row goes to. */
  #room(): Segment {
    const last = this.#segments.at(-1);
    if (last !== undefined && last.count < last.capacity) return last;
    return this.#addSegment();
  }

  #addSegment(): Segment {
    const missing = (this.expectedRowCount ?? 0) - this.rowCount;
    const capacity = missing > 0 ? missing : Math.min(SEGMENT_ROWS, Math.max(FIRST_SEGMENT_ROWS, this.rowCount));
    const lease = this.heap.lease(capacity * STAGED_ROW_BYTES + 16, this.label);
    const segment = { lease, capacity, firstRow: this.rowCount, count: 0 };
    this.#segments.push(segment);
    return segment;
  }

  #segmentOf(row: number): Segment {
    return this.#segments.findLast((segment) => segment.firstRow <= row) as Segment;
  }
}

function addresses(segment: Segment, row: number): { ra: number; dec: number; status: number; cell: number } {
  const { lease, capacity } = segment;
  const cells = lease.offset + capacity * 16;
  return {
    ra: lease.offset + row * 8,
    dec: lease.offset + capacity * 8 + row * 8,
    cell: cells + row * 2,
    status: cells + capacity * 2 + row,
  };
}
