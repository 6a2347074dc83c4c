import type { RecordBatch, Schema } from 'apache-arrow';
import { encodeArrowFile, encodeArrowStream } from '../arrow/write.js';
import { CsvWriter } from '../csv/writer.js';
import { encodeParquet } from '../parquet/write/encode.js';
import { type WrittenFormat, parseFormat } from './format.js';
import { JsonLinesWriter } from './jsonl.js';
import type { MetadataSource } from './metadata.js';

/** Rows formatted at a time, so that a batch of a million becomes many pieces. */
const SLICE_ROWS = 4096;

export interface EncodeOptions {
  /** Key-value metadata of the table, where the format has any. */
  readonly metadata?: MetadataSource;
  /** The reader is done with a piece when it asks for the next: its memory may be used again. */
  readonly recycle?: boolean;
}

/** The bytes of a whole table in `format`, as they come. An empty table still has its header or schema. */
export function encodeTable(
  format: WrittenFormat,
  schema: Schema,
  batches: AsyncIterable<RecordBatch>,
  options: EncodeOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  switch (parseFormat(format)) {
    case 'csv':
      return encodeLines(new CsvWriter(schema), batches);
    case 'tsv':
      return encodeLines(new CsvWriter(schema, { delimiter: '\t' }), batches);
    case 'jsonl':
      return encodeLines(new JsonLinesWriter(schema), batches);
    case 'parquet':
      return encodeParquet(schema, batches, options);
    case 'arrow-stream':
      return encodeArrowStream(schema, batches, options.metadata);
    case 'arrow-file':
      return encodeArrowFile(schema, batches, options.metadata);
  }
}

interface LineWriter {
  header?(): Uint8Array;
  encode(batch: RecordBatch, from: number, to: number): Uint8Array;
}

async function* encodeLines(
  writer: LineWriter,
  batches: AsyncIterable<RecordBatch>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const header = writer.header?.();
  if (header !== undefined) yield header;
  for await (const batch of batches) {
    for (let row = 0; row < batch.numRows; row += SLICE_ROWS)
      yield writer.encode(batch, row, Math.min(row + SLICE_ROWS, batch.numRows));
  }
}
