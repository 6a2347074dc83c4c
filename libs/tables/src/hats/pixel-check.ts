import { fail } from '@armilla/base';
import { type Data, DataType, type RecordBatch, type Schema } from 'apache-arrow';
import { recordBatch } from '../arrow/decoder.js';
import type { ParquetReader } from '../parquet/read/reader.js';
import type { BatchOptions } from '../table/reader.js';
import type { CatalogProperties } from './catalog-properties.js';
import { type HatsPixel, pixelName } from './pixel.js';

/** Pixels [start, end) of the order of a column. */
interface PixelRange {
  readonly start: bigint;
  readonly end: bigint;
}

/**
 * Holds the rows of partitions against their pixels, by the column that says which pixel a row lies in: by the bounds of row groups, and where a
 * file has none by the values, while they are read.
 */
export class PixelCheck {
  private constructor(
    private readonly column: string,
    private readonly order: number,
  ) {}

  /** Undefined where the catalog has no such column. */
  static of({ pixelColumn: { name, order } }: CatalogProperties, schema: Schema): PixelCheck | undefined {
    const type = schema.fields.find((field) => field.name === name)?.type;
    return type && DataType.isInt(type) && type.bitWidth === 64 ? new PixelCheck(name, order) : undefined;
  }

  /** By what its metadata say; throws HATS_INVALID with the first row that lies elsewhere. */
  async checkBounds(reader: ParquetReader, pixel: HatsPixel): Promise<void> {
    if (this.#byBounds(reader, pixel) !== 'outside') return;
    for await (const _ of this.batches(reader, pixel, { columns: [this.column] }));
  }

  /** The batches of a partition; throws HATS_INVALID for a row that lies elsewhere. */
  async *batches(
    reader: ParquetReader,
    pixel: HatsPixel,
    options: BatchOptions & { readonly columns: readonly string[] },
  ): AsyncGenerator<RecordBatch, void, undefined> {
    const range = this.#rangeOf(pixel);
    if (range === undefined || this.#byBounds(reader, pixel) === 'inside') {
      yield* reader.batches(options);
      return;
    }
    const { columns, skipping } = options;
    const at = columns.indexOf(this.column);
    let firstRow = 0;
    const counting = skipping && {
      canSkip: skipping.canSkip.bind(skipping),
      onSkipped: (rowCount: number): void => {
        firstRow += rowCount;
        skipping.onSkipped(rowCount);
      },
    };
    const read = reader.batches({
      ...options,
      columns: at < 0 ? [...columns, this.column] : columns,
      skipping: counting,
    });
    const schema = reader.schemaOf(columns);
    for await (const batch of read) {
      const { children } = batch.data;
      const row = firstOutside(children[at < 0 ? columns.length : at], range);
      if (row >= 0) {
        const value = (children[at < 0 ? columns.length : at].values as BigInt64Array)[row];
        const detail = `row ${firstRow + row} has ${this.column} ${value}, which lies outside the pixel of its partition (${pixelName(pixel)}: [${range.start}, ${range.end}))`;
        throw fail('HATS_INVALID', { where: reader.where, detail });
      }
      firstRow += batch.numRows;
      yield at < 0 ? recordBatch(schema, children.slice(0, columns.length), batch.numRows) : batch;
    }
  }

  #byBounds(reader: ParquetReader, pixel: HatsPixel): 'inside' | 'outside' | 'unknown' {
    const range = this.#rangeOf(pixel);
    if (range === undefined) return 'inside';
    let found: 'inside' | 'unknown' = 'inside';
    for (const { valueCount, integerBounds } of reader.columnChunks(this.column).chunks) {
      if (valueCount === 0) continue;
      if (integerBounds === undefined) found = 'unknown';
      else if (integerBounds.least < range.start || integerBounds.most >= range.end) return 'outside';
    }
    return found;
  }

  /** Undefined for a partition that is finer than the pixels of the column. */
  #rangeOf({ order, number }: HatsPixel): PixelRange | undefined {
    if (order > this.order) return undefined;
    const shift = 2n * BigInt(this.order - order);
    return { start: BigInt(number) << shift, end: BigInt(number + 1) << shift };
  }
}

/** The first value that is not in the range and not null; -1 where there is none. */
function firstOutside(data: Data, { start, end }: PixelRange): number {
  const { length, nullCount, nullBitmap, offset } = data;
  const values = data.values as BigInt64Array;
  for (let row = 0; row < length; row++) {
    if (values[row] >= start && values[row] < end) continue;
    const bit = offset + row;
    if (nullCount === 0 || ((nullBitmap as Uint8Array)[bit >> 3] >> (bit & 7)) & 1) return row;
  }
  return -1;
}
