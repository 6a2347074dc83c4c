import { fail } from '@armilla/base';
import { copyBits, setBits } from '../bits.js';
import type { ColumnValues, Leaf } from '../format/leaf.js';
import { allocate } from './memory.js';

const MAX_TEXT_BYTES = 2 ** 31 - 1;

/** A column of all rows of a file, put together from its row groups, which come in any order. */
export class WholeColumn {
  readonly #byteWidth: number;
  /** Fixed width: [rowCount * byteWidth]; bits: bitmap; text: filled at the end. */
  #values: Uint8Array;
  #validity: Uint8Array | undefined;
  #nullCount = 0;
  readonly #texts: { readonly firstRow: number; readonly column: ColumnValues }[] = [];
  /** Row ranges without nulls that came before the first null. */
  readonly #full: { readonly firstRow: number; readonly rowCount: number }[] = [];

  constructor(
    private readonly leaf: Leaf,
    private readonly rowCount: number,
  ) {
    const { layout } = leaf;
    this.#byteWidth = layout.kind === 'fixed' ? layout.byteWidth : 0;
    const byteLength = layout.kind === 'bits' ? (rowCount + 7) >> 3 : rowCount * this.#byteWidth;
    this.#values = allocate(byteLength, true);
  }

  /** Where the values of a row group go, for columns of fixed width. */
  target(firstRow: number, rowCount: number): Uint8Array | undefined {
    const width = this.#byteWidth;
    return width > 0 ? this.#values.subarray(firstRow * width, (firstRow + rowCount) * width) : undefined;
  }

  /** Takes a decoded row group; values of fixed width are in their place already. */
  put(firstRow: number, column: ColumnValues): void {
    const { rowCount, nullCount, validity } = column;
    this.#nullCount += nullCount;
    if (validity && nullCount > 0) {
      if (!this.#validity) {
        this.#validity = allocate((this.rowCount + 7) >> 3, true);
        for (const full of this.#full) setBits(this.#validity, full.firstRow, full.rowCount);
      }
      copyBits(validity, 0, this.#validity, firstRow, rowCount);
    } else if (this.#validity) setBits(this.#validity, firstRow, rowCount);
    else this.#full.push({ firstRow, rowCount });
    if (this.leaf.layout.kind === 'variable') this.#texts.push({ firstRow, column });
    else if (this.leaf.layout.kind === 'bits') copyBits(column.values, 0, this.#values, firstRow, rowCount);
  }

  finish(): ColumnValues {
    const offsets = this.leaf.layout.kind === 'variable' ? this.#joinTexts() : undefined;
    return {
      rowCount: this.rowCount,
      nullCount: this.#nullCount,
      validity: this.#validity,
      values: this.#values,
      offsets,
    };
  }

  #joinTexts(): Int32Array {
    const texts = this.#texts.sort((a, b) => a.firstRow - b.firstRow);
    const byteLength = texts.reduce((sum, { column }) => sum + column.values.length, 0);
    if (byteLength > MAX_TEXT_BYTES) {
      throw fail('PARQUET_UNSUPPORTED', {
        where: `column '${this.leaf.name}'`,
        detail: `${byteLength} bytes of text are over the 2 GiB that one column may hold; leave it out`,
      });
    }
    this.#values = allocate(byteLength, true);
    const offsets = new Int32Array(allocate((this.rowCount + 1) * 4, true).buffer);
    let at = 0;
    for (const { firstRow, column } of texts) {
      const starts = column.offsets as Int32Array;
      this.#values.set(column.values, at);
      for (let row = 1; row <= column.rowCount; row++) offsets[firstRow + row] = starts[row] + at;
      at += column.values.length;
    }
    texts.length = 0;
    return offsets;
  }
}
