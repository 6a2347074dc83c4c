import type { Runtime } from '@armilla/gpu-core';
import {
  ColumnStore,
  concatData,
  hasVariableWidth,
  packColumn,
  type PackedColumn,
  recordBatch,
  type SharedColumns,
  takeColumns,
  takeData,
  transferList,
  unpackColumn,
  variableBytes,
} from '@armilla/tables';
import { type Data, DataType, type Dictionary, Field, type RecordBatch, Schema, type Vector } from 'apache-arrow';
import { types } from 'node:util';
import { workerModule } from '../ops/module.js';

/** Threads to gather in, and how a call is told to stop. */
export interface TakeContext {
  readonly runtime: Runtime;
  readonly signal?: AbortSignal;
  readonly fairKey?: object;
}

export interface PayloadOptions {
  /** Rows to come, where they are known. */
  readonly rowCount?: number;
  /** Rows are only ever taken in ascending order: batches are kept as they came, and nothing is copied. */
  readonly ascending?: boolean;
}

/** Values from which gathering in a worker pays for the way there: some hundred microseconds. */
const WORKER_VALUE_COUNT = 2 ** 17;

/** The columns of a table or of a part of it, kept to be gathered by row. */
export class Payload {
  readonly #indexOf: ReadonlyMap<string, number>;
  readonly #batches: RecordBatch[] = [];
  /** Where each batch begins; the total at the end. */
  readonly #starts: number[] = [0];
  #store: ColumnStore | undefined;
  #shared: SharedColumns | undefined;

  private constructor(
    private readonly schema: Schema,
    private readonly options: PayloadOptions,
  ) {
    this.#indexOf = new Map(schema.fields.map(({ name }, i) => [name, i]));
  }

  /** An empty payload for batches that have the columns of `schema` (and may have more). */
  static create(schema: Schema, options: PayloadOptions = {}): Payload {
    return new Payload(schema, options);
  }

  /** A sealed payload without rows, for sides that are missing. */
  static empty(schema: Schema): Payload {
    const payload = new Payload(schema, { rowCount: 0 });
    payload.seal();
    return payload;
  }

