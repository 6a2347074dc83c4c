import { fail } from '@armilla/base';
import type { RecordBatch, Schema } from 'apache-arrow';
import { MAGIC, encodeFooter, type WrittenColumn, type WrittenRowGroup } from './footer.js';
import { type CodecChoice, type EncodedColumn, encodeColumnChunk } from './chunk.js';
import { type ColumnPiece, type ColumnSpec, columnSpec, pieceOf } from './column.js';

export interface ParquetWriterOptions {
  /** What messages call the output. */
  readonly where?: string;
  readonly codec?: CodecChoice;
  /** Rows per row group, about: a row group ends with a batch. */
  readonly rowGroupRowCount?: number;
  /** Key-value metadata of the file. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** Small enough to stay in memory with tens of columns, large enough for readers to be fast. */
const DEFAULT_ROW_GROUP_ROWS = 262_144;
/** Parts below this size are put together before they are written. */
const SMALL_PART_BYTES = 1 << 16;
const BUFFER_BYTES = 1 << 18;

/** Writes record batches as a Parquet file, row group by row group; `sink` gets the bytes in order, one call at a time. */
export class ParquetWriter {
  readonly #specs: ColumnSpec[];
  readonly #where: string;
  readonly #rowGroupRows: number;
  readonly #groups: WrittenRowGroup[] = [];
  #pieces: ColumnPiece[][];
  #pendingRows = 0;
  #offset = 0;
  #rowCount = 0;
  #buffer = new Uint8Array(BUFFER_BYTES);
  #buffered = 0;

  constructor(
    readonly schema: Schema,
    private readonly sink: (bytes: Uint8Array) => Promise<void>,
    private readonly options: ParquetWriterOptions = {},
  ) {
    this.#where = options.where ?? 'parquet';
    this.#specs = schema.fields.map((field) => columnSpec(field, this.#where));
    this.#pieces = this.#specs.map(() => []);
    this.#rowGroupRows = options.rowGroupRowCount ?? DEFAULT_ROW_GROUP_ROWS;
  }

  /** Takes a batch; its buffers must stay unchanged until the next row group was written (or `finish`). */
  async write(batch: RecordBatch): Promise<void> {
    if (batch.numRows === 0) return;
    this.#specs.forEach((spec, i) => {
      const data = batch.data.children[i];
      if (!data) throw fail('INTERNAL', { detail: `${this.#where}: a batch has no column '${spec.name}'` });
      this.#pieces[i].push(pieceOf(spec, data));
    });
    this.#pendingRows += batch.numRows;
    if (this.#pendingRows >= this.#rowGroupRows) await this.#flushRowGroup();
  }

  /** Writes what is left and the footer. */
  async finish(): Promise<{ rowCount: number; byteCount: number }> {
    if (this.#pendingRows > 0) await this.#flushRowGroup();
    if (this.#offset === 0) await this.#put(MAGIC);
    const { metadata = {} } = this.options;
    const keyValues = new Map([...this.schema.metadata, ...Object.entries(metadata)]);
    await this.#put(encodeFooter(this.#specs, this.#groups, keyValues));
    await this.#flushBuffer();
    return { rowCount: this.#rowCount, byteCount: this.#offset };
  }

  async #flushRowGroup(): Promise<void> {
    const rowCount = this.#pendingRows;
    const pieces = this.#pieces;
    this.#pieces = this.#specs.map(() => []);
    this.#pendingRows = 0;
    if (this.#offset === 0) await this.#put(MAGIC);
    const columns: WrittenColumn[] = [];
    for (const [i, spec] of this.#specs.entries()) {
      columns.push(await this.#putColumn(encodeColumnChunk(spec, pieces[i], this.options.codec)));
    }
    this.#groups.push({ rowCount, columns });
    this.#rowCount += rowCount;
  }

  async #putColumn(encoded: EncodedColumn): Promise<WrittenColumn> {
    const offset = this.#offset;
    const { parts, ...column } = encoded;
    for (const part of parts) await this.#put(part);
    return { ...column, offset };
  }

  async #put(bytes: Uint8Array): Promise<void> {
    this.#offset += bytes.length;
    if (bytes.length >= SMALL_PART_BYTES) {
      await this.#flushBuffer();
      await this.sink(bytes);
      return;
    }
    if (this.#buffered + bytes.length > BUFFER_BYTES) await this.#flushBuffer();
    this.#buffer.set(bytes, this.#buffered);
    this.#buffered += bytes.length;
  }

  async #flushBuffer(): Promise<void> {
    if (this.#buffered === 0) return;
    const bytes = this.#buffer.subarray(0, this.#buffered);
    this.#buffer = new Uint8Array(BUFFER_BYTES);
    this.#buffered = 0;
    await this.sink(bytes);
  }
}
