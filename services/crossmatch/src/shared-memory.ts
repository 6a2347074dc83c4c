/** Buffers are of multiples of this, so that most fit again. */
const STEP_BYTES = 2 ** 18;

/** Memory that threads share, used again and again: fresh pages cost more than what is mostly done with them. */
export class SharedMemory {
  readonly #free: SharedArrayBuffer[] = [];

  loan(): MemoryLoan {
    return new MemoryLoan(this);
  }

  /** @internal */
  take(byteLength: number): SharedArrayBuffer {
    let best = -1;
    for (let i = 0; i < this.#free.length; i++) {
      const size = this.#free[i].byteLength;
      if (size >= byteLength && (best < 0 || size < this.#free[best].byteLength)) best = i;
    }
    if (best >= 0 && this.#free[best].byteLength <= 2 * byteLength + STEP_BYTES) return this.#free.splice(best, 1)[0];
    return new SharedArrayBuffer(Math.ceil(byteLength / STEP_BYTES) * STEP_BYTES);
  }

  /** @internal */
  give(buffers: readonly SharedArrayBuffer[]): void {
    this.#free.push(...buffers);
  }
}

/** Buffers that are given back together. */
export class MemoryLoan {
  readonly #buffers: SharedArrayBuffer[] = [];

  constructor(private readonly memory: SharedMemory) {}

  /** `byteLength` bytes at the start of a buffer, not cleared. */
  bytes(byteLength: number): Uint8Array {
    const buffer = this.memory.take(byteLength);
    this.#buffers.push(buffer);
    return new Uint8Array(buffer, 0, byteLength);
  }

  /** Nothing of the buffers is used any more. */
  end(): void {
    this.memory.give(this.#buffers.splice(0));
  }
}
