import { setImmediate as turn } from 'node:timers/promises';
import type { Positions } from '../positions/positions.js';
import { PlainJoin, type PlainRows } from './plain.js';
import type { ChunkPairs, PairQuery } from './query.js';

/** Candidates between two turns of the event loop: about 5 ms. */
const TURN_CANDIDATES = 50_000;

/** The index where there is no WebAssembly: rows by declination. Same answers, on the calling thread. */
export class PlainIndex {
  readonly #rows: PlainRows;

  constructor(rows: PlainRows) {
    const order = Uint32Array.from(rows.row.keys()).sort((a, b) => rows.dec[a] - rows.dec[b] || a - b);
    this.#rows = {
      ra: Float64Array.from(order, (i) => rows.ra[i]),
      dec: Float64Array.from(order, (i) => rows.dec[i]),
      row: Int32Array.from(order, (i) => rows.row[i]),
    };
  }

  get bytes(): number {
    return this.#rows.row.length * 20;
  }

  /** In the order of the table. */
  rows(): PlainRows {
    const { ra, dec, row } = this.#rows;
    const order = Uint32Array.from(row.keys()).sort((a, b) => row[a] - row[b]);
    return {
      ra: Float64Array.from(order, (i) => ra[i]),
      dec: Float64Array.from(order, (i) => dec[i]),
      row: Int32Array.from(order, (i) => row[i]),
    };
  }

  dispose(): Promise<void> {
    return Promise.resolve();
  }

  async match(chunk: Positions, query: PairQuery, signal?: AbortSignal): Promise<ChunkPairs> {
    signal?.throwIfAborted();
    const range = (dec: number): readonly [number, number] => this.#range(dec, query.radiusArcsec);
    const join = new PlainJoin(chunk, this.#rows, query, range);
    for (let i = 0, seen = 0; i < chunk.ra.length; i++) {
      seen += join.joinRow(i);
      if (seen < TURN_CANDIDATES && (i & 1023) !== 1023) continue;
      seen = 0;
      await turn();
      signal?.throwIfAborted();
    }
    return join.result();
  }

  /** Pairs of the sample, from the rows of its declination bands and the share of a band that a cap covers. */
  estimatePairCount(sample: Positions, radiusArcsec: number): number {
    const radiusRad = (radiusArcsec / 3600) * (Math.PI / 180);
    let pairCount = 0;
    for (const dec of sample.dec) {
      if (!(Math.abs(dec) <= 90)) continue;
      const [from, to] = this.#range(dec, radiusArcsec);
      const low = Math.max(-Math.PI / 2, (dec * Math.PI) / 180 - radiusRad);
      const high = Math.min(Math.PI / 2, (dec * Math.PI) / 180 + radiusRad);
      const cap = 1 - Math.cos(radiusRad);
      pairCount += (to - from) * Math.min(1, cap / (Math.sin(high) - Math.sin(low)));
    }
    return pairCount;
  }

  /** Rows [from, to) within the radius in declination, widened beyond any rounding. */
  #range(dec: number, radiusArcsec: number): [number, number] {
    const widened = radiusArcsec / 3600 + 1e-9;
    return [this.#lowerBound(dec - widened), this.#lowerBound(dec + widened)];
  }

  #lowerBound(dec: number): number {
    const decs = this.#rows.dec;
    let low = 0;
    let high = decs.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (decs[middle] < dec) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