  get bytes(): number {
    return (this.#store?.bytes ?? 0) + this.#batches.reduce((sum, batch) => sum + batch.data.byteLength, 0);
  }

  /** The whole columns; of a payload that is not `ascending`. */
  get columns(): readonly Data[] {
    if (!this.#store) throw new TypeError('the payload is not sealed');
    return this.#store.columns;
  }

  /** All columns as one batch; of a payload that is not `ascending`. */
  batch(rowCount: number): RecordBatch {
    return recordBatch(this.schema, this.columns, rowCount);
  }

  /** The whole column `name`; undefined of a payload that is `ascending` or has no such column. */
  columnOf(name: string): Data | undefined {
    const at = this.#indexOf.get(name);
    return at === undefined || !this.#store ? undefined : this.#store.columns[at];
  }

  append(batch: RecordBatch): void {
    const { fields } = batch.schema;
    const indices = [...this.#indexOf.keys()].map((name, i) =>
      fields[i]?.name === name ? i : fields.findIndex((field) => field.name === name),
    );
    const alike = fields.length === indices.length && indices.every((at, i) => at === i);
    const wanted = alike
      ? batch
      : recordBatch(
          new Schema(indices.map((i) => fields[i])),
          indices.map((i) => batch.data.children[i]),
          batch.numRows,
        );
    if (this.#store) {
      this.#store.append(wanted);
      return;
    }
    this.#batches.push(wanted);
    this.#starts.push((this.#starts.at(-1) as number) + batch.numRows);
    // A single batch is kept as it is; of more, columns without gaps are made.
    if (this.#batches.length === 1 || this.options.ascending) return;
    this.#store = new ColumnStore(this.schema, { rowCount: this.options.rowCount });
    for (const kept of this.#batches.splice(0)) this.#store.append(kept);
  }

  seal(): void {
    if (this.#batches.length > 1) return;
    this.#store ??= this.#batches.length === 1 ? ColumnStore.of(this.#batches[0]) : new ColumnStore(this.schema);
    this.#batches.length = 0;
    this.#store.seal();
  }

  /**
   * Columns `names` at `rows`, nulls where a row is -1 (everywhere when `rows` is undefined). The bytes depend on the
   * values alone, not on where the rows lay, and dictionaries come out as their values: results must not depend on how
   * their input was cut. Large gathers run in a worker when the columns lie in shared memory.
   */
  async take(
    rows: Int32Array | undefined,
    count: number,
    names: readonly string[],
    context: TakeContext,
  ): Promise<Data[]> {
    if (names.length === 0) return [];
    const indices = names.map((name) => this.#indexOf.get(name) as number);
    if (rows && this.#batches.length > 0) return this.#takeAscending(rows, indices);
    const at = rows ?? new Int32Array(count).fill(-1);
    if (count * names.length < WORKER_VALUE_COUNT || context.runtime.workerCount < 2 || !this.#isShared(indices)) {
      return takePlain(
        indices.map((i) => this.columns[i]),
        at,
      );
    }
    this.#shared ??= (this.#store as ColumnStore).toShared();
    const taken = await context.runtime.call<TakenColumns>(workerModule(), 'takeShared', [this.#shared, at, indices], {
      signal: context.signal,
      fairKey: context.fairKey,
    });
    return taken.columns.map((packed, i) => unpackColumn(plainType(this.schema.fields[indices[i]].type), packed));
  }

  /** Bytes that the values of variable width of columns `names` take at `rows`. */
  variableBytes(rows: Int32Array, names: readonly string[]): number {
    const indices = names
      .map((name) => this.#indexOf.get(name) as number)
      .filter((i) => hasVariableWidth(this.schema.fields[i].type));
    if (indices.length === 0) return 0;
    if (this.#batches.length === 0) return indices.reduce((sum, i) => sum + variableBytes(this.columns[i], rows), 0);
    let bytes = 0;
    for (const { batch, own } of this.#byBatch(rows))
      for (const i of indices) bytes += variableBytes(batch.data.children[i], own);
    return bytes;
  }

  dispose(): void {
    this.#shared = undefined;
    this.#batches.length = 0;
    this.#store?.dispose();
  }

  /** The rows of each batch by themselves, then joined. */
  #takeAscending(rows: Int32Array, indices: readonly number[]): Data[] {
    const pieces: Data[][] = [];
    for (const { batch, own } of this.#byBatch(rows))
      pieces.push(
        takePlain(
          indices.map((i) => batch.data.children[i]),
          own,
        ),
      );
    if (pieces.length === 0)
      return takePlain(
        indices.map((i) => this.#batches[0].data.children[i]),
        rows,
      );
    return pieces.length === 1 ? pieces[0] : indices.map((_, i) => concatData(pieces.map((piece) => piece[i])) as Data);
  }

  /** Ascending rows by the batch that holds them, counted from its first. */
  *#byBatch(rows: Int32Array): Generator<{ batch: RecordBatch; own: Int32Array }> {
    for (let from = 0, b = 0; from < rows.length;) {
      while (rows[from] >= this.#starts[b + 1]) b++;
      let to = from + 1;
      const [start, end] = [this.#starts[b], this.#starts[b + 1]];
      while (to < rows.length && rows[to] < end) to++;
      yield { batch: this.#batches[b], own: rows.subarray(from, to).map((row) => row - start) };
      from = to;
    }
  }

  #isShared(indices: readonly number[]): boolean {
    return indices.every((i) => {
      const { values } = this.columns[i] as { values?: ArrayBufferView };
      return values === undefined || types.isSharedArrayBuffer(values.buffer);
    });
  }
}

/** What `takeShared` answers; `buffers` names what moves to the caller instead of being copied. */
export interface TakenColumns {
  readonly columns: readonly PackedColumn[];
  readonly buffers: readonly ArrayBuffer[];
}

/** `take` in a worker: the columns `indices` of `shared` at `rows`. */
export function takeShared(shared: SharedColumns, rows: Int32Array, indices: readonly number[]): TakenColumns {
  const store = ColumnStore.fromShared(shared);
  const columns = takePlain(
    indices.map((i) => store.columns[i]),
    rows,
  ).map((data) => packColumn(data, { dictionaries: true }));
  return { columns, buffers: transferList(columns) };
}

/** Columns at `rows` as plain columns: dictionaries as their values, bytes as the values alone make them. */
export function takePlain(columns: readonly Data[], rows: Int32Array): Data[] {
  return takeColumns(columns, rows).map((data) =>
    canonical(DataType.isDictionary(data.type) ? dictionaryValues(data as Data<Dictionary>) : data),
  );
}

/** The field as `take` gives it: a dictionary as its values. */
export function plainType(type: DataType): DataType {
  return DataType.isDictionary(type) ? plainType(type.dictionary) : type;
}

/** `schema` with the columns of `names` only, in the schema's order. */
export function subSchema(schema: Schema, names: readonly string[]): Schema {
  return new Schema(
    schema.fields.filter(({ name }) => names.includes(name)),
    schema.metadata,
  );
}

export function plainField(field: Field, name: string, nullable: boolean): Field {
  return new Field(name, plainType(field.type), nullable, field.metadata);
}

/** The schema of the columns as `take` gives them. */
export function plainSchema({ fields, metadata }: Schema): Schema {
  return new Schema(
    fields.map((field) => plainField(field, field.name, true)),
    metadata,
  );
}

function dictionaryValues(indices: Data<Dictionary>): Data {
  const dictionary = indices.dictionary as Vector;
  const values = (dictionary.data.length === 1 ? dictionary.data[0] : concatData(dictionary.data)) as Data;
  const { length, offset, nullCount, nullBitmap } = indices;
  const rows = new Int32Array(length);
  const source = indices.values as unknown as ArrayLike<number | bigint>;
  for (let i = 0; i < length; i++) rows[i] = Number(source[i]);
  if (nullCount > 0)
    for (let i = 0; i < length; i++)
      if ((nullBitmap[(offset + i) >> 3] & (1 << ((offset + i) & 7))) === 0) rows[i] = -1;
  const taken = takeData(values, rows) as Data;
  return DataType.isDictionary(taken.type) ? dictionaryValues(taken as Data<Dictionary>) : taken;
}

/** A view keeps the bits of its neighbours in the last bytes of its bitmaps; a copy has them clear. */
function canonical(data: Data): Data {
  const { type } = data;
  const isView = data.offset !== 0 || data.nullCount > 0 || DataType.isBool(type) || data.children.length > 0;
  return isView ? (concatData([data as Data<DataType>]) as Data) : data;
}
