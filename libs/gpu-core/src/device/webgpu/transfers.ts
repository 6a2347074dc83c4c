import type { DeviceLease } from '../../memory/device/lease.js';
import { StagingRing, type StagingRegion } from '../../memory/device/staging-ring.js';
import { ALIGNMENT_BYTES } from '../../memory/device/size-class.js';
import { nativeOf, type NativeBuffers } from './buffers.js';
import type { JobProgress, SharedBytes } from './messages.js';
import type { DeviceQueue } from './queue.js';

const SEGMENT_COUNT = 3;
/** Of a small budget, what the buffers of both directions take at most. */
const STAGING_SHARE = 1 / 8;

/** Size of a segment, bytes, a power of two: `wantedBytes`, or less so that all of them leave most of the budget. */
export function segmentBytesWithin(budgetBytes: number | undefined, wantedBytes: number): number {
  if (budgetBytes === undefined) return wantedBytes;
  const most = (budgetBytes * STAGING_SHARE) / (2 * SEGMENT_COUNT);
  return Math.min(wantedBytes, Math.max(ALIGNMENT_BYTES, 2 ** Math.floor(Math.log2(most))));
}

/** The ways of bytes between host and device, through buffers that the host can write and read. */
export class Transfers implements Disposable {
  readonly #uploads: StagingRing;
  readonly #readbacks: StagingRing;

  constructor(
    buffers: NativeBuffers,
    private readonly queue: DeviceQueue,
    private readonly device: GPUDevice,
    private readonly segmentBytes: number,
  ) {
    this.#uploads = new StagingRing(buffers, queue, {
      direction: 'upload',
      usage: GPUBufferUsage.MAP_WRITE | GPUBufferUsage.COPY_SRC,
      segmentBytes,
      segmentCount: SEGMENT_COUNT,
      map: (buffer) => nativeOf(buffer).mapAsync(GPUMapMode.WRITE),
      unmap: (buffer) => nativeOf(buffer).unmap(),
    });
    this.#readbacks = new StagingRing(buffers, queue, {
      direction: 'readback',
      usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
      segmentBytes,
      segmentCount: SEGMENT_COUNT,
      map: (buffer) => nativeOf(buffer).mapAsync(GPUMapMode.READ),
      unmap: (buffer) => nativeOf(buffer).unmap(),
    });
  }

  /**
   * Copies `bytes` to the start of `target`, ahead of all later submissions; the last four-byte word is filled up with
   * zeros.
   */
  async upload(bytes: SharedBytes, target: DeviceLease, { signal, onStep }: Partial<JobProgress> = {}): Promise<void> {
    for (let at = 0; at < bytes.byteLength; at += this.segmentBytes) {
      const length = Math.min(this.segmentBytes, bytes.byteLength - at);
      const padded = Math.ceil(length / 4) * 4;
      const region = await this.#uploads.take(padded, {
        signal,
        fill: (buffer, offset) => {
          const mapped = new Uint8Array(nativeOf(buffer).getMappedRange(offset, padded));
          // By way of mapped memory, since writeBuffer from shared memory ends Node.js 20.
          mapped.set(new Uint8Array(bytes.buffer, bytes.byteOffset + at, length));
          mapped.fill(0, length);
        },
      });
      this.#copy(region, () => {
        const encoder = this.device.createCommandEncoder({ label: target.label });
        encoder.copyBufferToBuffer(
          nativeOf(region.buffer),
          region.offset,
          nativeOf(target.buffer),
          target.offset + at,
          padded,
        );
        this.#uploads.seal();
        return encoder;
      });
      region.release();
      onStep?.();
    }
  }

  /** The first `byteLength` bytes of `source` as they are after all submissions so far. */
  async read(
    source: DeviceLease,
    byteLength: number,
    { signal, onStep }: Partial<JobProgress> = {},
  ): Promise<ArrayBuffer> {
    const result = new ArrayBuffer(byteLength);
    for (let at = 0; at < byteLength; at += this.segmentBytes) {
      const length = Math.min(this.segmentBytes, byteLength - at);
      const padded = Math.ceil(length / 4) * 4;
      const region = await this.#readbacks.take(padded, { signal });
      try {
        this.#copy(region, () => {
          const encoder = this.device.createCommandEncoder({ label: source.label });
          encoder.copyBufferToBuffer(
            nativeOf(source.buffer),
            source.offset + at,
            nativeOf(region.buffer),
            region.offset,
            padded,
          );
          return encoder;
        });
        await region.landed();
        const mapped = nativeOf(region.buffer).getMappedRange(region.offset, padded);
        new Uint8Array(result, at, length).set(new Uint8Array(mapped, 0, length));
      } finally {
        region.release();
      }
      onStep?.();
    }
    return result;
  }

  /** Bytes of the buffers on the way. */
  get reservedBytes(): number {
    return this.#uploads.reservedBytes + this.#readbacks.reservedBytes;
  }

  [Symbol.dispose](): void {
    this.#uploads[Symbol.dispose]();
    this.#readbacks[Symbol.dispose]();
  }

  #copy(region: StagingRegion, encode: () => GPUCommandEncoder): void {
    const epoch = this.queue.submit([encode().finish()]);
    region.submitted(epoch);
  }
}
