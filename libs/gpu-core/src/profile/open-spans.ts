import { RECORD_LENGTH } from './record.js';

/** At most so many spans may be open at a time: more are a leak. */
const OPEN_LIMIT = 0x1_0000;
/** Uses that a handle tells apart. */
const USE_MASK = 0x7fff;
const FIRST_CAPACITY = 256;

/**
 * Spans that have begun and not ended. They wait outside the ring, so that no number of short spans overwrites a long one.
 * A handle is a slot (16 bits) and the number of its uses, odd while it is open: a small integer, which costs no memory. The
 * handle of a span that has ended finds nothing, until its slot was used 16384 times more.
 */
export class OpenSpans {
  data = new Float64Array(FIRST_CAPACITY * RECORD_LENGTH);
  #uses = new Int32Array(FIRST_CAPACITY);
  #free = new Int32Array(FIRST_CAPACITY);
  #freeCount = 0;
  #slotCount = 0;

  /** A handle, or -1 when too many are open; `offset(handle)` is where the record lies. */
  open(): number {
    let slot: number;
    if (this.#freeCount > 0) slot = this.#free[--this.#freeCount];
    else {
      if (this.#slotCount === OPEN_LIMIT) return -1;
      if (this.#slotCount === this.#uses.length) this.#grow();
      slot = this.#slotCount++;
    }
    this.#uses[slot] = (this.#uses[slot] + 1) & USE_MASK;
    return this.#uses[slot] * OPEN_LIMIT + slot;
  }

  /** Where the record of an open span lies in `data`, or -1. */
  offset(handle: number): number {
    const slot = handle & (OPEN_LIMIT - 1);
    // A number of uses that is even has never been part of a handle.
    const known = (handle & OPEN_LIMIT) !== 0 && this.#uses[slot] * OPEN_LIMIT + slot === handle;
    return known ? slot * RECORD_LENGTH : -1;
  }

  close(handle: number): void {
    const slot = handle & (OPEN_LIMIT - 1);
    this.#uses[slot] = (this.#uses[slot] + 1) & USE_MASK;
    this.#free[this.#freeCount++] = slot;
  }

  visit(visit: (data: Float64Array, offset: number) => void): void {
    for (let slot = 0; slot < this.#slotCount; slot++) {
      if (this.#uses[slot] % 2 === 1) visit(this.data, slot * RECORD_LENGTH);
    }
  }

  #grow(): void {
    const capacity = this.#uses.length * 2;
    this.data = grown(this.data, new Float64Array(capacity * RECORD_LENGTH));
    this.#uses = grown(this.#uses, new Int32Array(capacity));
    this.#free = grown(this.#free, new Int32Array(capacity));
  }
}

function grown<T extends Float64Array | Int32Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
