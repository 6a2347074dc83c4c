import type { Runtime } from '@armilla/gpu-core';
import { type Positions, positionStatuses } from '../positions/positions.js';
import { type PlainRows, usableRows } from './plain.js';
import { PlainIndex } from './plain-index.js';
import { type ChunkPairs, checkQuery, type PairQuery } from './query.js';

export interface BuildOptions {
  /** Rows to come, where known: saves memory. */
  readonly rowCount?: number;
  /** Rows of a cell; only changes the speed. */
  readonly cellRowCount?: number;
  readonly signal?: AbortSignal;
}

export interface ChunkOptions {
  readonly workerCount?: number;
  readonly signal?: AbortSignal;
  /** Matches with the same key share the workers as one. */
  readonly fairKey?: object;
}

/** The right side of a join, resident: any radius afterwards, several matches at a time. */
export class SkyIndex {
  private constructor(
    readonly rowCount: number,
    readonly status: Uint8Array,
    readonly cellCount: number,
    readonly bucketCount: number,
    private readonly plain: PlainIndex,
  ) {}

  static async build(_runtime: Runtime, source: AsyncIterable<Positions> | Iterable<Positions>, options: BuildOptions = {}): Promise<SkyIndex> {
    const statuses: Uint8Array[] = [];
    const rows: { ra: number[]; dec: number[]; row: number[] } = { ra: [], dec: [], row: [] };
    let rowCount = 0;
    for await (const batch of source) {
      options.signal?.throwIfAborted();
      const status = positionStatuses(batch);
      const usable = usableRows(batch, status);
      for (let i = 0; i < usable.row.length; i++) {
        rows.ra.push(usable.ra[i]);
        rows.dec.push(usable.dec[i]);
        rows.row.push(rowCount + usable.row[i]);
      }
      statuses.push(status);
      rowCount += status.length;
    }
    const status = new Uint8Array(rowCount);
    let at = 0;
    for (const part of statuses) {
      status.set(part, at);
      at += part.length;
    }
    const plain: PlainRows = { ra: Float64Array.from(rows.ra), dec: Float64Array.from(rows.dec), row: Int32Array.from(rows.row) };
    return new SkyIndex(rowCount, status, 1, 1, new PlainIndex(plain));
  }

  get bytes(): number {
    return this.plain.bytes;
  }

  match(chunk: Positions, query: PairQuery, options: ChunkOptions = {}): Promise<ChunkPairs> {
    checkQuery(query);
    return this.plain.match(chunk, query, options.signal);
  }

  estimatePairCount(sample: Positions, radiusArcsec: number): number {
    return this.plain.estimatePairCount(sample, radiusArcsec);
  }

  dispose(): Promise<void> {
    return Promise.resolve();
  }
}
