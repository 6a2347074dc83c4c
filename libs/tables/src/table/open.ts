import { fail } from '@armilla/base';
import { type CsvOptions, type CsvSource, openCsv } from '../csv/reader.js';
import { openParquetIsolated } from '../parquet/isolated/reader.js';
import { openParquet } from '../parquet/read/reader.js';
import { FileSource, MemorySource } from '../parquet/source.js';
import { detectFormat, isGzip } from './detect.js';
import type { Format } from './format.js';
import { gunzip } from './gzip.js';
import { fileInput, type Input, peek, type Source, sourceInput } from './input.js';
import type { TableReader } from './reader.js';

const HEAD_BYTES = 64 * 1024;

export interface OpenOptions extends CsvOptions {
  /** Read as this format; found by content when left out. */
  readonly format?: Format;
  /** The columns that will be read, where a format wants to know beforehand; all when left out. */
  readonly columns?: readonly string[];
  /** False for bytes from outside: Parquet is then decoded in a child process with limits. */
  readonly trusted?: boolean;
}

/** Opens a table: a path, or bytes or a stream with a name for messages. The format is found by content. */
export async function openTable(input: string | Source, options: OpenOptions = {}): Promise<TableReader> {
  return openInput(typeof input === 'string' ? await fileInput(input) : sourceInput(input), options);
}

async function openInput(input: Input, options: OpenOptions): Promise<TableReader> {
  const { where } = input;
  const raw = await peek(input.open(options.signal), HEAD_BYTES);
  const zipped = isGzip(raw.head);
  const inner = zipped ? await peek(gunzip(raw.rest, where), HEAD_BYTES) : raw;
  const format = options.format ?? detectFormat(inner.head, inner.complete, where);
  // A file is read from its start again; a stream goes on behind the head.
  if (input.repeatable) await inner.close();
  const open = !input.repeatable
    ? () => inner.rest
    : zipped
      ? (signal?: AbortSignal) => gunzip(input.open(signal), where)
      : (signal?: AbortSignal) => input.open(signal);
  switch (format) {
    case 'csv':
    case 'tsv': {
      const source: CsvSource = { where, repeatable: input.repeatable, open };
      return openCsv(source, format === 'tsv' && options.format === 'tsv' ? { delimiter: '\t', ...options } : options);
    }
    case 'parquet': {
      if (zipped) throw fail('FORMAT_UNKNOWN', { where, detail: 'gzipped Parquet; unzip it first' });
      if (options.trusted === false || !input.repeatable) {
        const { columns } = options;
        return openParquetIsolated(input.path !== undefined ? { path: input.path } : { stream: open(options.signal) }, { where, columns });
      }
      if (input.path !== undefined) return openParquet(await FileSource.open(input.path), { where, columns: options.columns });
      if (input.bytes !== undefined) return openParquet(new MemorySource(input.bytes), { where, columns: options.columns });
      throw fail('FORMAT_UNKNOWN', { where, detail: 'Parquet without bytes' });
    }
    default:
      throw fail('FORMAT_UNKNOWN', { where, detail: format });
  }
}
