import { fail } from '@armilla/base';
import { type RecordBatch, Schema } from 'apache-arrow';
import { recordBatch } from '../arrow/decoder.js';
import { letOthersRun } from '../table/input.js';
import type { BatchOptions, TableReader } from '../table/reader.js';
import { ByteCursor } from './bytes.js';
import { type FitsColumn, fitsColumns } from './column.js';
import { decodeColumn } from './decode.js';
import { fitsInvalid, fitsUnsupported } from './fault.js';
import { FitsHeader, inBlocks } from './header.js';

const BATCH_ROWS = 65_536;
/** Bytes of rows that are decoded at a time. */
const BATCH_BYTES = 2 ** 24;
const MAX_ROW_BYTES = 2 ** 24;
const MAX_ROW_COUNT = 2 ** 31 - 1;

/** Where FITS bytes come from, already unzipped. */
interface FitsSource {
  readonly where: string;
  /** True when `open` gives the same bytes again, as for files. */
  readonly repeatable: boolean;
  open(signal?: AbortSignal): AsyncIterable<Uint8Array>;
}

/**
 * Opens the first binary table of a FITS file (FITS standard 4.0, section 7.3); images and other parts before it are passed over.
 * TUNIT, TUCD and TCOMM become metadata of the fields. Columns of complex numbers, bits and arrays of varying length are refused
 * when they are asked for. Throws FITS_INVALID and FITS_UNSUPPORTED.
 */
export async function openFits(source: FitsSource, signal?: AbortSignal): Promise<TableReader> {
  const { where } = source;
  const cursor = new ByteCursor(source.open(signal));
  try {
    const header = await findTable(cursor, where);
    const rowBytes = header.count('NAXIS1');
    const rowCount = header.count('NAXIS2');
    if (rowBytes > MAX_ROW_BYTES || rowCount > MAX_ROW_COUNT)
      throw fitsUnsupported(where, `a table of ${rowCount} rows of ${rowBytes} bytes is too large to be read`);
    const columns = fitsColumns(header, rowBytes, where);
    const names = columns.map(({ field }) => field.name);
    for (const name of names) {
      const count = names.filter((other) => other === name).length;
      if (count > 1) throw fail('COLUMN_DUPLICATE', { where, column: name, count });
    }
    if (source.repeatable) await cursor.close();
    return new FitsReader(source, cursor, columns, rowBytes, rowCount);
  } catch (error) {
    await cursor.close();
    throw error;
  }
}

async function findTable(cursor: ByteCursor, where: string): Promise<FitsHeader> {
  let seen = 0;
  for (;;) {
    const header = await FitsHeader.read(cursor, where);
    if (!header) {
      throw fitsUnsupported(where, `none of its ${seen} parts is a binary table (BINTABLE)`);
    }
    if (seen++ === 0 && header.text('SIMPLE') !== 'T') throw fitsInvalid(where, 'it does not begin as a FITS file');
    // Compressed images look like tables.
    if (header.text('XTENSION') === 'BINTABLE' && header.text('ZIMAGE') !== 'T') return header;
    if (header.text('XTENSION') === 'TABLE')
      throw fitsUnsupported(where, 'its table is written as text (XTENSION TABLE); write it as a binary table');
    const bytes = inBlocks(header.dataBytes());
    if (!(await cursor.skip(bytes)))
      throw fitsInvalid(where, `it ends at byte ${cursor.position}, within the data of part ${seen}`);
  }
}

class FitsReader implements TableReader {
  readonly format = 'fits';
  readonly where: string;
  readonly schema: Schema;
  readonly misfits: ReadonlyMap<string, number> = new Map();
  readonly #dataOffset: number;
  #cursor: ByteCursor | undefined;

  constructor(
    private readonly source: FitsSource,
    cursor: ByteCursor,
    private readonly columns: readonly FitsColumn[],
    private readonly rowBytes: number,
    readonly rowCount: number,
  ) {
    this.where = source.where;
    this.schema = new Schema(columns.map(({ field }) => field));
    this.#dataOffset = cursor.position;
    this.#cursor = source.repeatable ? undefined : cursor;
  }

  async *batches(options: BatchOptions = {}): AsyncGenerator<RecordBatch, void, undefined> {
    const { signal, batchRowCount = BATCH_ROWS } = options;
    const columns = this.#select(options.columns);
    const schema = new Schema(columns.map(({ field }) => field));
    const { where, rowBytes, rowCount } = this;
    const atOnce = Math.min(batchRowCount, Math.max(64, Math.floor(BATCH_BYTES / Math.max(1, rowBytes))));
    const cursor = await this.#rows(signal);
    try {
      for (let from = 0; from < rowCount; from += atOnce) {
        signal?.throwIfAborted();
        const count = Math.min(atOnce, rowCount - from);
        const rows = await cursor.take(count * rowBytes);
        if (rows.length < count * rowBytes) {
          const whole = from + Math.floor(rows.length / rowBytes);
          throw fitsInvalid(where, `it ends early: its table has ${rowCount} rows, of which ${whole} are there`);
        }
        yield recordBatch(
          schema,
          columns.map((column) => decodeColumn(rows, rowBytes, count, column)),
          count,
        );
        await letOthersRun();
      }
    } finally {
      await cursor.close();
    }
  }

  async close(): Promise<void> {
    await this.#cursor?.close();
    this.#cursor = undefined;
  }

  /** Stands at the first row. */
  async #rows(signal: AbortSignal | undefined): Promise<ByteCursor> {
    if (!this.source.repeatable) {
      const cursor = this.#cursor;
      if (!cursor) throw fail('INTERNAL', { detail: `${this.where} is a stream and was read before` });
      this.#cursor = undefined;
      return cursor;
    }
    const cursor = new ByteCursor(this.source.open(signal));
    if (await cursor.skip(this.#dataOffset)) return cursor;
    await cursor.close();
    throw fail('INPUT_UNREADABLE', { where: this.where, detail: 'it became shorter since it was opened' });
  }

  /** The columns of these names; refuses unknown ones, and those that cannot be read, before the first row. */
  #select(names: readonly string[] | undefined): FitsColumn[] {
    const all = this.columns.map(({ field }) => field.name);
    return (names ?? all).map((name) => {
      const column = this.columns[all.indexOf(name)];
      if (!column) throw fail('COLUMN_NOT_FOUND', { where: this.where, column: name, available: all.join(', ') });
      if (column.obstacle !== '')
        throw fitsUnsupported(
          this.where,
          `column '${name}' ${column.obstacle}, which is not read; choose columns without it`,
        );
      return column;
    });
  }
}
