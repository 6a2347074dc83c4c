import { fail } from '@armilla/base';
import { Data, type DataType, RecordBatch, Schema, Struct } from 'apache-arrow';
import { Body } from './decode/body.js';
import { ColumnDecoder } from './decode/columnDecoder.js';
import { Dictionaries } from './decode/dictionaries.js';
import { type ArrowLimits, arrowLimits } from './limits.js';
import type { IpcMessage } from './message.js';
import { type BatchHeader, readHeader } from './wire/header.js';
import { dictionaryFields, type WireField } from './wire/layout.js';
import type { WireSchema } from './wire/schema.js';

export interface MessageDecoderOptions {
  /** Names the stream in messages: a file, or the side of a match. */
  readonly where?: string;
  readonly limits?: Partial<ArrowLimits>;
}

/**
 * Decodes the messages of one stream to record batches. Nothing reaches the batch that was not checked: a stream that is
 * not valid ends in ARROW_INVALID, ARROW_LIMIT or ARROW_TYPE_UNSUPPORTED, the last before the first row. Columns are
 * views on the message's body where its parts are aligned.
 */
export class MessageDecoder {
  readonly #where: string;
  readonly #limits: ArrowLimits;
  readonly #dictionaries: Dictionaries;
  #fields: readonly WireField[] = [];
  #wholeSchema: Schema | undefined;
  #selected: readonly number[] = [];
  #schema: Schema | undefined;
  #dictionaryValues = new Map<bigint, WireField>();
  #batchCount = 0;

  constructor(options: MessageDecoderOptions = {}) {
    this.#where = options.where ?? 'stream';
    this.#limits = arrowLimits(options.limits);
    this.#dictionaries = new Dictionaries(this.#where, this.#limits);
  }

  /** Schema of the batches, known once its message was decoded; of the selected columns only. */
  get schema(): Schema | undefined {
    return this.#schema;
  }

  /** Has only the columns of these numbers decoded from now on, in this order. To be called when the schema is known. */
  select(columnIndices: readonly number[]): void {
    const { fields, metadata } = this.#requireWholeSchema('a selection');
    this.#selected = columnIndices;
    this.#schema = new Schema(
      columnIndices.map((i) => fields[i]),
      metadata,
    );
  }

  /** The batch when the message carries one; undefined for schemas and dictionaries. */
  decode(message: IpcMessage): RecordBatch | undefined {
    const where = this.#where;
    let partBytes = 0;
    for (const part of message.body) partBytes += part.byteLength;
    if (partBytes > this.#limits.messageBytes) {
      throw fail('ARROW_LIMIT', {
        where,
        detail: `a message of ${partBytes} bytes, over ${this.#limits.messageBytes}; write smaller batches`,
      });
    }
    const header = readHeader(message.header, partBytes, where, this.#limits);
    switch (header.kind) {
      case 'schema':
        this.start(header.schema);
        return undefined;
      case 'dictionary':
        this.#requireWholeSchema('a dictionary');
        this.#decodeDictionary(header.wireId, header.delta, header.batch, message.body);
        return undefined;
      case 'batch':
        this.#requireWholeSchema('a record batch');
        return this.#decodeBatch(header.batch, message.body);
    }
  }

  /** Takes the schema from elsewhere than a message: the footer of a file. */
  start({ fields, schema }: WireSchema): void {
    if (this.#wholeSchema) throw fail('ARROW_INVALID', { where: this.#where, detail: 'a second schema' });
    this.#fields = fields;
    this.#selected = fields.map((_, i) => i);
    this.#wholeSchema = schema;
    this.#schema = schema;
    for (const { layout } of dictionaryFields(fields)) {
      if (layout.kind === 'dictionary') this.#dictionaryValues.set(layout.wireId, layout.values);
    }
  }

  /** To be called at the end of the stream. @throws ARROW_TRUNCATED when not even a schema came */
  finish(): void {
    if (!this.#schema) throw fail('ARROW_TRUNCATED', { where: this.#where, detail: 'there is no schema' });
  }

  #requireWholeSchema(what: string): Schema {
    if (!this.#wholeSchema) throw fail('ARROW_INVALID', { where: this.#where, detail: `${what} before the schema` });
    return this.#wholeSchema;
  }

  #decodeDictionary(wireId: bigint, delta: boolean, header: BatchHeader, parts: readonly Uint8Array[]): void {
    const field = this.#dictionaryValues.get(wireId);
    const where = this.#where;
    if (!field) throw fail('ARROW_INVALID', { where, detail: `dictionary ${wireId} belongs to no column` });
    const body = new Body(parts, header, where, this.#limits);
    const data = new ColumnDecoder(body, this.#dictionaries).column(field, header.rowCount);
    body.finish();
    this.#dictionaries.put(wireId, data, delta);
  }

  #decodeBatch(header: BatchHeader, parts: readonly Uint8Array[]): RecordBatch {
    if (++this.#batchCount > this.#limits.batchCount) {
      throw fail('ARROW_LIMIT', {
        where: this.#where,
        detail: `more than ${this.#limits.batchCount} batches; write larger ones`,
      });
    }
    const body = new Body(parts, header, this.#where, this.#limits);
    const decoder = new ColumnDecoder(body, this.#dictionaries);
    const wanted = new Set(this.#selected);
    const columns: Data<DataType>[] = [];
    this.#fields.forEach((field, i) => {
      if (wanted.has(i)) columns[i] = decoder.column(field, header.rowCount);
      else decoder.skip(field);
    });
    body.finish();
    return recordBatch(
      this.#schema as Schema,
      this.#selected.map((i) => columns[i]),
      header.rowCount,
    );
  }
}

/** A batch of columns that all have `rowCount` rows; also without any column. */
export function recordBatch(schema: Schema, columns: readonly Data<DataType>[], rowCount: number): RecordBatch {
  const batch = new RecordBatch(
    schema,
    new Data(new Struct(schema.fields), 0, rowCount, 0, undefined, [...columns]) as Data<Struct>,
  );
  // The constructor merges fields of the same name and so gives columns the types of others.
  return Object.assign(batch, { schema });
}
