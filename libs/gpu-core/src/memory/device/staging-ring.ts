import { fail, formatBytes } from '@armilla/base';
import type { BufferSource, DeviceBuffer, Fence } from './buffer-source.js';
import { ALIGNMENT_BYTES } from './size-class.js';

export interface StagingRingOptions {
  /** Upload: the host writes, the device reads. Readback: the other way about. */
  readonly direction: 'upload' | 'readback';
  readonly usage: number;
  /** Size of one segment, bytes: the largest region. */
  readonly segmentBytes: number;
  /** Segments that are filled, in flight and read at the same time; 3 by default. */
  readonly segmentCount?: number;
  /** Makes a segment visible to the host (`mapAsync`). */
  readonly map?: (buffer: DeviceBuffer) => Promise<void>;
  /** Gives it to the device (`unmap`): a mapped buffer takes part in no submit. */
  readonly unmap?: (buffer: DeviceBuffer) => void;
}

export interface TakeOptions {
  readonly signal?: AbortSignal;
  /** Upload: writes the bytes, at once. It is the only moment: any submit may seal the segment afterwards. */
  readonly fill?: (buffer: DeviceBuffer, offset: number) => void;
}

/** Part of a segment, for one transfer. */
export interface StagingRegion {
  readonly buffer: DeviceBuffer;
  /** Multiple of 256. */
  readonly offset: number;
  readonly byteLength: number;
  /** The transfer is part of this submit. Once, and before `release`. */
  submitted(epoch: number): void;
  /** Readback: resolves when the bytes have come and the host sees them. */
  landed(): Promise<void>;
  /** The host needs the region no more. */
  release(): void;
}

interface Segment {
  readonly buffer: DeviceBuffer;
  filledBytes: number;
  openRegions: number;
  /** Regions of which it is open whether a submit will use them. */
  undecided: number;
  whenDecided: (() => void)[];
  epoch: number;
  mapped: boolean;
  mapping: Promise<void> | undefined;
}

/**
 * Persistent staging buffers, used in turn. Regions are cut from the open segment; a full one is sealed, and is opened
 * again when its regions are released and its fence is reached. Seal before a submit that uses the open one.
 */
export class StagingRing implements Disposable {
  readonly #segments: Segment[] = [];
  #open: Segment | undefined;
  #turn: Promise<void> = Promise.resolve();
  #wake: (() => void) | undefined;
  #closed = false;
  /** Times that a taker had to wait for the device or for other takers. */
  waitCount = 0;

  constructor(
    private readonly source: BufferSource,
    private readonly fence: Fence,
    private readonly options: StagingRingOptions,
  ) {
    const { segmentBytes, segmentCount = 3 } = options;
    if (!(segmentBytes > 0 && segmentBytes % ALIGNMENT_BYTES === 0)) {
      const expected = `a positive multiple of ${ALIGNMENT_BYTES}`;
      throw fail('OPTION_INVALID', { field: 'segmentBytes', expected, got: segmentBytes });
    }
    if (!(Number.isInteger(segmentCount) && segmentCount >= 1)) {
      throw fail('OPTION_INVALID', { field: 'segmentCount', expected: 'a positive integer', got: segmentCount });
    }
    try {
      for (let i = 0; i < segmentCount; i++) {
        const buffer = source.create(segmentBytes, options.usage);
        this.#segments.push({
          buffer,
          filledBytes: 0,
          openRegions: 0,
          undecided: 0,
          whenDecided: [],
          epoch: 0,
          mapped: false,
          mapping: undefined,
        });
      }
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  /** Bytes of all segments. */
  get reservedBytes(): number {
    return this.#segments.length * this.options.segmentBytes;
  }

