import { nativeOf, type NativeBuffers } from './buffers.js';

/** The device's clock at start and end of each pass. */
export class Stamps implements Disposable {
  private constructor(
    private readonly set: GPUQuerySet,
    private readonly resolved: GPUBuffer,
    private readonly reader: GPUBuffer,
    private readonly passCount: number,
  ) {}

  /** Throws MEMORY_EXHAUSTED. */
  static async open(device: GPUDevice, buffers: NativeBuffers, passCount: number): Promise<Stamps> {
    const size = passCount * 16;
    const resolved = buffers.create(size, GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC);
    const reader = buffers.create(size, GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST);
    const set = device.createQuerySet({ type: 'timestamp', count: passCount * 2 });
    const stamps = new Stamps(set, nativeOf(resolved), nativeOf(reader), passCount);
    try {
      await buffers.confirmAll([resolved, reader]);
      return stamps;
    } catch (error) {
      stamps[Symbol.dispose]();
      throw error;
    }
  }

  writes(pass: number): GPUComputePassTimestampWrites {
    return { querySet: this.set, beginningOfPassWriteIndex: 2 * pass, endOfPassWriteIndex: 2 * pass + 1 };
  }

  resolve(encoder: GPUCommandEncoder): void {
    encoder.resolveQuerySet(this.set, 0, this.passCount * 2, this.resolved, 0);
    encoder.copyBufferToBuffer(this.resolved, 0, this.reader, 0, this.passCount * 16);
  }

  /** Milliseconds that the passes took together. */
  async read(): Promise<number> {
    await this.reader.mapAsync(GPUMapMode.READ);
    const ticks = new BigUint64Array(this.reader.getMappedRange());
    let nanoseconds = 0n;
    // A pass may end before it began where a clock was reset in between.
    for (let i = 0; i < ticks.length; i += 2) nanoseconds += ticks[i + 1] > ticks[i] ? ticks[i + 1] - ticks[i] : 0n;
    this.reader.unmap();
    return Number(nanoseconds) / 1e6;
  }

  [Symbol.dispose](): void {
    this.set.destroy();
    this.resolved.destroy();
    this.reader.destroy();
  }
}
