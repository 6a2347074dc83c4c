import type { Counters, CounterTrack } from './profile.js';

/** The last `capacity` samples of all counters. */
export class CounterRing {
  readonly #track: Uint16Array;
  readonly #timeNs: Float64Array;
  readonly #value: Float64Array;
  #writtenCount = 0;

  /** `capacity` is a power of two. */
  constructor(readonly capacity: number) {
    this.#track = new Uint16Array(capacity);
    this.#timeNs = new Float64Array(capacity);
    this.#value = new Float64Array(capacity);
  }

  push(track: number, timeNs: number, value: number): void {
    const i = this.#writtenCount++ & (this.capacity - 1);
    this.#track[i] = track;
    this.#timeNs[i] = timeNs;
    this.#value[i] = value;
  }

  /** A copy, oldest first. */
  read(tracks: readonly CounterTrack[]): Counters {
    const count = Math.min(this.#writtenCount, this.capacity);
    const first = this.#writtenCount - count;
    const inOrder = (column: Uint16Array | Float64Array): Float64Array =>
      Float64Array.from({ length: count }, (_, i) => column[(first + i) & (this.capacity - 1)]);
    return {
      tracks: [...tracks],
      track: inOrder(this.#track),
      timeNs: inOrder(this.#timeNs),
      value: inOrder(this.#value),
    };
  }
}
