import { isProblem } from '@armilla/base';
import { DataType, Field, Schema } from 'apache-arrow';
import { MessageDecoder } from '../arrow/decoder.js';
import { MessageEncoder } from '../arrow/encoder.js';
import { IPC_END, ipcBytes } from '../arrow/message.js';
import { IpcSplitter } from '../arrow/splitter.js';
import type { Metadata } from '../table/metadata.js';

/** Where Arrow's writers keep the schema of the table, and with it the metadata of its fields (unit, ucd). */
export const ARROW_SCHEMA_KEY = 'ARROW:schema';

/** Field metadata by column name; none where there is no Arrow schema or it cannot be read: the table does not depend on it. */
export function arrowFieldMetadata(keyValues: ReadonlyMap<string, string>): Map<string, Map<string, string>> {
  const found = new Map<string, Map<string, string>>();
  const text = keyValues.get(ARROW_SCHEMA_KEY);
  if (text === undefined) return found;
  try {
    const decoder = new MessageDecoder({ where: ARROW_SCHEMA_KEY });
    for (const message of new IpcSplitter({ where: ARROW_SCHEMA_KEY }).push(Buffer.from(text, 'base64')))
      decoder.decode(message);
    for (const field of decoder.schema?.fields ?? [])
      if (field.metadata.size > 0) found.set(field.name, field.metadata);
  } catch (error) {
    if (!isProblem(error)) throw error;
  }
  return found;
}

/** The key-values of a file: those of the table and `added`, and where fields have metadata the Arrow schema. */
export function metadataKeyValues(schema: Schema, added: Metadata): Map<string, string> {
  const keyValues = new Map([...schema.metadata, ...Object.entries(added)]);
  keyValues.delete(ARROW_SCHEMA_KEY);
  const arrowSchema = encodedSchema(schema, keyValues);
  if (arrowSchema !== undefined) keyValues.set(ARROW_SCHEMA_KEY, arrowSchema);
  return keyValues;
}

/**
 * The Arrow schema as Parquet keeps it, with the metadata of the table, which Arrow's readers take from here; undefined where
 * no field has metadata, for then the columns and the key-values of the file say everything.
 */
function encodedSchema(schema: Schema, metadata: ReadonlyMap<string, string>): string | undefined {
  if (schema.fields.every((field) => field.metadata.size === 0)) return undefined;
  const fields = schema.fields.map((field) => {
    const type: DataType = DataType.isDictionary(field.type) ? field.type.dictionary : field.type;
    return new Field(field.name, type, field.nullable, field.metadata);
  });
  const message = new MessageEncoder(new Schema(fields, new Map(metadata))).schemaMessage();
  return Buffer.concat([...ipcBytes(message), IPC_END]).toString('base64');
}
