import { recordBatch } from '@armilla/tables';
import { separationOfKeyArcsec } from '@armilla/sky';
import { type RecordBatch, Schema } from 'apache-arrow';
import { Payload, plainField, takePlain, type TakeContext } from '../result/payload.js';
import { nearestFirst } from './nearest-first.js';
import type { RowsInCone } from './rows-in-cone.js';

/** So many rows more than the limit are collected before those too far away are given up. */
const SPARE_ROW_COUNT = 2 ** 16;

/** Collects rows of a table that is read once, and keeps the nearest ones of them: at most `limit`. */
export class NearestRows {
  foundRowCount = 0;
  readonly #schema: Schema;
  #payload: Payload;
  #keys: Float64Array[] = [];
  #rows: Float64Array[] = [];
  #count = 0;

  constructor(
    schema: Schema,
    private readonly names: readonly string[],
    private readonly limit: number,
    private readonly context: TakeContext,
  ) {
    this.#schema = new Schema(
      names.map((name) => {
        const field = schema.fields.find((one) => one.name === name);
        if (!field) throw new TypeError(`no column ${name}`);
        return plainField(field, name, field.nullable);
      }),
    );
    this.#payload = Payload.create(this.#schema);
  }

  /** Bytes held. */
  get bytes(): number {
    return this.#payload.bytes + this.#count * 16;
  }

  /** Takes `rows` of `batch`, ascending, whose first row is row `firstRow` of the table. */
  async add(batch: RecordBatch, rows: Int32Array, keys: Float64Array, firstRow: number): Promise<void> {
    if (rows.length === 0) return;
    this.foundRowCount += rows.length;
    if (this.limit === 0) return;
    const columns = this.names.map((name) => {
      const at = batch.schema.fields.findIndex((field) => field.name === name);
      return batch.data.children[at];
    });
    this.#payload.append(recordBatch(this.#schema, takePlain(columns, rows), rows.length));
    this.#keys.push(keys);
    this.#rows.push(Float64Array.from(rows, (row) => firstRow + row));
    this.#count += rows.length;
    if (this.#count >= 2 * this.limit && this.#count >= this.limit + SPARE_ROW_COUNT) await this.#giveUpFarRows();
  }

  /** The rows that are left, in order; nothing may be added any more. */
  finish(): Omit<RowsInCone, 'counts' | 'columns'> {
    const { keys, order } = this.#sorted();
    const rows = joined(this.#rows);
    this.#payload.seal();
    return {
      payload: this.#payload,
      at: order,
      tableRow: Float64Array.from(order, (i) => rows[i]),
      separationArcsec: Float64Array.from(order, (i) => separationOfKeyArcsec(keys[i])),
    };
  }

  dispose(): void {
    this.#payload.dispose();
  }

  async #giveUpFarRows(): Promise<void> {
    const { keys, order } = this.#sorted();
    const kept = order.sort();
    const rows = joined(this.#rows);
    this.#payload.seal();
    const columns = await this.#payload.take(kept, kept.length, this.names, this.context);
    this.#payload.dispose();
    this.#payload = Payload.create(this.#schema);
    this.#payload.append(recordBatch(this.#schema, columns, kept.length));
    this.#keys = [Float64Array.from(kept, (i) => keys[i])];
    this.#rows = [Float64Array.from(kept, (i) => rows[i])];
    this.#count = kept.length;
  }

  /** Rows are added as they stand in the table, so that equal keys stay in the order of their rows. */
  #sorted(): { keys: Float64Array; order: Int32Array } {
    const keys = joined(this.#keys);
    return { keys, order: nearestFirst(keys).subarray(0, this.limit) };
  }
}

function joined(pieces: readonly Float64Array[]): Float64Array {
  const out = new Float64Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    out.set(piece, at);
    at += piece.length;
  }
  return out;
}
