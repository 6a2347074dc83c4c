/** A stream of bytes that is taken in pieces of chosen lengths. */
export class ByteCursor {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #chunk: Uint8Array = new Uint8Array(0);
  /** Bytes taken so far. */
  position = 0;

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** The next `byteCount` bytes, fewer where the stream ends before. They may share memory with what the stream gave. */
  async take(byteCount: number): Promise<Uint8Array> {
    if (this.#chunk.length < byteCount) {
      const parts = [this.#chunk];
      let held = this.#chunk.length;
      while (held < byteCount) {
        const { value, done } = await this.#chunks.next();
        if (done === true) break;
        parts.push(value);
        held += value.length;
      }
      this.#chunk = parts.length === 1 ? parts[0] : Buffer.concat(parts, held);
    }
    const taken = this.#chunk.subarray(0, byteCount);
    this.#chunk = this.#chunk.subarray(taken.length);
    this.position += taken.length;
    return taken;
  }

  /** Passes over `byteCount` bytes; false where the stream ends before. */
  async skip(byteCount: number): Promise<boolean> {
    let left = byteCount;
    while (left > this.#chunk.length) {
      left -= this.#chunk.length;
      this.position += this.#chunk.length;
      const { value, done } = await this.#chunks.next();
      this.#chunk = done === true ? new Uint8Array(0) : value;
      if (done === true) return false;
    }
    this.#chunk = this.#chunk.subarray(left);
    this.position += left;
    return true;
  }

  async close(): Promise<void> {
    await this.#chunks.return?.();
  }
}
