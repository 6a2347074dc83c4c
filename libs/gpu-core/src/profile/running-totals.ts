import type { OpTotals } from './profile.js';
import { RECORD } from './record.js';

const LENGTH = 16;
const COUNT = 0;
/** The first duration: squares are of differences from it, which keeps their digits. */
const SHIFT = 1;
const DIFFERENCES = 2;
const SQUARES = 3;
const MIN = 4;
const MAX = 5;
/** The eight sums from here on have the order of the record from `queueNs` to `flops`. */
const SUMS = 6;
const SUM_COUNT = RECORD.flops - RECORD.queueNs + 1;
/** Above the number of names. */
const DEVICE_LIMIT = 8192;

/** Sums of every ended span by operation and device, however long ago; variance of shifted data (Chan, Golub & LeVeque 1983). */
export class RunningTotals {
  readonly #rows = new Map<number, number>();
  #data = new Float64Array(64 * LENGTH);
  #lastKey = -1;
  #lastRow = 0;

  add(record: Float64Array, offset: number): void {
    const key = record[offset + RECORD.op] * DEVICE_LIMIT + record[offset + RECORD.device];
    const durationNs = record[offset + RECORD.endNs] - record[offset + RECORD.startNs];
    if (key !== this.#lastKey) {
      this.#lastRow = this.#rows.get(key) ?? this.#add(key, durationNs);
      this.#lastKey = key;
    }
    const to = this.#lastRow;
    const data = this.#data;
    const difference = durationNs - data[to + SHIFT];
    data[to + COUNT]++;
    data[to + DIFFERENCES] += difference;
    data[to + SQUARES] += difference * difference;
    if (durationNs < data[to + MIN]) data[to + MIN] = durationNs;
    if (durationNs > data[to + MAX]) data[to + MAX] = durationNs;
    const from = offset + RECORD.queueNs;
    for (let i = 0; i < SUM_COUNT; i++) data[to + SUMS + i] += record[from + i];
  }

  read(): OpTotals[] {
    return [...this.#rows].map(([key, row]) => {
      const count = this.#data[row + COUNT];
      const differences = this.#data[row + DIFFERENCES];
      const sum = (column: number): number => this.#data[row + SUMS + column - RECORD.queueNs];
      return {
        op: Math.floor(key / DEVICE_LIMIT),
        device: key % DEVICE_LIMIT,
        count,
        totalNs: count * this.#data[row + SHIFT] + differences,
        minNs: this.#data[row + MIN],
        maxNs: this.#data[row + MAX],
        squaresNs2: Math.max(0, this.#data[row + SQUARES] - (differences * differences) / count),
        queueNs: sum(RECORD.queueNs),
        uploadNs: sum(RECORD.uploadNs),
        kernelNs: sum(RECORD.kernelNs),
        readbackNs: sum(RECORD.readbackNs),
        overheadNs: sum(RECORD.overheadNs),
        bytes: sum(RECORD.bytes),
        flops: sum(RECORD.flops),
      };
    });
  }

  #add(key: number, durationNs: number): number {
    const row = this.#rows.size * LENGTH;
    if (row === this.#data.length) {
      const data = new Float64Array(row * 2);
      data.set(this.#data);
      this.#data = data;
    }
    this.#data[row + SHIFT] = durationNs;
    this.#data[row + MIN] = Infinity;
    this.#rows.set(key, row);
    return row;
  }
}
