import { ColumnStore, concatData, recordBatch, takeColumns, takeData } from '@armilla/tables';
import { type Data, DataType, type Dictionary, Field, type RecordBatch, Schema, type Vector } from 'apache-arrow';

/** The columns of a table or of a part of it, kept to be gathered by row. A single batch is kept as it is; more are copied together. */
export class Payload {
  readonly #indexOf: ReadonlyMap<string, number>;
  #only: RecordBatch | undefined;
  #store: ColumnStore | undefined;

  private constructor(
    private readonly schema: Schema,
    private readonly rowCount: number | undefined,
  ) {
    this.#indexOf = new Map(schema.fields.map(({ name }, i) => [name, i]));
  }

  /** An empty payload for batches that have the columns of `schema` (and may have more); `rowCount` where it is known. */
  static create(schema: Schema, rowCount?: number): Payload {
    return new Payload(schema, rowCount);
  }

  /** A sealed payload without rows, for sides that are missing. */
  static empty(schema: Schema): Payload {
    const payload = new Payload(schema, 0);
    payload.seal();
    return payload;
  }

  get bytes(): number {
    return this.#store?.bytes ?? this.#only?.data.byteLength ?? 0;
  }

  get columns(): readonly Data[] {
    if (!this.#store) throw new TypeError('the payload is not sealed');
    return this.#store.columns;
  }

  append(batch: RecordBatch): void {
    const { fields } = batch.schema;
    const indices = [...this.#indexOf.keys()].map((name, i) => (fields[i]?.name === name ? i : fields.findIndex((field) => field.name === name)));
    const alike = fields.length === indices.length && indices.every((at, i) => at === i);
    const wanted = alike ? batch : recordBatch(new Schema(indices.map((i) => fields[i])), indices.map((i) => batch.data.children[i]), batch.numRows);
    if (!this.#store && !this.#only) {
      this.#only = wanted;
      return;
    }
    if (!this.#store) {
      this.#store = new ColumnStore(this.schema, { rowCount: this.rowCount });
      this.#store.append(this.#only as RecordBatch);
      this.#only = undefined;
    }
    this.#store.append(wanted);
  }

  seal(): void {
    this.#store ??= this.#only ? ColumnStore.of(this.#only) : new ColumnStore(this.schema);
    this.#store.seal();
    this.#only = undefined;
  }

  /**
   * Columns `names` at `rows`, nulls where a row is -1 (everywhere when `rows` is undefined). The bytes depend on the
   * values alone, not on where the rows lay, and dictionaries come out as their values: results must not depend on how
   * their input was cut.
   */
  take(rows: Int32Array | undefined, count: number, names: readonly string[]): Data[] {
    if (names.length === 0) return [];
    const at = rows ?? new Int32Array(count).fill(-1);
    const columns = names.map((name) => this.columns[this.#indexOf.get(name) as number]);
    return takeColumns(columns, at).map((data) => canonical(DataType.isDictionary(data.type) ? dictionaryValues(data as Data<Dictionary>) : data));
  }

  dispose(): void {
    this.#store?.dispose();
  }
}

/** The field as `take` gives it: a dictionary as its values. */
export function plainType(type: DataType): DataType {
  return DataType.isDictionary(type) ? plainType(type.dictionary) : type;
}

/** `schema` with the columns of `names` only, in the schema's order. */
export function subSchema(schema: Schema, names: readonly string[]): Schema {
  return new Schema(schema.fields.filter(({ name }) => names.includes(name)), schema.metadata);
}

export function plainField(field: Field, name: string, nullable: boolean): Field {
  return new Field(name, plainType(field.type), nullable, field.metadata);
}

function dictionaryValues(indices: Data<Dictionary>): Data {
  const dictionary = indices.dictionary as Vector;
  const values = (dictionary.data.length === 1 ? dictionary.data[0] : concatData(dictionary.data)) as Data;
  const { length, offset, nullCount, nullBitmap } = indices;
  const rows = new Int32Array(length);
  const source = indices.values as unknown as ArrayLike<number | bigint>;
  for (let i = 0; i < length; i++) rows[i] = Number(source[i]);
  if (nullCount > 0) for (let i = 0; i < length; i++) if ((nullBitmap[(offset + i) >> 3] & (1 << ((offset + i) & 7))) === 0) rows[i] = -1;
  const taken = takeData(values, rows) as Data;
  return DataType.isDictionary(taken.type) ? dictionaryValues(taken as Data<Dictionary>) : taken;
}

/** A view keeps the bits of its neighbours in the last bytes of its bitmaps; a copy has them clear. */
function canonical(data: Data): Data {
  const { type } = data;
  const isView = data.offset !== 0 || data.nullCount > 0 || DataType.isBool(type) || data.children.length > 0;
  return isView ? (concatData([data as Data<DataType>]) as Data) : data;
}
