import type { RecordBatch, Schema } from 'apache-arrow';
import { fail } from '@armilla/base';
import { CsvWriter } from '../csv/writer.js';
import { encodeParquet } from '../parquet/write/encode.js';
import { type Format, FORMATS } from './format.js';
import { JsonLinesWriter } from './jsonl.js';

/** Rows formatted at a time, so that a batch of a million becomes many pieces. */
const SLICE_ROWS = 16_384;

export interface EncodeOptions {
  /** Key-value metadata of the table, where the format has any. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** The reader is done with a piece when it asks for the next: its memory is used again. */
  readonly recycle?: boolean;
}

/** The bytes of a whole table in `format`, as they come. An empty table still has its header or schema. */
export async function* encodeTable(
  format: Format,
  schema: Schema,
  batches: AsyncIterable<RecordBatch>,
  options: EncodeOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  switch (format) {
    case 'csv':
    case 'tsv': {
      const writer = new CsvWriter(schema, { delimiter: format === 'tsv' ? '\t' : ',' });
      yield writer.header();
      for await (const batch of batches) {
        for (let row = 0; row < batch.numRows; row += SLICE_ROWS)
          yield writer.encode(batch, row, Math.min(row + SLICE_ROWS, batch.numRows));
      }
      return;
    }
    case 'jsonl': {
      const writer = new JsonLinesWriter(schema);
      for await (const batch of batches) {
        for (let row = 0; row < batch.numRows; row += SLICE_ROWS)
          yield writer.encode(batch, row, Math.min(row + SLICE_ROWS, batch.numRows));
      }
      return;
    }
    case 'parquet':
      yield* encodeParquet(schema, batches, options);
      return;
    default:
      throw fail('FORMAT_NOT_WRITABLE', { got: format, known: FORMATS.join(', ') });
  }
}
