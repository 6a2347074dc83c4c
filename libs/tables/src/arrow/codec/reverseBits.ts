/**
 * Bits of data[start, end) from the last to the first (RFC 8878, 4.1.1.2): the highest set bit of the last byte marks
 * the end. Bits before the start read as zero and make `left` negative. `data` has 4 readable bytes behind `end`.
 */
export class ReverseBits {
  /** Bits of `data` that are not yet read, counted from its start. */
  position: number;
  readonly #data: Uint8Array;
  readonly #floor: number;

  constructor(data: Uint8Array, start: number, end: number) {
    const last = end > start ? data[end - 1] : 0;
    if (last === 0) throw new RangeError('zstd: a bit stream without end mark');
    this.#data = data;
    this.#floor = start * 8;
    this.position = (end - 1) * 8 + 31 - Math.clz32(last);
  }

  get left(): number {
    return this.position - this.#floor;
  }

  /** The next `count` bits (at most 24), the first one read highest. */
  read(count: number): number {
    this.position -= count;
    const { position } = this;
    const missing = this.#floor - position;
    const from = missing > 0 ? this.#floor : position;
    const at = from >>> 3;
    const data = this.#data;
    const word = data[at] | (data[at + 1] << 8) | (data[at + 2] << 16) | (data[at + 3] << 24);
    if (missing >= count) return 0;
    if (missing > 0) return ((word & ((1 << (count - missing)) - 1)) << missing) >>> 0;
    return (word >>> (from & 7)) & ((1 << count) - 1);
  }
}
