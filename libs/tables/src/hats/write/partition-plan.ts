import type { HatsPixel } from '../pixel.js';

/** Levels of the hierarchy below the upper word of a pixel of order 29. */
const HIGH_ORDER = 13;

/** Rows of each pixel of the largest order that partitions may have. */
export class RowCounts {
  readonly #counts: Float64Array; // [12 * 4^order]
  readonly #shift: number;
  rowCount = 0;

  constructor(readonly order: number) {
    this.#counts = new Float64Array(12 * 4 ** order);
    this.#shift = 2 * (HIGH_ORDER - order);
  }

  /** `high`: upper words of pixels of order 29. */
  add(high: Int32Array): void {
    for (let i = 0; i < high.length; i++) this.#counts[high[i] >>> this.#shift]++;
    this.rowCount += high.length;
  }

  /**
   * The largest pixels with at most `mostRows` rows each that hold all rows, in nested order; a pixel of the largest order may have
   * more.
   */
  partitions(mostRows: number): (HatsPixel & { readonly rowCount: number })[] {
    // [order] rows of its pixels
    const sums = [this.#counts];
    for (let order = this.order; order > 0; order--) {
      const [finer] = sums;
      const coarser = new Float64Array(finer.length / 4);
      for (let i = 0; i < finer.length; i++) coarser[i >>> 2] += finer[i];
      sums.unshift(coarser);
    }
    const found: (HatsPixel & { readonly rowCount: number })[] = [];
    const cut = (order: number, number: number): void => {
      const rowCount = sums[order][number];
      if (rowCount === 0) return;
      if (rowCount <= mostRows || order === this.order) found.push({ order, number, rowCount });
      else for (let child = 0; child < 4; child++) cut(order + 1, 4 * number + child);
    };
    for (let face = 0; face < 12; face++) cut(0, face);
    return found;
  }
}
