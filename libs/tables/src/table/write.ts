import type { RecordBatch, Schema } from 'apache-arrow';
import { encodeTable } from './encode.js';
import { encodeParquet } from '../parquet/write/encode.js';
import type { PickedRows } from '../parquet/pick/picks.js';
import { type WrittenFormat, isGzipName } from './format.js';
import { gzip } from './gzip.js';
import type { MetadataSource } from './metadata.js';
import { diskFiles, type OutputFiles, type OutputOptions, writeFileOutput, writeStreamOutput } from './output.js';

export interface WriteOptions extends Omit<OutputOptions, 'beside'> {
  readonly format: WrittenFormat;
  readonly metadata?: MetadataSource;
  /** What is written to a file beside a regular file, with it or not at all. */
  readonly sidecar?: { readonly path: string; text(written: Written): string | Promise<string> };
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
  const { format, metadata, signal } = options;
  const count = { rowCount: 0 };
  const counted = new Tally(batches, ({ numRows }) => numRows, count, signal);
  // A source that cannot be read says so with its first rows: nothing is written before.
  const bytes = heldBack(encodeTable(format, schema, counted, { metadata, recycle: true }), () => counted.begun);
  const text = format === 'csv' || format === 'tsv' || format === 'jsonl';
  const gzipped = text && typeof output === 'string' && isGzipName(output);
  const byteCount = await writeBytes(output, gzipped ? gzip(bytes) : bytes, outputOptions(options, count), files);
  return { byteCount, ...count };
}

/** As `writeTable`, as Parquet, of rows that are gathered while they are encoded; each item becomes a row group. */
export async function writePickedRows(
  output: string | NodeJS.WritableStream,
  schema: Schema,
  groups: AsyncIterable<PickedRows>,
  options: Omit<WriteOptions, 'format'> = {},
  files: OutputFiles = diskFiles,
): Promise<Written> {
  const { metadata } = options;
  const count = { rowCount: 0 };
  // The signal ends the output, and with it the writer, which releases what it was given.
  const counted = new Tally(groups, ({ rowCount }) => rowCount, count, undefined);
  const byteCount = await writeBytes(
    output,
    encodeParquet(schema, counted, { metadata, recycle: true }),
    outputOptions(options, count),
    files,
  );
  return { byteCount, ...count };
}

/** The items of `source`, their rows added to `count`. */
class Tally<T> implements AsyncIterable<T> {
  /** Whether the source has given its first item, or none at all. */
  begun = false;

  constructor(
    private readonly source: AsyncIterable<T>,
    private readonly rowCountOf: (item: T) => number,
    private readonly count: { rowCount: number },
    private readonly signal: AbortSignal | undefined,
  ) {}

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for await (const item of this.source) {
      this.begun = true;
      this.signal?.throwIfAborted();
      this.count.rowCount += this.rowCountOf(item);
      yield item;
    }
    this.begun = true;
  }
}

/** The same bytes, but none before `begun` holds. */
async function* heldBack(
  bytes: AsyncIterable<Uint8Array>,
  begun: () => boolean,
): AsyncGenerator<Uint8Array, void, undefined> {
  const held: Uint8Array[] = [];
  for await (const piece of bytes) {
    // The writer may use the memory of a piece again when it is asked for the next.
    if (!begun()) held.push(piece.slice());
    else {
      yield* held.splice(0);
      yield piece;
    }
  }
  yield* held;
}

function outputOptions(
  { overwrite, signal, sidecar }: Omit<WriteOptions, 'format'>,
  count: { readonly rowCount: number },
): OutputOptions {
  const beside = sidecar && {
    path: sidecar.path,
    bytes: async (byteCount: number) => new TextEncoder().encode(await sidecar.text({ ...count, byteCount })),
  };
  return { overwrite, signal, beside };
}

function writeBytes(
  output: string | NodeJS.WritableStream,
  bytes: AsyncIterable<Uint8Array>,
  options: OutputOptions,
  files: OutputFiles,
): Promise<number> {
  return typeof output === 'string'
    ? writeFileOutput(output, bytes, options, files)
    : writeStreamOutput(output, bytes, options);
}
