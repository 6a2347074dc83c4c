import { fail, formatBytes } from '@armilla/base';
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
  readonly name: string;
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
  if (isOwned(operand)) return operand.type;
  const type = operand.constructor as NumbersClass<T> & { readonly name: string };
  // Of subclasses (Buffer) the class whose arrays they are.
  return type.name === tagOf(operand) ? type : (CLASSES[tagOf(operand)] as NumbersClass<Numbers> as NumbersClass<T>);
}

export type NumbersName = 'f32' | 'f64' | 'u8';

export function typeName(operand: Values<Numbers>): NumbersName {
  return NAMES[isOwned(operand) ? operand.type.name : tagOf(operand)];
}

/** What an operand is, whatever was given: "f32", or what it is instead of numbers of an operation, such as "Int32Array". */
export function describeOperand(operand: unknown): string {
  if (isOwned(operand)) return typeName(operand);
  if (!ArrayBuffer.isView(operand))
    return operand === null ? 'null' : Array.isArray(operand) ? 'Array' : typeof operand;
  const tag = tagOf(operand as Numbers);
  return NAMES[tag] ?? tag;
}

/** A new array of the operand's type. Throws MEMORY_OVER_LIMIT for more numbers than there is memory for. */
export function newArray<T extends Numbers>(operand: Values<T>, length: number): T {
  const type = typeOf(operand);
  try {
    return new type(length);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    const needed = formatBytes(length * type.BYTES_PER_ELEMENT);
    throw fail('MEMORY_OVER_LIMIT', { needed, limit: 'what one array of this process can have' }, { cause });
  }
}

const CLASSES: Readonly<Record<string, unknown>> = { Float32Array, Float64Array, Uint8Array };
const NAMES: Readonly<Record<string, NumbersName>> = { Float32Array: 'f32', Float64Array: 'f64', Uint8Array: 'u8' };

/** "Float32Array", also of arrays of another realm. */
function tagOf(values: Numbers): string {
  return String(values[Symbol.toStringTag]);
}

function isOwned<T extends Numbers>(operand: unknown): operand is HeapArray<T> | DeviceArray<T> {
  return operand instanceof HeapArray || operand instanceof DeviceArray;
}
