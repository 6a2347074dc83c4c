import { type Data, type DataType, Field, type RecordBatch, Schema } from 'apache-arrow';
import { MessageDecoder, recordBatch } from '../decoder.js';
import { MessageEncoder } from '../encoder.js';
import { GrowingColumn } from './growingColumn.js';
import { packColumn, type PackedColumn, unpackColumn } from './packedColumn.js';
import { takeColumns } from './take.js';

type Column = Data<DataType>;

/** What another thread needs to read a sealed store: buffers in shared memory, nothing is copied when it is posted. */
export interface SharedColumns {
  readonly schemaHeader: Uint8Array;
  readonly rowCount: number;
  readonly columns: readonly PackedColumn[];
}

export interface ColumnStoreOptions {
  /** Rows that are expected, where known: room is then allocated once. */
  readonly rowCount?: number;
}

/**
 * A table in contiguous columns in shared memory: batches are appended, then any rows are taken from it, in any thread.
 * While it grows nothing is copied; where the number of rows was not known the columns are joined at the end one by one, so
 * that only one of them is held twice. Dictionaries that differ between batches become one.
 */
export class ColumnStore {
  #growing: GrowingColumn[];
  #schema: Schema;
  #columns: readonly Column[] | undefined;
  #rowCount = 0;

  /** An empty store for batches of `schema`. */
  constructor(schema: Schema, options: ColumnStoreOptions = {}) {
    this.#growing = schema.fields.map(
      (field) => new GrowingColumn(field.type as DataType, true, options.rowCount ?? 0),
    );
    const fields = schema.fields.map(
      (field, i) => new Field(field.name, this.#growing[i].type, field.nullable, field.metadata),
    );
    this.#schema = new Schema(fields, schema.metadata);
  }

  /** A sealed store of one batch, whose columns are kept as they are; in shared memory they reach threads without a copy. */
  static of(batch: RecordBatch): ColumnStore {
    const store = new ColumnStore(batch.schema);
    store.#growing = [];
    store.#schema = batch.schema;
    store.#columns = batch.data.children as readonly Column[];
    store.#rowCount = batch.numRows;
    return store;
  }

  /** The columns as they come out: dictionary indices are 32-bit, all else as given. */
  get schema(): Schema {
    return this.#schema;
  }

  get rowCount(): number {
    return this.#rowCount;
  }

  /** Bytes in use. */
  get bytes(): number {
    if (!this.#columns) return this.#growing.reduce((sum, column) => sum + column.bytes, 0);
    return this.#columns.reduce((sum, column) => sum + column.byteLength, 0);
  }

  append(batch: RecordBatch): void {
    if (this.#columns) throw new Error('the store is sealed');
    this.#growing.forEach((column, i) => column.append(batch.data.children[i]));
    this.#rowCount += batch.numRows;
  }

  /** Ends appending; reading is possible from here on. */
  seal(): this {
    this.#columns ??= this.#growing.map((column) => column.data());
    this.#growing = [];
    return this;
  }

  /** The whole columns, not copied. */
  get columns(): readonly Column[] {
    if (!this.#columns) throw new Error('the store is not sealed');
    return this.#columns;
  }

  /**
   * Rows in the given order as columns in ordinary memory, -1 as a row of nulls; rows without gaps give views instead.
   * @param rows each in [-1, rowCount)
   * @param columnIndices which columns, all when left out
   * @throws ARROW_LIMIT for more than 2 GiB of text in one column of the result
   */
  take(rows: Int32Array, columnIndices?: readonly number[]): Column[] {
    const chosen = columnIndices ? columnIndices.map((i) => this.columns[i]) : this.columns;
    return takeColumns(chosen, rows);
  }

  /** As `take`, as one batch. */
  takeBatch(rows: Int32Array): RecordBatch {
    return recordBatch(this.schema, this.take(rows), rows.length);
  }

  /** For `postMessage`; the other thread calls `fromShared`. */
  toShared(): SharedColumns {
    return {
      schemaHeader: new MessageEncoder(this.schema).schemaMessage().header,
      rowCount: this.rowCount,
      columns: this.columns.map((column) => packColumn(column, { dictionaries: true })),
    };
  }

  static fromShared(shared: SharedColumns): ColumnStore {
    const decoder = new MessageDecoder({ where: 'store' });
    decoder.decode({ header: shared.schemaHeader, body: [], bodyLength: 0 });
    const store = new ColumnStore(decoder.schema as Schema);
    store.#growing = [];
    store.#columns = shared.columns.map((packed, i) => unpackColumn(store.schema.fields[i].type as DataType, packed));
    store.#rowCount = shared.rowCount;
    return store;
  }

  /** Lets go of the memory; it is given back when views on it are gone as well. */
  dispose(): void {
    this.#growing = [];
    this.#columns = undefined;
    this.#rowCount = 0;
  }
}
