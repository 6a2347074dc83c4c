import { fail } from '@armilla/base';
import { type Device, hasWebAssembly, type Runtime } from '@armilla/gpu-core';
import { concatPositions, rowCountOf, samplePositions } from '../positions/pieces.js';
import {
  eachRejected,
  type OnRejected,
  type Positions,
  positionStatuses,
  type RowStatus,
} from '../positions/positions.js';
import { DeviceIndex, type DeviceIndexOptions } from './gpu/device-index.js';
import { type DeviceMatchOptions, searchOnDevice } from './gpu/device-match.js';
import { type PlainRows, usableRows } from './plain.js';
import { PlainIndex } from './plain-index.js';
import { estimatePairCount } from './estimate.js';
import { type ChunkPairs, checkQuery, type PairQuery } from './query.js';
import { RowMarks } from './row-marks.js';
import { WasmIndex } from './wasm-index.js';
import { WasmMatch, type WasmMatchOptions } from './wasm-match.js';
import { rowsOfIndex } from './wasm-rows.js';

export interface BuildOptions {
  /** Rows to come, where known: saves memory. */
  readonly rowCount?: number;
  /** Rows of a cell; only changes the speed. */
  readonly cellRowCount?: number;
  /** Called for the rejected rows, ascending, before the index is there. */
  readonly onRejected?: OnRejected;
  /** Whose budget of device memory its rows count for where a match brings them to a device; default "default". */
  readonly tenant?: string;
  readonly signal?: AbortSignal;
}

export interface ChunkOptions {
  readonly workerCount?: number;
  readonly signal?: AbortSignal;
  /** Matches with the same key share the workers as one. */
  readonly fairKey?: object;
  /**
   * Leave the columns by pair in the memory of the index, which saves a copy: the caller calls `release` on the pairs,
   * and until then the index is in use.
   */
  readonly inPlace?: boolean;
  /** For nearest: the right rows of the pairs are marked there. */
  readonly marks?: RowMarks;
}

export type DeviceChunkOptions = DeviceMatchOptions & Pick<ChunkOptions, 'inPlace' | 'marks'>;

/** Left rows that stand for a chunk when its pairs are estimated. */
const SAMPLE_ROWS = 512;

/** The right side of a join, resident: any radius afterwards, several matches at a time. */
export class SkyIndex implements AsyncDisposable {
  readonly #onDevices = new Map<Device, Promise<DeviceIndex>>();

  private constructor(
    readonly rowCount: number,
    /** [rowCount] RowStatus */
    readonly status: Uint8Array,
    readonly cellCount: number,
    readonly bucketCount: number,
    private readonly backend: WasmIndex | PlainIndex,
    private readonly tenant?: string,
  ) {}

  static async build(
    runtime: Runtime,
    source: AsyncIterable<Positions> | Iterable<Positions>,
    options: BuildOptions = {},
  ): Promise<SkyIndex> {
    options.signal?.throwIfAborted();
    if (!hasWebAssembly()) return SkyIndex.buildPlain(source, options);
    const index = await WasmIndex.build(runtime, source, options);
    return new SkyIndex(index.rowCount, index.status, index.cellCount, index.bucketCount, index, options.tenant);
  }

  /** The same without WebAssembly, on the calling thread. */
  static async buildPlain(
    source: AsyncIterable<Positions> | Iterable<Positions>,
    options: BuildOptions = {},
  ): Promise<SkyIndex> {
    const parts: { status: Uint8Array; rows: PlainRows; firstRow: number }[] = [];
    let rowCount = 0;
    for await (const positions of source) {
      options.signal?.throwIfAborted();
      const status = positionStatuses(positions);
      const firstRow = rowCount;
      eachRejected(status, (i) =>
        options.onRejected?.(firstRow + i, positions.ra[i], positions.dec[i], status[i] as RowStatus),
      );
      parts.push({ status, rows: usableRows(positions, status), firstRow });
      rowCount += status.length;
    }
    const usableCount = parts.reduce((sum, { rows }) => sum + rows.row.length, 0);
    const all = {
      ra: new Float64Array(usableCount),
      dec: new Float64Array(usableCount),
      row: new Int32Array(usableCount),
    };
    const status = new Uint8Array(rowCount);
    let at = 0;
    for (const part of parts) {
      status.set(part.status, part.firstRow);
      all.ra.set(part.rows.ra, at);
      all.dec.set(part.rows.dec, at);
      for (const row of part.rows.row) all.row[at++] = part.firstRow + row;
    }
    return new SkyIndex(rowCount, status, 1, 1, new PlainIndex(all));
  }

  get bytes(): number {
    return this.backend.bytes;
  }

  /**
   * The pairs of a chunk of left rows, which may lie in pieces: its row 0 is row 0 of the first. The arrays may be reused
   * once the call returns.
   */
  async match(
    chunk: Positions | readonly Positions[],
    query: PairQuery,
    options: ChunkOptions = {},
  ): Promise<ChunkPairs> {
    checkQuery(query);
    options.signal?.throwIfAborted();
    const { backend } = this;
    const pieces = 'ra' in chunk ? [chunk] : chunk;
    if (backend instanceof PlainIndex) return backend.match(concatPositions(pieces), query, options.signal);
    return await this.#match(backend, pieces, query, options);
  }

