import { fail, formatBytes, isProblem } from '@armilla/base';
import { Arena, LARGE_REUSE_RATIO } from './arena.js';
import type { Block, Slab } from './block.js';
import type { BufferSource, DeviceBuffer, Fence } from './buffer-source.js';
import { type Clock, systemClock } from './clock.js';
import { Ledger, type LeaseRecord, type Site } from './ledger.js';
import { DeviceLease } from './lease.js';
import { type PoolStats, poolStats } from './pool-stats.js';
import { ALIGNMENT_BYTES, classBytes, classOf } from './size-class.js';

/** As FinalizationRegistry. */
export interface LossRegistry {
  register(lease: object, record: LeaseRecord, token: object): void;
  unregister(token: object): void;
}

export interface DevicePoolOptions {
  /** Size of the buffers that are cut into blocks; default 64 MiB. */
  readonly slabBytes?: number;
  /** Requests from here on get a buffer of their own; default a quarter of a slab. */
  readonly largeBytes?: number;
  /** One lease in so many keeps the stack of its taker; default 256. The first of each label always does. */
  readonly stackEvery?: number;
  readonly clock?: Clock;
  /** Default: a FinalizationRegistry. */
  readonly lossRegistry?: (onLoss: (record: LeaseRecord) => void) => LossRegistry;
  /** After each release and loss. */
  readonly onRelease?: (record: LeaseRecord) => void;
  readonly onLoss?: (record: LeaseRecord) => void;
}

export interface LeaseOptions {
  readonly tenant?: string;
  /** The lease is used on the queue of the device only: memory whose last use still runs there can be had at once. */
  readonly sameQueue?: boolean;
  /** What all buffers together may take where a new one is needed, bytes. */
  readonly limitBytes?: number;
  /** What a new slab may take beyond the block, bytes; all of a slab if left out. */
  readonly spareBytes?: number;
  /** Where it was taken, if the taker knows better than the stack of this call. */
  readonly site?: string;
  /** Called once, when the lease has been released or lost. */
  readonly onRelease?: () => void;
}

/**
 * Device memory for reuse: blocks of size classes out of slabs, large blocks as buffers of their own, kept apart by
 * usage flags. What is given back is used again when the submit that used it last is done.
 */
export class DevicePool {
  readonly ledger = new Ledger();
  readonly slabBytes: number;
  readonly largeBytes: number;
  reservedBytes = 0;
  peakReservedBytes = 0;
  hitCount = 0;
  missCount = 0;
  readonly #arenas = new Map<number, Arena>();
  readonly #clock: Clock;
  readonly #stackEvery: number;
  readonly #losses: LossRegistry;
  #untilStack = 0;

  constructor(
    private readonly source: BufferSource,
    readonly fence: Fence,
    private readonly options: DevicePoolOptions = {},
  ) {
    this.slabBytes = options.slabBytes ?? 64 * 2 ** 20;
    this.largeBytes = options.largeBytes ?? this.slabBytes / 4;
    if (!(this.slabBytes >= ALIGNMENT_BYTES && this.slabBytes % ALIGNMENT_BYTES === 0 && this.slabBytes <= 2 ** 33)) {
      const expected = `a multiple of ${ALIGNMENT_BYTES} up to 2^33`;
      throw fail('OPTION_INVALID', { field: 'slabBytes', expected, got: this.slabBytes });
    }
    if (!(this.largeBytes > 0 && classBytes(classOf(this.largeBytes)) <= this.slabBytes)) {
      throw fail('OPTION_INVALID', { field: 'largeBytes', expected: 'at most slabBytes', got: this.largeBytes });
    }
    this.#clock = options.clock ?? systemClock;
    this.#stackEvery = options.stackEvery ?? 256;
    const newRegistry = options.lossRegistry ?? ((onLoss) => new FinalizationRegistry<LeaseRecord>(onLoss));
    this.#losses = newRegistry((record) => this.#lose(record));
  }

