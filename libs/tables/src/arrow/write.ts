import { type Data, DataType, type Dictionary, Field, RecordBatch, Schema } from 'apache-arrow';
import { FileBlock, Footer } from 'apache-arrow/ipc/metadata/file';
import { recordBatch } from './decoder.js';
import { MessageEncoder } from './encoder.js';
import { FILE_MAGIC, FILE_START } from './footer.js';
import { IPC_END, ipcBytes, type IpcMessage } from './message.js';
import { type MetadataSource, metadataOf, withMetadata } from '../table/metadata.js';
import { GrowingDictionary } from './store/growingDictionary.js';
import { messageKind } from './wire/header.js';

type Batches = AsyncIterable<RecordBatch> | Iterable<RecordBatch>;

/** A table as bytes of the IPC stream format. Parts are views on the batches' buffers; an empty table still has its schema. */
export async function* encodeArrowStream(
  schema: Schema,
  batches: Batches,
  metadata?: MetadataSource,
): AsyncGenerator<Uint8Array, void, undefined> {
  const encoder = new MessageEncoder(withMetadata(schema, await metadataOf(metadata, 'ahead')));
  yield* ipcBytes(encoder.schemaMessage());
  for await (const batch of batches) {
    for (const message of encoder.encode(batch)) yield* ipcBytes(message);
  }
  yield IPC_END;
}

/** A table as bytes of the IPC file format. Dictionaries that change become one that grows: a file cannot replace them. */
export async function* encodeArrowFile(
  schema: Schema,
  batches: Batches,
  metadata?: MetadataSource,
): AsyncGenerator<Uint8Array, void, undefined> {
  const dictionaries = new FileDictionaries(withMetadata(schema, await metadataOf(metadata, 'ahead')));
  const encoder = new MessageEncoder(dictionaries.schema, { dictionaries: 'grow' });
  const blocks = { dictionary: [] as FileBlock[], batch: [] as FileBlock[] };
  let at = FILE_START;
  const start = new Uint8Array(FILE_START);
  start.set(FILE_MAGIC);
  yield start;

  const emit = (message: IpcMessage): Uint8Array[] => {
    const parts = ipcBytes(message);
    const length = parts.reduce((sum, part) => sum + part.byteLength, 0);
    const kind = messageKind(message.header, 'output');
    if (kind === 'dictionary' || kind === 'batch')
      blocks[kind].push(new FileBlock(length - message.bodyLength, message.bodyLength, at));
    at += length;
    return parts;
  };
  yield* emit(encoder.schemaMessage());
  for await (const batch of batches) {
    for (const message of encoder.encode(dictionaries.unify(batch))) yield* emit(message);
  }
  yield IPC_END;
  const known = withMetadata(encoder.schema, await metadataOf(metadata, 'written'));
  const footer = Footer.encode(new Footer(known, undefined, blocks.batch, blocks.dictionary));
  yield footer;
  const length = new Uint8Array(4);
  new DataView(length.buffer).setInt32(0, footer.byteLength, true);
  yield length;
  yield FILE_MAGIC;
}

/** Gives each dictionary column of the top level one dictionary for all batches. */
class FileDictionaries {
  readonly schema: Schema;
  readonly #growing: readonly (GrowingDictionary | undefined)[];

  constructor(schema: Schema) {
    this.#growing = schema.fields.map((field) =>
      DataType.isDictionary(field.type) ? new GrowingDictionary(field.type, false) : undefined,
    );
    const fields = schema.fields.map(
      (field, i) => new Field(field.name, this.#growing[i]?.type ?? field.type, field.nullable, field.metadata),
    );
    this.schema = new Schema(fields, schema.metadata);
  }

  unify(batch: RecordBatch): RecordBatch {
    if (this.#growing.every((growing) => growing === undefined)) return batch;
    const columns = batch.data.children.map((data, i) => this.#growing[i]?.unify(data as Data<Dictionary>) ?? data);
    return recordBatch(this.schema, columns, batch.numRows);
  }
}
