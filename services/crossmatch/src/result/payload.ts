import type { Runtime } from '@armilla/gpu-core';
import { type Data, type DataType, makeBuilder, type RecordBatch, type Schema, type Vector } from 'apache-arrow';

export interface TakeContext {
  readonly runtime: Runtime;
  readonly signal?: AbortSignal;
  readonly fairKey?: object;
}

/** The columns of a table or of a part of it, kept to be gathered by row. */
export class Payload {
  #batches: RecordBatch[] = [];
  #starts: number[] = [];
  #rowCount = 0;
  bytes = 0;

  private constructor(readonly schema: Schema) {}

  static create(schema: Schema, _rowCount?: number): Payload {
    return new Payload(schema);
  }

  static nulls(type: DataType, length: number): Data {
    const builder = makeBuilder({ type, nullValues: [null] });
    for (let i = 0; i < length; i++) builder.append(null);
    return builder.finish().flush();
  }

  append(batch: RecordBatch): void {
    this.#starts.push(this.#rowCount);
    this.#batches.push(batch);
    this.#rowCount += batch.numRows;
  }

  seal(): void {
    this.bytes = this.#rowCount;
  }

  async take(rows: Int32Array | undefined, count: number, names: readonly string[], _context: TakeContext): Promise<Data[]> {
    return names.map((name) => {
      const field = this.schema.fields.find((candidate) => candidate.name === name);
      if (!field) throw new TypeError(`no column ${name}`);
      const builder = makeBuilder({ type: field.type, nullValues: [null] });
      const columns = this.#batches.map((batch) => batch.getChild(name) as Vector);
      for (let i = 0; i < count; i++) {
        const row = rows?.[i] ?? -1;
        if (row < 0) {
          builder.append(null);
          continue;
        }
        let b = this.#starts.length - 1;
        while (this.#starts[b] > row) b--;
        builder.append(columns[b].get(row - this.#starts[b]));
      }
      return builder.finish().flush();
    });
  }

  dispose(): void {
    this.#batches = [];
  }
}
