/** Bytes that grow by doubling, in shared or ordinary memory. Room that is not used yet costs no physical memory. */
export class GrowingBytes {
  #bytes: Uint8Array;
  #length = 0;

  constructor(
    readonly shared: boolean,
    capacity = 0,
  ) {
    this.#bytes = allocate(shared, capacity);
  }

  get length(): number {
    return this.#length;
  }

  /** Makes room for `count` further bytes, zero, and returns all bytes up to the new end; writes go there. */
  extend(count: number): Uint8Array {
    const needed = this.#length + count;
    if (needed > this.#bytes.byteLength) {
      // A multiple of 8, so that the buffer can be looked at as words.
      const grown = allocate(this.shared, 8 * Math.ceil(Math.max(needed, 2 * this.#bytes.byteLength, 64) / 8));
      grown.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = grown;
    }
    this.#length = needed;
    return this.#bytes;
  }

  append(bytes: Uint8Array): void {
    const at = this.#length;
    this.extend(bytes.byteLength).set(bytes, at);
  }

  /** The bytes so far, not copied; valid until the next extension. */
  view(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }
}

function allocate(shared: boolean, capacity: number): Uint8Array {
  return new Uint8Array(shared ? new SharedArrayBuffer(capacity) : new ArrayBuffer(capacity));
}
