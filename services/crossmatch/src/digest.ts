import { createHash } from 'node:crypto';
import { type Data, DataType } from 'apache-arrow';
import { breathe } from './ahead.js';
import type { CatalogTable } from './catalog-table.js';

/** Bytes hashed between two breaths of the serving thread: about 2 ms. */
const SLICE_BYTES = 2 ** 22;

/** SHA-256 of a table's schema and values, hexadecimal: equal for equal tables, however they were cut into batches. */
export async function contentDigest(table: CatalogTable, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  const { schema } = table;
  hash.update(JSON.stringify(schema.fields.map(({ name, type, metadata }) => [name, String(type), [...metadata]])));
  hash.update(`${table.rowCount}`);
  for (const data of table.payload.columns) {
    for (const bytes of bytesOf(data)) {
      for (let at = 0; at < bytes.byteLength; at += SLICE_BYTES) {
        hash.update(bytes.subarray(at, at + SLICE_BYTES));
        await breathe(signal);
      }
    }
  }
  return hash.digest('hex');
}

/** Validity, offsets and values of a column and its children, trimmed to its length. */
function* bytesOf(data: Data): Generator<Uint8Array> {
  const { length, nullCount, type } = data;
  if (nullCount > 0) yield data.nullBitmap.subarray(0, (length + 7) >> 3);
  if (data.valueOffsets) yield raw(data.valueOffsets.subarray(0, length + 1));
  if (data.values) {
    const values = data.values as Uint8Array;
    if (DataType.isUtf8(type) || DataType.isBinary(type)) yield raw(values.subarray(0, data.valueOffsets[length]));
    else if (DataType.isBool(type)) yield raw(values.subarray(0, (length + 7) >> 3));
    else yield raw(values.subarray(0, length * data.stride));
  }
  for (const child of data.children) yield* bytesOf(child);
  if (DataType.isDictionary(type)) for (const piece of data.dictionary?.data ?? []) yield* bytesOf(piece);
}

function raw(values: { buffer: ArrayBufferLike; byteOffset: number; byteLength: number }): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
