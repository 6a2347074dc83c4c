import { fail, formatBytes } from '@armilla/base';
import './webassembly.js';

const PAGE_BYTES = 65_536;
const ALIGNMENT_BYTES = 64;
/** Kernels keep their constants below this address (`--memoryBase` of tools/build-wasm.mjs). */
const FIRST_FREE_BYTE = 16_384;
/** The reach of a 32-bit kernel pointer, less one page so that the end of memory still has an address. */
export const HEAP_LIMIT_BYTES = 65_535 * PAGE_BYTES;

/** A labelled range of a heap; give it back with `using` or `Symbol.dispose`. */
export interface Lease extends Disposable {
  readonly offset: number;
  readonly byteLength: number;
  readonly label: string;
}

interface Gap {
  offset: number;
  byteLength: number;
}

/**
 * One shared WebAssembly memory with a first-fit allocator. Every range in use has a label; `report` lists them.
 * Growing keeps addresses and replaces `buffer`: take views anew after each lease.
 */
export class Heap {
  static #lastId = 0;
  readonly id = ++Heap.#lastId;
  readonly #leases = new Set<Lease>();
  #gaps: Gap[] = [];
  #memory: WebAssembly.Memory | undefined;
  #end = FIRST_FREE_BYTE;

  /** `allow` is asked before the memory grows by some bytes and throws when they are not to be had. */
  constructor(
    readonly label: string,
    private readonly allow: (bytes: number) => void,
  ) {
    this.allow(PAGE_BYTES);
    try {
      this.#memory = new WebAssembly.Memory({ initial: 1, maximum: 65_536, shared: true });
    } catch (cause) {
      throw fail(
        'MEMORY_EXHAUSTED',
        { needed: formatBytes(PAGE_BYTES), available: 'no address space', limit: formatBytes(HEAP_LIMIT_BYTES) },
        { cause },
      );
    }
  }

  get memory(): WebAssembly.Memory {
    if (this.#memory === undefined) throw fail('INTERNAL', { detail: `heap '${this.label}' is used after its end` });
    return this.#memory;
  }

  get buffer(): ArrayBufferLike {
    return this.memory.buffer;
  }

  get byteLength(): number {
    return this.#memory?.buffer.byteLength ?? 0;
  }

  get leaseCount(): number {
    return this.#leases.size;
  }

  /** Bytes of all leases. */
  get leasedBytes(): number {
    let bytes = 0;
    for (const { byteLength } of this.#leases) bytes += byteLength;
    return bytes;
  }

  /** Uninitialised bytes, aligned to 64. Throws MEMORY_EXHAUSTED. */
  lease(byteLength: number, label: string): Lease {
    const bytes = Math.max(ALIGNMENT_BYTES, Math.ceil(byteLength / ALIGNMENT_BYTES) * ALIGNMENT_BYTES);
    const offset = this.#takeGap(bytes) ?? this.#extend(bytes);
    const lease: Lease = {
      offset,
      byteLength: bytes,
      label,
      [Symbol.dispose]: () => {
        if (this.#leases.delete(lease)) this.#giveBack(offset, bytes);
      },
    };
    this.#leases.add(lease);
    return lease;
  }

  /** Bytes in use by label. */
  report(): Map<string, number> {
    const bytes = new Map<string, number>();
    for (const lease of this.#leases) bytes.set(lease.label, (bytes.get(lease.label) ?? 0) + lease.byteLength);
    return bytes;
  }

  /** Lets go of the memory; the owner tells the workers. */
  drop(): void {
    this.#memory = undefined;
    this.#leases.clear();
    this.#gaps = [];
  }

  #takeGap(bytes: number): number | undefined {
    // Best fit: large gaps stay whole for the scratch of the next chunk.
    let best = -1;
    for (let i = 0; i < this.#gaps.length; i++) {
      const size = this.#gaps[i].byteLength;
      if (size >= bytes && (best < 0 || size < this.#gaps[best].byteLength)) best = i;
    }
    if (best < 0) return undefined;
    const gap = this.#gaps[best];
    const offset = gap.offset;
    gap.offset += bytes;
    gap.byteLength -= bytes;
    if (gap.byteLength === 0) this.#gaps.splice(best, 1);
    return offset;
  }

  #extend(bytes: number): number {
    const last = this.#gaps.at(-1);
    const touchesEnd = last !== undefined && last.offset + last.byteLength === this.#end;
    const offset = touchesEnd ? last.offset : this.#end;
    const end = offset + bytes;
    const missing = end - this.memory.buffer.byteLength;
    if (missing > 0) {
      if (end > HEAP_LIMIT_BYTES) {
        throw fail('MEMORY_EXHAUSTED', {
          needed: formatBytes(end),
          available: formatBytes(HEAP_LIMIT_BYTES - offset),
          limit: formatBytes(HEAP_LIMIT_BYTES),
        });
      }
      const pages = Math.ceil(missing / PAGE_BYTES);
      this.allow(pages * PAGE_BYTES);
      try {
        this.memory.grow(pages);
      } catch (cause) {
        throw fail(
          'MEMORY_EXHAUSTED',
          { needed: formatBytes(bytes), available: 'less', limit: formatBytes(HEAP_LIMIT_BYTES) },
          { cause },
        );
      }
    }
    if (touchesEnd) this.#gaps.pop();
    this.#end = end;
    return offset;
  }

  #giveBack(offset: number, byteLength: number): void {
    let at = 0;
    while (at < this.#gaps.length && this.#gaps[at].offset < offset) at++;
    this.#gaps.splice(at, 0, { offset, byteLength });
    for (let i = Math.max(0, at - 1); i < this.#gaps.length - 1 && i <= at;) {
      const gap = this.#gaps[i];
      const next = this.#gaps[i + 1];
      if (gap.offset + gap.byteLength === next.offset) {
        gap.byteLength += next.byteLength;
        this.#gaps.splice(i + 1, 1);
      } else i++;
    }
  }
}
