import { type RecordBatch, Schema } from 'apache-arrow';
import { recordBatch } from '../arrow/decoder.js';
import { pushCell } from './cells.js';
import { ColumnBuilder } from './column-builder.js';
import { votableInvalid } from './fault.js';
import type { VotableColumn } from './field.js';

/** Gathers the wanted columns of rows to batches. */
export class RowSink {
  readonly builders: readonly (ColumnBuilder | undefined)[];
  readonly #schema: Schema;
  readonly #misfits: number[];
  #rowCount = 0;
  #before = 0;

  constructor(
    readonly columns: readonly VotableColumn[],
    /** Places of the wanted columns, in the order of the batches. */
    private readonly wanted: readonly number[],
    private readonly batchRowCount: number,
    private readonly where: string,
  ) {
    this.builders = columns.map((column, at) => (wanted.includes(at) ? new ColumnBuilder(column) : undefined));
    this.#schema = new Schema(wanted.map((at) => columns[at].field));
    this.#misfits = columns.map(() => 0);
  }

  /** Of the row that comes next, from 1. */
  get rowNumber(): number {
    return this.#before + this.#rowCount + 1;
  }

  get isFull(): boolean {
    return this.#rowCount >= this.batchRowCount;
  }

  /** The text of a cell of the row. */
  cell(at: number, text: string): void {
    const builder = this.builders[at];
    if (builder && !pushCell(text, this.columns[at], builder)) this.#misfits[at]++;
  }

  endRow(cellCount: number): void {
    if (cellCount !== this.columns.length)
      throw votableInvalid(
        this.where,
        `row ${this.rowNumber} has ${cellCount} cells, there are ${this.columns.length} columns`,
      );
    this.#rowCount++;
  }

  /** What was gathered; undefined without rows. */
  take(): RecordBatch | undefined {
    const count = this.#rowCount;
    if (count === 0) return undefined;
    this.#before += count;
    this.#rowCount = 0;
    const data = this.wanted.map((at) => (this.builders[at] as ColumnBuilder).take(count));
    return recordBatch(this.#schema, data, count);
  }

  /** Values that did not fit, by column. */
  *misfits(): Generator<[string, number]> {
    for (const [at, count] of this.#misfits.entries()) if (count > 0) yield [this.columns[at].field.name, count];
  }
}
