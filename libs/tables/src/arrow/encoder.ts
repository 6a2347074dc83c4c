import { type Data, type DataType, Dictionary, Field, Message, type RecordBatch, Schema, Type, Vector } from 'apache-arrow';
import { DictionaryBatch, RecordBatch as BatchMetadata } from 'apache-arrow/ipc/metadata/message';
import { VectorAssembler } from 'apache-arrow/visitor/vectorassembler';
import { type IpcMessage, zeros } from './message.js';

/**
 * Encodes record batches of one schema as messages of a stream. Body parts are views on the batch's own buffers wherever
 * the format allows; bodies are not compressed. Dictionaries are sent when they change, grown ones as deltas.
 */
export class MessageEncoder {
  /** The schema as written: dictionaries numbered from 0, so that columns of different origin can stand together. */
  readonly schema: Schema;
  readonly #sent = new Map<number, Vector>();

  constructor(schema: Schema) {
    this.schema = numberDictionaries(schema);
  }

  schemaMessage(): IpcMessage {
    return { header: padded(Message.encode(Message.from(this.schema))), body: [], bodyLength: 0 };
  }

  /** Messages of one batch: dictionaries that are new, then the batch itself. */
  encode(batch: RecordBatch): IpcMessage[] {
    const columns = batch.data.children;
    if (columns.length !== this.schema.fields.length) {
      throw new TypeError(`a batch of ${columns.length} columns for a schema of ${this.schema.fields.length}`);
    }
    const messages: IpcMessage[] = [];
    this.schema.fields.forEach((field, i) => this.#encodeDictionaries(field.type, columns[i], messages));
    messages.push(batchMessage(columns, batch.numRows));
    return messages;
  }

  #encodeDictionaries(type: DataType, data: Data<DataType>, messages: IpcMessage[]): void {
    if (!(type instanceof Dictionary)) {
      (type.children ?? []).forEach((field, i) => this.#encodeDictionaries(field.type, data.children[i], messages));
      return;
    }
    const vector = data.dictionary as Vector;
    for (const piece of vector.data) this.#encodeDictionaries(type.dictionary, piece, messages);
    const sent = this.#sent.get(type.id);
    if (sent && sent.data.length === vector.data.length && startsWith(vector, sent)) return;
    this.#sent.set(type.id, vector);
    const grown = sent !== undefined && sent.length > 0 && startsWith(vector, sent);
    const first = grown ? sent.data.length : 0;
    for (let i = first; i < vector.data.length; i++) {
      messages.push(batchMessage([vector.data[i]], vector.data[i].length, { id: type.id, delta: i > 0 }));
    }
  }
}

function startsWith(longer: Vector, shorter: Vector): boolean {
  return shorter.data.length <= longer.data.length && shorter.data.every((piece, i) => piece === longer.data[i]);
}

function batchMessage(columns: readonly Data<DataType>[], rowCount: number, dictionary?: { id: number; delta: boolean }): IpcMessage {
  const assembler = VectorAssembler.assemble(...columns.map((data) => new Vector([data])));
  const body: Uint8Array[] = [];
  for (const buffer of assembler.buffers) {
    const { byteLength } = buffer;
    if (byteLength === 0) continue;
    body.push(new Uint8Array(buffer.buffer, buffer.byteOffset, byteLength));
    if (byteLength % 8 !== 0) body.push(zeros(8 - (byteLength % 8)));
  }
  const metadata = new BatchMetadata(rowCount, assembler.nodes, assembler.bufferRegions, null);
  const content = dictionary ? new DictionaryBatch(metadata, dictionary.id, dictionary.delta) : metadata;
  return { header: padded(Message.encode(Message.from(content, assembler.byteLength))), body, bodyLength: assembler.byteLength };
}

/** The flatbuffer with zeros up to a multiple of 8 bytes. */
function padded(raw: Uint8Array): Uint8Array {
  const header = new Uint8Array((raw.byteLength + 7) & ~7);
  header.set(raw);
  return header;
}

function numberDictionaries(schema: Schema): Schema {
  let next = 0;
  const renumber = (type: DataType): DataType => {
    if (type instanceof Dictionary) return new Dictionary(renumber(type.dictionary), type.indices, next++, type.isOrdered);
    if (!type.children || type.children.length === 0 || !hasDictionary(type)) return type;
    const copy = Object.create(Object.getPrototypeOf(type) as object, Object.getOwnPropertyDescriptors(type)) as DataType & { children: Field[] };
    copy.children = type.children.map(renumberField);
    return copy;
  };
  const renumberField = (field: Field): Field => new Field(field.name, renumber(field.type as DataType), field.nullable, field.metadata);
  return new Schema(schema.fields.map(renumberField), schema.metadata);
}

function hasDictionary(type: DataType): boolean {
  return type.typeId === Type.Dictionary || (type.children ?? []).some((field) => hasDictionary(field.type as DataType));
}