  /**
   * Room for a transfer, first come first served. Throws MEMORY_OVER_LIMIT for more than a segment holds; the signal
   * ends the wait. A taker that holds all segments and takes one more without submitting waits for ever.
   */
  async take(byteLength: number, { signal, fill }: TakeOptions = {}): Promise<StagingRegion> {
    if (!(byteLength > 0 && byteLength <= this.options.segmentBytes)) {
      throw fail('MEMORY_OVER_LIMIT', {
        needed: formatBytes(byteLength),
        limit: formatBytes(this.options.segmentBytes),
      });
    }
    const before = this.#turn;
    let leave!: () => void;
    this.#turn = new Promise((resolve) => (leave = resolve));
    try {
      await untilAborted(before, signal);
      const bytes = Math.ceil(byteLength / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;
      if (this.#open && this.#open.filledBytes + bytes > this.options.segmentBytes) this.seal();
      const segment = (this.#open ??= await this.#next(signal));
      fill?.(segment.buffer, segment.filledBytes);
      return this.#cut(segment, bytes, byteLength);
    } finally {
      // Whoever gave up waiting for its turn passes the turn on when it comes.
      void before.then(leave);
    }
  }

  /** Closes the open segment: the device may use it now. */
  seal(): void {
    const segment = this.#open;
    if (segment === undefined) return;
    this.#open = undefined;
    if (segment.mapped) this.#unmap(segment);
  }

  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const { buffer } of this.#segments) this.source.destroy(buffer);
    this.#segments.length = 0;
    this.source.reclaim();
    this.#wake?.();
  }

  async #next(signal: AbortSignal | undefined): Promise<Segment> {
    for (;;) {
      if (this.#closed) throw fail('INTERNAL', { detail: 'a staging ring was used after its end' });
      const idle = this.#segments.filter(({ openRegions }) => openRegions === 0);
      const segment = idle.find(({ epoch }) => epoch <= this.fence.completedEpoch);
      if (segment) {
        // Claimed only when it is ready: an aborted wait leaves it to the next taker.
        if (this.options.direction === 'upload') await untilAborted(this.#map(segment), signal);
        segment.filledBytes = 0;
        return segment;
      }
      this.waitCount++;
      const released = new Promise<void>((resolve) => (this.#wake = resolve));
      const reached = idle.map(({ epoch }) => this.fence.reached(epoch));
      await untilAborted(Promise.race([released, ...reached]), signal);
    }
  }

  #cut(segment: Segment, bytes: number, byteLength: number): StagingRegion {
    const offset = segment.filledBytes;
    segment.filledBytes += bytes;
    segment.openRegions++;
    segment.undecided++;
    let submittedEpoch: number | undefined;
    let released = false;
    return {
      buffer: segment.buffer,
      offset,
      byteLength,
      submitted: (epoch) => {
        if (submittedEpoch !== undefined || released) throw misuse('submitted', released ? 'released' : 'submitted');
        submittedEpoch = epoch;
        segment.epoch = Math.max(segment.epoch, epoch);
        decide(segment);
      },
      landed: async () => {
        if (submittedEpoch === undefined) throw misuse('read', 'not submitted');
        if (this.#open === segment) this.seal();
        // A mapped segment takes part in no submit: the neighbours go first.
        while (segment.undecided > 0) await new Promise<void>((resolve) => segment.whenDecided.push(resolve));
        await this.fence.reached(segment.epoch);
        await this.#map(segment);
        if (released) throw misuse('read', 'released');
      },
      release: () => {
        if (released) throw misuse('released', 'released');
        released = true;
        if (submittedEpoch === undefined) decide(segment);
        if (--segment.openRegions > 0) return;
        if (this.options.direction === 'readback' && segment.mapped) this.#unmap(segment);
        this.#wake?.();
      },
    };
  }

  #map(segment: Segment): Promise<void> {
    if (segment.mapped) return Promise.resolve();
    segment.mapping ??= (this.options.map?.(segment.buffer) ?? Promise.resolve()).then(
      () => {
        segment.mapped = true;
        segment.mapping = undefined;
      },
      (error: unknown) => {
        segment.mapping = undefined;
        throw error;
      },
    );
    return segment.mapping;
  }

  #unmap(segment: Segment): void {
    segment.mapped = false;
    this.options.unmap?.(segment.buffer);
  }
}

function decide(segment: Segment): void {
  if (--segment.undecided === 0) for (const resolve of segment.whenDecided.splice(0)) resolve();
}

function misuse(action: string, state: string): Error {
  return fail('INTERNAL', { detail: `a staging region was ${action} that was already or still ${state}` });
}

async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  signal.throwIfAborted();
  let onAbort!: () => void;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
