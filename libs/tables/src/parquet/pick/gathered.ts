import { Physical } from '../format/metadata.js';
import type { ColumnPiece, ColumnSpec } from '../write/column.js';

/** A column of any flat type that is put together from picked rows of pieces. */
export class GatheredColumn {
  #rows = 0;
  #nullCount = 0;
  #values: Uint8Array;
  #byteLength = 0;
  readonly #offsets: Int32Array | undefined;
  readonly #validity: Uint8Array;

  constructor(
    private readonly spec: ColumnSpec,
    private readonly rowCount: number,
  ) {
    const bits = (rowCount + 7) >> 3;
    const text = spec.physical === Physical.byteArray;
    this.#offsets = text ? new Int32Array(rowCount + 1) : undefined;
    this.#values = new Uint8Array(
      text ? 16 * rowCount : spec.physical === Physical.boolean ? bits : rowCount * spec.byteWidth,
    );
    this.#validity = new Uint8Array(bits);
  }

  /** Appends rows `rows[i] - base` of `piece`; rows of -1 become nulls. */
  append(piece: ColumnPiece, rows: Int32Array, base = 0): void {
    const { physical } = this.spec;
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i] < 0 ? -1 : rows[i] - base;
      const to = this.#rows + i;
      if (row < 0 || !isSet(piece.validity, piece.bitOffset + row)) this.#nullCount++;
      else this.#validity[to >> 3] |= 1 << (to & 7);
    }
    if (physical === Physical.byteArray) this.#appendText(piece, rows, base);
    else if (physical === Physical.boolean) this.#appendBits(piece, rows, base);
    else this.#appendFixed(piece, rows, base);
    this.#rows += rows.length;
  }

  piece(): ColumnPiece {
    return {
      length: this.rowCount,
      nullCount: this.#nullCount,
      validity: this.#nullCount > 0 ? this.#validity : undefined,
      bitOffset: 0,
      values: this.#offsets ? this.#values.subarray(0, this.#byteLength) : this.#values,
      offsets: this.#offsets,
    };
  }

  #appendFixed({ values }: ColumnPiece, rows: Int32Array, base: number): void {
    const width = this.spec.byteWidth;
    const out = this.#values;
    for (let i = 0, to = this.#rows * width; i < rows.length; i++, to += width) {
      if (rows[i] < 0) continue;
      const from = (rows[i] - base) * width;
      for (let k = 0; k < width; k++) out[to + k] = values[from + k];
    }
  }

  #appendBits({ values, bitOffset }: ColumnPiece, rows: Int32Array, base: number): void {
    for (let i = 0; i < rows.length; i++) {
      const to = this.#rows + i;
      if (rows[i] >= 0 && isSet(values, bitOffset + rows[i] - base)) this.#values[to >> 3] |= 1 << (to & 7);
    }
  }

  #appendText({ values, offsets: starts }: ColumnPiece, rows: Int32Array, base: number): void {
    const from = starts as Int32Array;
    const offsets = this.#offsets as Int32Array;
    let length = this.#byteLength;
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i] - base;
      if (rows[i] >= 0) length += from[row + 1] - from[row];
      offsets[this.#rows + i + 1] = length;
    }
    this.#reserve(length);
    const out = this.#values;
    let to = this.#byteLength;
    for (let i = 0; i < rows.length; i++) {
      if (rows[i] < 0) continue;
      const row = rows[i] - base;
      const end = from[row + 1];
      // A call of set costs as much as some 32 bytes one by one.
      if (end - from[row] > 32) {
        out.set(values.subarray(from[row], end), to);
        to += end - from[row];
      } else for (let at = from[row]; at < end; at++) out[to++] = values[at];
    }
    this.#byteLength = length;
  }

  #reserve(byteLength: number): void {
    if (byteLength <= this.#values.length) return;
    const grown = new Uint8Array(Math.max(byteLength, 2 * this.#values.length));
    grown.set(this.#values.subarray(0, this.#byteLength));
    this.#values = grown;
  }
}

function isSet(bitmap: Uint8Array | undefined, bit: number): boolean {
  return bitmap === undefined || ((bitmap[bit >> 3] >> (bit & 7)) & 1) === 1;
}
