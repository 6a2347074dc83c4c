import type { Heap, Lease } from '../../memory/heap.js';
import { DeviceArray } from './device-array.js';

export type Floats = Float32Array | Float64Array;
export type Numbers = Floats | Uint8Array;

/** Numbers that an operation reads: an array, one in a heap or one on a device, which kernels there use where it is. */
export type Values<T extends Numbers> = T | HeapArray<T> | DeviceArray<T>;

/** Where an operation leaves its numbers. */
export type Target<T extends Numbers> = T | HeapArray<T>;

export type NumbersClass<T extends Numbers> = {
  new (length: number): T;
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): T;
  readonly BYTES_PER_ELEMENT: number;
};

/** `length` numbers in memory that every worker sees; give it back with `using` or `Symbol.dispose`. */
export class HeapArray<T extends Numbers> implements Disposable {
  readonly #lease: Lease;

  /** Uninitialised. Throws MEMORY_EXHAUSTED or MEMORY_OVER_LIMIT. */
  constructor(
    readonly heap: Heap,
    readonly type: NumbersClass<T>,
    readonly length: number,
    label: string,
  ) {
    this.#lease = heap.lease(length * type.BYTES_PER_ELEMENT, label);
  }

  /** Address in the heap, bytes. */
  get offset(): number {
    return this.#lease.offset;
  }

  /** The numbers; take it anew after the heap has grown. */
  get values(): T {
    return new this.type(this.heap.buffer, this.offset, this.length);
  }

  [Symbol.dispose](): void {
    this.#lease[Symbol.dispose]();
  }
}

/** The numbers on the host. Throws LEASE_RELEASED for a `DeviceArray` that was disposed of, as `typeOf` does. */
export function valuesOf<T extends Numbers>(operand: Values<T>): T {
  return isOwned(operand) ? operand.values : operand;
}

export function typeOf<T extends Numbers>(operand: Values<T>): NumbersClass<T> {
  return isOwned(operand) ? operand.type : (operand.constructor as NumbersClass<T>);
}

/** "f32", "f64" or "u8". */
export function typeName(operand: Values<Numbers>): 'f32' | 'f64' | 'u8' {
  const { name } = typeOf(operand) as { name?: string };
  return name === 'Float64Array' ? 'f64' : name === 'Float32Array' ? 'f32' : 'u8';
}

function isOwned<T extends Numbers>(operand: Values<T>): operand is HeapArray<T> | DeviceArray<T> {
  return operand instanceof HeapArray || operand instanceof DeviceArray;
}
