import type { RecordBatch, Schema } from 'apache-arrow';
import { encodeTable } from './encode.js';
import { type Format, isGzipName } from './format.js';
import { gzip } from './gzip.js';
import { diskFiles, type OutputFiles, type OutputOptions, writeFileOutput, writeStreamOutput } from './output.js';

export interface WriteOptions extends OutputOptions {
  readonly format: Format;
  readonly metadata?: Readonly<Record<string, string>>;
}

export interface Written {
  readonly rowCount: number;
  readonly byteCount: number;
}

/**
 * Writes a table to a file (whole or not at all; CSV, TSV and JSON lines gzipped where the name ends in `.gz`), to a pipe or device in place, or
 * to a stream, which stays open. OUTPUT_EXISTS, OUTPUT_NOT_CREATED, OUTPUT_WRITE_FAILED.
 */
export async function writeTable(
  output: string | NodeJS.WritableStream,
  schema: Schema,
  batches: AsyncIterable<RecordBatch>,
  options: WriteOptions,
  files: OutputFiles = diskFiles,
): Promise<Written> {
  let rowCount = 0;
  const counted = async function* (): AsyncGenerator<RecordBatch, void, undefined> {
    for await (const batch of batches) {
      options.signal?.throwIfAborted();
      rowCount += batch.numRows;
      yield batch;
    }
  };
  const bytes = encodeTable(options.format, schema, counted(), { metadata: options.metadata, recycle: true });
  if (typeof output !== 'string') return { byteCount: await writeStreamOutput(output, bytes, options), rowCount };
  const text = options.format === 'csv' || options.format === 'tsv' || options.format === 'jsonl';
  const byteCount = await writeFileOutput(output, text && isGzipName(output) ? gzip(bytes) : bytes, options, files);
  return { byteCount, rowCount };
}
