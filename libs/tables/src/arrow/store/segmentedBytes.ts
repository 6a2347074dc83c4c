import { types } from 'node:util';
import { GrowingBytes } from './growingBytes.js';
import { releaseBuffer } from './releaseBuffer.js';

/** The first segment grows by doubling up to this size; further ones have it. */
const SEGMENT_BYTES = 2 ** 24;

/**
 * Bytes that are appended and end as one piece. While they grow nothing is copied: segments are joined at the end, and each
 * is given back as soon as it is copied. With a fitting capacity there is one segment and no copy at all.
 */
export class SegmentedBytes {
  #first: GrowingBytes;
  #full: Uint8Array[] = [];
  #last: Uint8Array | undefined;
  #lastLength = 0;
  #length = 0;

  constructor(
    readonly shared: boolean,
    private readonly capacity = 0,
  ) {
    this.#first = new GrowingBytes(shared, Math.ceil(capacity));
  }

  get length(): number {
    return this.#length;
  }

  append(bytes: Uint8Array): void {
    this.#length += bytes.byteLength;
    let rest = bytes;
    if (!this.#last) {
      const room = Math.max(this.capacity, SEGMENT_BYTES) - this.#first.length;
      const fits = Math.min(room, rest.byteLength);
      if (fits > 0) this.#first.append(rest.subarray(0, fits));
      rest = rest.subarray(fits);
    }
    while (rest.byteLength > 0) {
      if (!this.#last || this.#lastLength === SEGMENT_BYTES) {
        if (this.#last) this.#full.push(this.#last);
        this.#last = new Uint8Array(SEGMENT_BYTES);
        this.#lastLength = 0;
      }
      const fits = Math.min(SEGMENT_BYTES - this.#lastLength, rest.byteLength);
      this.#last.set(rest.subarray(0, fits), this.#lastLength);
      this.#lastLength += fits;
      rest = rest.subarray(fits);
    }
  }

  /** All bytes in one piece, which takes the place of the segments. */
  view(): Uint8Array {
    if (this.#last) this.#join(this.#last);
    return this.#first.view();
  }

  #join(last: Uint8Array): void {
    const joined = new GrowingBytes(this.shared, this.#length);
    joined.append(this.#first.view());
    this.#first = joined;
    for (const segment of this.#full) {
      joined.append(segment);
      free(segment);
    }
    joined.append(last.subarray(0, this.#lastLength));
    free(last);
    this.#full = [];
    this.#last = undefined;
    this.#lastLength = 0;
  }
}

function free(segment: Uint8Array): void {
  if (types.isArrayBuffer(segment.buffer)) releaseBuffer(segment.buffer);
}
