import { RECORD_LENGTH } from './record.js';

/** The last `capacity` ended spans, in the order in which they ended. */
export class SpanRing {
  readonly #data: Float64Array;
  #writtenCount = 0;

  /** `capacity` is a power of two. */
  constructor(readonly capacity: number) {
    this.#data = new Float64Array(capacity * RECORD_LENGTH);
  }

  /** Records that are held. */
  get count(): number {
    return Math.min(this.#writtenCount, this.capacity);
  }

  get overwrittenCount(): number {
    return this.#writtenCount - this.count;
  }

  /** Copies the record at `offset` of `from`. */
  push(from: Float64Array, offset: number): void {
    const data = this.#data;
    const to = (this.#writtenCount++ & (this.capacity - 1)) * RECORD_LENGTH;
    // Four at a time: this is a fifth of the cost of a span.
    for (let i = 0; i < RECORD_LENGTH; i += 4) {
      data[to + i] = from[offset + i];
      data[to + i + 1] = from[offset + i + 1];
      data[to + i + 2] = from[offset + i + 2];
      data[to + i + 3] = from[offset + i + 3];
    }
  }

  /** Calls `visit(data, offset)` for records from the newest back, until it gives false. */
  visitBack(visit: (data: Float64Array, offset: number) => boolean): void {
    const { count } = this;
    for (let i = 1; i <= count; i++) {
      if (!visit(this.#data, ((this.#writtenCount - i) & (this.capacity - 1)) * RECORD_LENGTH)) return;
    }
  }
}
