import { fail, type Problem } from '@armilla/base';
import { openArrow } from '../arrow/open.js';
import { csvReader, type CsvOptions, type CsvShape, type CsvSource, openCsv, sniffCsv } from '../csv/reader.js';
import { openFits } from '../fits/reader.js';
import { findCatalog, type HatsCatalog } from '../hats/catalog.js';
import { HatsReader } from '../hats/reader.js';
import { openParquetIsolated } from '../parquet/isolated/reader.js';
import { openParquet } from '../parquet/read/reader.js';
import { FileSource, MemorySource } from '../parquet/source.js';
import { openVotable } from '../votable/reader.js';
import { checkSameSchema, ConcatReader } from './concat.js';
import { detectFormat, isGzip } from './detect.js';
import type { Format } from './format.js';
import { gunzip } from './gzip.js';
import { fileInput, type Input, peek, type Source, sourceInput } from './input.js';
import { expandPath } from './paths.js';
import { partsOf, type TablePart } from './provenance.js';
import type { TableReader } from './reader.js';

const HEAD_BYTES = 64 * 1024;

export interface OpenOptions extends CsvOptions {
  /** Read as this format; found by content when left out. */
  readonly format?: Format;
  /** The columns that will be read, where a format wants to know beforehand; all when left out. */
  readonly columns?: readonly string[];
  /** False for bytes from outside: Parquet is then decoded in a child process with limits. */
  readonly trusted?: boolean;
  /** The files of one table may be of different formats, with their columns in any order. */
  readonly mixed?: boolean;
}

/**
 * Opens a table: a path, glob, folder or HATS catalog, several of them as one table (files in name order, of the same columns), or bytes or a
 * stream with a name for messages. The format is found by content, never by name.
 */
export async function openTable(
  input: string | readonly string[] | Source,
  options: OpenOptions = {},
): Promise<TableReader> {
  if (typeof input !== 'string' && !isList(input)) return openInput(sourceInput(input), options);
  const given = typeof input === 'string' ? [input] : input;
  if (given.length === 0) throw fail('OPTION_INVALID', { field: 'input', expected: 'at least one file', got: 'none' });
  const entries = (await Promise.all(given.map(entriesOf))).flat();
  if (entries.length === 1) return openEntry(entries[0], options);
  return openFiles(given.join(', '), entries, options);
}

/** A file, or a catalog of many that is a table of its own. */
type Entry = string | HatsCatalog;

async function entriesOf(path: string): Promise<Entry[]> {
  const catalog = await findCatalog(path);
  return catalog ? [catalog] : expandPath(path);
}

async function openEntry(entry: Entry, options: OpenOptions): Promise<TableReader> {
  return typeof entry === 'string'
    ? openInput(await fileInput(entry), options)
    : HatsReader.open(entry, { signal: options.signal });
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
  if (found.format === 'fits')
    return openFits({ where, repeatable: input.repeatable, open: found.open }, options.signal);
  if (found.format === 'votable')
    return openVotable({ where, repeatable: input.repeatable, open: found.open }, options.signal);
  throw fail('FORMAT_UNKNOWN', { where, detail: 'JSON lines, which are written but not read' });
}

/** One of several inputs: a text whose columns were sniffed, or what is opened when its turn comes. */
type Member = { readonly source: CsvSource; readonly shape: CsvShape } | Opener;

/** Several files as one table. Types of CSV columns are sniffed on all files together. */
async function openFiles(where: string, entries: readonly Entry[], options: OpenOptions): Promise<TableReader> {
  const members: Member[] = [];
  const texts: { source: CsvSource; shape: CsvShape }[] = [];
  let first: { readonly where: string; readonly format: Format; readonly isText: boolean } | undefined;
  for (const entry of entries) {
    const input = typeof entry === 'string' ? await fileInput(entry) : undefined;
    // Of files of one binary format the first tells; the others are looked at when they are opened.
    const found = input && (first && !first.isText && !options.mixed ? undefined : await recognise(input, options));
    const seen = { where: input?.where ?? (entry as HatsCatalog).where, format: found?.format ?? 'parquet' };
    if (found?.csv) {
      if (first && !first.isText && !options.mixed) throw differs(seen, first);
      const text = { source: found.csv, shape: await sniffCsv(found.csv, csvOptions(found.format, options)) };
      texts.push(text);
      members.push(text);
    } else {
      if (first?.isText && !options.mixed) throw differs(seen, first);
      members.push(reopening(entry, input, options));
    }
    first ??= { ...seen, isText: found?.csv !== undefined };
  }
  const seen = new Map<string, number>();
  for (const { shape } of texts)
    shape.dialect.names.forEach((name, i) => seen.set(name, (seen.get(name) ?? 0) | shape.seen[i]));
  const openers = members.map((member): Opener => {
    if ('open' in member) return member;
    const { source, shape } = member;
    const together = Uint8Array.from(shape.dialect.names, (name) => seen.get(name) as number);
    const reader = csvReader(source, shape, together, options);
    return { open: () => Promise.resolve(reader), again: false };
  });
  return concatenated(where, openers, options);
}

interface Opener {
  open(): Promise<TableReader>;
  /** Whether each call opens the file anew; else all give the one reader of a text that was sniffed. */
  readonly again: boolean;
}

function differs(
  { where, format }: { readonly where: string; readonly format: Format },
  first: { readonly where: string; readonly format: Format },
): Problem {
  return fail('SCHEMAS_DIFFER', { where, first: first.where, detail: `it is ${format}, not ${first.format}` });
}

function reopening(entry: Entry, input: Input | undefined, options: OpenOptions): Opener {
  if (!input) return { open: () => openEntry(entry, options), again: true };
  if (input.repeatable) return { open: () => openInput(input, options), again: true };
  const detail = 'it is no regular file, and among several files it is read twice; write it to a file first';
  throw fail('INPUT_UNREADABLE', { where: input.where, detail });
}

/** Each file is looked at before the first row is given, but only one is open at a time. */
async function concatenated(where: string, openers: readonly Opener[], { mixed }: OpenOptions): Promise<TableReader> {
  const [opener, ...others] = openers;
  const first = await opener.open();
  try {
    let rowCount = first.rowCount;
    const parts: TablePart[] = [...partsOf(first)];
    for (const { open, again } of others) {
      const reader = await open();
      if (again) await reader.close();
      checkSameSchema(first, reader, mixed);
      parts.push(...partsOf(reader));
      rowCount = rowCount === undefined || reader.rowCount === undefined ? undefined : rowCount + reader.rowCount;
    }
    const openNext = others.map(({ open }) => open);
    return new ConcatReader(where, first, { rowCount, openNext, parts, columnsInAnyOrder: mixed });
  } catch (error) {
    await first.close();
    throw error;
  }
}
