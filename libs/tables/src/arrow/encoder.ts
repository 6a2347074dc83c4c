import { fail } from '@armilla/base';
import {
  type Data,
  type DataType,
  Dictionary,
  type Field,
  Message,
  type RecordBatch,
  Schema,
  type Vector,
} from 'apache-arrow';
import { DictionaryBatch, RecordBatch as BatchMetadata } from 'apache-arrow/ipc/metadata/message';
import { Assembly } from './encode/assemble.js';
import type { IpcMessage } from './message.js';
import { concatData } from './store/growingColumn.js';
import { containsDictionary, withChildren, withType } from './store/nestedType.js';

/**
 * Encodes record batches of one schema as messages of a stream. Body parts are views on the batch's own buffers wherever
 * the format allows; bodies are not compressed. Dictionaries are sent when they change.
 */
export class MessageEncoder {
  /** The schema as written: dictionaries numbered from 0, so that columns of different origin can stand together. */
  readonly schema: Schema;
  readonly #sent = new Map<number, Vector>();
  readonly #dictionaries: 'replace' | 'grow';
  #checkedSchema: Schema | undefined;

  /**
   * @param options dictionaries: a changed one is sent whole ('replace', which all readers know), or only what was appended
   * to it ('grow', as files demand; any other change is then refused)
   */
  constructor(schema: Schema, options: { readonly dictionaries?: 'replace' | 'grow' } = {}) {
    this.schema = numberDictionaries(schema);
    this.#dictionaries = options.dictionaries ?? 'replace';
  }

  schemaMessage(): IpcMessage {
    return { header: padded(Message.encode(Message.from(this.schema))), body: [], bodyLength: 0 };
  }

  /** Messages of one batch: dictionaries that are new, then the batch itself. */
  encode(batch: RecordBatch): IpcMessage[] {
    this.#check(batch.schema);
    const columns = batch.data.children;
    const messages: IpcMessage[] = [];
    this.schema.fields.forEach((field, i) => this.#encodeDictionaries(field, field.type, columns[i], messages));
    messages.push(batchMessage(columns, batch.numRows));
    return messages;
  }

  /** @throws TypeError for a batch whose columns are not those of the schema: its bytes would be read as something else */
  #check(schema: Schema): void {
    if (schema === this.#checkedSchema) return;
    const [own, got] = [this.schema, schema].map((s) =>
      s.fields.map((field) => `${field.name}: ${field.type}`).join(', '),
    );
    if (own !== got) throw new TypeError(`a batch of (${got}) for a schema of (${own})`);
    this.#checkedSchema = schema;
  }

  #encodeDictionaries(column: Field, type: DataType, data: Data<DataType>, messages: IpcMessage[]): void {
    if (!(type instanceof Dictionary)) {
      (type.children ?? []).forEach((field, i) =>
        this.#encodeDictionaries(column, field.type, data.children[i], messages),
      );
      return;
    }
    const vector = data.dictionary as Vector;
    for (const piece of vector.data) this.#encodeDictionaries(column, type.dictionary, piece, messages);
    const sent = this.#sent.get(type.id);
    if (sent && sent.data.length === vector.data.length && startsWith(vector, sent)) return;
    this.#sent.set(type.id, vector);
    const grown = sent !== undefined && sent.length > 0 && startsWith(vector, sent);
    if (this.#dictionaries === 'replace' && vector.data.length > 1 && !containsDictionary(type.dictionary)) {
      messages.push(batchMessage([concatData(vector.data)], vector.length, { id: type.id, delta: false }));
      return;
    }
    if (sent && !grown && this.#dictionaries === 'grow') {
      throw fail('ARROW_TYPE_UNSUPPORTED', {
        where: 'Arrow file',
        column: column.name,
        type: `${column.type} with a dictionary that changes`,
      });
    }
    for (let i = grown ? sent.data.length : 0; i < vector.data.length; i++) {
      messages.push(batchMessage([vector.data[i]], vector.data[i].length, { id: type.id, delta: i > 0 }));
    }
  }
}

function startsWith(longer: Vector, shorter: Vector): boolean {
  return shorter.data.length <= longer.data.length && shorter.data.every((piece, i) => piece === longer.data[i]);
}

function batchMessage(
  columns: readonly Data<DataType>[],
  rowCount: number,
  dictionary?: { id: number; delta: boolean },
): IpcMessage {
  const { nodes, regions, body, byteLength } = new Assembly(columns);
  const metadata = new BatchMetadata(rowCount, nodes, regions, null);
  const content = dictionary ? new DictionaryBatch(metadata, dictionary.id, dictionary.delta) : metadata;
  return { header: padded(Message.encode(Message.from(content, byteLength))), body, bodyLength: byteLength };
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
    if (type instanceof Dictionary)
      return new Dictionary(renumber(type.dictionary), type.indices, next++, type.isOrdered);
    return type.children && type.children.length > 0 ? withChildren(type, type.children.map(renumberField)) : type;
  };
  const renumberField = (field: Field): Field => withType(field, renumber(field.type as DataType));
  return new Schema(schema.fields.map(renumberField), schema.metadata);
}
