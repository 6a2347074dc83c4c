import type { Clock } from './clock.js';
import type { DeviceLease } from './lease.js';

export interface ResidentOptions {
  readonly lease: DeviceLease;
  /** Time to bring it back to the device, seconds. */
  readonly transferSeconds: number;
  /** Sees to it that the host has a copy; the lease is released afterwards. */
  readonly spill: () => Promise<void>;
  /** It was spilled: it is not there any more. */
  readonly onSpilled?: () => void;
}

/** Data that stays on the device between calls, as long as there is room. */
export interface MemoryResident extends Disposable {
  readonly label: string;
  readonly byteLength: number;
  /** False once it was spilled or given up: upload it anew. */
  readonly present: boolean;
  /** Marks a use, during which it is not spilled; dispose of the result at its end. */
  use(): Disposable;
}

interface Entry {
  readonly lease: DeviceLease;
  readonly transferSeconds: number;
  readonly spill: () => Promise<void>;
  readonly onSpilled: (() => void) | undefined;
  readonly bornMs: number;
  /** Uses, each counting half after `HALF_LIFE_MS`. */
  uses: number;
  usedMs: number;
  pinCount: number;
  present: boolean;
}

const HALF_LIFE_MS = 60_000;
/** A resident counts as reused when it is wanted within this time. */
const HORIZON_MS = 60_000;

/** All residents of one device, and which of them to give up first. */
export class Residents {
  readonly #entries = new Set<Entry>();

  /** `onIdle` is told when one is not in use any more. */
  constructor(
    private readonly clock: Clock,
    private readonly onIdle: () => void = () => undefined,
  ) {}

  /** Bytes that could be spilled now: of all, or of one tenant. */
  spillableBytes(tenant?: string): number {
    let bytes = 0;
    for (const { lease, pinCount } of this.#entries) {
      if (pinCount === 0 && (tenant === undefined || lease.tenant === tenant)) bytes += lease.blockBytes;
    }
    return bytes;
  }

  get count(): number {
    return this.#entries.size;
  }

  /** The resident owns the lease from here on. */
  add({ lease, transferSeconds, spill, onSpilled }: ResidentOptions): MemoryResident {
    const nowMs = this.clock.now();
    const entry: Entry = {
      lease,
      transferSeconds,
      spill,
      onSpilled,
      bornMs: nowMs,
      uses: 1,
      usedMs: nowMs,
      pinCount: 0,
      present: true,
    };
    this.#entries.add(entry);
    this.onIdle();
    const remove = (): void => {
      if (!entry.present) return;
      this.#entries.delete(entry);
      entry.present = false;
      lease[Symbol.dispose]();
    };
    return {
      label: lease.label,
      byteLength: lease.byteLength,
      get present() {
        return entry.present;
      },
      use: () => this.#use(entry),
      [Symbol.dispose]: remove,
    };
  }

  /**
   * Spills those that are worth least a byte until `bytes` are freed (of `tenant`'s, where given). Worth is the time to
   * bring it back, times the chance that it is wanted within a minute: 1 - exp(-rate · minute), with the rate of uses
   * over its life, of which older parts count less. Says how many bytes were freed.
   */
  async spill(bytes: number, tenant?: string): Promise<number> {
    const nowMs = this.clock.now();
    const order = [...this.#entries]
      .filter((entry) => entry.pinCount === 0 && (tenant === undefined || entry.lease.tenant === tenant))
      .map((entry) => ({ entry, worth: worthPerByte(entry, nowMs) }))
      .sort((a, b) => a.worth - b.worth);
    let freedBytes = 0;
    for (const { entry } of order) {
      if (freedBytes >= bytes) break;
      if (!entry.present || entry.pinCount > 0) continue;
      this.#entries.delete(entry);
      try {
        await entry.spill();
      } catch (error) {
        if (entry.present) this.#entries.add(entry);
        throw error;
      }
      if (!entry.present) continue;
      if (entry.pinCount > 0) {
        // Wanted again while its copy was made.
        this.#entries.add(entry);
        continue;
      }
      entry.present = false;
      freedBytes += entry.lease.blockBytes;
      entry.lease[Symbol.dispose]();
      entry.onSpilled?.();
    }
    return freedBytes;
  }

  #use(entry: Entry): Disposable {
    const nowMs = this.clock.now();
    entry.uses = entry.uses * 2 ** ((entry.usedMs - nowMs) / HALF_LIFE_MS) + 1;
    entry.usedMs = nowMs;
    entry.pinCount++;
    let open = true;
    return {
      [Symbol.dispose]: () => {
        if (!open) return;
        open = false;
        if (--entry.pinCount === 0) this.onIdle();
      },
    };
  }
}

function worthPerByte(entry: Entry, nowMs: number): number {
  const uses = entry.uses * 2 ** ((entry.usedMs - nowMs) / HALF_LIFE_MS);
  // Life, discounted as the uses are: the integral of 2^(-t / half-life) up to its age.
  const lifeMs = (HALF_LIFE_MS / Math.LN2) * (1 - 2 ** ((entry.bornMs - nowMs) / HALF_LIFE_MS));
  const reuse = 1 - Math.exp((-uses * HORIZON_MS) / Math.max(lifeMs, 1));
  return (entry.transferSeconds * reuse) / entry.lease.blockBytes;
}
