import { fail } from '@armilla/base';
import type { Runtime } from '@armilla/gpu-core';
import { normaliseRa, raReachDegrees, separationKey, separationKeyFloor, separationKeyLimit, separationOfKeyArcsec } from '../separation/separation.js';
import { type ChunkPairs, type PairQuery, type Positions, RowStatus, rowStatus } from './types.js';

export interface SkyIndexOptions {
  readonly rowCount?: number;
  readonly cellRowCount?: number;
  readonly signal?: AbortSignal;
}

export interface MatchExecution {
  readonly workerCount?: number;
  readonly signal?: AbortSignal;
  readonly fairKey?: object;
}

/** The right side of matches: positions in order of declination, ready for any radius. */
export class SkyIndex {
  private constructor(
    readonly rowCount: number,
    readonly status: Uint8Array,
    private readonly ra: Float64Array,
    private readonly dec: Float64Array,
    private readonly row: Int32Array,
  ) {}

  static async build(
    _runtime: Runtime,
    source: AsyncIterable<Positions> | Iterable<Positions>,
    options: SkyIndexOptions = {},
  ): Promise<SkyIndex> {
    const chunks: Positions[] = [];
    for await (const chunk of source) {
      options.signal?.throwIfAborted();
      chunks.push({ ra: chunk.ra.slice(), dec: chunk.dec.slice(), nulls: chunk.nulls?.slice() });
    }
    const rowCount = chunks.reduce((sum, chunk) => sum + chunk.ra.length, 0);
    const status = new Uint8Array(rowCount);
    const ra = new Float64Array(rowCount);
    const dec = new Float64Array(rowCount);
    let at = 0;
    for (const chunk of chunks) {
      for (let i = 0; i < chunk.ra.length; i++, at++) {
        status[at] = rowStatus(chunk.ra[i], chunk.dec[i], chunk.nulls?.[i] === 1);
        ra[at] = normaliseRa(chunk.ra[i]);
        dec[at] = chunk.dec[i];
      }
    }
    const row = Int32Array.from({ length: rowCount }, (_, i) => i)
      .filter((i) => status[i] === RowStatus.OK)
      .sort((a, b) => dec[a] - dec[b] || a - b);
    return new SkyIndex(rowCount, status, Float64Array.from(row, (i) => ra[i]), Float64Array.from(row, (i) => dec[i]), row);
  }

  get cellCount(): number {
    return 1;
  }

  get bucketCount(): number {
    return 1;
  }

  get bytes(): number {
    return this.row.length * 20 + this.rowCount;
  }

  async match(chunk: Positions, query: PairQuery, execution: MatchExecution = {}): Promise<ChunkPairs> {
    const rows = chunk.ra.length;
    const limit = separationKeyLimit(query.radiusArcsec);
    const floor = separationKeyFloor(query.minRadiusArcsec);
    const radiusDeg = query.radiusArcsec / 3600;
    const pad = radiusDeg * (1 + 1e-9) + 1e-11;
    const status = new Uint8Array(rows);
    const neighbourCount = new Int32Array(rows);
    const second = new Float64Array(rows).fill(NaN);
    const left: number[] = [];
    const right: number[] = [];
    const keys: number[] = [];
    const ranks: number[] = [];
    let candidateCount = 0;
    for (let i = 0; i < rows; i++) {
      if ((i & 4095) === 4095) {
        await new Promise((resolve) => setImmediate(resolve));
        execution.signal?.throwIfAborted();
      }
      const dec = chunk.dec[i];
      status[i] = rowStatus(chunk.ra[i], dec, chunk.nulls?.[i] === 1);
      if (status[i] !== RowStatus.OK) continue;
      const ra = normaliseRa(chunk.ra[i]);
      const own = query.selfFirstRow === undefined ? -1 : query.selfFirstRow + i;
      const reach = raReachDegrees(dec, radiusDeg);
      const found: { right: number; key: number }[] = [];
      for (let at = this.lowerBound(dec - pad); at < this.dec.length && this.dec[at] <= dec + pad; at++) {
        const apart = Math.abs(this.ra[at] - ra);
        if (Math.min(apart, 360 - apart) > reach) continue;
        const j = this.row[at];
        if (j === own || (own >= 0 && query.find === 'all' && j < own)) continue;
        candidateCount++;
        const key = separationKey(ra, dec, this.ra[at], this.dec[at]);
        if (key <= limit && key >= floor) found.push({ right: j, key });
      }
      found.sort((a, b) => a.key - b.key || a.right - b.right);
      neighbourCount[i] = found.length;
      if (found.length > 1) second[i] = separationOfKeyArcsec(found[1].key);
      const wanted = query.find === 'all' ? found.length : query.find === 'nearest' ? 1 : query.k;
      for (let n = 0; n < Math.min(wanted, found.length); n++) {
        left.push(i);
        right.push(found[n].right);
        keys.push(found[n].key);
        ranks.push(n + 1);
      }
      if (query.maxPairs !== undefined && left.length > query.maxPairs) {
        throw fail('MAX_PAIRS_EXCEEDED', { estimated: left.length, limit: query.maxPairs });
      }
    }
    return {
      pairCount: left.length,
      left: Int32Array.from(left),
      right: Int32Array.from(right),
      separationArcsec: Float64Array.from(keys, separationOfKeyArcsec),
      key: query.find === 'all' ? Float64Array.from(keys) : undefined,
      rank: query.find === 'k-nearest' ? Int32Array.from(ranks) : undefined,
      neighbourCount: query.neighbourCount ? neighbourCount : undefined,
      secondSeparationArcsec: query.secondSeparation ? second : undefined,
      status,
      candidateCount,
      cellCount: 1,
    };
  }

  /** Expected pairs of the rows of `sample`, from the rows of their declination strips spread evenly over the circle. */
  estimatePairCount(sample: Positions, radiusArcsec: number): number {
    const radiusDeg = Math.min(radiusArcsec / 3600, 180);
    let pairs = 0;
    for (let i = 0; i < sample.dec.length; i++) {
      const dec = sample.dec[i];
      if (!(dec >= -90 && dec <= 90)) continue;
      const strip = this.lowerBound(dec + radiusDeg) - this.lowerBound(dec - radiusDeg);
      pairs += strip * Math.min(1, (raReachDegrees(dec, radiusDeg) / 180) * 0.785);
    }
    return pairs;
  }

  async dispose(): Promise<void> {
    // Ordinary arrays: the garbage collector has them.
  }

  private lowerBound(dec: number): number {
    let low = 0;
    let high = this.dec.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.dec[middle] < dec) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
