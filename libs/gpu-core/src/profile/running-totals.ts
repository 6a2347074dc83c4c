import type { OpTotals } from './profile.js';
import { RECORD } from './record.js';

const LENGTH = 16;
const COUNT = 0;
const MEAN = 1;
const SQUARES = 2;
const MIN = 3;
const MAX = 4;
const TOTAL = 5;
/** The eight sums from here on have the order of the record from `queueNs` to `flops`. */
const SUMS = 6;
const SUM_COUNT = RECORD.flops - RECORD.queueNs + 1;
/** Above the number of names. */
const DEVICE_LIMIT = 8192;

/** Sums of every ended span by operation and device, however long ago; variance by Welford's recurrence (1962). */
export class RunningTotals {
  readonly #rows = new Map<number, number>();
  #data = new Float64Array(64 * LENGTH);

  add(record: Float64Array, offset: number): void {
    const key = record[offset + RECORD.op] * DEVICE_LIMIT + record[offset + RECORD.device];
    const to = this.#rows.get(key) ?? this.#add(key);
    const data = this.#data;
    const durationNs = record[offset + RECORD.endNs] - record[offset + RECORD.startNs];
    const count = ++data[to + COUNT];
    const difference = durationNs - data[to + MEAN];
    data[to + MEAN] += difference / count;
    data[to + SQUARES] += difference * (durationNs - data[to + MEAN]);
    if (durationNs < data[to + MIN]) data[to + MIN] = durationNs;
    if (durationNs > data[to + MAX]) data[to + MAX] = durationNs;
    data[to + TOTAL] += durationNs;
    const from = offset + RECORD.queueNs;
    for (let i = 0; i < SUM_COUNT; i++) data[to + SUMS + i] += record[from + i];
  }

  read(): OpTotals[] {
    return [...this.#rows].map(([key, row]) => {
      const sum = (column: number): number => this.#data[row + SUMS + column - RECORD.queueNs];
      return {
        op: Math.floor(key / DEVICE_LIMIT),
        device: key % DEVICE_LIMIT,
        count: this.#data[row + COUNT],
        totalNs: this.#data[row + TOTAL],
        minNs: this.#data[row + MIN],
        maxNs: this.#data[row + MAX],
        squaresNs2: this.#data[row + SQUARES],
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

  #add(key: number): number {
    const row = this.#rows.size * LENGTH;
    if (row === this.#data.length) {
      const data = new Float64Array(row * 2);
      data.set(this.#data);
      this.#data = data;
    }
    this.#data[row + MIN] = Infinity;
    this.#rows.set(key, row);
    return row;
  }
}