  get arenas(): Iterable<Arena> {
    return this.#arenas.values();
  }

  /** Bytes that wait for a fence. */
  get pendingBytes(): number {
    let bytes = 0;
    for (const arena of this.#arenas.values()) bytes += arena.pendingBytes;
    return bytes;
  }

  /** Bytes of blocks that are leased. */
  get usedBytes(): number {
    let bytes = 0;
    for (const arena of this.#arenas.values()) bytes += arena.usedBytes;
    return bytes;
  }

  /** Bytes of buffers of which some is leased: what cannot be given back to the device. */
  get pinnedBytes(): number {
    let bytes = 0;
    for (const arena of this.#arenas.values()) bytes += arena.pinnedBytes;
    return bytes;
  }

  /** What a lease of so many bytes takes. */
  blockBytesOf(byteLength: number): number {
    return byteLength > this.largeBytes
      ? Math.ceil(byteLength / ALIGNMENT_BYTES) * ALIGNMENT_BYTES
      : classBytes(classOf(byteLength));
  }

  /** The most of which a lease of so many bytes takes its block: a whole slab, or a larger buffer. */
  pinnableBytesOf(byteLength: number): number {
    return byteLength > this.largeBytes ? this.blockBytesOf(byteLength) * LARGE_REUSE_RATIO : this.slabBytes;
  }

  /**
   * Uninitialised device memory of at least `byteLength` bytes, its offset a multiple of 256. Throws MEMORY_EXHAUSTED
   * when a new buffer is needed and the limit or the device refuses it.
   */
  lease(byteLength: number, usage: number, label: string, options: LeaseOptions = {}): DeviceLease {
    if (!(Number.isSafeInteger(byteLength) && byteLength >= 0)) {
      throw fail('OPTION_INVALID', { field: 'byteLength', expected: 'a whole number of bytes', got: byteLength });
    }
    const arena = this.#arena(usage);
    arena.settle(this.fence.completedEpoch);
    const large = byteLength > this.largeBytes;
    const blockBytes = this.blockBytesOf(byteLength);
    const sameQueue = options.sameQueue === true;
    let block = large ? arena.takeLarge(blockBytes, sameQueue) : arena.take(blockBytes, sameQueue);
    if (block) this.hitCount++;
    else block = this.#grow(arena, blockBytes, large, options);
    const site = this.ledger.site(label);
    const tenant = options.tenant ?? 'default';
    const record = this.ledger.open(
      site,
      block,
      byteLength,
      tenant,
      this.#clock.now(),
      options.site ?? this.#stack(site),
      options.onRelease,
    );
    const lease = new DeviceLease(record, this.#giveBack);
    this.#losses.register(lease, record, record);
    return lease;
  }

  /** Destroys idle buffers, the largest first, until `bytes` are freed; says how many were. */
  trim(bytes = Infinity): number {
    const idle: { arena: Arena; slab: Slab }[] = [];
    for (const arena of this.#arenas.values()) {
      arena.settle(this.fence.completedEpoch);
      for (const slab of arena.idleSlabs()) idle.push({ arena, slab });
    }
    idle.sort((a, b) => b.slab.buffer.byteLength - a.slab.buffer.byteLength);
    let freedBytes = 0;
    for (const { arena, slab } of idle) {
      if (freedBytes >= bytes) break;
      freedBytes += slab.buffer.byteLength;
      this.#drop(arena, slab);
    }
    if (freedBytes > 0) this.source.reclaim();
    return freedBytes;
  }

  /** Forgets a buffer that the device has not given after all. Its leases can still be released. */
  forget(buffer: DeviceBuffer): void {
    for (const arena of this.#arenas.values()) {
      for (const slab of arena.slabs) if (slab.buffer === buffer) this.#drop(arena, slab);
    }
  }

  stats(): PoolStats {
    for (const arena of this.#arenas.values()) arena.settle(this.fence.completedEpoch);
    return poolStats(this);
  }

  #arena(usage: number): Arena {
    let arena = this.#arenas.get(usage);
    if (arena === undefined) this.#arenas.set(usage, (arena = new Arena(usage)));
    return arena;
  }

  #grow(arena: Arena, blockBytes: number, large: boolean, options: LeaseOptions): Block {
    const { limitBytes = Infinity, spareBytes = Infinity } = options;
    const roomy = blockBytes + Math.max(0, Math.floor(spareBytes / ALIGNMENT_BYTES) * ALIGNMENT_BYTES);
    let bytes = large ? blockBytes : Math.min(this.slabBytes, roomy);
    for (;;) {
      try {
        return this.#create(arena, bytes, large, blockBytes, limitBytes);
      } catch (error) {
        // Where a whole slab is not to be had, a smaller one may be.
        const smaller = Math.max(blockBytes, Math.ceil(bytes / 2 / ALIGNMENT_BYTES) * ALIGNMENT_BYTES);
        if (!isProblem(error) || error.reason !== 'MEMORY_EXHAUSTED' || smaller === bytes) throw error;
        bytes = smaller;
      }
    }
  }

  #create(arena: Arena, bytes: number, dedicated: boolean, blockBytes: number, limitBytes: number): Block {
    if (this.reservedBytes + bytes > limitBytes) {
      throw fail('MEMORY_EXHAUSTED', {
        needed: formatBytes(bytes),
        available: formatBytes(Math.max(0, limitBytes - this.reservedBytes)),
        limit: formatBytes(limitBytes),
      });
    }
    const buffer = this.source.create(bytes, arena.usage);
    this.missCount++;
    this.reservedBytes += bytes;
    if (this.reservedBytes > this.peakReservedBytes) this.peakReservedBytes = this.reservedBytes;
    const block = arena.grow(buffer, dedicated, blockBytes);
    const { slab } = block;
    slab.confirmation = this.source.confirm?.(buffer).then(
      () => (slab.confirmation = undefined),
      (error: unknown) => {
        this.#drop(arena, slab);
        throw error;
      },
    ) as Promise<void> | undefined;
    // Whoever holds a lease hears of it by `confirmed`.
    slab.confirmation?.catch(() => undefined);
    return block;
  }

  #drop(arena: Arena, slab: Slab): void {
    if (!arena.slabs.has(slab)) return;
    arena.remove(slab);
    this.reservedBytes -= slab.buffer.byteLength;
    this.source.destroy(slab.buffer);
  }

  readonly #giveBack = (record: LeaseRecord, epoch: number | undefined): void => {
    if (epoch !== undefined && !(Number.isSafeInteger(epoch) && epoch <= this.fence.epochOfLastSubmit + 1)) {
      const expected = `a submit up to ${this.fence.epochOfLastSubmit + 1}`;
      throw fail('OPTION_INVALID', { field: 'epoch', expected, got: epoch });
    }
    this.#losses.unregister(record);
    this.#close(record, epoch ?? this.fence.epochOfLastSubmit);
  };

  #lose(record: LeaseRecord): void {
    if (record.released) return;
    record.site.lostCount++;
    this.#close(record, this.fence.epochOfLastSubmit);
    this.options.onLoss?.(record);
  }

  #close(record: LeaseRecord, epoch: number): void {
    const { block } = record;
    this.ledger.close(record, this.#clock.now());
    const arena = this.#arena(block.slab.buffer.usage);
    if (arena.slabs.has(block.slab)) arena.giveBack(block, epoch, this.fence.completedEpoch);
    record.onRelease?.();
    this.options.onRelease?.(record);
  }

  #stack(site: Site): string | undefined {
    if (!site.suspected && site.leaseCount > 0 && --this.#untilStack > 0) return undefined;
    this.#untilStack = this.#stackEvery;
    return new Error(site.label).stack;
  }
}
