import { Field, Int64, makeData, type RecordBatch, Schema, Utf8, vectorFromArray } from 'apache-arrow';
import type { RejectedRow } from '@armilla/crossmatch';
import { recordBatch } from '@armilla/tables';

const BATCH_ROW_COUNT = 65_536;

/** Collects rejected rows as a table: table, row, reason, column, value. */
export class RejectedRows {
  readonly schema = new Schema([
    new Field('table', new Utf8(), false),
    new Field('row', new Int64(), false),
    new Field('reason', new Utf8(), false),
    new Field('column', new Utf8(), false),
    new Field('value', new Utf8(), false),
  ]);
  readonly #full: RecordBatch[] = [];
  #rows: RejectedRow[] = [];

  add(row: RejectedRow): void {
    this.#rows.push(row);
    if (this.#rows.length === BATCH_ROW_COUNT) this.#pack();
  }

  async *batches(): AsyncGenerator<RecordBatch> {
    if (this.#rows.length > 0) this.#pack();
    yield* this.#full;
  }

  #pack(): void {
    const rows = this.#rows;
    const text = (name: 'table' | 'reason' | 'column' | 'value') =>
      vectorFromArray(
        rows.map((row) => row[name]),
        new Utf8(),
      ).data[0];
    const numbers = BigInt64Array.from(rows, ({ row }) => BigInt(row));
    const row = makeData({ type: new Int64(), length: rows.length, data: numbers });
    this.#full.push(
      recordBatch(this.schema, [text('table'), row, text('reason'), text('column'), text('value')], rows.length),
    );
    this.#rows = [];
  }
}
