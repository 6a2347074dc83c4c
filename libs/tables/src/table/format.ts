import { extname } from 'node:path';
import { fail } from '@armilla/base';

/** How a table is written; `tsv` is CSV with tabs, `jsonl` (JSON lines) is written only. */
export type WrittenFormat = 'arrow-stream' | 'arrow-file' | 'parquet' | 'csv' | 'tsv' | 'jsonl';

/** How a table is written down; `fits` and `votable` are read only. */
export type Format = WrittenFormat | 'fits' | 'votable';

/** The formats that are written, in the order in which messages list them. */
export const FORMATS: readonly WrittenFormat[] = ['arrow-stream', 'arrow-file', 'parquet', 'csv', 'tsv', 'jsonl'];

const OF_EXTENSION: Readonly<Record<string, Format>> = {
  '.arrow': 'arrow-file',
  '.arrows': 'arrow-stream',
  '.csv': 'csv',
  '.ecsv': 'csv',
  '.feather': 'arrow-file',
  '.fit': 'fits',
  '.fits': 'fits',
  '.fts': 'fits',
  '.ipc': 'arrow-file',
  '.jsonl': 'jsonl',
  '.ndjson': 'jsonl',
  '.parq': 'parquet',
  '.parquet': 'parquet',
  '.pq': 'parquet',
  '.tab': 'tsv',
  '.tsv': 'tsv',
  '.vot': 'votable',
  '.votable': 'votable',
};

const OF_MEDIA_TYPE: Readonly<Record<string, Format>> = {
  'application/jsonl': 'jsonl',
  'application/parquet': 'parquet',
  'application/vnd.apache.arrow.file': 'arrow-file',
  'application/vnd.apache.arrow.stream': 'arrow-stream',
  'application/vnd.apache.parquet': 'parquet',
  'application/x-ndjson': 'jsonl',
  'application/x-parquet': 'parquet',
  'text/csv': 'csv',
  'text/tab-separated-values': 'tsv',
};

const MEDIA_TYPES: Readonly<Record<WrittenFormat, string>> = {
  'arrow-stream': 'application/vnd.apache.arrow.stream',
  'arrow-file': 'application/vnd.apache.arrow.file',
  parquet: 'application/vnd.apache.parquet',
  csv: 'text/csv; charset=utf-8; header=present',
  tsv: 'text/tab-separated-values; charset=utf-8',
  jsonl: 'application/x-ndjson',
};

/** True for a name that ends in `.gz`: its bytes are gzipped whatever the format below. */
export function isGzipName(path: string): boolean {
  return path.toLowerCase().endsWith('.gz');
}

/** The format that the end of a file's name promises, `.gz` left aside; used for outputs and for folders, never for inputs. */
export function formatOfName(path: string): Format | undefined {
  const name = path.toLowerCase();
  return OF_EXTENSION[extname(isGzipName(name) ? name.slice(0, -3) : name)];
}

/** The format of a media type, its parameters left aside. */
export function formatOfMediaType(type: string): Format | undefined {
  return OF_MEDIA_TYPE[type.split(';', 1)[0].trim().toLowerCase()];
}

/** The media type that says a format, with its parameters; FORMAT_NOT_WRITABLE for an unknown one. */
export function mediaTypeOf(format: string): string {
  return MEDIA_TYPES[parseFormat(format)];
}

/** A format to write by its name; FORMAT_NOT_WRITABLE for any other. */
export function parseFormat(text: string): WrittenFormat {
  const format = FORMATS.find((known) => known === text);
  if (format === undefined) throw fail('FORMAT_NOT_WRITABLE', { got: text, known: FORMATS.join(', ') });
  return format;
}
