import type { Heap, Lease } from '../../memory/heap.js';
import type { Runtime } from '../../runtime/runtime.js';
import { HeapArray, type Numbers, type NumbersClass, type Values, typeOf, valuesOf } from './operand.js';

/**
 * Memory of one call of a kernel: the heap of its operands, or one of the runtime, and all that is leased there for the
 * call. `using` gives everything back; no worker may use it any more then.
 */
export class Staging implements Disposable {
  readonly heap: Heap;
  readonly #runtime: Runtime;
  readonly #owned: boolean;
  readonly #leases: Lease[] = [];

  /** `byteLength` is a guess of what the call will lease. */
  constructor(
    runtime: Runtime,
    operands: readonly (Values<Numbers> | undefined)[],
    byteLength: number,
    private readonly label: string,
  ) {
    const resident = operands.find((operand) => operand instanceof HeapArray);
    this.#runtime = runtime;
    this.#owned = resident === undefined;
    this.heap = resident?.heap ?? runtime.openHeap(byteLength, label);
  }

  /** Address of uninitialised bytes. Throws MEMORY_EXHAUSTED or MEMORY_OVER_LIMIT. */
  take(byteLength: number, part: string): number {
    const lease = this.heap.lease(byteLength, `${this.label}.${part}`);
    this.#leases.push(lease);
    return lease.offset;
  }

  /** Whether the operand lies in this heap already. */
  holds(operand: Values<Numbers>): operand is HeapArray<Numbers> {
    return operand instanceof HeapArray && operand.heap === this.heap;
  }

  /** Address of an operand, which is copied into the heap unless it is there. */
  put(operand: Values<Numbers>, part: string): number {
    if (this.holds(operand)) return operand.offset;
    const values = valuesOf(operand);
    const address = this.take(values.byteLength, part);
    this.view(typeOf(operand), address, values.length).set(values);
    return address;
  }

  /** Address of unsigned words of 4 bytes. */
  putWords(words: ArrayLike<number>, part: string): number {
    const address = this.take(words.length * 4, part);
    new Uint32Array(this.heap.buffer, address, words.length).set(words);
    return address;
  }

  /** Numbers at an address; take it anew after the next lease. */
  view<T extends Numbers>(type: NumbersClass<T>, address: number, length: number): T {
    return new type(this.heap.buffer, address, length);
  }

  [Symbol.dispose](): void {
    for (const lease of this.#leases) lease[Symbol.dispose]();
    if (this.#owned) this.#runtime.closeHeap(this.heap);
  }
}