  async #match(
    backend: WasmIndex,
    pieces: readonly Positions[],
    query: PairQuery,
    options: WasmMatchOptions,
  ): Promise<ChunkPairs> {
    using use = backend.use();
    using match = new WasmMatch(backend, pieces, query, options, this.#expectedPairCount(pieces, query));
    const pairs = await match.run();
    const { release } = pairs;
    if (release === undefined) return pairs;
    // An index that is to end may still be in use, but no use begins then.
    const held = use.more();
    return {
      ...pairs,
      release: () => {
        release();
        held[Symbol.dispose]();
      },
    };
  }

  /**
   * The same pairs, with candidates from a device; the first such match brings the rows there, where they stay until the index
   * ends. Throws what `Device.run` throws, KERNEL_MISMATCH, and BACKEND_UNAVAILABLE for an index without WebAssembly.
   */
  async matchOn(
    device: Device,
    chunk: Positions | readonly Positions[],
    query: PairQuery,
    options: DeviceChunkOptions = {},
  ): Promise<ChunkPairs> {
    checkQuery(query);
    options.signal?.throwIfAborted();
    const backend = this.#wasm();
    using _use = backend.use();
    const index = await this.#onDevice(device, backend);
    return await this.#match(backend, 'ra' in chunk ? [chunk] : chunk, query, {
      ...options,
      search: (join) => searchOnDevice(index, join, query, options),
    });
  }

  /** Brings the rows to a device ahead of the first match there. Throws as `matchOn` does. */
  async bringTo(device: Device, options: DeviceIndexOptions = {}): Promise<void> {
    const backend = this.#wasm();
    using _use = backend.use();
    await this.#onDevice(device, backend, options);
  }

  /** Whether a device has the rows, or is getting them. */
  get onDevice(): boolean {
    return this.#onDevices.size > 0;
  }

  /** "typescript" where there is no WebAssembly. */
  get kind(): 'wasm' | 'typescript' {
    return this.backend instanceof PlainIndex ? 'typescript' : 'wasm';
  }

  /** Rows that take part, in the order of the table. */
  async rows(signal?: AbortSignal): Promise<PlainRows> {
    if (this.backend instanceof PlainIndex) return this.backend.rows();
    using _use = this.backend.use();
    return await rowsOfIndex(this.backend, signal);
  }

  /** Marks for the rows that nearest matches use, to be disposed of; undefined where the backend has none. */
  marks(): RowMarks | undefined {
    return this.backend instanceof PlainIndex ? undefined : new RowMarks(this.backend);
  }

  /** Pairs to expect of the rows of `sample`, from the rows of the fine cells around them. */
  estimatePairCount(sample: Positions, radiusArcsec: number): number {
    const { backend } = this;
    if (backend instanceof PlainIndex) return backend.estimatePairCount(sample, radiusArcsec);
    using _use = backend.use();
    return estimatePairCount(backend, sample, radiusArcsec);
  }

  /** Pairs to expect of a chunk: exact for nearest, at most so many for k-nearest, an estimate for all. */
  expectedPairCount(chunk: Positions | readonly Positions[], query: PairQuery): number {
    return this.#expectedPairCount('ra' in chunk ? [chunk] : chunk, query);
  }

  /** Gives the memory back, after the matches that still run. */
  async dispose(): Promise<void> {
    await this.backend.dispose(async () => {
      const indexes = await Promise.allSettled(this.#onDevices.values());
      for (const one of indexes) if (one.status === 'fulfilled') one.value[Symbol.dispose]();
      this.#onDevices.clear();
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  #wasm(): WasmIndex {
    if (this.backend instanceof WasmIndex) return this.backend;
    const detail = 'the index was built without WebAssembly';
    throw fail('BACKEND_UNAVAILABLE', { operation: 'sky.join', backend: 'webgpu', detail });
  }

  /** Matches that come meanwhile wait for the first; it is no match's own work, so that no signal ends it. */
  #onDevice(device: Device, backend: WasmIndex, options?: DeviceIndexOptions): Promise<DeviceIndex> {
    const known = this.#onDevices.get(device);
    if (known !== undefined) return known;
    const made = DeviceIndex.build(device, backend, { tenant: this.tenant, ...options });
    this.#onDevices.set(device, made);
    made.catch(() => this.#onDevices.delete(device));
    return made;
  }

  #expectedPairCount(pieces: readonly Positions[], query: PairQuery): number {
    const rows = rowCountOf(pieces);
    if (query.find === 'nearest') return rows;
    if (query.find === 'k-nearest') return rows * Math.min(query.k, Math.max(1, this.rowCount));
    const stride = Math.max(1, Math.floor(rows / SAMPLE_ROWS));
    const sample = samplePositions(
      pieces,
      Int32Array.from({ length: Math.ceil(rows / stride) }, (_, i) => i * stride),
    );
    // Rows of the same stars match once each, however few others lie around them.
    return Math.max(rows, Math.ceil(this.estimatePairCount(sample, query.radiusArcsec) * stride * 1.3 + rows * 0.1));
  }
}
