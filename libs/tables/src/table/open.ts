import { fail } from '@armilla/base';
import { openArrow } from '../arrow/open.js';
import { csvReader, type CsvOptions, type CsvShape, type CsvSource, openCsv, sniffCsv } from '../csv/reader.js';
import { openParquetIsolated } from '../parquet/isolated/reader.js';
import { openParquet } from '../parquet/read/reader.js';
import { FileSource, MemorySource } from '../parquet/source.js';
import { checkSameSchema, ConcatReader } from './concat.js';
import { detectFormat, isGzip } from './detect.js';
import type { Format } from './format.js';
import { gunzip } from './gzip.js';
import { fileInput, type Input, peek, type Source, sourceInput } from './input.js';
import { expandPath } from './paths.js';
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

/**
 * Opens a table: a path, glob or folder, several of them as one table (files in name order, of the same columns), or bytes or a stream
 * with a name for messages. The format is found by content, never by name.
 */
export async function openTable(
  input: string | readonly string[] | Source,
  options: OpenOptions = {},
): Promise<TableReader> {
  if (typeof input !== 'string' && !isList(input)) return openInput(sourceInput(input), options);
  const given = typeof input === 'string' ? [input] : input;
  if (given.length === 0) throw fail('OPTION_INVALID', { field: 'input', expected: 'at least one file', got: 'none' });
  const paths = (await Promise.all(given.map(expandPath))).flat();
  if (paths.length === 1) return openInput(await fileInput(paths[0]), options);
  return openFiles(given.join(', '), paths, options);
}

const isList = (input: readonly string[] | Source): input is readonly string[] => Array.isArray(input);

async function openInput(input: Input, options: OpenOptions): Promise<TableReader> {
  const found = await recognise(input, options);
  if (found.csv !== undefined) return openCsv(found.csv, csvOptions(found.format, options));
  return openBinary(input, found, options);
}

interface Recognised {
  readonly format: Format;
  readonly zipped: boolean;
  /** The bytes as CSV, where they are. */
  readonly csv: CsvSource | undefined;
  open(signal?: AbortSignal): AsyncIterable<Uint8Array>;
}

async function recognise(input: Input, options: OpenOptions): Promise<Recognised> {
  const { where } = input;
  const raw = await peek(input.open(options.signal), HEAD_BYTES);
  const zipped = isGzip(raw.head);
  const inner = zipped ? await peek(gunzip(raw.rest, where), HEAD_BYTES) : raw;
  const format = options.format ?? (await closing(inner, () => detectFormat(inner.head, inner.complete, where)));
  // A file is read from its start again; a stream goes on behind the head.
  if (input.repeatable) await inner.close();
  const again = (signal?: AbortSignal): AsyncIterable<Uint8Array> =>
    zipped ? gunzip(input.open(signal), where) : input.open(signal);
  const open = input.repeatable ? again : () => inner.rest;
  const text = format === 'csv' || format === 'tsv';
  return {
    format,
    zipped,
    csv: text ? { where, repeatable: input.repeatable, costly: zipped, open } : undefined,
    open,
  };
}

/** Gives the source back when it is no table. */
async function closing<T>(source: { close(): Promise<void> }, use: () => T): Promise<T> {
  try {
    return use();
  } catch (error) {
    await source.close();
    throw error;
  }
}

function csvOptions(format: Format, options: OpenOptions): OpenOptions {
  return format === 'tsv' && options.delimiter === undefined ? { ...options, delimiter: '\t' } : options;
}

async function openBinary(input: Input, found: Recognised, options: OpenOptions): Promise<TableReader> {
  const { where } = input;
  if (options.typesWhereThere !== true && Object.keys(options.types ?? {}).length > 0) {
    throw fail('OPTIONS_CONFLICT', {
      detail: `${where}: types can be given for CSV and TSV only; ${found.format} has types of its own`,
    });
  }
  if (found.format === 'parquet') {
    if (found.zipped) throw fail('FORMAT_UNKNOWN', { where, detail: 'gzipped Parquet; unzip it first' });
    const { columns } = options;
    if (options.trusted === false || !input.repeatable) {
      const foreign = input.path === undefined ? { stream: found.open(options.signal) } : { path: input.path };
      return openParquetIsolated(foreign, { where, columns });
    }
    const source =
      input.path === undefined ? new MemorySource(input.bytes as Uint8Array) : await FileSource.open(input.path);
    return openParquet(source, { where, columns });
  }
  if (found.format === 'arrow-stream' || found.format === 'arrow-file') {
    const { signal } = options;
    if (found.zipped || !input.repeatable) return openArrow({ name: where, stream: found.open(signal) }, { signal });
    const source =
      input.path === undefined ? new MemorySource(input.bytes as Uint8Array) : await FileSource.open(input.path);
    try {
      return await openArrow({ name: where, source }, { signal });
    } catch (error) {
      await source.close();
      throw error;
    }
  }
  throw fail('FORMAT_UNKNOWN', { where, detail: 'JSON lines, which are written but not read' });
}

/** Several files as one table. Types of CSV files are sniffed on all of them together. */
async function openFiles(where: string, paths: readonly string[], options: OpenOptions): Promise<TableReader> {
  const inputs = await Promise.all(paths.map(fileInput));
  const first = await recognise(inputs[0], options);
  if (first.csv === undefined) return openBinaryFiles(where, inputs, options);
  const parts: { source: CsvSource; shape: CsvShape }[] = [];
  for (const [index, input] of inputs.entries()) {
    const found = index === 0 ? first : await recognise(input, options);
    if (found.csv === undefined) {
      throw fail('SCHEMAS_DIFFER', {
        where: input.where,
        first: inputs[0].where,
        detail: `it is ${found.format}, not ${first.format}`,
      });
    }
    parts.push({ source: found.csv, shape: await sniffCsv(found.csv, csvOptions(found.format, options)) });
  }
  const names = JSON.stringify(parts[0].shape.dialect.names);
  const seen = new Uint8Array(parts[0].shape.seen.length);
  for (const { shape } of parts) {
    // Other names are told apart below, by the readers' schemas.
    if (JSON.stringify(shape.dialect.names) === names) shape.seen.forEach((bits, column) => (seen[column] |= bits));
  }
  const readers = parts.map(({ source, shape }) =>
    csvReader(source, shape, JSON.stringify(shape.dialect.names) === names ? seen : shape.seen, options),
  );
  for (const reader of readers) checkSameSchema(readers[0], reader);
  const rowCount = readers.reduce<number | undefined>(
    (sum, reader) => (sum === undefined || reader.rowCount === undefined ? undefined : sum + reader.rowCount),
    0,
  );
  return new ConcatReader(
    where,
    readers[0],
    rowCount,
    readers.slice(1).map((reader) => () => Promise.resolve(reader)),
  );
}

/** Each file is looked at before the first row is given, but only one is open at a time. */
async function openBinaryFiles(where: string, inputs: readonly Input[], options: OpenOptions): Promise<TableReader> {
  const first = await openInput(inputs[0], options);
  try {
    let rowCount = first.rowCount;
    for (const input of inputs.slice(1)) {
      const reader = await openInput(input, options);
      await reader.close();
      checkSameSchema(first, reader);
      rowCount = rowCount === undefined || reader.rowCount === undefined ? undefined : rowCount + reader.rowCount;
    }
    return new ConcatReader(
      where,
      first,
      rowCount,
      inputs.slice(1).map((input) => () => openInput(input, options)),
    );
  } catch (error) {
    await first.close();
    throw error;
  }
}
