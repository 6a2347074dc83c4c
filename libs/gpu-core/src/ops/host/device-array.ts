import { fail, formatBytes } from '@armilla/base';
import type { Device, Resident } from '../../device/device.js';
import type { Numbers, NumbersClass } from './operand.js';

/** Numbers that a device can keep: WGSL has no f64. */
export type DeviceNumbers = Float32Array | Uint8Array;

export interface KeepOptions {
  /** Whose budget of memory it takes; default "default". */
  readonly tenant?: string;
  readonly signal?: AbortSignal;
}

/**
 * Numbers that stay on one device between calls, with a copy on the host. A call that runs there reads them in place; one that
 * runs elsewhere, or is cut so that a piece takes a part of them, reads the copy. The device may give them up for others,
 * and loses them when it is lost: the next call uploads them again. Dispose of it when no call will take it any more.
 */
export class DeviceArray<T extends Numbers> implements Disposable {
  readonly #resident: Resident;
  readonly #type: NumbersClass<T>;
  #released = false;

  private constructor(
    resident: Resident,
    type: NumbersClass<T>,
    /** How many numbers. */
    readonly length: number,
  ) {
    this.#resident = resident;
    this.#type = type;
  }

  /**
   * Copies `values` to the host's copy and uploads it; `label` names it in the books of the device's memory. Throws OPTION_INVALID
   * for f64, DEVICE_LIMIT_EXCEEDED for more than one binding of the device, MEMORY_OVER_LIMIT, MEMORY_EXHAUSTED,
   * DEVICE_LOST, DRAINING, the signal's reason.
   */
  static async keep<T extends DeviceNumbers>(
    device: Device,
    values: T, // [n]
    label: string,
    { tenant, signal }: KeepOptions = {},
  ): Promise<DeviceArray<T>> {
    if (!(values instanceof Float32Array || values instanceof Uint8Array)) {
      const got = (values as object).constructor.name;
      throw fail('OPTION_INVALID', { field: 'values', expected: 'a Float32Array or Uint8Array', got });
    }
    const resident = device.keep(values, label, { tenant });
    try {
      // A job without a kernel: its buffers are there when it ends.
      const buffers = { values: { kind: 'resident', resident } } as const;
      await device.run({ label: 'gpu.keep', tenant, buffers, passes: [] }, { signal });
      const type = values instanceof Float32Array ? Float32Array : Uint8Array;
      return new DeviceArray(resident, type as unknown as NumbersClass<T>, values.length);
    } catch (error) {
      resident[Symbol.dispose]();
      throw error;
    }
  }

  get label(): string {
    return this.#resident.label;
  }

  /** The class of its numbers. Throws LEASE_RELEASED once it was disposed of, as `values` and `resident` do. */
  get type(): NumbersClass<T> {
    this.#check();
    return this.#type;
  }

  /** The host's copy, in shared memory. Not to be written: what the device has would be other numbers. */
  get values(): T {
    const { buffer, byteOffset } = this.resident.data;
    return new this.#type(buffer, byteOffset, this.length);
  }

  /** For jobs of other code on its device. */
  get resident(): Resident {
    this.#check();
    return this.#resident;
  }

  [Symbol.dispose](): void {
    this.#released = true;
    this.#resident[Symbol.dispose]();
  }

  #check(): void {
    if (!this.#released) return;
    const { label, byteLength } = this.#resident;
    throw fail('LEASE_RELEASED', { label, size: formatBytes(byteLength), detail: 'it was used as an operand' });
  }
}
