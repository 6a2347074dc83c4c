import type { BlockKernel, NumberKind } from '../codec/kernel.js';
import { Physical } from '../format/metadata.js';
import type { ColumnSpec } from './column.js';

const MAX_TEXT_BYTES = 64;

/** Smallest and largest stored value of a chunk, in the order that Parquet defines for its type. */
export class Bounds {
  #min: number | bigint | Uint8Array | undefined;
  #max: number | bigint | Uint8Array | undefined;
  #given = true;

  constructor(private readonly spec: ColumnSpec) {
    const { kind } = spec.logical ?? { kind: undefined };
    // FIXED_LEN_BYTE_ARRAY (decimals, halves) and all-null columns have bounds of their own kinds, which nobody needs.
    if (spec.physical === Physical.fixed || kind === 'null') this.#given = false;
  }

  /** Takes `count` stored values in. */
  add(stored: Uint8Array, count: number): void {
    if (!this.#given || count === 0) return;
    const { physical, unsigned } = this.spec;
    switch (physical) {
      case Physical.double:
        return this.#addFloats(new Float64Array(stored.buffer, stored.byteOffset, count));
      case Physical.float:
        return this.#addFloats(new Float32Array(stored.buffer, stored.byteOffset, count));
      case Physical.int32:
        return this.#addInts(
          unsigned
            ? new Uint32Array(stored.buffer, stored.byteOffset, count)
            : new Int32Array(stored.buffer, stored.byteOffset, count),
        );
      case Physical.int64:
        return this.#addBigInts(stored, count);
      case Physical.boolean:
        return this.#addBits(stored, count);
      default:
        return this.#addStrings(stored);
    }
  }

  /** Takes in values that lie in the page of `kernel`: numbers only, at least one. */
  addPage(kernel: BlockKernel, page: Uint8Array, count: number): void {
    const found = kernel.bounds(this.#numberKind(), page, count);
    if (found) this.#widen(found.min, found.max);
  }

  /** The bounds in their stored form; undefined where there are none. */
  result(): { min: Uint8Array; max: Uint8Array } | undefined {
    if (!this.#given || this.#min === undefined || this.#max === undefined) return undefined;
    const { physical } = this.spec;
    if (physical === Physical.double || physical === Physical.float) {
      // Zeros of either sign compare as equal: the bounds must hold both.
      return {
        min: this.#encode(this.#min === 0 ? -0 : this.#min),
        max: this.#encode(this.#max === 0 ? 0 : this.#max),
      };
    }
    return { min: this.#encode(this.#min), max: this.#encode(this.#max) };
  }

  #numberKind(): NumberKind {
    const { physical, unsigned } = this.spec;
    if (physical === Physical.double) return 'f64';
    if (physical === Physical.float) return 'f32';
    if (physical === Physical.int32) return unsigned ? 'u32' : 'i32';
    return unsigned ? 'u64' : 'i64';
  }

  #addFloats(values: Float64Array | Float32Array): void {
    let first = 0;
    while (first < values.length && Number.isNaN(values[first])) first++;
    if (first === values.length) return;
    let min = values[first];
    let max = min;
    // NaN is neither smaller nor larger: it passes.
    for (let i = first + 1; i < values.length; i++) {
      const value = values[i];
      if (value > max) max = value;
      else if (value < min) min = value;
    }
    this.#widen(min, max);
  }

  #addInts(values: Int32Array | Uint32Array): void {
    let min = values[0];
    let max = values[0];
    for (let i = 1; i < values.length; i++) {
      const value = values[i];
      if (value < min) min = value;
      if (value > max) max = value;
    }
    this.#widen(min, max);
  }

  /** High and low words apart: no big integer per value. */
  #addBigInts(stored: Uint8Array, count: number): void {
    const low = new Uint32Array(stored.buffer, stored.byteOffset, count * 2);
    const high = this.spec.unsigned ? low : new Int32Array(stored.buffer, stored.byteOffset, count * 2);
    let minHigh = high[1];
    let minLow = low[0];
    let maxHigh = minHigh;
    let maxLow = minLow;
    for (let i = 2; i < count * 2; i += 2) {
      const h = high[i + 1];
      const l = low[i];
      if (h < minHigh || (h === minHigh && l < minLow)) {
        minHigh = h;
        minLow = l;
      }
      if (h > maxHigh || (h === maxHigh && l > maxLow)) {
        maxHigh = h;
        maxLow = l;
      }
    }
    this.#widen((BigInt(minHigh) << 32n) | BigInt(minLow), (BigInt(maxHigh) << 32n) | BigInt(maxLow));
  }

  #addBits(stored: Uint8Array, count: number): void {
    let ones = 0;
    for (let i = 0; i < count; i++) ones += (stored[i >> 3] >> (i & 7)) & 1;
    this.#widen(ones === count ? 1 : 0, ones > 0 ? 1 : 0);
  }

  #addStrings(stored: Uint8Array): void {
    let min = this.#min as Uint8Array | undefined;
    let max = this.#max as Uint8Array | undefined;
    for (let at = 0; at < stored.length;) {
      const size = stored[at] | (stored[at + 1] << 8) | (stored[at + 2] << 16) | (stored[at + 3] << 24);
      const first = at + 4;
      if (min === undefined || compare(stored, first, size, min) < 0) min = stored.slice(first, first + size);
      if (max === undefined || compare(stored, first, size, max) > 0) max = stored.slice(first, first + size);
      at = first + size;
    }
    this.#min = min;
    this.#max = max;
    // Bounds of long texts would only swell the metadata.
    if ((min?.length ?? 0) > MAX_TEXT_BYTES || (max?.length ?? 0) > MAX_TEXT_BYTES) this.#given = false;
  }

  #widen(min: number | bigint, max: number | bigint): void {
    if (this.#min === undefined || min < (this.#min as number)) this.#min = min;
    if (this.#max === undefined || max > (this.#max as number)) this.#max = max;
  }

  #encode(value: number | bigint | Uint8Array): Uint8Array {
    if (value instanceof Uint8Array) return value;
    const view = new DataView(new ArrayBuffer(8));
    switch (this.spec.physical) {
      case Physical.double:
        view.setFloat64(0, Number(value), true);
        return new Uint8Array(view.buffer);
      case Physical.float:
        view.setFloat32(0, Number(value), true);
        return new Uint8Array(view.buffer, 0, 4);
      case Physical.int64:
        view.setBigInt64(0, BigInt.asIntN(64, BigInt(value)), true);
        return new Uint8Array(view.buffer);
      case Physical.boolean:
        return Uint8Array.of(Number(value));
      default:
        view.setInt32(0, Number(value) | 0, true);
        return new Uint8Array(view.buffer, 0, 4);
    }
  }
}

function compare(bytes: Uint8Array, at: number, size: number, other: Uint8Array): number {
  const shared = Math.min(size, other.length);
  for (let i = 0; i < shared; i++) {
    const difference = bytes[at + i] - other[i];
    if (difference !== 0) return difference;
  }
  return size - other.length;
}
